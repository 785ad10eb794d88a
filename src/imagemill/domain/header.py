"""What a file says of itself before any pixel is decoded."""

from dataclasses import dataclass

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size


@dataclass(frozen=True, slots=True)
class Header:
    """The facts in an image's header.

    Args:
        format: what the bytes are.
        size: of one frame, as a viewer shows it: after the EXIF orientation is applied.
        frames: 1 for a still image.
        alpha: whether it has a transparency channel.
    """

    format: ImageFormat
    size: Size
    frames: int
    alpha: bool

    @property
    def pixels(self) -> int:
        """What there is to decode: width × height × frames."""
        return self.size.pixels * self.frames
