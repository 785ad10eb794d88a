"""The port of the engine: bytes into pixels and back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.ports.objects import Bytes
from imagemill.domain.prospect import Prospect
from imagemill.domain.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Rendered:
    """One output as it leaves the engine.

    Args:
        name: as the recipe calls it.
        format: what the bytes are.
        size: in pixels, of one frame.
        data: the file.
        quality: that it was written with, 1…100; None where the format has no such dial.
        score: its likeness to the lossless picture, 0…1; None where nobody asked for it to be measured.
        frames: 1 for a still picture.
        encode_seconds: of the time that making it took, the encoder's.
        placeholder: what to show until the picture has loaded; None where none was asked for.
        dominant_color: as `#rrggbb`; None where nobody asked, or all is clear.
    """

    name: str
    format: ImageFormat
    size: Size
    data: bytes
    quality: int | None = None
    score: float | None = None
    frames: int = 1
    encode_seconds: float = field(default=0.0, compare=False)
    placeholder: str | None = None
    dominant_color: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What an engine holds of this process's memory.

    Args:
        bytes: right now.
        peak_bytes: the most so far.
    """

    bytes: int
    peak_bytes: int


NO_MARKS: Mapping[UUID, Bytes] = MappingProxyType({})
"""What a recipe without a watermark needs."""


class ImageEngine(Protocol):
    """Turns bytes into pixels and back.

    Raises:
        UnsupportedImage, CorruptImage, TooManyPixels: the image's fault.
        InvalidOptions: the recipe asks for what cannot be done to this image, or for a text that leaves no ink.
        OutputTooLarge: the recipe asks for fewer bytes than any quality gives.
        MemoryLimitExceeded: there was not enough memory.
        RenderFailed: an encoder refused.
    """

    def probe(self, data: Bytes) -> Header:
        """Read the header; decodes no pixel."""
        ...

    def render(
        self,
        data: Bytes,
        recipe: Recipe,
        go_on: Callable[[], None] = lambda: None,
        marks: Mapping[UUID, Bytes] = NO_MARKS,
    ) -> Iterator[Rendered]:
        """Make the recipe's outputs in its order, from one decode, yielding each as soon as it is made.

        Where an output asks for `widths` there are several, by its `names`.

        Args:
            data: the image.
            recipe: what to make.
            go_on: called before every further frame or attempt at an output; whatever it raises ends the work.
            marks: the files of its watermarks, by the token that the recipe names.
        """
        ...

    def foresee(self, data: Bytes, header: Header, recipe: Recipe) -> tuple[Prospect, ...]:
        """What `render` would make, in the recipe's order; decodes no pixel.

        Args:
            data: the image.
            header: of it, as `probe` found it, and within the limits.
            recipe: what would be made, of which the source has been checked.
        """
        ...

    def memory(self) -> Memory:
        """What the engine holds; costs microseconds."""
        ...
