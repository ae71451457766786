"""Situations, inhibition and silences: what belongs together, and what is not told for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hush",
        sa.Column("hush_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("cause_id", sa.BigInteger(), nullable=True),
        sa.Column("inhibition", sa.String(length=48), nullable=True),
        sa.Column("silence_id", sa.BigInteger(), nullable=True),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hush_id", name=op.f("pk_hush")),
    )
    op.create_index("ix_hush_alert", "hush", ["alert_id", "since"], unique=False)
    op.create_index(op.f("ix_hush_since"), "hush", ["since"], unique=False)
    op.create_index(op.f("ix_hush_until"), "hush", ["until"], unique=False)
    op.create_table(
        "silence",
        sa.Column("silence_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("rule", sa.String(length=96), nullable=False),
        sa.Column("domain", sa.String(length=32), nullable=False),
        sa.Column("asset_id", sa.String(length=96), nullable=False),
        sa.Column("street", sa.String(length=12), nullable=False),
        sa.Column("levels", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("silence_id", name=op.f("pk_silence")),
    )
    op.create_index(op.f("ix_silence_ended_at"), "silence", ["ended_at"], unique=False)
    op.create_table(
        "situation",
        sa.Column("situation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("asset_name", sa.String(length=191), nullable=False),
        sa.Column("street", sa.String(length=12), nullable=True),
        sa.Column("west", sa.Float(), nullable=True),
        sa.Column("south", sa.Float(), nullable=True),
        sa.Column("east", sa.Float(), nullable=True),
        sa.Column("north", sa.Float(), nullable=True),
        sa.Column("worst_level", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("situation_id", name=op.f("pk_situation")),
        sa.UniqueConstraint("number", name=op.f("uq_situation_number")),
    )
    op.create_index("ix_situation_closed_opened", "situation", ["closed_at", "opened_at"], unique=False)
    op.create_table(
        "situation_mark",
        sa.Column("mark_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transition_id", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_situation_mark")),
    )
    op.create_table(
        "situation_member",
        sa.Column("alert_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("situation_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("own", sa.String(length=140), nullable=False),
        sa.Column("whole", sa.String(length=140), nullable=False),
        sa.Column("life_safety", sa.Boolean(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("left_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_situation_member")),
    )
    op.create_index(op.f("ix_situation_member_situation_id"), "situation_member", ["situation_id"], unique=False)
    op.create_index("ix_notice_alert", "notice", ["alert_id"], unique=False)
    # what was raised before this release stands alone
    op.execute("INSERT INTO situation_mark (mark_id, transition_id) SELECT 1, COALESCE(MAX(transition_id), 0) FROM alert_transition")


def downgrade() -> None:
    op.drop_index("ix_notice_alert", table_name="notice")
    op.drop_index(op.f("ix_situation_member_situation_id"), table_name="situation_member")
    op.drop_table("situation_member")
    op.drop_table("situation_mark")
    op.drop_index("ix_situation_closed_opened", table_name="situation")
    op.drop_table("situation")
    op.drop_index(op.f("ix_silence_ended_at"), table_name="silence")
    op.drop_table("silence")
    op.drop_index(op.f("ix_hush_until"), table_name="hush")
    op.drop_index(op.f("ix_hush_since"), table_name="hush")
    op.drop_index("ix_hush_alert", table_name="hush")
    op.drop_table("hush")
