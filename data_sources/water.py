"""Water environment: the class of rivers and lakes by their worst factor, against target; stations that speak; outfalls inspected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text, ago, latest
from data_sources.measured_text import measured
from data_sources.sensing import channels, highest, lowest
from data_sources.water_class import AUTOMATIC, CLASSES, FACTORS, INFERIOR, assess

SAMPLED = ("codmn", "cod", "bod5", "nh3n", "tp", "petroleum", "fluoride", "do", "ph")
section = city.asset_table(
    "water_section",
    sa.Column("water", sa.String(32)),
    sa.Column("target", sa.SmallInteger),  # class wanted, 1–5
    sa.Column("automatic", sa.SmallInteger),  # 1: has a station
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
sample = city.case_table(  # opened_at: taken; updated_at: reported
    "water_sample",
    sa.Column("target", sa.SmallInteger),
    sa.Column("class_number", sa.SmallInteger),
    sa.Column("worst_factors", sa.String(96)),
    *(sa.Column(name, sa.Float) for name in SAMPLED),
)
outfall = city.asset_table("outfall", sa.Column("checked_at", city.UtcDateTime), sa.Column("synthetic", sa.SmallInteger))
check = city.case_table("outfall_check")  # category: none, or the fault found; due_at, closed_at: of putting it right


def classify(row: city.Row) -> city.Row:
    """A station's round with its class and how many classes that is short of target."""
    values = {factor: measured(row.get(factor)) for factor in AUTOMATIC}
    number = assess(values, str(row.get("body") or "river")).number
    target = measured(row.get("target"))
    short = None if number is None or target is None else max(number - target, 0.0)
    return {**row, **values, "water_class": number, "classes_short": short}


def classify_sample(row: city.Row) -> city.Row:
    """A laboratory's report in numbers, with the class and the factors that set it."""
    values = {factor: measured(row.get(f"reported_{factor}")) for factor in SAMPLED}
    found = assess(values, str(row.get("body") or "river"), needs=SAMPLED)
    if found.number is None:
        raise ValueError("手工监测报告不全：" + "、".join(FACTORS[f].zh for f in SAMPLED if values[f] is None))
    words = "、".join(FACTORS[f].zh for f in found.worst)
    state = "meets" if row.get("target") is not None and found.number <= int(row["target"]) else "short"
    known = {"class_number": found.number, "category": f"class_{found.number}", "worst_factors": words, "state": state}
    return {**row, **values, **known}


_ROUND = timedelta(hours=4)


def _metric(key: str, title: Text, unit: str, low: float, high: float, decimals: int) -> city.Metric:
    return city.Metric(key=key, title=title, unit=unit, low=low, high=high, decimals=decimals, cadence=_ROUND)


METRICS = (
    _metric("do", FACTORS["do"], "mg/L", 0, 25, 2),
    _metric("codmn", FACTORS["codmn"], "mg/L", 0, 200, 1),
    _metric("nh3n", FACTORS["nh3n"], "mg/L", 0, 50, 3),
    _metric("tp", FACTORS["tp"], "mg/L", 0, 10, 3),
    _metric("ph", FACTORS["ph"], "", 0, 14, 2),
    _metric("temperature", Text("水温", "Water temperature"), "°C", -1, 45, 1),
    _metric("tn", Text("总氮（不参评）", "Total nitrogen, not rated"), "mg/L", 0, 100, 2),
    _metric("turbidity", Text("浊度", "Turbidity"), "NTU", 0, 4000, 0),
    _metric("water_class", Text("水质类别", "Water class"), "类", 1, INFERIOR, 0),
    _metric("classes_short", Text("劣于目标", "Short of target"), "级", 0, INFERIOR, 0),
)

# An analyser that gives the same figure for two days has stopped measuring.
_channels = channels("water", timedelta(hours=9), timedelta(hours=48))
_measuring = _channels.c.metric.in_(AUTOMATIC)
_later = sample.alias("later_sample")
_newest = (
    sa.select(sample.c.case_id, sample.c.asset_id, sample.c.title, sample.c.street, sample.c.class_number, sample.c.target)
    .where(
        sample.c.opened_at >= ago(timedelta(days=45)),
        ~sa.exists().where(_later.c.asset_id == sample.c.asset_id, _later.c.opened_at > sample.c.opened_at),
    )
    .subquery("newest_sample")
)
_READINGS, _SAMPLES = ("water.automatic",), ("water.samples",)
_short = sa.and_(latest.c.domain == "water", latest.c.metric == "classes_short")
_unsettled = sa.and_(check.c.category != "none", check.c.closed_at.is_(None))


