"""From a finished picture to a file: tries formats and qualities until the file is what the output asks for.

Knows pictures and encodings; where the picture comes from is the pipeline's business.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from imagemill.domain.encoding import AUTO_QUALITY, Chroma, Encoding, Metadata, OutputFormat, Profile
from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.output import Output
from imagemill.engine import pillow, vips
from imagemill.engine.roll import FOR_EVER, delays_ms, plays, roll_up, with_delays
from imagemill.engine.savers import saver
from imagemill.engine.score import Reference
from imagemill.engine.search import greatest, least
from imagemill.engine.vips import Image
from imagemill.errors import OutputTooLarge

AUTO_QUALITIES = (20, 95)
"""Where `quality: auto` looks: below is rubble, above bytes grow and nobody sees why."""

FLAT = 0.5
"""Share of pixels that equal their right neighbour from which a picture is a drawing and not a photograph."""

COPIED_BYTES = 32 * 2**20
"""Pixels that are handed to Pillow where libvips would write the same bytes without a copy of them, only slower."""

_LONGEST_OF_GIF_MS = 655_350
# 16 bits of hundredths of a second; libvips writes what is left of a longer delay above them.

_SCORE_SLOPE, _BYTES_SLOPE = 0.25, 0.03
"""What one step of quality is worth, about: decibels of likeness, and natural logarithms of bytes."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file, and how it came to be.

    Args:
        data: the file.
        encoding: how it was written.
        score: its likeness to the lossless picture, 0…1; None where it was not measured.
    """

    data: bytes
    encoding: Encoding
    score: float | None = None


def write(
    image: Image, output: Output, formats: tuple[ImageFormat, ...], frames: int, go_on: Callable[[], None]
) -> Written:
    """Write a picture as its output asks.

    Args:
        image: finished and in memory; the frames of an animation one below the other.
        output: what is asked for.
        formats: the formats that it may come out in.
        frames: 1 for a still picture.
        go_on: called before each further attempt; what it raises ends the work.

    Raises:
        OutputTooLarge: no quality gives a file of `max_bytes`.
        MemoryLimitExceeded, RenderFailed: as the encoders.
    """
    if output.format is not OutputFormat.SMALLEST:
        (format,) = formats
        return _Writer(image, output, go_on).fitting(output.encoding_for(format, frames))
    image = _without_idle_alpha(image)
    writer = _Writer(image, output, go_on)
    encodings = [output.encoding_for(format, frames) for format in formats]
    found = sorted(map(writer.best, _worth_trying(image, encodings)), key=lambda written: len(written.data))
    return writer.first_fitting(found)


def write_alike(image: Image, output: Output, like: Encoding, go_on: Callable[[], None]) -> Written:
    """Write a picture like a larger one of the same output: where the format was looked for, it stays the one found.

    A page chooses by type before it chooses by width, so the widths of one picture are of one type.

    Args:
        image: as for `write`.
        output: likewise.
        like: how the larger one was written.
        go_on: as for `write`.

    Raises:
        OutputTooLarge, MemoryLimitExceeded, RenderFailed: as `write`.
    """
    if output.format is OutputFormat.SMALLEST:
        image = _without_idle_alpha(image)
    asked = output.encoding_for(like.format, like.frames)
    first = like.quality if output.quality == AUTO_QUALITY else asked.quality
    encoding = replace(asked, quality=first, lossless=like.lossless, chroma=like.chroma)
    return _Writer(image, output, go_on).fitting(encoding)


class _Writer:
    """Writes one picture over and over.

    Args:
        image: as `write` takes it.
        output: likewise.
        go_on: likewise.
    """

    def __init__(self, image: Image, output: Output, go_on: Callable[[], None]) -> None:
        self._image = image
        self._output = output
        self._go_on = go_on
        self._files = 0

    def fitting(self, encoding: Encoding) -> Written:
        """The best file of this encoding that is not too large."""
        return self.first_fitting([self.best(encoding)])

    def best(self, encoding: Encoding) -> Written:
        """The file of this encoding, however large, with the quality looked for if it is `auto`."""
        if self._output.quality != AUTO_QUALITY or encoding.quality is None:
            return Written(self._file(encoding), encoding)
        return self._like_enough(encoding)

    def first_fitting(self, found: list[Written]) -> Written:
        """The first of these that is not too large, or can be made so."""
        most = self._output.max_bytes
        if most is None or len(found[0].data) <= most:
            return found[0]
        for written in found:
            if smaller := self._smaller(written, most):
                return smaller
        raise OutputTooLarge(f"Output {self._output.name} cannot be made as small as maxBytes asks.")

    def _like_enough(self, encoding: Encoding) -> Written:
        tried: dict[int, Written] = {}
        target = _decibels(float(self._output.score))

        def margin(quality: int) -> float:
            tried[quality] = self._scored(replace(encoding, quality=quality))
            return _decibels(tried[quality].score or 0) - target

        low, high = AUTO_QUALITIES
        found = least(low, high, margin, first=encoding.quality or high, slope=_SCORE_SLOPE)
        return tried[max(tried) if found is None else found]

    def _smaller(self, written: Written, most: int) -> Written | None:
        encoding = written.encoding
        if encoding.quality is None:
            return None
        tried = {encoding.quality: written.data}

        def margin(quality: int) -> float:
            if quality not in tried:
                tried[quality] = self._file(replace(encoding, quality=quality))
            return math.log(most / len(tried[quality]))

        found = greatest(1, encoding.quality, margin, first=encoding.quality, slope=_BYTES_SLOPE)
        if found is None:
            return None
        fitting = replace(encoding, quality=found)
        score = None if written.score is None else self._reference.score(_decode(tried[found], fitting))
        return Written(tried[found], fitting, score)

    def _scored(self, encoding: Encoding) -> Written:
        data = self._file(encoding)
        return Written(data, encoding, self._reference.score(_decode(data, encoding)))

    def _file(self, encoding: Encoding) -> bytes:
        if self._files:
            self._go_on()
        self._files += 1
        return _encode(self._image, encoding, self._keep(encoding.format))

    def _keep(self, format: ImageFormat) -> str:
        kept = [] if self._output.metadata is Metadata.NONE else ["exif", "xmp", "iptc"]
        if self._output.profile is Profile.KEEP:
            kept.append("icc")
        return "|".join(kept) if kept and FACTS[format].tagged else "none"

    @cached_property
    def _reference(self) -> Reference:
        return Reference(self._image)


def _worth_trying(image: Image, encodings: list[Encoding]) -> Iterator[Encoding]:
    drawing = is_drawing(image)
    for encoding in encodings:
        format = encoding.format
        if format is ImageFormat.JPEG and (drawing or image.hasalpha()):
            continue
        if format is ImageFormat.PNG and not (drawing or encoding.lossless):
            continue
        if format is ImageFormat.AVIF and encoding.frames > 1 and plays(image) != FOR_EVER:
            continue  # Pillow writes none that ends
        if drawing:
            # Large areas of one colour with sharp edges: small without loss, and with halved chroma the edges bleed.
            if format is ImageFormat.WEBP:
                yield replace(encoding, lossless=True)
            encoding = replace(encoding, chroma=encoding.chroma or Chroma.FULL)  # noqa: PLW2901
        if not (drawing and format is ImageFormat.WEBP and encoding.frames == 1):
            yield encoding


def is_drawing(image: Image) -> bool:
    """Whether a picture is made of areas of one colour, as logos, diagrams and screenshots are."""
    if image.width == 1:
        return True
    left = image.crop(0, 0, image.width - 1, image.height)
    right = image.crop(1, 0, image.width - 1, image.height)
    return bool((left == right).bandand().avg() / 255 >= FLAT)


def _without_idle_alpha(image: Image) -> Image:
    # An alpha channel that says "opaque" everywhere would keep JPEG out, and cost bytes.
    if not image.hasalpha() or image[image.bands - 1].min() < 255:
        return image
    return image.extract_band(0, n=image.bands - 1)


def _decibels(score: float) -> float:
    # Likeness crowds below 1: seen as a noise level it grows evenly with quality.
    return -10 * math.log10(max(1 - score, 1e-6))


def _encode(image: Image, encoding: Encoding, keep: str) -> bytes:
    if encoding.format is ImageFormat.JP2:
        return pillow.encode_jp2(vips.to_raster(image), encoding)
    if encoding.format is ImageFormat.AVIF and encoding.frames > 1:
        height = image.height // encoding.frames
        frames = [image.crop(0, top, image.width, height) for top in range(0, image.height, height)]
        profile = vips.embedded_profile(image) if "icc" in keep else None
        return pillow.encode_avif([*map(vips.to_raster, frames)], delays_ms(image), encoding, profile)
    if encoding.format is ImageFormat.WEBP and encoding.frames == 1 and keep == "none" and _is_moderate(image):
        return pillow.encode_webp(vips.to_raster(image), encoding)
    if encoding.format is ImageFormat.GIF and encoding.frames > 1:
        image = with_delays(image, [min(delay, _LONGEST_OF_GIF_MS) for delay in delays_ms(image)])
    name, options = saver(encoding)
    return vips.encode(image, name, options | {"keep": keep})


def _is_moderate(image: Image) -> bool:
    return vips.pixel_bytes(image) <= COPIED_BYTES


def _decode(data: bytes, encoding: Encoding) -> Image:
    moving = encoding.frames > 1
    if encoding.format is ImageFormat.JP2 or (encoding.format is ImageFormat.AVIF and moving):
        frames = [vips.from_raster(raster) for raster in pillow.decode(data, encoding.format)]
        return vips.in_memory(roll_up(frames))
    return vips.in_memory(vips.open(data, encoding.format, animated=moving))
