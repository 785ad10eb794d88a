"""The recipe: what a client asks to be made of an image. Frozen, checked at birth, with one spelling per meaning.

`Output` is the table of options: a field's name is the option's name in Python, its camelCase form the one in JSON,
forms, queries and the command line; its kind holds type and range; its sentence is its documentation.
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Self

from imagemill.domain.encoding import (
    ANIMATIONS,
    AUTO_QUALITY,
    DEFAULT_SCORE,
    PALETTES,
    Chroma,
    Encoding,
    Metadata,
    OutputFormat,
    Profile,
    candidates,
)
from imagemill.domain.formats import FACTS, ImageFormat, auto_format
from imagemill.domain.geometry import MAX_SIDE, Fit, Gravity
from imagemill.domain.header import Header
from imagemill.domain.limits import MAX_OUTPUTS
from imagemill.domain.options import (
    NAME,
    Choice,
    Colour,
    Flag,
    JsonObject,
    Kind,
    Number,
    OneOf,
    Or,
    Whole,
    pointer,
)
from imagemill.errors import InvalidOptions, OptionProblem

RECIPE_VERSION = 3
"""Raised when the same recipe begins to give different pixels, so that old results are not taken for new ones."""


def _option(kind: Kind, default: Any, sentence: str) -> Any:
    return field(default=default, metadata={"kind": kind, "sentence": sentence})


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One image to be made. Raises InvalidOptions at birth where a value is out of its range.

    Lengths are CSS pixels; multiplied by `dpr` they are device pixels.
    """

    width: int | None = _option(Whole(1, MAX_SIDE), None, "Width of the box; left out, it follows from the height.")
    height: int | None = _option(Whole(1, MAX_SIDE), None, "Height of the box; left out, it follows from the width.")
    fit: Fit = _option(Choice(Fit), Fit.COVER, "How the picture meets the box.")
    gravity: Gravity = _option(Choice(Gravity), Gravity.CENTER, "What a crop keeps, and where a canvas holds it.")
    enlarge: bool = _option(Flag(), False, "Whether the output may be larger than the source.")
    dpr: Decimal = _option(Number(1, 8), Decimal(1), "Device pixels per CSS pixel: multiplies width and height.")
    background: str | None = _option(
        Colour(), None, "Colour behind the picture; left out, transparent, or white where the format has no alpha."
    )
    format: OutputFormat = _option(Choice(OutputFormat), OutputFormat.AUTO, "Format of the output.")
    quality: int | Literal["auto"] | None = _option(
        Or(AUTO_QUALITY, Whole(1, 100)),
        None,
        "Quality of JPEG, WebP, AVIF and JPEG 2000; left out, 80, 79, 63 and 80. `auto` finds the smallest file that "
        "reaches `score`.",
    )
    name: str = _option(NAME, "image", "What the output is called in the answer and in its URL.")
    # How the file is written. See domain/encoding.py for what a format does with an option that means nothing to it.
    score: Decimal = _option(
        Number(0.9, 0.9999, places=4), DEFAULT_SCORE, "Likeness to the lossless picture that `quality=auto` reaches."
    )
    max_bytes: int | None = _option(
        Whole(1, 999_999_999), None, "Most bytes of the file: quality goes down from `quality` as far as it takes."
    )
    lossless: bool = _option(Flag(), False, "Whether WebP, AVIF and JPEG 2000 keep each pixel as it is.")
    progressive: bool = _option(Flag(), False, "Whether JPEG, PNG and GIF show a coarse picture while they load.")
    chroma: Chroma | None = _option(
        Choice(Chroma), None, "How finely JPEG and AVIF keep colour; left out, 4:4:4 from quality 90 on, else 4:2:0."
    )
    palette: int | None = _option(OneOf(PALETTES), None, "Most colours of PNG and GIF, by index; GIF has 256 at most.")
    effort: int | None = _option(
        Whole(0, 9), None, "How much time to spend on fewer bytes; left out, what the format's measurements say."
    )
    metadata: Metadata = _option(Choice(Metadata), Metadata.NONE, "What of EXIF, XMP and IPTC comes along.")
    profile: Profile = _option(Choice(Profile), Profile.SRGB, "What becomes of the colour profile.")
    animated: bool = _option(
        Flag(), False, "Whether all frames of an animation come along, where the output's format can hold them."
    )

    def __post_init__(self) -> None:
        problems = [*self._problems()]
        if problems:
            raise InvalidOptions(*problems)

    def _problems(self) -> Iterator[OptionProblem]:
        wrong = set()
        for option in OPTIONS.values():
            value = getattr(self, option.field)
            try:
                if value is not option.default:
                    option.kind.read(value)
            except ValueError as error:
                wrong.add(option.field)
                yield OptionProblem(pointer(option.name), str(error))
        for side in ("width", "height"):
            length = getattr(self, side)
            if length is None or wrong & {side, "dpr"}:
                continue
            if length * self.dpr > MAX_SIDE:
                yield OptionProblem(pointer(side), f"times dpr must be at most {MAX_SIDE}")
        if not wrong & {"lossless", "format", "palette", "animated"}:
            yield from self._broken_promises()

    def _broken_promises(self) -> Iterator[OptionProblem]:
        chosen = self.format.chosen
        if self.lossless and chosen and not FACTS[chosen].lossless:
            yield OptionProblem(pointer("lossless"), "is more than this format can hold")
        if self.lossless and self.animated and chosen is ImageFormat.AVIF:
            yield OptionProblem(pointer("lossless"), "is more than an animated AVIF can hold")
        if self.lossless and self.palette:
            yield OptionProblem(pointer("palette"), "loses colours, so it cannot be lossless")

    def canonical(self) -> dict[str, Any]:
        """The options that differ from their defaults, by JSON name, as JSON values.

        What equals its default is left out, so that a release that adds an option changes no existing token.
        """
        return {
            option.name: _plain(value)
            for option in OPTIONS.values()
            if (value := getattr(self, option.field)) != option.default
        }

    def formats_for(self, source: Header) -> tuple[ImageFormat, ...]:
        """The formats to write for this source: one, or with `smallest` all that it may come out in."""
        if self.format is OutputFormat.SMALLEST:
            return candidates(lossless=self.lossless, animated=self.frames_for(source) > 1)
        return (self.format.chosen or auto_format(source.format, alpha=source.alpha, lossless=self.lossless),)

    def frames_for(self, source: Header) -> int:
        """How many frames to take from this source: 1 unless all were asked for and the format can hold them."""
        if not self.animated or source.format not in ANIMATIONS:
            return 1
        if self.format is OutputFormat.SMALLEST:
            return source.frames
        (chosen,) = self.formats_for(source)
        return source.frames if FACTS[chosen].frames else 1

    def encoding_for(self, chosen: ImageFormat, frames: int = 1) -> Encoding:
        """How to write this format. Where quality is to be looked for, it is the format's own to begin with."""
        return Encoding(
            chosen,
            quality=self.quality if isinstance(self.quality, int) else None,
            lossless=self.lossless,
            progressive=self.progressive,
            chroma=self.chroma,
            palette=self.palette,
            effort=self.effort,
            frames=frames,
        )


