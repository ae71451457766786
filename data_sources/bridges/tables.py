"""What is kept of bridges: the register, patrols and inspections, and warnings as the duty room dealt with them."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.city import Row, UtcDateTime, asset_table, case_table
from data_sources.limits import parameter

bridge = asset_table(
    "bridge",
    sa.Column("managed", sa.String(16)),  # direct | street | other
    sa.Column("care_class", sa.String(8)),  # I–V of CJJ 99
    sa.Column("structure", sa.String(64)),
    sa.Column("length_m", sa.Float),
    sa.Column("main_span_m", sa.Float),
    sa.Column("built", sa.Integer),
    sa.Column("bci", sa.Float),
    sa.Column("bci_on", sa.String(10)),  # day of the last condition rating
    sa.Column("grade", sa.String(8)),  # A–E by BCI; class I: passed | failed
    sa.Column("strain_limit", sa.Float),  # µε the bridge is designed for
    sa.Column("iot", sa.SmallInteger),
    sa.Column("video", sa.SmallInteger),
    sa.Column("video_online", sa.SmallInteger),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
inspection = case_table(  # of bridges and tunnels; category: daily | regular | structural | special
    "structure_inspection",
    sa.Column("defects", sa.Integer),  # found
)
warning = case_table(  # of bridges and tunnels; category: what was warned of
    "structure_warning",
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("arrived_at", UtcDateTime),
    sa.Column("verdict", sa.String(16)),  # repair | recalibrate | no_action
)

GRADES = ("A", "B", "C", "D", "E")


def graded(row: Row) -> Row:
    """The grade of CJJ 99 that goes with the index; class I structures are passed or failed by their inspection and keep that."""
    if row.get("bci") is None:
        return row
    lowest = {grade: parameter("bridges.condition", f"{grade.lower()}_from") for grade in GRADES}
    return {**row, "grade": next(grade for grade in GRADES if row["bci"] >= lowest[grade])}