def _of_stations(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=latest, measure=measure, formula=formula, feeds=_READINGS, **more)


KPIS = (
    city.Kpi(
        key="meeting_target",
        title=Text("断面水质达标率", "Sections on target"),
        unit="%",
        table=_newest,
        measure=city.share(_newest.c.class_number <= _newest.c.target),
        formula=Text(
            "最近一次手工监测类别不劣于目标的断面÷45天内有手工监测的断面",
            "Sections whose newest laboratory sample meets target ÷ sections sampled within 45 days",
        ),
        feeds=_SAMPLES,
        weight=3,
    ),
    city.Kpi(
        key="worst_sample",
        title=Text("最差手工监测类别", "Worst sampled class"),
        unit="类",
        table=_newest,
        measure=city.largest(_newest.c.class_number),
        formula=Text("各断面最近手工监测类别中最差者，6为劣Ⅴ类", "The worst class of the sections' newest samples; 6 is worse than V"),
        feeds=_SAMPLES,
        weight=0,
        decimals=0,
    ),
    _of_stations(
        *("meeting_now", Text("自动站实时达标率", "Stations on target now"), "%", city.share(latest.c.value <= 0, _short)),
        Text("最新一次四小时测定不劣于目标的自动站÷有数的自动站", "Stations whose newest round meets target ÷ stations with data"),
        weight=2,
    ),
    _of_stations(
        *("worst_class", Text("实时最差类别", "Worst class now"), "类", highest("water", "water_class")),
        Text("各自动站最新类别中最差者；单因子评价，6为劣Ⅴ类", "The worst newest class of the stations, by worst factor; 6 is below V"),
        decimals=0,
    ),
    _of_stations(
        *("do", Text("最低溶解氧", "Least oxygen"), "mg/L", lowest("water", "do")),
        Text("各自动站最新溶解氧中最低者", "The lowest newest dissolved oxygen of all stations"),
        decimals=2,
    ),
    _of_stations(
        *("nh3n", Text("最高氨氮", "Most ammonia"), "mg/L", highest("water", "nh3n")),
        Text("各自动站最新氨氮中最高者", "The highest newest ammonia nitrogen of all stations"),
        decimals=2,
    ),
    _of_stations(
        *("tp", Text("最高总磷", "Most phosphorus"), "mg/L", highest("water", "tp")),
        Text("各自动站最新总磷中最高者", "The highest newest total phosphorus of all stations"),
        decimals=3,
    ),
    city.Kpi(
        key="valid",
        title=Text("自动站有效测项", "Analysers valid"),
        unit="%",
        table=_channels,
        measure=city.share(_channels.c.valid == 1, _measuring),
        formula=Text(
            "9小时内有可用数据且48小时内有变化的参评测项÷全部参评测项",
            "Rated factors heard within 9 hours that moved within 48 ÷ all rated factors",
        ),
        feeds=_READINGS,
    ),
    city.Kpi(
        key="outfalls_checked",
        title=Text("排口按期巡查率", "Outfalls inspected"),
        unit="%",
        table=outfall,
        measure=city.share(sa.func.coalesce(outfall.c.checked_at >= ago(timedelta(days=31)), sa.false())),
        formula=Text("近31天巡查过的入河排口÷全部入河排口", "Outfalls inspected within 31 days ÷ all"),
    ),
    city.Kpi(
        key="outfalls_settled",
        title=Text("排口问题按期整改率", "Outfall faults settled"),
        unit="%",
        table=check,
        measure=city.share(
            sa.func.coalesce(check.c.closed_at <= check.c.due_at, sa.false()), sa.and_(check.c.category != "none", check.c.due_at <= ago())
        ),
        formula=Text("近120天发现、期限已到的问题中按期整改的占比", "Of faults of 120 days whose limit has passed, those settled in time"),
        at=check.c.opened_at,
        over=city.Window(days=120),
    ),
    city.Kpi(
        key="outfall_faults",
        title=Text("未整改排口问题", "Outfall faults open"),
        unit="件",
        table=check,
        measure=city.count(_unsettled, lost=_unsettled),
        formula=Text("已发现、尚未整改完成的排口问题", "Faults found at outfalls and not settled yet"),
        decimals=0,
    ),
    city.Kpi(
        key="sections",
        title=Text("在测断面", "Sections watched"),
        unit="个",
        table=section,
        measure=city.count(),
        formula=Text("台账中的水质断面数", "Water sections in the register"),
        weight=0,
        decimals=0,
    ),
)

