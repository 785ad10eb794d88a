"""The record: originals, jobs, garbage."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the three tables."""
    _create_originals()
    _create_jobs()
    _create_garbage()


def _create_originals() -> None:
    op.create_table(
        "originals",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("frames", sa.Integer, nullable=False),
        sa.Column("alpha", sa.Boolean, nullable=False),
        sa.Column("kept", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name="pk_originals"),
        sa.UniqueConstraint("owner", "sha256", "kept", name="uq_originals_owner_sha256_kept"),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("token", sa.Uuid, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("original_id", sa.BigInteger, nullable=False),
        sa.Column("results_id", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("products", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("ready_at", sa.BigInteger, nullable=False),
        sa.Column("send_at", sa.BigInteger),
        sa.Column("sends", sa.Integer, nullable=False),
        sa.Column("lease", sa.Uuid),
        sa.Column("lease_ends_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("token", name="pk_jobs"),
        sa.ForeignKeyConstraint(["original_id"], ["originals.id"], name="fk_jobs_original_id"),
        sa.CheckConstraint(
            "status IN ('PENDING', 'IN_PROGRESS', 'SUCCESS', 'FAILURE', 'REVOKED')", name=op.f("ck_jobs_status")
        ),
    )
    op.create_index("ix_jobs_original_id", "jobs", ["original_id"])
    op.create_index("ix_jobs_owner_created_at_token", "jobs", ["owner", "created_at", "token"])
    op.create_index("ix_jobs_send_at", "jobs", ["send_at"])
    op.create_index("ix_jobs_lease_ends_at", "jobs", ["lease_ends_at"])
    op.create_index("ix_jobs_expires_at", "jobs", ["expires_at"])


def _create_garbage() -> None:
    op.create_table(
        "garbage",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_garbage"),
    )
    op.create_index("ix_garbage_key", "garbage", ["key"])
    op.create_index("ix_garbage_due_at", "garbage", ["due_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("garbage")
    op.drop_table("jobs")
    op.drop_table("originals")
