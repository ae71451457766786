"""How people handle alerts: their stage beside the machine's state, steps with their limits, photographs."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handling",
        sa.Column("alert_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("escalations", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("refired_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_handling")),
    )
    op.create_index(op.f("ix_handling_due_at"), "handling", ["due_at"], unique=False)
    op.create_table(
        "photo",
        sa.Column("photo_id", sa.String(length=64), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("photo_id", "alert_id", name=op.f("pk_photo")),
    )
    op.add_column("alert", sa.Column("refired_at", sa.BigInteger(), nullable=True))
    op.add_column("alert", sa.Column("closed_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_alert_closed_at"), "alert", ["closed_at"], unique=False)
    op.create_index("ix_alert_rule_asset", "alert", ["rule", "asset_id"], unique=False)
    op.add_column("alert_transition", sa.Column("unit", sa.String(length=64), nullable=True))
    op.add_column("alert_transition", sa.Column("code", sa.String(length=32), nullable=True))
    op.add_column("alert_transition", sa.Column("took_s", sa.Integer(), nullable=True))
    op.add_column("alert_transition", sa.Column("limit_s", sa.Integer(), nullable=True))
    op.execute("UPDATE alert SET closed_at = cleared_at WHERE state = 'clear'")
    op.execute(
        "INSERT INTO handling (alert_id, stage, since, unit, escalations, reopened, acknowledged_at, acknowledged_by, version) "
        "SELECT a.alert_id, CASE WHEN a.state = 'clear' THEN 'closed' ELSE 'acknowledged' END, k.at, '', 0, 0, k.at, k.actor, 0 "
        "FROM acknowledgement k JOIN alert a ON a.alert_id = k.alert_id"
    )
    op.drop_table("acknowledgement")


def downgrade() -> None:
    op.create_table(
        "acknowledgement",
        sa.Column("alert_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_acknowledgement")),
    )
    op.execute(
        "INSERT INTO acknowledgement (alert_id, at, actor, note) "
        "SELECT alert_id, acknowledged_at, acknowledged_by, '' FROM handling WHERE acknowledged_at IS NOT NULL"
    )
    op.drop_column("alert_transition", "limit_s")
    op.drop_column("alert_transition", "took_s")
    op.drop_column("alert_transition", "code")
    op.drop_column("alert_transition", "unit")
    op.drop_index("ix_alert_rule_asset", table_name="alert")
    op.drop_index(op.f("ix_alert_closed_at"), table_name="alert")
    op.drop_column("alert", "closed_at")
    op.drop_column("alert", "refired_at")
    op.drop_table("photo")
    op.drop_index(op.f("ix_handling_due_at"), table_name="handling")
    op.drop_table("handling")
