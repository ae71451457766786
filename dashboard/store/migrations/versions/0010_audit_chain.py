"""The audit log as a chain of seals: rows may be added and nothing else, on both databases."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ADDED = (("role", 32, ""), ("session", 48, ""), ("client", 48, ""), ("outcome", 8, "done"), ("prev", 64, ""), ("hash", 64, ""))
_TOLD = "the audit log is append-only"
_KEPT = "COALESCE((SELECT first FROM audit_head), 0)"  # rows before it were thinned after their time


def upgrade() -> None:
    for name, length, default in _ADDED:
        op.add_column("audit", sa.Column(name, sa.String(length=length), server_default=default, nullable=False))
    op.create_table(
        "audit_head",
        sa.Column("head_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_check",
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("looked", sa.BigInteger(), nullable=False),
        sa.Column("problems", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_audit_check")),
    )
    for statement in _guards(op.get_bind().dialect.name):
        op.execute(statement)


def _guards(dialect: str) -> list[str]:
    if dialect == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_TOLD}'); END"
        return [
            f"CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit WHEN OLD.hash <> '' {refuse}",
            f"CREATE TRIGGER audit_stays BEFORE DELETE ON audit WHEN OLD.audit_id >= {_KEPT} {refuse}",
        ]
    return [
        "CREATE OR REPLACE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF OLD.audit_id < {_KEPT} THEN RETURN OLD; END IF; END IF; "
        f"RAISE EXCEPTION '{_TOLD}'; END $$",
        "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit FOR EACH ROW WHEN (OLD.hash <> '') EXECUTE FUNCTION audit_refuses()",
        "CREATE TRIGGER audit_stays BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses()",
        "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()",
    ]


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_keeps")
        op.execute("DROP TRIGGER audit_stays")
    else:
        op.execute("DROP FUNCTION audit_refuses() CASCADE")
    op.drop_table("audit_check")
    op.drop_table("audit_head")
    for name, _, _ in reversed(_ADDED):
        op.drop_column("audit", name)
