"""Playbooks: runs, steps and work orders; alerts that are drills."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "playbook_run",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("playbook", sa.String(length=48), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_playbook_run")),
        sa.UniqueConstraint("alert_id", "playbook", "raised_at", name="uq_playbook_run_raised"),
    )
    op.create_index(op.f("ix_playbook_run_ended_at"), "playbook_run", ["ended_at"], unique=False)
    op.create_index("ix_playbook_run_playbook_started", "playbook_run", ["playbook", "started_at"], unique=False)
    op.create_table(
        "playbook_step",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=48), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("limit_s", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("escalations", sa.Integer(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("order_no", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "step", name=op.f("pk_playbook_step")),
    )
    op.create_index(op.f("ix_playbook_step_due_at"), "playbook_step", ["due_at"], unique=False)
    op.create_table(
        "work_order",
        sa.Column("order_no", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(length=48), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("outbox", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("playbook", sa.String(length=48), nullable=False),
        sa.Column("alert_no", sa.String(length=32), nullable=False),
        sa.Column("asset_id", sa.String(length=96), nullable=False),
        sa.Column("place", sa.String(length=191), nullable=False),
        sa.Column("instruction", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("watermark", sa.String(length=16), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("by_unit", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=600), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("order_no", name=op.f("pk_work_order")),
    )
    op.create_index(op.f("ix_work_order_alert_id"), "work_order", ["alert_id"], unique=False)
    op.create_index("ix_work_order_outbox_state_next", "work_order", ["outbox", "state", "next_at"], unique=False)
    op.create_index(op.f("ix_work_order_run_id"), "work_order", ["run_id"], unique=False)
    op.add_column("alert", sa.Column("drill", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("alert", "drill")
    op.drop_index(op.f("ix_work_order_run_id"), table_name="work_order")
    op.drop_index("ix_work_order_outbox_state_next", table_name="work_order")
    op.drop_index(op.f("ix_work_order_alert_id"), table_name="work_order")
    op.drop_table("work_order")
    op.drop_index(op.f("ix_playbook_step_due_at"), table_name="playbook_step")
    op.drop_table("playbook_step")
    op.drop_index("ix_playbook_run_playbook_started", table_name="playbook_run")
    op.drop_index(op.f("ix_playbook_run_ended_at"), table_name="playbook_run")
    op.drop_table("playbook_run")
