"""Notices, the messages they go out in, and how far transitions have been routed."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('notice',
    sa.Column('transition_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('channel', sa.String(length=64), nullable=False),
    sa.Column('recipient', sa.String(length=64), nullable=False),
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('event', sa.String(length=16), nullable=False),
    sa.Column('level', sa.String(length=8), nullable=False),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=False),
    sa.Column('alone', sa.Boolean(), nullable=False),
    sa.Column('message', sa.String(length=36), nullable=True),
    sa.PrimaryKeyConstraint('transition_id', 'channel', 'recipient', name=op.f('pk_notice'))
    )
    op.create_index('ix_notice_channel_made', 'notice', ['channel', 'made_at'], unique=False)
    op.create_index('ix_notice_message_due', 'notice', ['message', 'due_at'], unique=False)
    op.create_table('notice_mark',
    sa.Column('mark_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('transition_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('mark_id', name=op.f('pk_notice_mark'))
    )
    op.create_table('notice_message',
    sa.Column('message', sa.String(length=36), nullable=False),
    sa.Column('channel', sa.String(length=64), nullable=False),
    sa.Column('recipient', sa.String(length=64), nullable=False),
    sa.Column('severity', sa.SmallInteger(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('next_at', sa.BigInteger(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease_until', sa.BigInteger(), nullable=True),
    sa.Column('fence', sa.BigInteger(), nullable=False),
    sa.Column('tried_at', sa.BigInteger(), nullable=True),
    sa.Column('sent_at', sa.BigInteger(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('message', name=op.f('pk_notice_message'))
    )
    op.create_index('ix_notice_message_channel_tried', 'notice_message', ['channel', 'tried_at'], unique=False)
    op.create_index('ix_notice_message_state_next', 'notice_message', ['state', 'next_at'], unique=False)
    # what happened before this release was told by nobody and is not told now
    op.execute("INSERT INTO notice_mark (mark_id, transition_id) SELECT 1, COALESCE(MAX(transition_id), 0) FROM alert_transition")
