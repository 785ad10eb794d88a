"""When an original was last asked for, so that it can go before its jobs do. Unknown of those from before."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty, so that no row is rewritten, and its index."""
    op.add_column("originals", sa.Column("used_at", sa.BigInteger))
    op.create_index("ix_originals_used_at", "originals", ["used_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_originals_used_at", "originals")
    op.drop_column("originals", "used_at")
