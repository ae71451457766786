"""What flood work is made of: gauges, rain, roads that pond, warnings, who is called, who goes to look."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources import river_level

gauge = city.asset_table(
    "river_gauge",
    sa.Column("river", sa.String(32)),
    sa.Column("datum", sa.String(16)),  # wusong | yellow_sea | reported: levels and limits of a gauge are in this one
    *(sa.Column(name, sa.Float) for name in ("warning_m", "guarantee_m", "record_m")),  # empty: nobody published one
)
rain_gauge = city.asset_table("flood_rain_gauge")
spot = city.asset_table("ponding_spot", sa.Column("synthetic", sa.SmallInteger))  # 1: made up for the demo city
ponding = city.case_table(  # state: detected | attended | cleared; opened_at: water told of; closed_at: road dry
    "ponding_event", sa.Column("arrived_at", city.UtcDateTime), sa.Column("deepest_cm", sa.Float), sa.Column("seen_by", sa.String(16))
)
warning = city.case_table("flood_warning", sa.Column("level", sa.String(8)))  # state: in_force | lifted
responder = city.asset_table("flood_responder")  # kind: street | bureau
callout = city.case_table("flood_callout", sa.Column("warning", sa.String(40)))  # state: called | answered; closed_at: answered
patrol = city.case_table("flood_patrol", sa.Column("warning", sa.String(40)))  # due_at: when the rain was expected

_CADENCE = timedelta(minutes=5)


def _metric(key: str, zh: str, en: str, unit: str, low: float, high: float, decimals: int) -> city.Metric:
    return city.Metric(key=key, title=Text(zh, en), unit=unit, low=low, high=high, decimals=decimals, cadence=_CADENCE)


LEVELS = (
    _metric("level", "水位（本站基面）", "Level, station datum", "m", river_level.LOWEST_M, river_level.HIGHEST_M, 2),
    _metric("to_warning", "距警戒水位", "Below warning level", "m", -60, 150, 2),
    _metric("to_guarantee", "距保证水位", "Below guarantee level", "m", -60, 150, 2),
    _metric("to_record", "距历史最高水位", "Below record level", "m", -60, 150, 2),
    _metric("rise", "涨率", "Rise rate", "m/h", -5, 5, 2),
    _metric("hours_to_warning", "到警戒时间", "Time to warning level", "h", 0, river_level.FAR_H, 1),
    _metric("over_rising", "超保证且仍在上涨", "Over guarantee and rising", "m", 0, 60, 2),
)
RAIN = tuple(_metric(f"rain_{h}h", f"{h}小时雨量", f"Rain in {h} h", "mm", 0, 200 + 40 * h, 1) for h in (1, 2, 3, 6, 12))
DEPTHS = (_metric("depth", "积水深度", "Water on the road", "cm", 0, 300, 1),)

_RARELY, _SOMETIMES = timedelta(days=400), timedelta(days=36)  # registers; what at least the monthly drill brings
FEEDS = (
    city.Feed(key="gauges", title=Text("水位站台账", "River gauges"), table=gauge, required=("asset_id", "name"), late_after=_RARELY),
    city.Feed(
        key="levels",
        title=Text("河道水情", "River levels"),
        metrics=LEVELS,
        required=("asset_id", "observed_at"),
        clean=river_level.river_reading,
        late_after=2 * _CADENCE,
    ),
    city.Feed(key="rain_gauges", title=Text("防汛雨量站", "Rain gauges"), table=rain_gauge, on_map=False, late_after=_RARELY),
    city.Feed(key="rain", title=Text("雨情", "Rain"), metrics=RAIN, required=("asset_id", "observed_at"), late_after=2 * _CADENCE),
    city.Feed(key="spots", title=Text("易涝点台账", "Ponding spots"), table=spot, required=("asset_id", "name"), late_after=_RARELY),
    city.Feed(
        key="depths", title=Text("积水监测", "Depth sensors"), metrics=DEPTHS, required=("asset_id", "observed_at"), late_after=2 * _CADENCE
    ),
    city.Feed(key="ponding", title=Text("积水事件", "Ponding"), table=ponding, required=("case_id", "opened_at"), late_after=_SOMETIMES),
    city.Feed(key="warnings", title=Text("防汛预警", "Warnings"), table=warning, required=("case_id", "opened_at"), late_after=_SOMETIMES),
    city.Feed(key="responders", title=Text("叫应对象", "Who is called"), table=responder, on_map=False, late_after=_RARELY),
    city.Feed(
        key="callouts",
        title=Text("叫应记录", "Call-outs"),
        table=callout,
        required=("case_id", "opened_at", "due_at", "asset_id"),
        late_after=_SOMETIMES,
    ),
    city.Feed(
        key="patrols",
        title=Text("雨前巡查", "Patrols before rain"),
        table=patrol,
        required=("case_id", "opened_at", "due_at"),
        late_after=_SOMETIMES,
    ),
)
