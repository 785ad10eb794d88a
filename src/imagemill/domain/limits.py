"""How much an image may ask of the service. The numbers come from the settings; the checks are here."""

from dataclasses import dataclass

from imagemill.domain.header import Header
from imagemill.errors import EmptyImage, ImageTooLarge, TooManyPixels

MAX_OUTPUTS = 20
"""Outputs that one job may make."""

MAX_SIDE = 1_000_000
"""Pixels of an original's width or height: as much as libvips can make one pixel of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one image may cost.

    Args:
        image_bytes: size of the file as sent, after base64 is undone.
        pixels: width × height × frames of the original.
        output_pixels: width × height of each output.
        frames: of an animation, or pages of a document; they cost something before any pixel is decoded.
    """

    image_bytes: int
    pixels: int
    output_pixels: int
    frames: int

    def check_bytes(self, size: int) -> None:
        """Refuse an image of zero bytes or of more than `image_bytes`."""
        if size == 0:
            raise EmptyImage("The image has zero bytes.")
        if size > self.image_bytes:
            raise self.too_large()

    def too_large(self) -> ImageTooLarge:
        """The error for an image over `image_bytes`, for a reader that stops before it has seen it all."""
        return ImageTooLarge(f"An image may have at most {self.image_bytes:,} bytes.")

    def check_frames(self, frames: int) -> None:
        """Refuse an image of more than `frames`."""
        if frames > self.frames:
            raise TooManyPixels(f"An image may have at most {self.frames:,} frames or pages.")

    def check_header(self, header: Header) -> None:
        """Refuse an image whose header announces more than `frames`, `pixels` or MAX_SIDE, before any is decoded."""
        self.check_frames(header.frames)
        if max(header.size.width, header.size.height) > MAX_SIDE:
            raise TooManyPixels(f"A side of an image may be at most {MAX_SIDE:,} pixels.")
        if header.pixels > self.pixels:
            raise TooManyPixels(f"Width × height × frames may be at most {self.pixels:,} pixels.")
