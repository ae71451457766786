"""What vanished at a source, how a source's clock goes, and reasons in Chinese."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('pull_state', sa.Column('lags', sa.Text(), nullable=True))
    op.add_column('pull_state', sa.Column('gone_total', sa.BigInteger(), nullable=False, server_default='0'))
    op.add_column('pull_state', sa.Column('compared_at', sa.BigInteger(), nullable=True))
    op.add_column('pull_state', sa.Column('comparing', sa.Text(), nullable=True))
    op.add_column('pull_run', sa.Column('rows_gone', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('quarantine', sa.Column('reason_zh', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('quarantine', 'reason_zh')
    op.drop_column('pull_run', 'rows_gone')
    for name in ('comparing', 'compared_at', 'gone_total', 'lags'):
        op.drop_column('pull_state', name)
