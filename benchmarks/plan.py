"""What every measurement is given: the source image, the number and length of its rounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from benchmarks.client import Part
from benchmarks.images import photo, variants


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Args:
        folder: for all that the run writes; on the kind of disk that is to be measured.
        image: a JPEG to use in place of the generated photographs, or None.
        rounds: how often service and reference take turns where the goal is a ratio.
        seconds: length of one turn.
    """

    folder: Path
    image: bytes | None = None
    rounds: int = 5
    seconds: float = 3.0

    @property
    def few(self) -> int:
        """Rounds where less precision will do."""
        return max(1, self.rounds // 2)

    def jpeg(self, megapixels: int) -> bytes:
        """The source: the user's image, or a photograph of this size."""
        return self.image or photo(megapixels)


class Fresh:
    """Hands out files that the service has never seen, to many threads.

    Args:
        files: a JPEG whose pixels they have, or the files themselves.
    """

    def __init__(self, files: bytes | Iterator[tuple[Part, Part]]) -> None:
        self._variants = variants(files) if isinstance(files, bytes) else files
        self._lock = Lock()

    def __call__(self) -> tuple[Part, Part]:
        """The next file, in two parts."""
        with self._lock:
            return next(self._variants)
