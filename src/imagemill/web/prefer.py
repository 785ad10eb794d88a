"""`Prefer: wait=N` (RFC 7240, section 4.3): how long a client wants its answer held, and how many may wait at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.http import parse_list_header


def wait_seconds(header: str) -> int:
    """The wait that a Prefer header asks for.

    Args:
        header: all Prefer fields of the request, joined with commas.

    Returns:
        Seconds; 0 if there is no wait among the preferences, or none that is a number.

    Source: RFC 7240, section 2: of a preference that is there twice the first one counts, and what cannot be
    understood is ignored.
    """
    for preference in parse_list_header(header):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            digits = value.strip().strip('"')
            return int(digits[:9]) if digits.isascii() and digits.isdigit() else 0
    return 0


class WaitSlots:
    """Bounds how many requests of this process wait, so that threads are left for those that do not.

    Args:
        slots: how many may wait at a time, 0 or more.
    """

    def __init__(self, slots: int) -> None:
        self._free = threading.Semaphore(slots)

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Hold a slot while the context lasts; False, at once, if none is free."""
        taken = self._free.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._free.release()
