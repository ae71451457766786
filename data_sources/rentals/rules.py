"""When a rental needs somebody: the risk signals the rows allow."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.rentals.kpis import uncoded_listings, warnings_unchecked
from data_sources.rentals.tables import complaint, lock_event, stay

HALF_HOUR = timedelta(minutes=30)
UNLOCKED = lock_event.c.category == "unlock"

RULES = (
    city.AlertRule(
        key="unlock_unregistered",
        title=Text("房源开锁未登记", "Unlocked, nobody registered"),
        watches=city.RowCount(
            table=lock_event,
            by=lock_event.c.asset_id,
            at=lock_event.c.opened_at,
            over=timedelta(hours=4),
            where=sa.and_(UNLOCKED, lock_event.c.stay.is_(None)),
        ),
        hold=HALF_HOUR,  # guests are given half an hour to register after coming in
        clear_hold=timedelta(minutes=10),
        unit="次/4时",
    ),
    city.AlertRule(
        key="night_traffic",
        title=Text("房源夜间频繁开锁", "Busy at night"),
        watches=city.RowCount(
            table=lock_event,
            by=lock_event.c.asset_id,
            at=lock_event.c.opened_at,
            over=timedelta(hours=6),
            where=sa.and_(UNLOCKED, lock_event.c.night == 1),
        ),
        unit="次/6时",
    ),
    city.AlertRule(
        key="lock_offline",
        title=Text("门锁长时离线", "Lock long offline"),
        watches=city.RowCount(
            table=lock_event,
            by=lock_event.c.asset_id,
            at=lock_event.c.opened_at,
            over=timedelta(hours=24),
            where=lock_event.c.category == "offline_24h",
        ),
        unit="次/日",
    ),
    city.AlertRule(
        key="over_party",
        title=Text("入住人数不符", "More keys than guests"),
        watches=city.RowCount(
            table=stay, by=stay.c.asset_id, at=stay.c.opened_at, over=timedelta(hours=12), where=stay.c.credentials >= stay.c.party + 3
        ),
        unit="单/12时",
    ),
    city.AlertRule(
        key="checkin_burst",
        title=Text("楼栋集中入住", "Check-in burst in a building"),
        watches=city.RowCount(table=stay, by=stay.c.building, at=stay.c.opened_at, over=timedelta(hours=1)),
        clear_hold=timedelta(minutes=15),
        unit="单/时",
    ),
    city.AlertRule(
        key="red_room_let",
        title=Text("红码房仍在接单", "Red room still let"),
        watches=city.RowCount(table=stay, by=stay.c.asset_id, at=stay.c.opened_at, over=timedelta(hours=24), where=stay.c.room_points <= 2),
        unit="单/日",
    ),
    city.AlertRule(
        key="complaints_repeated",
        title=Text("房源反复被投诉", "Room complained of again"),
        watches=city.RowCount(table=complaint, by=complaint.c.asset_id, at=complaint.c.opened_at, over=timedelta(days=30)),
        unit="件/30日",
    ),
    city.AlertRule(
        key="uncoded_listings",
        title=Text("无码房源集中上线", "Many listed without code"),
        watches=city.KpiValues(kpi=uncoded_listings, each_street=True),
        hold=timedelta(minutes=5),
        clear_hold=timedelta(minutes=30),
        unit="套",
    ),
    city.AlertRule(
        key="warnings_unchecked",
        title=Text("预警超时未核", "Warnings left unchecked"),
        watches=city.KpiValues(kpi=warnings_unchecked),
        hold=timedelta(minutes=10),
        unit="条",
    ),
    city.AlertRule(
        key="locks_silent",
        title=Text("门锁数据中断", "Lock data stopped"),
        watches=city.Absence(feed="rentals.lock_events"),
        no_data="alert",
        unit="min",
    ),
    city.AlertRule(
        key="stays_silent",
        title=Text("入住数据中断", "Check-in data stopped"),
        watches=city.Absence(feed="rentals.stays"),
        no_data="alert",
        unit="min",
    ),
)
