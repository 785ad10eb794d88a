"""Runs files through the engine in a process of its own, bounded as a worker's child is, and tells what became of each.

A file that crashes, hangs or eats memory ends the child, and the answer that is missing tells which it was.
"""

import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from imagemill.config import Settings
from imagemill.domain.limits import Limits
from imagemill.domain.recipe import Recipe
from imagemill.engine.pipeline import VipsEngine
from imagemill.errors import BadInput

LIMITS = Limits(image_bytes=2**26, pixels=100_000_000, output_pixels=50_000_000, frames=1000)
PICTURE = "picture"
MOST_SECONDS = 10
"""A file that takes longer kills the child."""

STILL, FILM = "still", "film"
_BOX = {"width": 24, "height": 24, "fit": "inside"}
RECIPES = {
    STILL: Recipe.parse({**_BOX, "format": "png", "animated": True}),
    FILM: Recipe.parse({**_BOX, "format": "webp", "animated": True, "effort": 0}),
}
"""Of an animation the first frame, or all of them."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Args:
        code: `picture`, or the code of the refusal, or the name of an error that is nobody's plan.
        size: of the picture.
        seconds: that it took.
        growth_bytes: by how much the most memory that the process ever had in RAM rose by it.
    """

    code: str
    size: list[int] | None
    seconds: float
    growth_bytes: int

    @property
    def planned(self) -> bool:
        """Whether it is a picture, or a refusal that the client is to blame for."""
        return self.code in {PICTURE, *REFUSALS}


REFUSALS = frozenset(kind.code for kind in BadInput.__subclasses__())


def outcomes(files: Sequence[bytes], recipe: str = STILL) -> list[Outcome]:
    """What becomes of each of these files, in one child; a file that ends the child fails the test that asked."""
    return run(b"".join(struct.pack(">I", len(data)) + data for data in files), len(files), recipe)


def run(sent: bytes, count: int, recipe: str = STILL) -> list[Outcome]:
    """What a child says of what it is sent.

    Args:
        sent: each file behind its length, four bytes.
        count: of the files.
        recipe: by its name in RECIPES.
    """
    command = [sys.executable, "-P", "-c", "from tests.hostile.child import main; main()", recipe]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, input=sent, capture_output=True, check=False, timeout=100, env=environment)
    told = [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (
        f"file {len(told)} of {count} ended the child ({done.returncode}): {done.stderr[-300:]!r}"
    )
    assert len(told) == count
    return told


def main() -> None:
    """The child: files from standard input, a line of JSON for each to standard output."""
    most = Settings.model_fields["worker_max_address_bytes"].default
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    engine = VipsEngine(LIMITS)
    for data in _received():
        # No handler: a decoder that hangs in C would never come back to one.
        signal.alarm(MOST_SECONDS)
        print(json.dumps(asdict(_outcome(engine, data, RECIPES[sys.argv[1]]))), flush=True)
        signal.alarm(0)


def _outcome(engine: VipsEngine, data: bytes, recipe: Recipe) -> Outcome:
    before, started, size = _peak_bytes(), time.monotonic(), None
    try:
        (rendered,) = engine.render(data, recipe)
        code, size = PICTURE, [rendered.size.width, rendered.size.height]
    except BadInput as error:
        code = error.code
    except Exception as error:  # noqa: BLE001 - whatever it is, the test is to be told
        code = repr(error)
    return Outcome(code, size, round(time.monotonic() - started, 4), _peak_bytes() - before)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _received() -> Iterator[bytes]:
    while head := sys.stdin.buffer.read(4):
        yield sys.stdin.buffer.read(struct.unpack(">I", head)[0])
