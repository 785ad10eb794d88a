"""The record's tables. Times are milliseconds since the epoch by the database's clock; durations never reach them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

from imagemill.domain.job import JobStatus

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


@compiles(CreateTable, "mysql")
def _create_exact(create: CreateTable, compiler: Any, **options: Any) -> str:
    # The migrations' tables too. Left out, the database's defaults would hold, by which most often `Ada` is `ada`.
    statement: str = compiler.visit_create_table(create, **options)
    return f"{statement.rstrip()} ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"


# SQLite counts up a column of exactly this type by itself, and no other.
_Serial = BigInteger().with_variant(Integer, "sqlite")

# Of an index that holds only the few jobs that wait; where a database has no such indexes, it holds all.
_IN_LINE = text("turn >= 0")

originals = Table(
    "originals",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("format", String(16), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("alpha", Boolean, nullable=False),
    # True, or NULL once the bytes are given up and the row only serves jobs that do without. SQL holds NULLs to be
    # distinct, so that the constraint binds kept originals only.
    Column("kept", Boolean),
    # When a job was last accepted with it; NULL where a release wrote the row that did not note it, and then it is kept
    # as long as its jobs.
    Column("used_at", BigInteger),
    UniqueConstraint("owner", "sha256", "kept"),
    Index(None, "key"),
    Index(None, "used_at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("token", Uuid, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("recipe", Text, nullable=False),
    Column("original_id", BigInteger, ForeignKey("originals.id"), nullable=False),
    Column("results_id", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("products", Text),
    Column("failure", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("ready_at", BigInteger, nullable=False),  # from when on a PENDING job may be claimed
    Column("send_at", BigInteger),  # when a PENDING job is sent (again)
    Column("sends", Integer, nullable=False),  # since it last became PENDING
    # From 0 on: the place in line of a PENDING job, lowest first. -1: it is not in line now. NULL: nor ever will be.
    Column("turn", BigInteger),
    Column("lease", Uuid),  # of the last claim; a job that its worker gave back or ended keeps it
    Column("lease_ends_at", BigInteger),
    CheckConstraint(f"status IN ({', '.join(repr(str(status)) for status in JobStatus)})", name="status"),
    Index(None, "original_id"),
    # One per question that is asked of many rows. What does not apply to a job is NULL in it.
    Index(None, "owner", "created_at", "token"),
    Index(None, "send_at"),
    Index(None, "lease_ends_at"),
    Index(None, "expires_at"),
    Index(None, "turn", "created_at", sqlite_where=_IN_LINE, postgresql_where=_IN_LINE),
    Index(None, "owner", "turn", sqlite_where=_IN_LINE, postgresql_where=_IN_LINE),
)

quotas = Table(
    "quotas",
    metadata,
    Column("name", String(255), primary_key=True),  # of a caller
    Column("pixels", BigInteger, nullable=False),  # accepted from him on that day
    Column("day", Integer, nullable=False),  # since the epoch
)

garbage = Table(
    "garbage",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("key", String(128), nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Index(None, "key"),
    Index(None, "due_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("scopes", String(64), nullable=False),  # words, in alphabetical order, with commas between them
    Column("digest", String(64), nullable=False),
    Column("megapixels_per_day", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("former_digest", String(64)),  # the text before the last rotation, good until …
    Column("former_until", BigInteger),
    Column("rotated_at", BigInteger),
    Column("revoked_at", BigInteger),
    # True, or NULL once it is revoked, so that the constraint binds the names of the others only.
    Column("live", Boolean),
    UniqueConstraint("name", "live"),
)
