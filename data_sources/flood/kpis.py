"""How flood work is judged: the rivers' headroom, roads under water, answers to warnings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text, ago, latest
from data_sources import river_level
from data_sources.flood.tables import callout, gauge, patrol, ponding, responder, spot, warning
from data_sources.limits import limit
from data_sources.sensing import beyond, heard_assets, highest, lowest
from data_sources.spans import minutes_between

_WITHIN = timedelta(minutes=30)
PONDED = limit("flood.ponding", city.Level.YELLOW)
_gauges = heard_assets(gauge, "flood", _WITHIN)
_spots = heard_assets(spot, "flood", _WITHIN)
_under_water = beyond("flood", "depth", PONDED)
_LEVELS, _DEPTHS, _RAIN = ("flood.levels",), ("flood.depths",), ("flood.rain",)
_MONTH, _ROUND = city.Window(days=30), city.Window(days=35)  # the longest a month's drill can be ago


def _of_readings(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, feeds: tuple[str, ...], **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=latest, measure=measure, formula=formula, feeds=feeds, **more)


RIVER_KPIS = (
    _of_readings(
        *("headroom", Text("距警戒最小余量", "Least headroom"), "m", lowest("flood", "to_warning")),
        Text("各站警戒水位−最新水位，取最小；各站只按本站基面比较", "Warning level − newest level, the least; each in its own datum"),
        *(_LEVELS,),
        weight=2,
        decimals=2,
        by_street=False,
    ),
    _of_readings(
        *("guarantee_headroom", Text("距保证最小余量", "Least below guarantee"), "m", lowest("flood", "to_guarantee")),
        Text("各站保证水位−最新水位，取最小；各站只按本站基面比较", "Guarantee level − newest level, the least; each in its own datum"),
        *(_LEVELS,),
        weight=2,
        decimals=2,
        by_street=False,
    ),
    _of_readings(
        *("rise", Text("最大涨率", "Fastest rise"), "m/h", highest("flood", "rise")),
        Text("（最新水位−约1小时前水位）÷间隔，取各站最大", "(Newest level − level about an hour before) ÷ time between, the largest"),
        *(_LEVELS,),
        decimals=2,
        by_street=False,
    ),
    _of_readings(
        *("hours_to_warning", Text("最短到警戒时间", "Soonest at warning"), "h", lowest("flood", "hours_to_warning")),
        Text(
            f"余量÷涨率，取各站最短；落水、平稳或更久记{river_level.FAR_H:g}小时",
            f"Headroom ÷ rise rate, the shortest; falling, steady or longer counts as {river_level.FAR_H:g} h",
        ),
        *(_LEVELS,),
        decimals=1,
        by_street=False,
    ),
    city.Kpi(
        key="gauges_online",
        title=Text("水位站在线率", "River gauges online"),
        unit="%",
        table=_gauges,
        measure=city.share(_gauges.c.online == 1),
        formula=Text("30分钟内有可用读数的水位站÷全部水位站", "River gauges heard within 30 minutes ÷ all"),
        feeds=("flood.gauges", *_LEVELS),
        by_street=False,
    ),
    _of_readings(
        *("rain_3h", Text("3小时最大雨量", "Most rain in 3 h"), "mm", highest("flood", "rain_3h")),
        Text("三个雨量站近3小时雨量中最大者", "The largest 3-hour rain of the three gauges"),
        *(_RAIN,),
        weight=0.5,
        by_street=False,
    ),
)
PONDING_KPIS = (
    _of_readings(
        *("ponding_open", Text("积水点", "Roads under water"), "处", city.count(_under_water, lost=_under_water)),
        Text(f"最新积水深度≥{PONDED:g} cm的易涝点数", f"Ponding spots whose newest depth is {PONDED:g} cm or more"),
        *(_DEPTHS,),
        weight=2,
        decimals=0,
    ),
    _of_readings(
        *("deepest", Text("最大积水深度", "Deepest water"), "cm", highest("flood", "depth")),
        Text("各易涝点最新积水深度中最大者", "The largest newest depth of all ponding spots"),
        *(_DEPTHS,),
    ),
    city.Kpi(
        key="clear_minutes",
        title=Text("积水消退平均用时", "Mean time to clear"),
        unit="min",
        table=ponding,
        measure=city.mean(minutes_between(ponding.c.closed_at, ponding.c.opened_at), ponding.c.closed_at.is_not(None)),
        formula=Text("近30天已消退积水从发现到消退的平均分钟数", "Mean minutes from detected to dry, water of 30 days that has cleared"),
        at=ponding.c.opened_at,
        over=_MONTH,
        decimals=0,
    ),
    city.Kpi(
        key="sensors_online",
        title=Text("积水监测在线率", "Depth sensors online"),
        unit="%",
        table=_spots,
        measure=city.share(_spots.c.online == 1),
        formula=Text("30分钟内有可用读数的易涝点÷全部易涝点", "Ponding spots heard within 30 minutes ÷ all"),
        feeds=("flood.spots", *_DEPTHS),
    ),
)
_newest_round = sa.select(callout.c.warning).order_by(callout.c.opened_at.desc(), callout.c.warning.desc()).limit(1).scalar_subquery()
_round = (  # the calls of the newest warning, each with what kind of body was called
    sa.select(callout.c.case_id, callout.c.title, callout.c.street, callout.c.opened_at, callout.c.closed_at, responder.c.kind)
    .join(responder, responder.c.asset_id == callout.c.asset_id)
    .where(callout.c.warning == _newest_round)
    .subquery("call_out_round")
)


def _of_round(key: str, title: Text, kind: str, words: Text) -> city.Kpi:
    """How many of a kind have answered the newest round of calls."""
    return city.Kpi(
        key=key,
        title=title,
        unit="%",
        table=_round,
        measure=city.share(_round.c.closed_at.is_not(None), _round.c.kind == kind),
        formula=Text(
            f"最近一次预警（含演练）叫应的{words.zh}中已应答的占比", f"{words.en} called in the newest warning or drill that have answered"
        ),
        feeds=("flood.callouts", "flood.responders"),
        weight=0.5,
        decimals=0,
        by_street=False,
    )


answered = city.Kpi(
    key="answered",
    title=Text("叫应按时应答率", "Calls answered in time"),
    unit="%",
    table=callout,
    measure=city.share(sa.func.coalesce(callout.c.closed_at <= callout.c.due_at, sa.false()), callout.c.due_at <= ago()),
    formula=Text(
        "近35天（含每月演练）时限内应答的叫应÷时限已到的叫应",
        "Calls of 35 days, the month's drill with them, answered within the limit ÷ calls whose limit has passed",
    ),
    at=callout.c.opened_at,
    over=_ROUND,
    weight=2,
)
CALL_KPIS = (
    answered,
    _of_round("round_streets", Text("本轮街道应答", "Streets answering"), "street", Text("街道", "Streets")),
    _of_round("round_bureaus", Text("本轮部门应答", "Departments answering"), "bureau", Text("部门", "Departments")),
    city.Kpi(
        key="answer_minutes",
        title=Text("叫应平均应答用时", "Mean time to answer"),
        unit="min",
        table=callout,
        measure=city.mean(minutes_between(callout.c.closed_at, callout.c.opened_at), callout.c.closed_at.is_not(None)),
        formula=Text("近35天已应答叫应从叫应到应答的平均分钟数", "Mean minutes from call to answer, answered calls of 35 days"),
        at=callout.c.opened_at,
        over=_ROUND,
    ),
    city.Kpi(
        key="unanswered",
        title=Text("未应答叫应", "Calls unanswered"),
        unit="次",
        table=callout,
        measure=city.count(callout.c.closed_at.is_(None), lost=callout.c.closed_at.is_(None)),
        formula=Text("已叫应、尚未应答的部门和街道", "Departments and streets called that have not answered yet"),
        decimals=0,
    ),
    city.Kpi(
        key="patrolled",
        title=Text("雨前巡查完成率", "Patrolled before rain"),
        unit="%",
        table=patrol,
        measure=city.share(sa.func.coalesce(patrol.c.closed_at <= patrol.c.due_at, sa.false()), patrol.c.due_at <= ago()),
        formula=Text("近35天雨前完成的巡查任务÷应完成的巡查任务", "Patrols of 35 days done before the rain was due ÷ patrols due"),
        at=patrol.c.opened_at,
        over=_ROUND,
    ),
    city.Kpi(
        key="warnings",
        title=Text("生效中的防汛预警", "Warnings in force"),
        unit="条",
        table=warning,
        measure=city.count(sa.and_(warning.c.closed_at.is_(None), warning.c.category != "drill")),
        formula=Text("已发布、未解除的暴雨、内涝、洪水预警，不含演练", "Rain, waterlogging and flood warnings not lifted, drills aside"),
        weight=0,
        decimals=0,
        by_street=False,
    ),
)

KPIS = (*RIVER_KPIS, *PONDING_KPIS, *CALL_KPIS)
