"""What septic tanks are made of: tanks, their readings, controllers' steps, pump runs, crews called, clean-out orders."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text, UtcDateTime
from data_sources.septic_tanks.runs import judge_reading, judge_run, share_of_layers

tank = city.asset_table(
    "septic_tank",  # state: what its controller is doing
    sa.Column("owner", sa.String(16)),  # compound | managed | ownerless
    sa.Column("compound", sa.String(96)),
    *(sa.Column(name, sa.Float) for name in ("volume_m3", "depth_m", "water_m", "scum_cm", "sludge_cm", "layers")),
    sa.Column("risk", sa.String(32)),  # crowd | fire | school
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
step = city.case_table(  # category: the state it went to; state: the one it left; opened_at: when
    "tank_step", sa.Column("why", sa.String(24))
)
run = city.case_table(  # state: running | ended | verified | failed, the last two as the department says
    "pump_run",
    *(sa.Column(name, sa.Float) for name in ("volume_m3", "level_before", "level_after", "ch4_before", "ch4_after")),
    sa.Column("stopped_by", sa.String(16)),
    *(sa.Column(name, sa.Float) for name in ("level_seen_before", "level_seen_after", "ch4_seen_after")),  # of the terminal itself
    *(sa.Column(name, UtcDateTime) for name in ("seen_before_at", "seen_after_at")),
    sa.Column("judged", sa.String(16)),  # verified | failed | unseen: our own verdict
    sa.Column("verdict", sa.String(191)),
    sa.Column("disputed", sa.SmallInteger),  # 1: the department says otherwise
)
callout = city.case_table(  # state: dispatched | arrived | closed; due_at: when the crew must be there
    "tank_callout",
    *(sa.Column(name, UtcDateTime) for name in ("notified_at", "arrived_at", "below_at")),  # below_at: under its alarm line again
    sa.Column("value", sa.Float),
)
clean_order = city.case_table(  # closed_at: cleaned out
    "tank_clean_order", *(sa.Column(name, sa.Float) for name in ("scum_cm", "sludge_cm", "water_m", "layers"))
)

CADENCE = timedelta(minutes=5)


def _metric(key: str, zh: str, en: str, unit: str, high: float, decimals: int = 1) -> city.Metric:
    return city.Metric(key=key, title=Text(zh, en), unit=unit, low=0, high=high, decimals=decimals, cadence=CADENCE)


METRICS = (
    _metric("ch4", "甲烷", "Methane", "%LEL", 100),
    _metric("h2s", "硫化氢", "H₂S", "mg/m³", 500),
    _metric("co", "一氧化碳", "CO", "mg/m³", 2000),
    _metric("nh3", "氨气", "Ammonia", "mg/m³", 1000),
    _metric("co2", "二氧化碳", "CO₂", "mg/m³", 200_000, 0),
    _metric("o2", "氧气", "Oxygen", "%vol", 30),
    _metric("level", "液位", "Level", "%", 110, 0),
    _metric("ch4_fault", "甲烷探头满量程", "Methane detector at full scale", "", 1, 0),
)
_A_DAY = timedelta(days=1)
FEEDS = (
    city.Feed(
        key="tanks",
        title=Text("化粪池台账", "Tank register"),
        table=tank,
        required=("asset_id", "name"),
        clean=share_of_layers,
        late_after=_A_DAY,
    ),
    city.Feed(
        key="readings",
        title=Text("化粪池监测", "Tank sensors"),
        metrics=METRICS,
        required=("asset_id", "observed_at"),
        clean=judge_reading,
        late_after=2 * CADENCE,
    ),
    city.Feed(
        key="steps",
        title=Text("控制状态记录", "Controllers' steps"),
        table=step,
        required=("case_id", "opened_at", "category"),
        late_after=timedelta(hours=6),
        versioned=False,
    ),
    city.Feed(
        key="pump_runs",
        title=Text("抽排记录", "Pump runs"),
        table=run,
        required=("case_id", "opened_at"),
        clean=judge_run,
        late_after=timedelta(hours=12),
    ),
    city.Feed(
        key="callouts",
        title=Text("报警处置单", "Call-outs"),
        table=callout,
        required=("case_id", "opened_at", "due_at"),
        late_after=_A_DAY,
    ),
    city.Feed(
        key="clean_orders",
        title=Text("清掏工单", "Clean-out orders"),
        table=clean_order,
        required=("case_id", "opened_at", "due_at", "asset_id"),
        clean=share_of_layers,
        late_after=timedelta(days=14),
    ),
    city.receipts("septic_tanks"),
)
