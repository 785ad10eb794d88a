"""What a step may know of the output that it works for."""

from dataclasses import dataclass
from typing import Self

from imagemill.domain.encoding import Metadata, Profile
from imagemill.domain.formats import FACTS
from imagemill.domain.geometry import Framing
from imagemill.domain.header import Header
from imagemill.domain.options import colour_channels
from imagemill.domain.recipe import Output

Colour = tuple[int, int, int, int]
"""Red, green, blue and alpha, each 0…255."""


@dataclass(frozen=True, slots=True)
class Context:
    """The output that a step works for.

    Args:
        framing: what to cut, and the sizes to scale to and to fill.
        alpha: whether the output's format can hold transparency.
        background: the colour asked for; None if none was. Opaque where the format holds no transparency.
        metadata: which texts go with the picture.
        profile_kept: whether the colour profile does, so that colours stay as they are.
    """

    framing: Framing
    alpha: bool
    background: Colour | None
    metadata: Metadata = Metadata.NONE
    profile_kept: bool = False

    @classmethod
    def of(cls, output: Output, header: Header, framing: Framing) -> Self:
        """The context of one output of a source with this header."""
        formats = output.formats_for(header)
        alpha = any(FACTS[format].alpha for format in formats)
        colour = colour_channels(output.background) if output.background else None
        return cls(
            framing,
            alpha,
            colour if alpha or colour is None else _on_white(colour),
            output.metadata,
            output.profile is Profile.KEEP and all(FACTS[format].tagged for format in formats),
        )

    @property
    def backdrop(self) -> Colour:
        """The colour of what no picture covers: `background`; without it clear, or white if the format has no alpha."""
        return self.background or ((0, 0, 0, 0) if self.alpha else (255, 255, 255, 255))


def _on_white(colour: Colour) -> Colour:
    red, green, blue, alpha = colour
    red, green, blue = (255 + round((channel - 255) * alpha / 255) for channel in (red, green, blue))
    return red, green, blue, 255
