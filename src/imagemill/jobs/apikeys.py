"""The record of the API keys. What is kept of a key's text is its digest."""

from contextlib import suppress
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from imagemill.domain.apikey import ApiKey, KeyState, NewKey
from imagemill.domain.caller import Scope
from imagemill.jobs.access import USUAL, Access
from imagemill.jobs.clock import DatabaseClock, milliseconds, moment, moment_if_any
from imagemill.jobs.database import Database, repeated
from imagemill.jobs.tables import api_keys


class SqlKeyStore:
    """A `KeyStore` on any database of the record. What its methods promise is written at the port.

    Args:
        url: of the database; opened on first use, in each process anew.
        clock: SQL for the present in milliseconds since the epoch; left out, the database's clock.
        access: how it is reached.
    """

    def __init__(self, url: str, *, clock: ColumnElement[int] | None = None, access: Access = USUAL) -> None:
        self._database = Database(url, access)
        self._clock = DatabaseClock() if clock is None else clock
        self._every = select(api_keys, self._clock.label("now"))
        self._one = self._every.where(api_keys.c.id == bindparam("id"))
        self._live = update(api_keys).where(api_keys.c.id == bindparam("key"), api_keys.c.live)

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()

    @repeated
    def find(self, id: str) -> ApiKey | None:
        """The key with this id, whatever its state."""
        with self._database.reading() as connection:
            row = connection.execute(self._one, {"id": id}).one_or_none()
        return _read(row) if row else None

    @repeated
    def all(self) -> tuple[ApiKey, ...]:
        """Every key that was ever made, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(self._every.order_by(api_keys.c.created_at, api_keys.c.id)).all()
        return tuple(map(_read, rows))

    def create(self, new: NewKey) -> ApiKey | None:
        """Record a key; None if another one that is not revoked has its name."""
        # Only the name can be taken: the id was drawn from 48 random bits.
        with suppress(IntegrityError):
            with self._database.writing() as connection:
                connection.execute(insert(api_keys).values(created_at=self._clock, **_columns(new)))
            return self.find(new.id)
        return None

    def rotate(self, id: str, digest: str, grace_seconds: float) -> ApiKey | None:
        """Give a key another text; None if there is none, or it is revoked."""
        # In this order: MySQL sets one column after the other, and reads what it has set already.
        change = self._live.ordered_values(
            (api_keys.c.former_digest, api_keys.c.digest),
            (api_keys.c.former_until, self._clock + bindparam("grace", type_=BigInteger)),
            (api_keys.c.digest, bindparam("new_digest")),
            (api_keys.c.rotated_at, self._clock),
        )
        values = {"key": id, "new_digest": digest, "grace": milliseconds(grace_seconds)}
        with self._database.writing() as connection:
            changed = connection.execute(change, values).rowcount == 1
        return self.find(id) if changed else None

    def revoke(self, id: str) -> bool:
        """Let a key open nothing any more; False if there is none, or it is revoked already."""
        change = self._live.values(revoked_at=self._clock, live=None)
        with self._database.writing() as connection:
            return connection.execute(change, {"key": id}).rowcount == 1


def _columns(new: NewKey) -> dict[str, Any]:
    return {
        "id": new.id,
        "name": new.name,
        "owner": new.owner,
        "scopes": ",".join(sorted(new.scopes)),
        "digest": new.digest,
        "megapixels_per_day": new.megapixels_per_day,
        "expires_at": None if new.expires_at is None else milliseconds(new.expires_at.timestamp()),
        "live": True,
    }


def _read(row: Row[Any]) -> ApiKey:
    graced = row.former_until is not None and row.former_until > row.now
    return ApiKey(
        id=row.id,
        name=row.name,
        owner=row.owner,
        # A scope of a later release that was taken back allows nothing here.
        scopes=frozenset(scope for scope in Scope if scope in row.scopes.split(",")),
        digest=row.digest,
        state=_state(row),
        created_at=moment(row.created_at),
        expires_at=moment_if_any(row.expires_at),
        megapixels_per_day=row.megapixels_per_day,
        former_digest=row.former_digest if graced else None,
        former_until=moment(row.former_until) if graced else None,
        rotated_at=moment_if_any(row.rotated_at),
        revoked_at=moment_if_any(row.revoked_at),
    )


def _state(row: Row[Any]) -> KeyState:
    if not row.live:
        return KeyState.REVOKED
    if row.expires_at is not None and row.expires_at <= row.now:
        return KeyState.EXPIRED
    return KeyState.ACTIVE
