"""Playbooks under way: what stands in the way of a run is kept with it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("playbook_run", sa.Column("fault", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("playbook_run", "fault")
