"""What the police platform for rentals must deliver, and what is judged of each row as it arrives."""

from __future__ import annotations

from datetime import timedelta

from dashboard import city
from dashboard.city import Text
from data_sources.rentals.tables import building, complaint, incident, listing, lock_event, room, status, stay, warning

HALF_HOUR = timedelta(minutes=30)


def judge_registration(row: city.Row) -> city.Row:
    """The four reals (实名、实数、实情、实时): verified, no more credentials than guests, within half an hour of coming in."""
    late = row.get("registered_at") is None or row["registered_at"] - row["opened_at"] > HALF_HOUR
    extra = (row.get("credentials") or 0) > row["party"]
    return {**row, "accurate": int(row.get("verified") == 1 and not extra and not late)}


def mark_night(row: city.Row) -> city.Row:
    """Whether a lock was used between 23 and 5 o'clock."""
    at = row["opened_at"]
    hour = (at - city.day_start(city.city_day(at))) // timedelta(hours=1)
    return {**row, "night": int(hour >= 23 or hour < 5)}


FEEDS = (
    city.Feed(
        key="buildings",
        title=Text("网约房楼栋", "Rental buildings"),
        table=building,
        required=("asset_id", "name"),
        late_after=timedelta(days=1),
    ),
    city.Feed(
        key="rooms",
        on_map=False,
        title=Text("一房一码登记", "Room register"),
        table=room,
        required=("asset_id", "name", "smart_lock"),
        late_after=timedelta(days=2),
    ),
    city.Feed(
        key="status",
        on_map=False,
        title=Text("房态与门锁状态", "Room and lock status"),
        table=status,
        required=("asset_id", "name", "guests"),
        versioned=False,
    ),
    city.Feed(
        key="stays",
        title=Text("入住登记", "Check-ins"),
        table=stay,
        required=("case_id", "asset_id", "opened_at", "party"),
        personal=("guest",),
        clean=judge_registration,
        late_after=timedelta(hours=1),  # before dawn half an hour passes without a guest
    ),
    city.Feed(
        key="lock_events",
        title=Text("智能门锁事件", "Smart-lock events"),
        table=lock_event,
        required=("case_id", "asset_id", "opened_at", "category"),
        clean=mark_night,
        versioned=False,
        late_after=timedelta(minutes=30),
    ),
    city.Feed(
        key="warnings",
        title=Text("风险预警", "Risk warnings"),
        table=warning,
        required=("case_id", "opened_at"),
        late_after=timedelta(hours=12),
    ),
    city.Feed(
        key="incidents",
        title=Text("涉网约房警情", "Police incidents"),
        table=incident,
        required=("case_id", "opened_at"),
        late_after=timedelta(days=2),
    ),
    city.Feed(
        key="complaints",
        title=Text("消费投诉", "Consumer complaints"),
        table=complaint,
        required=("case_id", "opened_at"),
        late_after=timedelta(days=2),
    ),
    city.Feed(
        key="listings",
        title=Text("无码上线线索", "Listings without a code"),
        table=listing,
        required=("case_id", "opened_at"),
        late_after=timedelta(days=2),
    ),
)
