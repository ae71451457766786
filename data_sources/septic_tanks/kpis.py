"""How septic tanks are judged: heard, full, gassy, pumped and proved, reached in time, cleaned out in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Level, Text, ago, latest
from data_sources.limits import limit
from data_sources.quantiles import quantile
from data_sources.sensing import beyond, heard_assets, highest, unmoved
from data_sources.septic_tanks.runs import LAYERS, UNSEEN, VERIFIED
from data_sources.septic_tanks.tables import callout, clean_order, run, tank
from data_sources.spans import minutes_between

_WITHIN = timedelta(minutes=30)  # a terminal is lost after half an hour of silence
HIGH_LEVEL = limit("septic_tanks.level", Level.YELLOW)
EXPLOSIVE = limit("septic_tanks.gas", Level.ORANGE)
_STUCK = timedelta(minutes=limit("septic_tanks.gas_stuck", Level.BLUE))
_MONTH = city.Window(days=30)
_heard = heard_assets(tank, "septic_tanks", _WITHIN)
_READINGS, _TANKS = ("septic_tanks.readings",), ("septic_tanks.tanks",)


def _owned(key: str, owner: str, zh: str, en: str, formula: Text) -> city.Kpi:
    return city.Kpi(
        key=key,
        title=Text(zh, en),
        unit="座",
        table=tank,
        measure=city.count(tank.c.owner == owner),
        formula=formula,
        weight=0,
        decimals=0,
    )


def _of_readings(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=latest, measure=measure, formula=formula, feeds=_READINGS, **more)


def _of_runs(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(
        key=key, title=title, unit=unit, table=run, measure=measure, formula=formula, at=run.c.opened_at, **({"over": _MONTH} | more)
    )


_full, _explosive = beyond("septic_tanks", "level", HIGH_LEVEL), beyond("septic_tanks", "ch4", EXPLOSIVE)
_broken = sa.or_(unmoved("septic_tanks", ("ch4", "level"), _STUCK), beyond("septic_tanks", "ch4_fault", 1))
TANK_KPIS = (
    _owned(
        *("compounds", "compound", "老旧小区在测", "Old compounds watched"),
        Text("装有实时检测的老旧小区化粪池座数", "Old compounds' septic tanks under live watch"),
    ),
    _owned(
        *("managed", "managed", "直管池在测", "Managed tanks watched"),
        Text("装有实时检测的直管化粪池座数", "Directly managed septic tanks under live watch"),
    ),
    _owned(
        *("ownerless", "ownerless", "无主池在测", "Ownerless tanks watched"),
        Text("装有实时检测的无主化粪池座数，区里兜底管护", "Septic tanks nobody owns, kept by the district, under live watch"),
    ),
    city.Kpi(
        key="online",
        title=Text("化粪池在线率", "Tanks online"),
        unit="%",
        table=_heard,
        measure=city.share(_heard.c.online == 1),
        formula=Text("30分钟内有读数的化粪池÷全部在测化粪池", "Tanks heard within 30 minutes ÷ tanks watched"),
        feeds=(*_TANKS, *_READINGS),
        weight=2,
    ),
    _of_readings(
        *("faulty", Text("仪表故障", "Instruments at fault"), "个", city.count(_broken, lost=_broken)),
        Text(
            f"甲烷满量程，或甲烷、液位{_STUCK / timedelta(hours=1):g}小时读数不变（σ=0）的探头数：是故障，不是报警",
            f"Detectors at full scale, or methane and level ones unmoved for {_STUCK / timedelta(hours=1):g} h: faults, not alarms",
        ),
        decimals=0,
    ),
    _of_readings(
        *("over_level", Text("高液位池", "Tanks too full"), "座", city.count(_full, lost=_full)),
        Text(f"最新液位≥{HIGH_LEVEL:g}%的化粪池数", f"Tanks whose newest level is {HIGH_LEVEL:g} % or more"),
        decimals=0,
    ),
    _of_readings(
        *("over_gas", Text("可燃气超限池", "Tanks with explosive gas"), "座", city.count(_explosive, lost=_explosive)),
        Text(f"最新甲烷≥{EXPLOSIVE:g}%LEL的化粪池数", f"Tanks whose newest methane is {EXPLOSIVE:g} %LEL or more"),
        weight=2,
        decimals=0,
    ),
    _of_readings(
        *("max_ch4", Text("最高甲烷", "Highest methane"), "%LEL", highest("septic_tanks", "ch4")),
        Text("各池最新甲烷浓度中最高者", "The highest newest methane reading of all tanks"),
    ),
    _of_readings(
        *("max_h2s", Text("最高硫化氢", "Highest H₂S"), "mg/m³", highest("septic_tanks", "h2s")),
        Text("各池最新硫化氢浓度中最高者", "The highest newest H₂S reading of all tanks"),
    ),
)
_ended = run.c.judged.is_not(None)
_proved = run.c.judged == VERIFIED
RUN_KPIS = (
    _of_runs(
        *("pumped", Text("今日抽排", "Pumped today"), "次", city.count()),
        Text("今日开始的抽排次数", "Pump runs begun today"),
        over=city.Window(days=1),
        weight=0,
        decimals=0,
    ),
    _of_runs(
        *("verified", Text("抽排核验率（本台核）", "Pumping verified by us"), "%", city.share(_proved, _ended)),
        Text(
            "近30天液位降10点以上、气体复位，且与前后监测读数一致的抽排÷已结束抽排；无读数佐证的不算通过",
            "Runs of 30 days with level down, gas back and the terminal's readings agreeing ÷ runs ended; unseen is not verified",
        ),
        weight=2,
    ),
    _of_runs(
        *("claimed", Text("抽排核验率（部门报）", "Pumping verified, as told"), "%"),
        city.share(run.c.state == VERIFIED, run.c.state.in_((VERIFIED, "failed"))),
        Text("近30天部门记为核验通过的抽排÷部门已核验抽排", "Runs of 30 days the department says were verified ÷ runs it checked"),
        weight=0,
    ),
    _of_runs(
        *("disputed", Text("核验不一致", "Verdicts that differ"), "次", city.count(run.c.disputed == 1, lost=run.c.disputed == 1)),
        Text("近30天部门结论与本台核验不同的抽排次数", "Runs of 30 days the department and we judge differently"),
        decimals=0,
    ),
    _of_runs(
        *("unseen", Text("无从佐证", "Runs unseen"), "次", city.count(run.c.judged == UNSEEN, lost=run.c.judged == UNSEEN)),
        Text("近30天前后没有监测读数可佐证的抽排次数", "Runs of 30 days with no readings before or after to prove them"),
        weight=0,
        decimals=0,
    ),
    _of_runs(
        *("auto_success", Text("自动处置成功率", "Automatic handling"), "%"),
        city.share(_proved, sa.and_(_ended, run.c.category.in_(("auto", "scheduled")))),
        Text("近30天经本台核验通过的自动抽排÷自动抽排（报警、定时）", "Automatic runs of 30 days we verified ÷ automatic runs"),
    ),
)
_by_now = sa.or_(callout.c.arrived_at.is_not(None), callout.c.due_at <= ago())
_lately = callout.c.opened_at >= ago(timedelta(days=30))
_again = (
    sa.select(callout.c.asset_id, callout.c.street, sa.func.count().label("alarms"))
    .where(_lately)
    .group_by(callout.c.asset_id, callout.c.street)
    .subquery("tank_alarms")
)
_SECONDS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 120, 300)
_waited = minutes_between(callout.c.notified_at, callout.c.opened_at) * 60
notified = city.Kpi(
    key="notified_p95",
    title=Text("报警到通知P95", "Detection to message, P95"),
    unit="s",
    table=callout,
    measure=quantile(_waited, _SECONDS, 0.95, _lately, lost=_waited > limit("septic_tanks.message", Level.BLUE)),
    formula=Text("近30天报警时间到通知时间的第95百分位，按秒分档插值", "95th percentile of alarm to message, 30 days, by bins of seconds"),
)
CALL_KPIS = (
    city.Kpi(
        key="on_site",
        title=Text("30分钟到场率", "On site in 30 min"),
        unit="%",
        table=callout,
        measure=city.share(sa.func.coalesce(callout.c.arrived_at <= callout.c.due_at, sa.false()), _by_now),
        formula=Text(
            "近30天时限内到场的处置单÷已到场或已过时限的处置单", "Call-outs of 30 days reached in time ÷ those reached or past their time"
        ),
        at=callout.c.opened_at,
        over=_MONTH,
    ),
    notified,
    city.Kpi(
        key="repeats",
        title=Text("重复报警", "Repeat alarms"),
        unit="次/座",
        table=_again,
        measure=city.Measure(
            parts=(_again.c.alarms - 1.0, sa.literal_column("1.0")),
            combine=lambda again, tanks: again / tanks if tanks else None,
            lost=_again.c.alarms > 1,
        ),
        formula=Text("近30天报过警的池，首次之后每座平均再报次数", "Tanks that alarmed in 30 days: mean further alarms after the first"),
        feeds=("septic_tanks.callouts",),
        decimals=2,
    ),
    city.Kpi(
        key="exposure",
        title=Text("可燃气超限时长", "Minutes over 25 %LEL"),
        unit="min",
        table=callout,
        measure=city.total(minutes_between(sa.func.coalesce(callout.c.below_at, ago()), callout.c.opened_at), callout.c.category == "gas"),
        formula=Text(
            "近30天气体报警从报警到降回限下的分钟数之和，未回落的算到此刻",
            "Minutes from gas alarm to below its line, 30 days; up to now if not yet",
        ),
        at=callout.c.opened_at,
        over=_MONTH,
        decimals=0,
    ),
)
_overdue = sa.and_(clean_order.c.closed_at.is_(None), clean_order.c.due_at < ago())
_ordered = sa.select(clean_order.c.asset_id).where(clean_order.c.closed_at.is_(None))
_forgotten = sa.and_(tank.c.layers > LAYERS, tank.c.asset_id.not_in(_ordered))
CLEAN_KPIS = (
    city.Kpi(
        key="clean_overdue",
        title=Text("清掏超期", "Clean-outs overdue"),
        unit="单",
        table=clean_order,
        measure=city.count(_overdue, lost=_overdue),
        formula=Text("已过应完成时间而未清掏的工单", "Clean-out orders past their date and not done"),
        decimals=0,
    ),
    city.Kpi(
        key="clean_unordered",
        title=Text("应清未派", "To clean, not ordered"),
        unit="座",
        table=tank,
        measure=city.count(_forgotten, lost=_forgotten),
        formula=Text(
            "浮渣+污泥超过有效水深1/3而没有在办清掏工单的池", "Tanks whose scum and sludge exceed a third of the depth, with no order open"
        ),
        feeds=(*_TANKS, "septic_tanks.clean_orders"),
        decimals=0,
    ),
)
KPIS = (*TANK_KPIS, *RUN_KPIS, *CALL_KPIS, *CLEAN_KPIS)
