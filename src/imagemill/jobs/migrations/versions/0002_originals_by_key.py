"""An index by which an object finds the original whose bytes it holds."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_originals_key", "originals", ["key"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_originals_key", "originals")
