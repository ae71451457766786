"""The 12345 hotline: what citizens ask and complain of, whether they are answered, in time, and to their satisfaction."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text

place = city.asset_table("hotline_place")
case = city.case_table(
    "hotline_case",
    sa.Column("channel", sa.String(16)),
    sa.Column("contact_due_at", city.UtcDateTime),
    sa.Column("contacted_at", city.UtcDateTime),
    sa.Column("callback_at", city.UtcDateTime),
    sa.Column("solved", sa.Integer),  # 1 yes, 0 no; empty: not reached or no comment
    sa.Column("satisfied", sa.Integer),
    sa.Column("hotspot", sa.String(96)),
)
hotspot = city.case_table("hotline_hotspot", sa.Column("calls", sa.Integer))

MONTH = city.Window(days=30)
OPEN = case.c.closed_at.is_(None)

cases_today = city.Kpi(
    key="cases_today",
    title=Text("今日诉求", "Cases today"),
    unit="件",
    table=case,
    measure=city.count(),
    formula=Text("今日零时起受理的诉求", "Cases received since midnight"),
    at=case.c.opened_at,
    over=city.Window(days=1),
    weight=0,
    decimals=0,
)
cases_hour = city.Kpi(
    key="cases_hour",
    title=Text("近一小时诉求", "Cases, last hour"),
    unit="件",
    table=case,
    measure=city.count(),
    formula=Text("最近60分钟受理的诉求", "Cases received in the last 60 minutes"),
    at=case.c.opened_at,
    over=city.Window(rolling=timedelta(hours=1)),
    weight=0,
    decimals=0,
)
on_time = city.Kpi(
    key="on_time",
    title=Text("按时办结率", "Closed on time"),
    unit="%",
    table=case,
    measure=city.share(case.c.closed_at <= case.c.due_at, case.c.due_at.is_not(None)),
    formula=Text("近30日办结的诉求中在时限内办结的比例", "Of cases closed in 30 days, those within their limit"),
    at=case.c.closed_at,
    over=MONTH,
    weight=2,
    decimals=2,
)
response = city.Kpi(
    key="response",
    title=Text("响应率", "Answered in time"),
    unit="%",
    table=case,
    measure=city.share(case.c.contacted_at <= case.c.contact_due_at, case.c.contact_due_at.is_not(None)),
    formula=Text("近30日首次联系的诉求中在联系时限内的比例", "Of cases first contacted in 30 days, those within the limit for contact"),
    at=case.c.contacted_at,
    over=MONTH,
)
solved = city.Kpi(
    key="solved",
    title=Text("解决率", "Solved"),
    unit="%",
    table=case,
    measure=city.share(case.c.solved == 1, case.c.solved.is_not(None)),
    formula=Text("近30日有效回访中群众认为已解决的比例", "Of valid callbacks in 30 days, those calling it solved"),
    at=case.c.callback_at,
    over=MONTH,
)
satisfied = city.Kpi(
    key="satisfied",
    title=Text("满意率", "Satisfied"),
    unit="%",
    table=case,
    measure=city.share(case.c.satisfied == 1, case.c.satisfied.is_not(None)),
    formula=Text("近30日有效回访中满意的比例，未接通未评价不计", "Satisfied over callbacks of 30 days that got an answer"),
    at=case.c.callback_at,
    over=MONTH,
)
open_cases = city.Kpi(
    key="open_cases",
    title=Text("在办诉求", "Cases in hand"),
    unit="件",
    table=case,
    measure=city.count(OPEN),
    formula=Text("已受理、未办结的诉求", "Received and not yet closed"),
    weight=0,
    decimals=0,
)
overdue = city.Kpi(
    key="overdue",
    title=Text("超时未结", "Open past the limit"),
    unit="件",
    table=case,
    measure=city.count(sa.and_(OPEN, case.c.due_at < city.ago())),
    formula=Text("过了办理时限仍未办结的诉求", "Cases not closed past their limit"),
    weight=0,
    decimals=0,
)
hotspots = city.Kpi(
    key="hotspots",
    title=Text("热点诉求点", "Hotspots"),
    unit="处",
    table=hotspot,
    measure=city.count(hotspot.c.closed_at.is_(None)),
    formula=Text("已并案、尚未解除的同址集中诉求", "Places of many calls, merged and not yet settled"),
    weight=0,
    decimals=0,
)

DOMAIN = city.Domain(
    key="hotline",
    title=Text("12345热线", "12345 hotline"),
    department=Text("渝中区民生服务中心", "Yuzhong Citizen Service Centre"),
    vital="nerves",
    feeds=(
        city.Feed(key="places", title=Text("诉求地址", "Places"), table=place, required=("asset_id", "name"), late_after=timedelta(days=1)),
        city.Feed(
            key="cases",
            title=Text("热线工单", "Cases"),
            table=case,
            required=("case_id", "opened_at", "state"),
            late_after=timedelta(minutes=90),
        ),  # at four in the morning an hour passes without a call
        city.Feed(
            key="hotspots",
            title=Text("热点并案", "Hotspots"),
            table=hotspot,
            required=("case_id", "opened_at"),
            late_after=timedelta(days=2),
        ),
    ),
    kpis=(on_time, response, solved, satisfied, cases_today, cases_hour, open_cases, overdue, hotspots),
    rules=(
        city.AlertRule(
            key="hotspot",
            title=Text("同址诉求集中", "Many calls from one place"),
            watches=city.RowCount(table=case, by=case.c.asset_id, at=case.c.opened_at, over=timedelta(minutes=30)),
            clear_hold=timedelta(minutes=30),
            unit="件/30分",
        ),
        city.AlertRule(
            key="surge",
            title=Text("全区诉求骤增", "Calls surge"),
            watches=city.KpiValues(kpi=cases_hour),
            clear_hold=timedelta(minutes=15),
            unit="件/时",
        ),
        city.AlertRule(
            key="overdue",
            title=Text("诉求超时未结", "Cases overdue"),
            watches=city.KpiValues(kpi=overdue, each_street=True),
            hold=timedelta(minutes=10),
            clear_hold=timedelta(minutes=10),
            unit="件",
        ),
        city.AlertRule(
            key="on_time_low",
            title=Text("按时办结率偏低", "Too few closed on time"),
            watches=city.KpiValues(kpi=on_time),
            hold=timedelta(minutes=30),
            unit="%",
        ),
        city.AlertRule(
            key="silent",
            title=Text("热线数据中断", "Hotline data stopped"),
            watches=city.Absence(feed="hotline.cases"),
            no_data="alert",
            unit="min",
        ),
    ),
    asset_kinds={
        "compound": Text("小区", "Compound"),
        "street_front": Text("沿街", "Street front"),
        "market": Text("市场", "Market"),
        "station": Text("车站", "Station"),
        "park": Text("公园", "Park"),
    },
    states={
        "received": Text("受理", "Received"),
        "registered": Text("登记", "Registered"),
        "assigned": Text("派单", "Assigned"),
        "signed": Text("签收", "Signed for"),
        "handling": Text("办理", "In hand"),
        "replied": Text("答复", "Replied"),
        "callback": Text("回访", "Called back"),
        "redo": Text("重办", "Done again"),
        "closed": Text("办结", "Closed"),
        "archived": Text("归档", "Archived"),
        "gathering": Text("集中来电", "Calls coming in"),
        "handled": Text("已解除", "Settled"),
    },
    category_words={
        "consult": Text("咨询", "Question"),
        "help": Text("求助", "Request"),
        "noise": Text("噪声扰民", "Noise"),
        "water": Text("供水排水", "Water"),
        "power": Text("供电供气", "Power and gas"),
        "property": Text("物业管理", "Property management"),
        "parking": Text("停车管理", "Parking"),
        "transport": Text("交通出行", "Transport"),
        "sanitation": Text("市容环卫", "Street cleaning"),
        "consumer": Text("消费维权", "Consumer rights"),
        "elevator": Text("电梯故障", "Lift out of order"),
        "social": Text("社保民政", "Social security"),
    },
)
