"""An engine that makes no pixels: its images are short texts."""

from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.ports import NO_MARKS, Bytes, Memory, Rendered
from imagemill.domain.prospect import Prospect
from imagemill.domain.recipe import Recipe
from imagemill.errors import OptionProblem

PICTURE = b"\xff\xd8\xff a picture"
"""Bytes that pass for a JPEG."""


MADE = 3
"""Texts that it makes where several widths are asked for."""


class TextEngine:
    """An ImageEngine whose outputs are `<name> of <original>`.

    Args:
        header: what every probe finds.
        before_each: called before each output is yielded; may raise, or change the world.
        attempts: how often it goes on at an output, as an engine does that looks for a quality.
    """

    def __init__(
        self, header: Header | None = None, before_each: Callable[[], None] = lambda: None, attempts: int = 0
    ) -> None:
        self.header = header or Header(ImageFormat.JPEG, Size(40, 30), frames=1, alpha=False)
        self.before_each = before_each
        self.attempts = attempts
        self.probed = 0
        self.rendered = 0
        self.finished = 0
        self.marks = NO_MARKS

    def probe(self, data: Bytes) -> Header:
        """The header, whatever the bytes."""
        self.probed += 1
        return self.header

    def memory(self) -> Memory:
        """None worth speaking of."""
        return Memory(0, 0)

    def render(
        self,
        data: Bytes,
        recipe: Recipe,
        go_on: Callable[[], None] = lambda: None,
        marks: Mapping[UUID, Bytes] = NO_MARKS,
    ) -> Iterator[Rendered]:
        """One text for each output."""
        self.rendered += 1
        self.marks = marks
        for output in recipe.outputs:
            self.before_each()
            for _ in range(self.attempts):
                go_on()
            self.finished += 1
            chosen = output.formats_for(self.header)[0]
            encoding = output.encoding_for(chosen, output.frames_for(self.header))
            facts = (encoding.quality, 0.5 if output.quality == "auto" else None, encoding.frames)
            for name in output.names[:MADE]:
                yield Rendered(name, chosen, Size(10, 10), name.encode() + b" of " + bytes(data), *facts)

    def foresee(self, data: Bytes, header: Header, recipe: Recipe) -> tuple[Prospect, ...]:
        """One text for each output, without a step; with a warning where it would be enlarged."""
        return tuple(
            Prospect(
                output,
                output.formats_for(header),
                Size(10, 10),
                output.frames_for(header),
                steps=(),
                warnings=(OptionProblem("/enlarge", "makes no text longer"),) if output.enlarge else (),
            )
            for output in recipe.outputs
        )
