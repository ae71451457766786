"""How slope work is judged: points heard and held in warning, how fast they move, who answered, who was moved, who went to look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Level, Text, ago, latest
from data_sources.limits import limit
from data_sources.quantiles import quantile
from data_sources.sensing import heard_assets, highest, unmoved
from data_sources.slopes.tables import call, patrol, slope, warning
from data_sources.spans import minutes_between

_WITHIN = timedelta(minutes=30)
_STUCK = timedelta(minutes=limit("slopes.crack_stuck", Level.BLUE))
_heard = heard_assets(slope, "slopes", _WITHIN)
_READINGS, _RAIN = ("slopes.readings",), ("slopes.rain",)
_LEVELS = ("blue", "yellow", "orange", "red")
_ROUND, _YEAR = city.Window(days=35), city.Window(days=365)


def _of_readings(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=latest, measure=measure, formula=formula, **({"feeds": _READINGS} | more))


_warned = slope.c.state.in_(_LEVELS)
_frozen = unmoved("slopes", ("displacement", "crack", "tilt"), _STUCK)
POINT_KPIS = (
    city.Kpi(
        key="points",
        title=Text("在测隐患点", "Points watched"),
        unit="处",
        table=slope,
        measure=city.count(),
        formula=Text("装有监测设备的边坡、危岩、滑坡点数", "Slopes, dangerous rocks and landslides under watch"),
        weight=0,
        decimals=0,
    ),
    city.Kpi(
        key="points_online",
        title=Text("监测在线率", "Points online"),
        unit="%",
        table=_heard,
        measure=city.share(_heard.c.online == 1),
        formula=Text("30分钟内有读数的隐患点÷在测隐患点", "Points heard within 30 minutes ÷ points watched"),
        feeds=("slopes.points", *_READINGS),
    ),
    _of_readings(
        *("faulty", Text("仪表不动", "Instruments stuck"), "个", city.count(_frozen, lost=_frozen)),
        Text(
            f"位移、裂缝、倾角读数{_STUCK / timedelta(hours=1):g}小时不变的仪表数：是故障，不是稳定",
            f"Displacement, crack and tilt instruments unmoved for {_STUCK / timedelta(hours=1):g} h: faults, not calm",
        ),
        decimals=0,
    ),
    city.Kpi(
        key="in_warning",
        title=Text("处于预警的点", "Points in warning"),
        unit="处",
        table=slope,
        measure=city.count(_warned, lost=_warned),
        formula=Text("主管部门定为蓝色及以上预警等级的隐患点数", "Points the bureau holds at blue or higher"),
        decimals=0,
    ),
    _of_readings(
        *("max_displacement_rate", Text("最大位移速率", "Fastest displacement"), "mm/d", highest("slopes", "displacement_rate")),
        Text("各隐患点由累计位移推算的最新位移速率中最大者", "The largest newest displacement rate worked out, of all points"),
        weight=2,
        decimals=2,
    ),
    _of_readings(
        *("max_crack_rate", Text("最大裂缝速率", "Fastest crack"), "mm/d", highest("slopes", "crack_rate")),
        Text("各隐患点由裂缝宽度推算的最新张开速率中最大者", "The largest newest crack opening rate worked out, of all points"),
        weight=2,
        decimals=2,
    ),
    _of_readings(
        *("max_tangent", Text("最大改进切线角", "Largest tangent angle"), "°", highest("slopes", "tangent_angle")),
        Text("各隐患点最新改进切线角中最大者；45°为匀速", "The largest newest improved tangent angle; 45° is steady"),
        weight=2,
    ),
    _of_readings(
        *("rain_24h", Text("24小时最大雨量", "Most rain in 24 h"), "mm", highest("slopes", "rain_24h")),
        Text("三个雨量站24小时雨量中最大者", "The largest 24-hour rain of the three gauges"),
        feeds=_RAIN,
        weight=0.5,
        by_street=False,
    ),
)
_in_force = warning.c.closed_at.is_(None)
_told_to_move = sa.and_(_in_force, warning.c.to_move > 0)
_waited = minutes_between(call.c.closed_at, call.c.opened_at)
_EDGES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 45, 60, 120)
WARNING_KPIS = (
    city.Kpi(
        key="warnings",
        title=Text("生效中的地灾预警", "Warnings in force"),
        unit="条",
        table=warning,
        measure=city.count(_in_force),
        formula=Text("已发布、未解除的地灾预警", "Warnings issued and not lifted"),
        weight=0,
        decimals=0,
    ),
    city.Kpi(
        key="answered",
        title=Text("叫应按时应答率", "Calls answered in time"),
        unit="%",
        table=call,
        measure=city.share(sa.func.coalesce(call.c.closed_at <= call.c.due_at, sa.false()), call.c.due_at <= ago()),
        formula=Text(
            "近35天四重网格时限内应答的叫应÷时限已到的叫应",
            "Calls of 35 days the four-fold grid answered in time ÷ calls whose limit has passed",
        ),
        at=call.c.opened_at,
        over=_ROUND,
        weight=2,
    ),
    city.Kpi(
        key="answer_minutes",
        title=Text("叫应应答中位用时", "Median time to answer"),
        unit="min",
        table=call,
        measure=quantile(_waited, _EDGES, 0.5, call.c.opened_at >= ago(timedelta(days=35)), lost=call.c.closed_at > call.c.due_at),
        formula=Text(
            "近35天已应答叫应从叫应到应答的中位分钟数，按分钟分档插值", "Median minutes from call to answer, 35 days, by bins of minutes"
        ),
    ),
    city.Kpi(
        key="to_move",
        title=Text("待转移人数", "People still to move"),
        unit="人",
        table=warning,
        measure=city.total(warning.c.to_move - warning.c.moved, _told_to_move),
        formula=Text("生效预警中应转移−已转移的人数", "People to be moved less people moved, warnings in force"),
        decimals=0,
    ),
    city.Kpi(
        key="moved",
        title=Text("生效预警转移率", "Moved, in force"),
        unit="%",
        table=warning,
        measure=city.ratio(warning.c.moved, warning.c.threatened, _told_to_move, percent=True),
        formula=Text(
            "生效的橙、红预警中已转移人数÷受威胁人数；没有这样的预警时无此值",
            "People moved ÷ people threatened, orange and red warnings in force; no value while there are none",
        ),
    ),
    city.Kpi(
        key="moved_year",
        title=Text("一年转移完成率", "Moved of those told to"),
        unit="%",
        table=warning,
        measure=city.ratio(warning.c.moved, warning.c.to_move, warning.c.to_move > 0, percent=True),
        formula=Text("近一年橙、红预警中已转移人数÷应转移人数", "People moved ÷ people told to move, orange and red warnings of a year"),
        at=warning.c.opened_at,
        over=_YEAR,
        weight=0,
    ),
    city.Kpi(
        key="move_minutes",
        title=Text("转移完成平均用时", "Mean time to full evacuation"),
        unit="min",
        table=warning,
        measure=city.mean(minutes_between(warning.c.moved_at, warning.c.moving_at), warning.c.moved_at.is_not(None)),
        formula=Text("近一年转移开始到全部转移的平均分钟数", "Mean minutes from the first person leaving to the last, a year"),
        at=warning.c.opened_at,
        over=_YEAR,
        decimals=0,
    ),
)


def _walked(key: str, phase: str, zh: str, en: str, words: Text) -> city.Kpi:
    return city.Kpi(
        key=key,
        title=Text(zh, en),
        unit="%",
        table=patrol,
        measure=city.share(
            sa.func.coalesce(patrol.c.closed_at <= patrol.c.due_at, sa.false()),
            sa.and_(patrol.c.category == phase, patrol.c.due_at <= ago()),
        ),
        formula=words,
        at=patrol.c.opened_at,
        over=_ROUND,
    )


_odd = patrol.c.state == "abnormal"
PATROL_KPIS = (
    city.Kpi(
        key="patrolled",
        title=Text("按期巡查率", "Patrolled on time"),
        unit="%",
        table=slope,
        measure=city.share(slope.c.patrolled_at >= ago(timedelta(hours=84))),  # twice a week
        formula=Text("近3天半内巡查过的隐患点÷在测隐患点", "Points patrolled within three and a half days ÷ points watched"),
    ),
    _walked(
        *("patrolled_before", "before", "雨前巡查完成率", "Walked before rain"),
        Text("近35天雨前按时完成的巡查÷应完成的雨前巡查", "Rounds of 35 days walked before the rain came ÷ rounds due"),
    ),
    _walked(
        *("patrolled_during", "during", "雨中巡查完成率", "Walked during rain"),
        Text("近35天雨中按时完成的巡查÷应完成的雨中巡查", "Rounds of 35 days walked in time while it rained ÷ rounds due"),
    ),
    _walked(
        *("patrolled_after", "after", "雨后巡查完成率", "Walked after rain"),
        Text("近35天雨后按时完成的巡查÷应完成的雨后巡查", "Rounds of 35 days walked in time after the rain ÷ rounds due"),
    ),
    city.Kpi(
        key="abnormal",
        title=Text("巡查发现异常", "Found abnormal"),
        unit="次",
        table=patrol,
        measure=city.count(_odd, lost=_odd),
        formula=Text("近35天雨期巡查报异常的次数", "Rounds of 35 days that found something"),
        at=patrol.c.opened_at,
        over=_ROUND,
        weight=0,
        decimals=0,
    ),
)
KPIS = (*POINT_KPIS, *WARNING_KPIS, *PATROL_KPIS)
