"""What judged rules find; readings corrected since a moment found by index."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('finding',
    sa.Column('finding_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('rule', sa.String(length=96), nullable=False),
    sa.Column('asset_id', sa.String(length=96), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.Column('because', sa.Text(), nullable=False),
    sa.Column('stopped', sa.Text(), nullable=True),
    sa.Column('name', sa.String(length=191), nullable=False),
    sa.Column('street', sa.String(length=12), nullable=True),
    sa.Column('lon', sa.Float(), nullable=True),
    sa.Column('lat', sa.Float(), nullable=True),
    sa.Column('learned_at', sa.BigInteger(), nullable=False),
    sa.Column('gone_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('finding_id', name=op.f('pk_finding'))
    )
    op.create_index('ix_finding_asset', 'finding', ['asset_id', 'learned_at'], unique=False)
    op.create_index(op.f('ix_finding_gone_at'), 'finding', ['gone_at'], unique=False)
    op.create_index('ix_finding_rule_gone', 'finding', ['rule', 'gone_at'], unique=False)
    op.create_index('ix_reading_past_replaced_at', 'reading_past', ['replaced_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_reading_past_replaced_at', table_name='reading_past')
    op.drop_table('finding')
