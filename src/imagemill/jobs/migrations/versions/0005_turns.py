"""Turns among owners, and quotas of work."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, its indexes and the table. Jobs that wait have no turn: their own messages find them."""
    op.add_column("jobs", sa.Column("turn", sa.BigInteger))
    in_line = sa.text("turn >= 0")
    for columns in (["turn", "created_at"], ["owner", "turn"]):
        name = f"ix_jobs_{'_'.join(columns)}"
        op.create_index(name, "jobs", columns, sqlite_where=in_line, postgresql_where=in_line)
    op.create_table(
        "quotas",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("pixels", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_quotas"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("quotas")
    op.drop_index("ix_jobs_owner_turn", "jobs")
    op.drop_index("ix_jobs_turn_created_at", "jobs")
    op.drop_column("jobs", "turn")