RULES = (
    city.AlertRule(
        key="short",
        title=Text("断面水质劣于目标", "Water short of target"),
        watches=city.Readings(metric="classes_short"),
        hold=_ROUND,  # one bad round may be a bad round
        clear_hold=_ROUND,
        unit="级",
    ),
    city.AlertRule(
        key="inferior", title=Text("断面水质劣Ⅴ类", "Water worse than class V"), watches=city.Readings(metric="water_class"), unit="类"
    ),
    city.AlertRule(key="oxygen", title=Text("溶解氧偏低", "Oxygen low"), watches=city.Readings(metric="do"), unit="mg/L"),
    *(
        city.AlertRule(
            key=f"stuck_{factor}",
            title=Text(f"{FACTORS[factor].zh}分析仪卡死", f"{FACTORS[factor].en} analyser stuck"),
            watches=city.Stillness(metric=factor),
            no_data="clear",
            unit="h",
        )
        for factor in AUTOMATIC
    ),
    city.AlertRule(
        key="fault_overdue",
        title=Text("排口问题逾期未整改", "Outfall fault overdue"),
        watches=city.RowCount(table=check, by=check.c.asset_id, at=check.c.due_at, over=timedelta(days=90), where=_unsettled),
        no_data="clear",
        unit="件",
    ),
    city.AlertRule(
        key="silent",
        title=Text("水质自动站中断", "Water station silent"),
        watches=city.Absence(feed="water.automatic", metric="do"),
        unit="h",
    ),
)

_RARELY = timedelta(days=400)
DOMAIN = city.Domain(
    key="water",
    title=Text("水环境", "Water environment"),
    department=Text("区住房城乡建委（水利）", "District Housing and Water Commission"),
    vital="metabolism",
    feeds=(
        city.Feed(key="sections", title=Text("水质断面", "Sections"), table=section, required=("asset_id", "target"), late_after=_RARELY),
        city.Feed(
            key="automatic",
            title=Text("水质自动监测", "Automatic stations"),
            metrics=METRICS,
            required=("asset_id", "observed_at"),
            clean=classify,
            late_after=timedelta(hours=5),
        ),
        city.Feed(
            key="samples",
            title=Text("水质手工监测", "Laboratory samples"),
            table=sample,
            required=("case_id", "opened_at", "target"),
            clean=classify_sample,
            late_after=timedelta(days=36),
        ),
        city.Feed(key="outfalls", title=Text("入河排口", "Outfalls"), table=outfall, required=("asset_id",), late_after=timedelta(days=15)),
        city.Feed(
            key="outfall_checks",
            title=Text("排口巡查", "Inspections"),
            table=check,
            required=("case_id", "opened_at", "category"),
            late_after=timedelta(days=15),
        ),
    ),
    kpis=KPIS,
    rules=RULES,
    asset_kinds={
        **{"river": Text("河流断面", "River section"), "lake": Text("湖库点位", "Lake point")},
        **{"storm": Text("雨洪排口", "Storm outfall"), "combined": Text("合流溢流口", "Combined overflow")},
        "works": Text("污水处理厂排口", "Treatment works outfall"),
    },
    states={"meets": Text("达标", "On target"), "short": Text("未达标", "Short of target")},
    category_words={
        **{f"class_{number}": words for number, words in CLASSES.items()},
        "none": Text("未见问题", "No fault"),
        "dry_flow": Text("晴天排水", "Flow in dry weather"),
        "colour": Text("水色异常", "Odd colour"),
        "odour": Text("异味", "Odour"),
        "blocked": Text("堵塞", "Blocked"),
    },
)
