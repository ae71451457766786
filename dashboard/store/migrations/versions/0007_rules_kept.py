"""What rules need kept: when they could not judge, readings that came late, and the limits an alert was raised under."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading_late",
        sa.Column("channel_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "noted_at", name=op.f("pk_reading_late")),
    )
    op.create_index("ix_reading_late_noted_at", "reading_late", ["noted_at"], unique=False)
    op.create_table(
        "rule_fault",
        sa.Column("rule", sa.String(length=96), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=160), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("rule", "since", name=op.f("pk_rule_fault")),
    )
    op.create_index(op.f("ix_rule_fault_gone_at"), "rule_fault", ["gone_at"], unique=False)
    op.add_column("alert", sa.Column("limits", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("alert", "limits")
    op.drop_index(op.f("ix_rule_fault_gone_at"), table_name="rule_fault")
    op.drop_table("rule_fault")
    op.drop_index("ix_reading_late_noted_at", table_name="reading_late")
    op.drop_table("reading_late")
