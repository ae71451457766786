"""The level whose plan an alert's limit was set by: one that gets worse has less time."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("handling", sa.Column("level", sa.String(length=8), nullable=True))


def downgrade() -> None:
    op.drop_column("handling", "level")
