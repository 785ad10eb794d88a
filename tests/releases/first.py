"""The first release, frozen: what its API wrote and what its worker said, word for word. Never changed.

Later releases are held against it: they run what it accepted, and what they accept it could run.
"""

import json
import time
from base64 import b64decode, b64encode
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, RowMapping, text

TOKEN = UUID("5f0c7c2e-0000-5000-8000-000000000001")
MESSAGE = Path(__file__).with_name("first-message.json").read_text()
"""What lay in the broker's list for the job TOKEN, as JSON."""

RECIPES = (
    '[{"height":100,"width":100}]',
    '[{"background":"#ffffff88","dpr":1.5,"enlarge":true,"fit":"contain","format":"webp","gravity":"top-left","height":240,'
    '"quality":70,"width":320}]',
    '[{"fit":"inside","format":"avif","name":"small","width":100},{"dpr":2,"fit":"fill","gravity":"bottom","height":200,'
    '"name":"image-2","width":10},{"fit":"outside","format":"jpeg","name":"image-3","width":5}]',
)
"""Canonical texts of recipe version 1, with each option that there was."""

PRODUCTS = (
    '[{"name": "image", "key": "images/r1/r1-image.jpg", "format": "jpeg", "size": {"width": 320, "height": 240}, '
    '"bytes": 1234}]'
)

_ORIGINAL = """
INSERT INTO originals (owner, sha256, "key", bytes, format, width, height, frames, alpha, kept)
VALUES (:owner, :sha256, :key, :bytes, 'jpeg', :width, :height, 1, FALSE, TRUE)"""
_JOB = """
INSERT INTO jobs (token, owner, status, recipe, original_id, results_id, attempts, created_at, ready_at, send_at, sends)
SELECT :token, owner, 'PENDING', :recipe, id, :results, 0, :now, :now, :send_at, 0
FROM originals WHERE "key" = :key"""
_CLAIM = """
UPDATE jobs SET status = 'IN_PROGRESS', attempts = attempts + 1, started_at = coalesce(started_at, :now),
    send_at = NULL, lease = :lease, lease_ends_at = :now + 15000
WHERE token = :token AND status = 'PENDING' AND ready_at <= :now"""
_LOOK = """
SELECT jobs.token, jobs.owner, jobs.status, jobs.recipe, jobs.original_id, jobs.results_id, jobs.attempts,
    jobs.products, jobs.failure, jobs.created_at, jobs.started_at, jobs.finished_at, jobs.expires_at, jobs.ready_at,
    jobs.send_at, jobs.sends, jobs.lease, jobs.lease_ends_at, originals.sha256, originals."key", originals.bytes,
    originals.format, originals.width, originals.height, originals.frames, originals.alpha
FROM jobs JOIN originals ON originals.id = jobs.original_id WHERE jobs.token = :token"""
_HELD = " WHERE token = :token AND status = 'IN_PROGRESS' AND lease = :lease"
_RENEW = "UPDATE jobs SET lease_ends_at = :now + 15000" + _HELD
_END = "finished_at = :now, expires_at = :now + 60000, lease = NULL, lease_ends_at = NULL" + _HELD
_FINISH = "UPDATE jobs SET status = 'SUCCESS', products = :text, " + _END
_FAIL = "UPDATE jobs SET status = 'FAILURE', failure = :text, " + _END
_RETRY = (
    """
UPDATE jobs SET status = 'PENDING', ready_at = :now, send_at = :now, sends = 0, attempts = attempts - 1, lease = NULL,
    lease_ends_at = NULL"""
    + _HELD
)


def message(token: UUID) -> str:
    """What its API sent for a job."""
    envelope = json.loads(MESSAGE.replace(str(TOKEN), str(token)))
    envelope["body"] = b64encode(b64decode(envelope["body"]).replace(str(TOKEN).encode(), str(token).encode())).decode()
    return json.dumps(envelope)


class FirstRelease:
    """Its API and its worker, as far as the record saw them.

    Args:
        engine: of a database that later migrations may have changed.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def accept(self, token: UUID, recipe: str, *, owner: str = "ada", key: str, bytes: int = 5) -> None:
        """Record a job, as its API did."""
        original = {"owner": owner, "sha256": key[-3:], "key": key, "bytes": bytes, "width": 64, "height": 48}
        now = _now()
        job = {"token": token.hex, "recipe": recipe, "results": uuid4().hex, "now": now, "send_at": now + 600_000}
        with self._engine.begin() as connection:
            _say(connection, _ORIGINAL, **original)
            _say(connection, _JOB, **job, key=key)

    def claim(self, token: UUID) -> tuple[RowMapping, UUID] | None:
        """Its worker's claim: the row that it read, and its lease."""
        lease = uuid4()
        with self._engine.begin() as connection:
            # It went by the database's clock, which may be a moment ahead.
            if not _say(connection, _CLAIM, token=token.hex, lease=lease.hex, now=_now() + 100):
                return None
            return connection.execute(text(_LOOK), {"token": token.hex}).mappings().one(), lease

    def renew(self, token: UUID, lease: UUID) -> bool:
        """Its heartbeat."""
        return self._change(_RENEW, token, lease)

    def finish(self, token: UUID, lease: UUID) -> bool:
        """Its end of a job that went well, with PRODUCTS."""
        return self._change(_FINISH, token, lease, text=PRODUCTS)

    def fail(self, token: UUID, lease: UUID) -> bool:
        """Its end of a job that did not."""
        failure = {"code": "corrupt-image", "title": "The image is damaged", "detail": "Cut short.", "retryable": False}
        return self._change(_FAIL, token, lease, text=json.dumps(failure))

    def retry(self, token: UUID, lease: UUID) -> bool:
        """Its giving back."""
        return self._change(_RETRY, token, lease)

    def _change(self, statement: str, token: UUID, lease: UUID, **values: str) -> bool:
        with self._engine.begin() as connection:
            return bool(_say(connection, statement, token=token.hex, lease=lease.hex, now=_now(), **values))


def _say(connection: Connection, statement: str, **values: object) -> int:
    if connection.dialect.name == "mysql":
        connection.exec_driver_sql("SET SESSION sql_mode = 'ANSI_QUOTES'")
    return connection.execute(text(statement), values).rowcount


def _now() -> int:
    return time.time_ns() // 1_000_000
