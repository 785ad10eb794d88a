"""Quota: how much work a caller may have accepted in a day, in megapixels that have to be decoded."""

from dataclasses import dataclass

from imagemill.domain.caller import Caller
from imagemill.domain.header import Header
from imagemill.domain.ports import JobStore
from imagemill.domain.work import MEGAPIXEL, Charge, Usage
from imagemill.errors import TooManyPixels


@dataclass(frozen=True)
class Quota:
    """Weighs work against what callers may still have done today. Those without a quota cost nothing."""

    jobs: JobStore

    def charge(self, caller: Caller, header: Header) -> Charge | None:
        """What a job takes of its caller's quota; None if he has none.

        Raises:
            TooManyPixels: it is more than the quota of a whole day, so that it can never be accepted.
        """
        if caller.megapixels_per_day is None:
            return None
        most = caller.megapixels_per_day * MEGAPIXEL
        if header.pixels > most:
            raise TooManyPixels(
                f"Your quota is {caller.megapixels_per_day:,} megapixels a day, and this image has more."
            )
        return Charge(caller.name, header.pixels, most)

    def check(self, charge: Charge | None) -> None:
        """Raise QuotaExceeded if a job cannot be accepted now; if it can, the record still has the last word."""
        if charge is not None:
            charge.check(self.jobs.usage(charge.name))

    def usage(self, caller: Caller) -> Usage | None:
        """What a caller has used today; None if he has no quota: then nobody counts."""
        return None if caller.megapixels_per_day is None else self.jobs.usage(caller.name)
