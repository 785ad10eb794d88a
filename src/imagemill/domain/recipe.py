"""The recipe: what a client asks to be made of an image. Frozen, checked at birth, with one spelling per meaning.

A list of outputs; the options of each are told in `output.py`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.limits import MAX_OUTPUTS
from imagemill.domain.options import JsonObject, pointer, refuse
from imagemill.domain.output import OPTIONS, Output
from imagemill.domain.table import below, known, read_each, read_values
from imagemill.errors import InvalidOptions, OptionProblem

RECIPE_VERSION = 6
"""Raised when the same recipe begins to give different pixels, so that old results are not taken for new ones."""

DEFAULT_BOX = {"width": 100, "height": 100}
"""What a request without any option gets."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The outputs to make, in the order of the answer: 1…MAX_OUTPUTS, with names that differ.

    Args:
        outputs: what they are.
        listed: whether the client wrote a list, so that pointers lead into it; the meaning is the same.
    """

    outputs: tuple[Output, ...]
    listed: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.outputs) <= MAX_OUTPUTS:
            raise InvalidOptions(OptionProblem("/outputs", f"must hold 1 to {MAX_OUTPUTS} outputs"))
        names: set[str] = set()
        for position, output in enumerate(self.outputs):
            if names.intersection(output.names):
                raise InvalidOptions(
                    OptionProblem(pointer("outputs", position, "name"), "must differ from the other outputs' names")
                )
            names.update(output.names)
        if len(names) > MAX_OUTPUTS:
            detail = f"may make at most {MAX_OUTPUTS} images together, each of `widths` counted"
            raise InvalidOptions(OptionProblem("/outputs", detail))

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
        refuse(problems)
        return cls(tuple(outputs), listed=True)

    @classmethod
    def parse_text(cls, options: Mapping[str, str]) -> Self:
        """Read options from form fields, a query or flags; `outputs` is then a JSON list in a text.

        Raises:
            InvalidOptions: as `parse`.
        """
        return cls.parse(read_each(options, _from_text))

    def check_boxes(self, most_pixels: int, source: Header | None = None) -> None:
        """Refuse boxes of more device pixels than an output may have, all frames together. Raises InvalidOptions.

        Args:
            most_pixels: that an output may have.
            source: of which the outputs are made; None while that is not known.
        """
        self._check(lambda output: output.check_box(most_pixels, output.frames_for(source) if source else 1))

    def check_source(self, size: Size) -> None:
        """Refuse what cannot be done to a picture of this size, as a viewer shows it. Raises InvalidOptions."""
        self._check(lambda output: output.region(size))

    @property
    def marks(self) -> Mapping[UUID, str]:
        """The jobs whose outputs are watermarks: token and a JSON pointer to where the recipe names it."""
        return {
            output.watermark.token: pointer(*self._place(position), "watermark", "image")
            for position, output in enumerate(self.outputs)
            if output.watermark and output.watermark.token
        }

    def located(self, position: int, problems: Iterable[OptionProblem]) -> tuple[OptionProblem, ...]:
        """What the output at a position told of itself, with pointers into all that the client wrote."""
        return tuple(below(problems, *self._place(position)))

    def _check(self, check: Callable[[Output], object]) -> None:
        problems: list[OptionProblem] = []
        for position, output in enumerate(self.outputs):
            try:
                check(output)
            except InvalidOptions as error:
                problems += self.located(position, error.problems)
        refuse(problems)

    def _place(self, position: int) -> tuple[str | int, ...]:
        return ("outputs", position) if self.listed or len(self.outputs) > 1 else ()

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
    try:
        return Output(**read_values(OPTIONS, options))
    except InvalidOptions as error:
        raise InvalidOptions(*below(error.problems, *place)) from None


def _from_text(name: str, text: str) -> object:
    if name == "outputs":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("must be a JSON list") from None
    return known(OPTIONS, name).kind.read_text(text)
