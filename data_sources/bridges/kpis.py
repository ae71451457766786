"""The numbers of bridges: how far from their limits, in what condition, and how warnings and patrols are kept up with."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.city import Kpi, Text, Window, ago, count, latest, share, smallest
from data_sources.bridges import sensed
from data_sources.bridges.tables import GRADES, bridge, inspection, warning
from data_sources.sensing import highest

_DUTY = ("bridges.warnings",)

worst_joint = Kpi(
    key="worst_joint",
    title=Text("伸缩缝最大残差", "Worst joint residual"),
    unit="σ",
    table=latest,
    measure=highest("bridges", "joint_residual"),
    formula=Text(
        "伸缩缝位移减去温度回归后的残差绝对值÷训练期标准差，取各桥最大",
        "Joint displacement less its temperature regression, absolute, ÷ sigma of the training year; the worst bridge",
    ),
    feeds=("bridges.readings",),
    weight=2,
    decimals=2,
)
worst_sag = Kpi(
    key="worst_sag",
    title=Text("持续下挠最快", "Fastest sag"),
    unit="mm/年",
    table=latest,
    measure=highest("bridges", "sag_growth"),
    formula=Text("各桥扣除温度与荷载后的跨中下挠年增量，取最大", "Growth of midspan sag a year, heat and load taken out; the worst bridge"),
    feeds=("bridges.readings",),
    decimals=2,
)
worst_bearing = Kpi(
    key="worst_bearing",
    title=Text("支座反力最大降幅", "Worst bearing drop"),
    unit="%",
    table=latest,
    measure=highest("bridges", "bearing_drop"),
    formula=Text("各桥支座反力低于同温度基准的百分比，取最大", "Bearing reaction below its reference at this heat; the worst bridge"),
    feeds=("bridges.readings",),
)
worst_frequency = Kpi(
    key="worst_frequency",
    title=Text("基频最大降幅", "Worst frequency drop"),
    unit="%",
    table=latest,
    measure=highest("bridges", "frequency_drop"),
    formula=Text("各桥一阶频率低于同温度基准的百分比，取最大", "First modal frequency below its baseline at this heat; the worst bridge"),
    feeds=("bridges.readings",),
)
worst_crack = Kpi(
    key="worst_crack",
    title=Text("裂缝最大变化", "Worst crack change"),
    unit="mm",
    table=latest,
    measure=highest("bridges", "crack_change"),
    formula=Text("各桥裂缝宽度扣除温度影响后的变化，取最大", "Change of crack width, heat taken out; the worst bridge"),
    feeds=("bridges.readings",),
    decimals=2,
)
worst_capacity = Kpi(
    key="worst_capacity",
    title=Text("应变占限值最高", "Nearest to strain limit"),
    unit="%",
    table=latest,
    measure=highest("bridges", "capacity_used"),
    formula=Text("各桥最新应变÷设计限值，取最大", "Newest strain ÷ design limit; the worst bridge"),
    feeds=("bridges.readings",),
    decimals=0,
)
bci_good = Kpi(
    key="bci_good",
    title=Text("技术状况A、B级", "Condition A or B"),
    unit="%",
    table=bridge,
    measure=share(bridge.c.grade.in_(("A", "B")), bridge.c.grade.in_(GRADES)),
    formula=Text("BCI评为A、B级的Ⅱ–Ⅴ类桥梁÷已评定的Ⅱ–Ⅴ类桥梁", "Class II–V bridges graded A or B ÷ class II–V bridges graded"),
    feeds=("bridges.structures",),
    weight=2,
)
_GRADE_WORDS = {
    "A": Text("完好", "sound"),
    "B": Text("良好", "good"),
    "C": Text("合格", "fair"),
    "D": Text("不合格", "poor"),
    "E": Text("危险", "dangerous"),
}


def _graded(grade: str) -> Kpi:
    word = _GRADE_WORDS[grade]
    return Kpi(
        key=f"bci_{grade.lower()}",
        title=Text(f"{grade}级桥梁（{word.zh}）", f"Grade {grade} ({word.en})"),
        unit="座",
        table=bridge,
        measure=count(bridge.c.grade == grade),
        formula=Text(f"BCI评为{grade}级的Ⅱ–Ⅴ类桥梁座数", f"Class II–V bridges whose BCI is in grade {grade}"),
        feeds=("bridges.structures",),
        weight=0,
        decimals=0,
    )


by_grade = tuple(map(_graded, GRADES))
worst_bci = Kpi(
    key="worst_bci",
    title=Text("最低BCI", "Lowest BCI"),
    unit="分",
    table=bridge,
    measure=smallest(bridge.c.bci, bridge.c.bci.is_not(None)),
    formula=Text("已评定的Ⅱ–Ⅴ类桥梁中最低的技术状况指数", "The lowest condition index of the class II–V bridges rated"),
    feeds=("bridges.structures",),
    weight=0,
)
class_one_passed = Kpi(
    key="class_one_passed",
    title=Text("Ⅰ类桥评定合格", "Class I passed"),
    unit="%",
    table=bridge,
    measure=share(bridge.c.grade == "passed", bridge.c.grade.in_(("passed", "failed"))),
    formula=Text("评定合格的Ⅰ类养护桥梁÷已评定的Ⅰ类养护桥梁", "Class I bridges that passed ÷ class I bridges assessed"),
    feeds=("bridges.structures",),
)
warnings_open = Kpi(
    key="warnings_open",
    title=Text("处置中预警", "Warnings being dealt with"),
    unit="件",
    table=warning,
    measure=count(warning.c.closed_at.is_(None)),
    formula=Text("桥隧预警处置单中尚未办结的件数", "Warnings about bridges and tunnels not closed yet"),
    feeds=_DUTY,
    weight=0,
    decimals=0,
)
confirmed_in_time = Kpi(
    key="confirmed_in_time",
    title=Text("预警按时确认率", "Confirmed in time"),
    unit="%",
    table=warning,
    measure=share(
        sa.and_(warning.c.confirmed_at.is_not(None), warning.c.confirmed_at <= warning.c.due_at),
        sa.or_(warning.c.confirmed_at.is_not(None), warning.c.due_at < ago()),
    ),
    formula=Text(
        "近30天在应确认时间（10分钟）内确认的预警÷已确认或已到期的预警",
        "Warnings of 30 days confirmed within the time allowed (10 minutes) ÷ those confirmed or due",
    ),
    at=warning.c.opened_at,
    over=Window(days=30),
    feeds=_DUTY,
)
effective_warnings = Kpi(
    key="effective_warnings",
    title=Text("有效预警率", "Effective warnings"),
    unit="%",
    table=warning,
    measure=share(warning.c.verdict != "recalibrate", warning.c.verdict.is_not(None)),
    formula=Text(
        "近30天办结预警中，结论不是重新标定（测点故障）的占比",
        "Of the warnings closed in 30 days, those that were not the instrument's fault",
    ),
    at=warning.c.opened_at,
    over=Window(days=30),
    feeds=_DUTY,
    weight=0,
)
inspected_in_time = Kpi(
    key="inspected_in_time",
    title=Text("巡检按时完成率", "Inspected in time"),
    unit="%",
    table=inspection,
    measure=share(
        sa.and_(inspection.c.closed_at.is_not(None), inspection.c.closed_at <= inspection.c.due_at),
        sa.or_(inspection.c.closed_at.is_not(None), inspection.c.due_at < ago()),
    ),
    formula=Text("近30天按时完成的桥隧巡检÷已完成或已到期的巡检", "Patrols of 30 days done in time ÷ those done or due"),
    at=inspection.c.opened_at,
    over=Window(days=30),
    feeds=("bridges.inspections",),
)
KPIS = (
    sensed.iot_bridges,
    sensed.iot_coverage,
    sensed.iot_online,
    sensed.video_structures,
    sensed.video_coverage,
    sensed.video_online,
    sensed.fused_coverage,
    worst_joint,
    worst_sag,
    worst_bearing,
    worst_frequency,
    worst_crack,
    worst_capacity,
    bci_good,
    *by_grade,
    worst_bci,
    class_one_passed,
    sensed.availability,
    sensed.stuck,
    sensed.calibrating,
    sensed.silent_channels,
    warnings_open,
    confirmed_in_time,
    effective_warnings,
    inspected_in_time,
)