@dataclass(frozen=True, slots=True)
class Option:
    """What the table says of one option.

    Args:
        name: in JSON, forms, queries and flags.
        field: in Python.
        kind: its type and range.
        default: the value where it is left out.
        sentence: what it does.
    """

    name: str
    field: str
    kind: Kind
    default: Any
    sentence: str


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


OPTIONS: Mapping[str, Option] = {
    _camel(item.name): Option(
        _camel(item.name), item.name, item.metadata["kind"], item.default, item.metadata["sentence"]
    )
    for item in dataclasses.fields(Output)
}
"""Every option of an output by its JSON name, in the order of the documentation."""

DEFAULT_BOX = {"width": 100, "height": 100}
"""What a request without any option gets."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The outputs to make, in the order of the answer: 1…MAX_OUTPUTS, with names that differ."""

    outputs: tuple[Output, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.outputs) <= MAX_OUTPUTS:
            raise InvalidOptions(OptionProblem("/outputs", f"must hold 1 to {MAX_OUTPUTS} outputs"))
        names: set[str] = set()
        for position, output in enumerate(self.outputs):
            if output.name in names:
                raise InvalidOptions(
                    OptionProblem(pointer("outputs", position, "name"), "must differ from the other outputs' names")
                )
            names.add(output.name)

    @classmethod
    def parse(cls, options: JsonObject) -> Self:
        """Read options as a JSON parser returns them.

        Options beside `outputs` are the defaults of each output. No option at all means DEFAULT_BOX.

        Raises:
            InvalidOptions: with a pointer for each unknown or wrong option, all at once.
        """
        shared = {name: value for name, value in options.items() if name != "outputs"}
        if "outputs" not in options:
            return cls((_read_output(shared or DEFAULT_BOX, ()),))
        listed = options["outputs"]
        if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_OUTPUTS:
            raise InvalidOptions(OptionProblem("/outputs", f"must be a list of 1 to {MAX_OUTPUTS} objects"))
        problems = list(_shared_problems(shared))
        outputs = []
        for position, item in enumerate(listed):
            try:
                outputs.append(_read_listed(shared if not problems else {}, item, position))
            except InvalidOptions as error:
                problems += error.problems
        if problems:
            raise InvalidOptions(*problems)
        return cls(tuple(outputs))

    @classmethod
    def parse_text(cls, options: Mapping[str, str]) -> Self:
        """Read options from form fields, a query or flags; `outputs` is then a JSON list in a text.

        Raises:
            InvalidOptions: as `parse`.
        """
        values: dict[str, object] = {}
        problems = []
        for name, text in options.items():
            try:
                values[name] = _from_text(name, text)
            except ValueError as error:
                problems.append(OptionProblem(pointer(name), str(error)))
        if problems:
            raise InvalidOptions(*problems)
        return cls.parse(values)

    def check_boxes(self, most_pixels: int, source: Header | None = None) -> None:
        """Refuse boxes of more device pixels than an output may have, all frames together. Raises InvalidOptions.

        Args:
            most_pixels: that an output may have.
            source: of which the outputs are made; None while that is not known.
        """
        problems = []
        for position, output in enumerate(self.outputs):
            frames = output.frames_for(source) if source else 1
            if output.width and output.height and output.width * output.height * output.dpr**2 * frames > most_pixels:
                place = () if self.outputs == (replace(output, name=Output().name),) else ("outputs", position)
                counted = f", times {frames} frames," if frames > 1 else ","
                detail = f"times height, times dpr twice{counted} must be at most {most_pixels:,} pixels"
                problems.append(OptionProblem(pointer(*place, "width"), detail))
        if problems:
            raise InvalidOptions(*problems)

    def canonical(self) -> str:
        """The one spelling of what this recipe means: compact JSON with sorted keys."""
        return json.dumps([output.canonical() for output in self.outputs], sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_canonical(cls, text: str) -> Self:
        """The recipe that `canonical` spelled. Raises InvalidOptions if this release cannot read it."""
        return cls(tuple(_read_output(options, ()) for options in json.loads(text)))


def _read_listed(shared: JsonObject, item: object, position: int) -> Output:
    place = ("outputs", position)
    if not isinstance(item, dict):
        raise InvalidOptions(OptionProblem(pointer(*place), "must be an object"))
    return _read_output({**shared, "name": f"image-{position + 1}", **item}, place)


def _shared_problems(shared: JsonObject) -> Iterator[OptionProblem]:
    if "name" in shared:
        yield OptionProblem("/name", "belongs into each of the outputs")
    try:
        _read_output(shared, ())
    except InvalidOptions as error:
        yield from error.problems


def _read_output(options: JsonObject, place: tuple[str | int, ...]) -> Output:
    values: dict[str, Any] = {}
    problems = []
    for name, value in options.items():
        try:
            values[_known(name).field] = _known(name).kind.read(value)
        except ValueError as error:
            problems.append(OptionProblem(pointer(*place, name), str(error)))
    if problems:
        raise InvalidOptions(*problems)
    try:
        return Output(**values)
    except InvalidOptions as error:
        raise InvalidOptions(
            *(OptionProblem(pointer(*place) + problem.pointer, problem.detail) for problem in error.problems)
        ) from None


def _from_text(name: str, text: str) -> object:
    if name == "outputs":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("must be a JSON list") from None
    return _known(name).kind.read_text(text)


def _known(name: str) -> Option:
    if name not in OPTIONS:
        raise ValueError("is not an option; the documentation lists them all")
    return OPTIONS[name]


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return str(value) if isinstance(value, StrEnum) else value
