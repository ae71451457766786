"""The numbers of short-term rentals: register, guests, registration, warnings, incidents against last year."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.rentals.tables import complaint, incident, listing, room, status, stay, warning

YEAR = city.Window(days=365)
MONTH = city.Window(days=30)
IN_FORCE = room.c.state.in_(("operating", "warned", "rectifying", "suspended"))

rooms_coded = city.Kpi(
    key="rooms_coded",
    title=Text("赋码房源", "Rooms coded"),
    unit="套",
    table=room,
    measure=city.count(IN_FORCE),
    formula=Text("已赋码且未退出、未注销的网约房套数", "Rooms with a code in force: not left, not revoked"),
    weight=0,
    decimals=0,
)
smart_lock_share = city.Kpi(
    key="smart_lock_share",
    title=Text("智能门锁率", "Rooms with smart locks"),
    unit="%",
    table=room,
    measure=city.share(room.c.smart_lock == 1, IN_FORCE),
    formula=Text("装有智能门锁的房源÷赋码房源", "Rooms with a smart lock over coded rooms"),
    decimals=2,
)
locks_online = city.Kpi(
    key="locks_online",
    title=Text("门锁在线率", "Locks online"),
    unit="%",
    table=status,
    measure=city.share(status.c.state.in_(("online", "low_battery")), status.c.state.in_(("online", "low_battery", "offline"))),
    formula=Text("在线（含低电量）门锁÷全部智能门锁", "Locks online, low battery included, over all smart locks"),
)
occupancy = city.Kpi(
    key="occupancy",
    title=Text("今夜入住率", "Occupied tonight"),
    unit="%",
    table=status,
    measure=city.share(status.c.guests > 0),
    formula=Text("有登记住客的房源÷房态表内房源", "Rooms with registered guests over rooms in the status table"),
    weight=0,
)
guests_now = city.Kpi(
    key="guests_now",
    title=Text("在住旅客", "Guests in house"),
    unit="人",
    table=status,
    measure=city.total(status.c.guests),
    formula=Text("各房源在住人数之和", "Sum of guests over rooms"),
    weight=0,
    decimals=0,
)
checkins_today = city.Kpi(
    key="checkins_today",
    title=Text("今日入住", "Check-ins today"),
    unit="人次",
    table=stay,
    measure=city.total(stay.c.party),
    formula=Text("今日零时起入住登记人数之和", "Guests registered since midnight"),
    at=stay.c.opened_at,
    over=city.Window(days=1),
    weight=0,
    decimals=0,
)
stays_year = city.Kpi(
    key="stays_year",
    title=Text("近一年入住", "Stays, 12 months"),
    unit="人次",
    table=stay,
    measure=city.total(stay.c.party),
    formula=Text("近365个自然日入住登记人数之和", "Guests registered over the last 365 city days"),
    at=stay.c.opened_at,
    over=YEAR,
    weight=0,
    decimals=0,
)
registration_accuracy = city.Kpi(
    key="registration_accuracy",
    title=Text("登记准确率", "Registration accuracy"),
    unit="%",
    table=stay,
    measure=city.share(stay.c.accurate == 1),
    formula=Text("近30日核验通过、人数相符、30分钟内登记的比例", "Check-ins of 30 days verified, right in number, within 30 minutes"),
    at=stay.c.opened_at,
    over=MONTH,
    weight=2,
    decimals=2,
)
uncoded_listings = city.Kpi(
    key="uncoded_listings",
    title=Text("无码上线", "Listed without code"),
    unit="套",
    table=listing,
    measure=city.count(listing.c.closed_at.is_(None)),
    formula=Text("平台在售而无房屋编码、尚未处置的线索数", "Listings on sale without a room code, not yet dealt with"),
    weight=0,
    decimals=0,
)
listings_cleared = city.Kpi(
    key="listings_cleared",
    title=Text("无码处置率", "Uncoded listings cleared"),
    unit="%",
    table=listing,
    measure=city.share(listing.c.closed_at.is_not(None)),
    formula=Text("近90日发现的无码线索中已补码或下架的比例", "Of listings without code found in 90 days, those since coded or taken down"),
    at=listing.c.opened_at,
    over=city.Window(days=90),
)
rooms_red = city.Kpi(
    key="rooms_red",
    title=Text("红码房源", "Rooms on red"),
    unit="套",
    table=room,
    measure=city.count(sa.and_(IN_FORCE, room.c.colour == "red")),
    formula=Text("积分降至红码的在册房源", "Coded rooms whose points have fallen to red"),
    weight=0,
    decimals=0,
)
effective_warnings = city.Kpi(
    key="effective_warnings",
    title=Text("有效预警", "Effective warnings"),
    unit="条",
    table=warning,
    measure=city.count(warning.c.effective == 1),
    formula=Text("经核查属实的风险预警累计", "Risk warnings found true on checking, cumulative"),
    weight=0,
    decimals=0,
)
risks_eliminated = city.Kpi(
    key="risks_eliminated",
    title=Text("消除风险", "Risks eliminated"),
    unit="个",
    table=warning,
    measure=city.count(sa.and_(warning.c.effective == 1, warning.c.closed_at.is_not(None))),
    formula=Text("有效预警中治安风险已消除的累计", "Effective warnings whose risk has been removed, cumulative"),
    weight=0,
    decimals=0,
)
warnings_on_time = city.Kpi(
    key="warnings_on_time",
    title=Text("预警核查及时率", "Warnings checked on time"),
    unit="%",
    table=warning,
    measure=city.share(warning.c.checked_at <= warning.c.due_at),
    formula=Text("近30日核查的预警中在时限内完成的比例", "Of warnings checked in 30 days, those within their limit"),
    at=warning.c.checked_at,
    over=MONTH,
)
warnings_unchecked = city.Kpi(
    key="warnings_unchecked",
    title=Text("超时未核预警", "Warnings overdue"),
    unit="条",
    table=warning,
    measure=city.count(sa.and_(warning.c.checked_at.is_(None), warning.c.due_at < city.ago())),
    formula=Text("超过核查时限仍未核查的预警", "Warnings not checked past their limit"),
    weight=0,
    decimals=0,
)
incidents_year = city.Kpi(
    key="incidents_year",
    title=Text("警情同比", "Incidents on the year"),
    unit="%",
    table=incident,
    measure=city.count(),
    formula=Text("近365日涉网约房警情数比上一个365日的增减", "Police incidents of the last 365 days against the 365 before"),
    at=incident.c.opened_at,
    over=YEAR,
    change="year",
)
complaints_year = city.Kpi(
    key="complaints_year",
    title=Text("投诉同比", "Complaints on the year"),
    unit="%",
    table=complaint,
    measure=city.count(),
    formula=Text("近365日网约房消费投诉数比上一个365日的增减", "Consumer complaints of the last 365 days against the 365 before"),
    at=complaint.c.opened_at,
    over=YEAR,
    change="year",
)

KPIS = (
    registration_accuracy,
    incidents_year,
    complaints_year,
    smart_lock_share,
    locks_online,
    warnings_on_time,
    listings_cleared,
    rooms_coded,
    stays_year,
    occupancy,
    guests_now,
    checkins_today,
    uncoded_listings,
    rooms_red,
    effective_warnings,
    risks_eliminated,
    warnings_unchecked,
)
