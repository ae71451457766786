"""What slope work is made of: hazard points, gauges, readings, warnings with who was called and moved, patrols round rain."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text, UtcDateTime

slope = city.asset_table(
    "slope",  # state: the warning level the responsible bureau has set
    sa.Column("threatened", sa.Integer),  # people who would have to leave
    sa.Column("patrolled_at", UtcDateTime),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
rain_gauge = city.asset_table("rain_gauge")
warning = (
    city.case_table(  # state: warned | called | responded | evacuating | safe | observing | lifted; category: its level, the worst so far
        "slope_warning",
        *(sa.Column(name, UtcDateTime) for name in ("called_at", "responded_at", "moving_at", "moved_at", "observing_at")),
        *(sa.Column(name, sa.Integer) for name in ("threatened", "to_move", "moved")),
    )
)
call = city.case_table(  # category: role in the four-fold grid, never a name; state: called | answered; closed_at: answered
    "slope_call", sa.Column("warning", sa.String(40))
)
patrol = city.case_table(  # category: before | during | after the rain; state: open | sound | abnormal; closed_at: walked
    "slope_patrol"
)

CADENCE = timedelta(minutes=5)


def metric(key: str, title: Text, unit: str, low: float, high: float, decimals: int = 1) -> city.Metric:
    """A kind of reading of a slope."""
    return city.Metric(key=key, title=title, unit=unit, low=low, high=high, decimals=decimals, cadence=CADENCE)


METRICS = (
    metric("displacement", Text("累计位移", "Displacement"), "mm", -100, 5000, 2),
    metric("crack", Text("裂缝宽度", "Crack width"), "mm", -20, 2000, 3),
    metric("tilt", Text("倾角", "Tilt"), "°", -90, 90, 4),
    metric("vibration", Text("振动峰值", "Vibration peak"), "mg", 0, 4000),
    metric("soil_moisture", Text("土壤含水率", "Soil moisture"), "%", 0, 60),
)
RAIN_METRICS = (
    metric("rain_1h", Text("1小时雨量", "Rain in 1 h"), "mm", 0, 200),
    metric("rain_24h", Text("24小时雨量", "Rain in 24 h"), "mm", 0, 600),
)
_RARELY, _A_MONTH = timedelta(days=400), timedelta(days=36)
FEEDS = (
    city.Feed(
        key="points",
        title=Text("地质隐患点台账", "Register of hazard points"),
        table=slope,
        required=("asset_id", "name"),
        late_after=timedelta(days=1),
    ),
    city.Feed(
        key="gauges",
        title=Text("雨量站台账", "Register of rain gauges"),
        table=rain_gauge,
        required=("asset_id", "name"),
        late_after=_RARELY,
    ),
    city.Feed(
        key="readings",
        title=Text("边坡监测", "Slope sensors"),
        metrics=METRICS,
        required=("asset_id", "observed_at"),
        late_after=2 * CADENCE,
    ),
    city.Feed(
        key="rain",
        title=Text("雨量监测", "Rain gauges"),
        metrics=RAIN_METRICS,
        required=("asset_id", "observed_at"),
        late_after=2 * CADENCE,
    ),
    city.Feed(key="warnings", title=Text("地灾预警", "Warnings"), table=warning, required=("case_id", "opened_at"), late_after=_A_MONTH),
    city.Feed(
        key="calls",
        title=Text("四重网格叫应", "Calls to the four-fold grid"),
        table=call,
        required=("case_id", "opened_at", "due_at", "asset_id"),
        late_after=_A_MONTH,
    ),
    city.Feed(
        key="patrols",
        title=Text("雨期巡查", "Patrols round rain"),
        table=patrol,
        required=("case_id", "opened_at", "due_at", "asset_id"),
        late_after=_A_MONTH,
    ),
    city.receipts("slopes"),
)
