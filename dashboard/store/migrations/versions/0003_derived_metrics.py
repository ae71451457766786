"""Metrics worked out from readings: what was learned, how far it has been worked out, and what came late."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('derived_mark',
    sa.Column('domain', sa.String(length=32), nullable=False),
    sa.Column('metric', sa.String(length=48), nullable=False),
    sa.Column('asset_id', sa.String(length=96), nullable=False),
    sa.Column('ts', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('domain', 'metric', 'asset_id', name=op.f('pk_derived_mark')),
    sqlite_with_rowid=False
    )
    op.create_table('derived_model',
    sa.Column('domain', sa.String(length=32), nullable=False),
    sa.Column('metric', sa.String(length=48), nullable=False),
    sa.Column('asset_id', sa.String(length=96), nullable=False),
    sa.Column('fitted_at', sa.BigInteger(), nullable=False),
    sa.Column('stretch_from', sa.BigInteger(), nullable=True),
    sa.Column('stretch_to', sa.BigInteger(), nullable=True),
    sa.Column('hours', sa.Integer(), nullable=False),
    sa.Column('numbers', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('domain', 'metric', 'asset_id', 'fitted_at', name=op.f('pk_derived_model'))
    )
    op.create_table('reading_touched',
    sa.Column('channel_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('ts_from', sa.BigInteger(), nullable=False),
    sa.Column('ts_to', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('channel_id', name=op.f('pk_reading_touched'))
    )


def downgrade() -> None:
    for table in ('reading_touched', 'derived_model', 'derived_mark'):
        op.drop_table(table)
