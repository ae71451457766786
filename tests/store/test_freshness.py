"""Freshness: how old the newest data is, which is not whether the job ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.declare import Freshness
from dashboard.store.engine import writing
from dashboard.store.freshness import FeedFreshness, feeds_freshness
from dashboard.store.schema import pull_state

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
FRESH, LATE, SILENT, NEVER = Freshness.FRESH, Freshness.LATE, Freshness.SILENT, Freshness.NEVER


def ago(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW - timedelta(minutes=minutes)


def freshness(store: sa.Engine, *pulls: dict[str, Any]) -> FeedFreshness:
    common = {"source": "sensors", "feed": "bridges.readings", "cadence_s": 600, "last_try_at": NOW, "last_ok_at": NOW}
    with writing(store).begin() as conn:
        for number, pull in enumerate(pulls):
            conn.execute(sa.insert(pull_state).values(common | {"pull": f"p{number}"} | pull))
    with store.connect() as conn:
        return feeds_freshness(conn, NOW)["bridges.readings"]


@pytest.mark.parametrize(
    ("newest", "state"), [(None, NEVER), (0, FRESH), (10, FRESH), (10.1, LATE), (30, LATE), (30.1, SILENT), (9999, SILENT)]
)
def test_a_feed_is_as_fresh_as_its_newest_event(store: sa.Engine, newest: float | None, state: Freshness) -> None:
    assert freshness(store, {"newest_event_at": ago(newest)}).state is state


@pytest.mark.parametrize(("contact", "state"), [(None, NEVER), (5, FRESH), (20, LATE), (40, SILENT)])
def test_a_register_is_as_fresh_as_the_last_time_it_was_read(store: sa.Engine, contact: float | None, state: Freshness) -> None:
    last_year = ago(60 * 24 * 400)
    assert freshness(store, {"judged_by": "contact", "newest_event_at": last_year, "last_ok_at": ago(contact)}).state is state


def test_a_source_that_has_been_failing_is_silent_whatever_it_said_last(store: sa.Engine) -> None:
    ahead = {"newest_event_at": ago(-60), "last_ok_at": ago(31), "error_kind": "down"}
    found = freshness(store, ahead)
    assert (found.state, found.error_kind) == (SILENT, "down")


def test_one_failed_try_does_not_make_fresh_data_stale(store: sa.Engine) -> None:
    assert freshness(store, {"newest_event_at": ago(3), "last_ok_at": ago(5), "error_kind": "slow"}).state is FRESH


def test_a_department_whose_clock_is_an_hour_ahead_does_not_look_fresh_for_an_hour(store: sa.Engine) -> None:
    found = freshness(store, {"newest_event_at": ago(-60 + 35), "clock_skew_s": 3600})
    assert (found.state, found.age) == (SILENT, timedelta(minutes=35))


def test_a_feed_of_two_pulls_is_as_fresh_as_the_worse(store: sa.Engine) -> None:
    found = freshness(store, {"newest_event_at": ago(1)}, {"newest_event_at": ago(20)}, {"newest_event_at": ago(2)})
    assert (found.state, found.pull) == (LATE, "p1")
