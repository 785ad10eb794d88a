"""Which part of a file's picture an output is made of, and how much smaller the file may be opened for it.

A client speaks of the picture as it is seen; here that becomes a place in the picture as it is stored, so that it
can be cut while it is read, row by row, and the rest is never kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from imagemill.domain.formats import ImageFormat
from imagemill.domain.framing import Framing, frame
from imagemill.domain.geometry import Box, Size
from imagemill.domain.header import Header
from imagemill.domain.output import Output
from imagemill.domain.ports import Bytes
from imagemill.domain.turning import ORIENTATIONS, Turn
from imagemill.engine import reading, vips
from imagemill.engine.steps.colour import is_grey
from imagemill.engine.steps.crop import cut
from imagemill.engine.steps.trim import trim

LEFT_BY_LOADER = Fraction(7, 4)
"""How many times larger than needed a codec's coarse shrinking may leave a picture at least; a finer filter does the
rest. libvips' own thumbnails keep 2, imgproxy and sharp go down to 1; measured in decision 0018."""

LOST_BY_LOADER = Fraction(3, 20)
"""Pixels of the output by which what is left may be stretched at an edge for the rows that a JPEG read 4 or 8 times
smaller loses there. Read larger it takes a sixth more time; measured in decision 0018."""


def framing_of(output: Output, header: Header, region: Box | None, max_pixels: int) -> Framing:
    """How a source becomes an output.

    Args:
        output: what is asked for.
        header: of the source.
        region: the part of it that is asked for; None if it is all.
        max_pixels: limit of the output's width × height.
    """
    aim = output.aim(max(1, max_pixels))
    if header.format is ImageFormat.SVG:
        aim = replace(aim, enlarge=True)  # a drawing has every size
    return frame(region.size if region else header.size, aim).within(region)


def shrink_on_load(format: ImageFormat, reduction: Fraction) -> int:
    """How many times smaller to open a picture that is to become `reduction` times smaller.

    Codecs shrink fast and coarsely, so LEFT_BY_LOADER stays for a better filter to work on.
    """
    if format not in (ImageFormat.JPEG, ImageFormat.WEBP):
        return 1
    return next((factor for factor in (8, 4, 2) if reduction >= LEFT_BY_LOADER * factor), 1)


class Cutting:
    """The cuts of one file. What has been looked at is remembered: outputs of one job often share it."""

    def __init__(self, data: Bytes, header: Header) -> None:
        self._data = data
        self._header = header
        self._trimmed: dict[tuple[Box | None, int], Box] = {}

    def region(self, output: Output) -> Box | None:
        """The part that an output asks for by `crop` and `trim`, as a viewer sees it; None if it is all.

        Raises:
            InvalidOptions: the crop lies outside of the picture.
            CorruptImage, MemoryLimitExceeded: the border could not be looked at.
        """
        region = output.region(self._header.size)
        if output.trim is None:
            return region
        asked = (region, output.trim)
        if asked not in self._trimmed:
            self._trimmed[asked] = self._trim(region or Box(0, 0, self._header.size), output.trim)
        found = self._trimmed[asked]
        return None if found.size == self._header.size else found

    def stored(self, box: Box | None) -> Box | None:
        """Where a part lies in the file; None stays None."""
        return None if box is None else self._turn.undo(box, self._stored_size)

    def open(self, reduction: Fraction, cuts: Sequence[Box | None]) -> "Opened":
        """Open the file for a picture that is to become `reduction` times smaller, as much smaller as it may be.

        Only so far that each cut still lies between two pixels: nothing may shift, not even by half of one. The cuts
        are such as can share an opening.
        """
        factor = shrink_on_load(self._header.format, reduction)
        while factor > 1 and not self._keeps_its_place(factor, reduction, cuts):
            factor //= 2
        if factor > 1:
            return Opened(vips.open(self._data, self._header.format, factor), factor)
        if self._is_drawing:
            return Opened(reading.draw(self._data, reduction, cuts[0]), cut=True)
        return Opened(self._whole())

    @property
    def is_grey(self) -> bool:
        """Whether the picture has no colours as it lies in the file."""
        return not self._is_drawing and is_grey(self._whole())

    def can_share(self, cuts: Sequence[Box | None]) -> bool:
        """Whether one opening serves outputs with these cuts: of a drawing each part is drawn for itself."""
        return not self._is_drawing or len(set(cuts)) == 1

    def animation(self) -> reading.Animation:
        """All frames, where the picture is an animation."""
        return reading.animation(self._data, self._header)

    def _keeps_its_place(self, factor: int, reduction: Fraction, cuts: Sequence[Box | None]) -> bool:
        lost = max(side % factor for side in (self._header.size.width, self._header.size.height))
        # WebP's own scaling loses none; and half a size is too much time to win to be given up for one row.
        if factor > 2 and self._header.format is ImageFormat.JPEG and lost > LOST_BY_LOADER * reduction:
            return False
        return all(self._divides(factor, box) for box in cuts if box)

    def _divides(self, factor: int, box: Box) -> bool:
        right, bottom = box.left + box.size.width, box.top + box.size.height
        return not (
            box.left % factor
            or box.top % factor
            or (right % factor and right < self._stored_size.width)
            or (bottom % factor and bottom < self._stored_size.height)
        )

    def _trim(self, region: Box, tolerance: int) -> Box:
        # Two passes over the file: the first pixel can be read while nothing is kept, and so can all of them.
        box = self._turn.undo(region, self._stored_size)
        corner = self._turn.undo(Box(0, 0, Size(1, 1)), self._turn.size(region.size))
        left, top = box.left + corner.left, box.top + corner.top
        with vips.decoding():
            colour = self._whole().getpoint(left, top)
            found = trim(cut(self._whole(), box), colour, tolerance)
        if found is None:
            return region
        seen = self._turn.apply(found, self._turn.size(region.size))
        return Box(region.left + seen.left, region.top + seen.top, seen.size)

    def _whole(self) -> vips.Image:
        return reading.open(self._data, self._header) if self._decoded is None else self._decoded

    @property
    def _is_drawing(self) -> bool:
        return self._header.format is ImageFormat.SVG

    @cached_property
    def _decoded(self) -> vips.Image | None:
        return reading.decoded(self._data, self._header)

    @cached_property
    def _turn(self) -> Turn:
        return ORIENTATIONS[1 if self._is_drawing else vips.orientation(self._whole())]

    @cached_property
    def _stored_size(self) -> Size:
        return self._turn.size(self._header.size)


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture as it lies in the file, or what was made of it for several outputs.

    Args:
        image: its pixels.
        factor: how many times smaller than in the file.
        cut: whether it has been cut already.
    """

    image: vips.Image
    factor: int = 1
    cut: bool = False

    def place(self, box: Box | None) -> Box | None:
        """Where a part of the file's picture lies in this one; None if it is all. Its last row may be a partial one."""
        if box is None or self.cut:
            return None
        width, height = -(-box.size.width // self.factor), -(-box.size.height // self.factor)
        return Box(box.left // self.factor, box.top // self.factor, Size(width, height))
