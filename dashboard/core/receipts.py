"""What departments answer to work orders: one table for all of them, filled by an ordinary feed of each."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard.core.declare import Feed, Row, Text
from dashboard.core.playbooks import RECEIPT_STATES
from dashboard.core.tables import case_table

order_receipt = case_table(  # state: accepted | arrived | done | refused; opened_at: when; asset_id as in the order
    "order_receipt",
    sa.Column("order_no", sa.String(64), index=True),
    sa.Column("by_unit", sa.String(64)),  # a crew or a post, never a person
    sa.Column("note", sa.String(500)),
    sa.Column("result", sa.String(64)),
    sa.Column("drill", sa.SmallInteger),
)


def receipts(domain: str) -> Feed:
    """The feed `receipts` of a domain whose department takes orders. Numbers of receipts are a department's own: they get its name."""

    def clean(row: Row) -> Row:
        if row.get("state") not in RECEIPT_STATES:
            raise ValueError(f"回执状态{row.get('state')!r}未知：只能是{'、'.join(RECEIPT_STATES)}")
        return {**row, "case_id": f"{domain}:{row['case_id']}"}

    return Feed(
        key="receipts",
        title=Text("工单回执", "Receipts of work orders"),
        table=order_receipt,
        required=("case_id", "order_no", "state", "opened_at"),
        clean=clean,
        on_map=False,
        versioned=False,
        late_after=timedelta(days=400),
    )
