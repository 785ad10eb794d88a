"""Quotas: what has been accepted from each caller today, counted in the transaction that accepts it."""

from sqlalchemy import Connection, bindparam, case, insert, or_, select, update

from imagemill.domain.work import Charge, Usage
from imagemill.jobs.clock import moment
from imagemill.jobs.tables import quotas

_DAY = 86_400_000  # milliseconds

_OF_CALLER = quotas.c.name == bindparam("caller")
_OF_TODAY = quotas.c.day == bindparam("today")
_USED = select(quotas.c.pixels).where(_OF_CALLER, _OF_TODAY)
_CHARGING = (
    update(quotas)
    .where(_OF_CALLER, or_(~_OF_TODAY, quotas.c.pixels <= bindparam("left")))
    # In this order: MySQL lets an assignment see what those before it have set.
    .ordered_values(
        (quotas.c.pixels, case((_OF_TODAY, quotas.c.pixels), else_=0) + bindparam("more")),
        (quotas.c.day, bindparam("today")),
    )
)
_FIRST_CHARGE = insert(quotas)


def charge_quota(connection: Connection, charge: Charge, now: int) -> None:
    """Take a job's pixels of its caller's quota. The caller's row stays locked until the job is committed.

    Args:
        now: the present, in milliseconds.

    Raises:
        QuotaExceeded: they are more than is left.
        IntegrityError: another request records the caller's first charge right now; do it again.
    """
    left, today = charge.most_pixels - charge.pixels, now // _DAY
    values = {"caller": charge.name, "today": today, "left": left, "more": charge.pixels}
    if left >= 0 and connection.execute(_CHARGING, values).rowcount == 1:
        return
    charge.check(read_usage(connection, charge.name, now))
    connection.execute(_FIRST_CHARGE, {"name": charge.name, "pixels": charge.pixels, "day": today})


def read_usage(connection: Connection, name: str, now: int) -> Usage:
    """What a caller has used today."""
    today = now // _DAY
    used = connection.scalar(_USED, {"caller": name, "today": today})
    ends = (today + 1) * _DAY
    return Usage(used or 0, moment(ends), -((now - ends) // 1000))
