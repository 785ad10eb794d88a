"""What a step may know of the output that it works for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from imagemill.domain.colours import BLUR, colour_channels
from imagemill.domain.encoding import Metadata, Profile
from imagemill.domain.formats import FACTS, FormatFacts
from imagemill.domain.framing import Framing
from imagemill.domain.geometry import Box
from imagemill.domain.header import Header
from imagemill.domain.output import Output
from imagemill.domain.ports import Bytes

Colour = tuple[int, int, int, int]
"""Red, green, blue and alpha, each 0…255."""

Marks = Mapping[UUID, tuple[Bytes, Header]]
"""Files of watermarks with their headers."""


@dataclass(frozen=True, slots=True)
class Context:
    """The output that a step works for.

    Args:
        output: what the client asked for, without what it says of the file.
        framing: what to cut, and the sizes to scale to and to fill.
        alpha: whether the output's format can hold transparency.
        background: the colour asked for; None if none was. Opaque where the format holds no transparency.
        metadata: which texts go with the picture.
        profile_kept: whether the colour profile does, so that colours stay as they are.
        cut: `framing.cut` in the picture as it lies in the file and was opened, perhaps smaller and on its side.
        marks: watermarks, by the token of the job that made them: each a file and its header.
        frames: of the picture; above 1 every one of them is a picture that is treated like the others.
    """

    output: Output
    framing: Framing
    alpha: bool
    background: Colour | None
    metadata: Metadata = Metadata.NONE
    profile_kept: bool = False
    cut: Box | None = None
    marks: Marks = field(default_factory=dict)
    frames: int = 1

    @classmethod
    def of(cls, output: Output, header: Header, framing: Framing, marks: Marks, *, grey: bool) -> Self:
        """The context of one output of a source with this header, which is grey or has colours."""
        formats = output.formats_for(header)
        alpha = any(FACTS[format].alpha for format in formats)
        colour = None if output.background in (None, BLUR) else colour_channels(str(output.background))
        return cls(
            output.pictured,
            framing,
            alpha,
            colour if alpha or colour is None else _on_white(colour),
            output.metadata,
            output.profile is Profile.KEEP and all(_holds_profile(FACTS[format], grey=grey) for format in formats),
            marks=marks,
            frames=output.frames_for(header),
        )

    @property
    def backdrop(self) -> Colour:
        """The colour of what no picture covers: `background`; without it clear, or white if the format has no alpha."""
        return self.background or ((0, 0, 0, 0) if self.alpha else (255, 255, 255, 255))

    @property
    def blurred(self) -> bool:
        """Whether a blurred copy of the picture lies behind it."""
        return self.output.background == BLUR

    @property
    def grey(self) -> bool:
        """Whether nothing of ours brings colours into a grey picture."""
        red, green, blue, _ = self.backdrop
        return red == green == blue

    def pixels(self, length: float) -> float:
        """A length in CSS pixels as device pixels."""
        return length * float(self.output.dpr)


def _holds_profile(facts: FormatFacts, *, grey: bool) -> bool:
    # A profile of greys tells nothing of the three bands that grey becomes elsewhere.
    return facts.tagged and (facts.greys or not grey)


def _on_white(colour: Colour) -> Colour:
    red, green, blue, alpha = colour
    red, green, blue = (255 + round((channel - 255) * alpha / 255) for channel in (red, green, blue))
    return red, green, blue, 255
