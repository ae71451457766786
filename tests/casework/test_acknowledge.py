"""Acknowledging alerts: once, by someone, with a trace."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.handling import Doing, act
from dashboard.casework.life import Event
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.store.alert_reads import alert_timeline, open_alerts
from dashboard.store.schema import audit
from dashboard.store.topics import versions
from tests.small_city import NOON, SmallCity, on_both

MINUTE = timedelta(minutes=1)


def _one_open(town: SmallCity) -> int:
    town.heat(*(("a", NOON - i * MINUTE, 70.0) for i in range(3)))
    evaluate(town.engine, town.catalog, town.settings, town.now)
    with town.engine.connect() as conn:
        return open_alerts(conn)[0].alert_id


def _acknowledge(town: SmallCity, number: int, actor: str, note: str = "") -> None:
    act(town.engine, town.catalog, number, Doing(event=Event.ACKNOWLEDGE, actor=actor, note=note), town.now)


@on_both
def test_the_first_to_acknowledge_stays_and_is_written_down(town: SmallCity) -> None:
    number = _one_open(town)
    town.clock.step(MINUTE)
    _acknowledge(town, number, "值班甲", "已派人")
    with pytest.raises(NotNowError, match="已确认的预警不能确认"):
        _acknowledge(town, number, "值班乙")
    with town.engine.connect() as conn:
        (row,) = open_alerts(conn)
        life = alert_timeline(conn, number)
        trace = conn.execute(sa.select(audit.c.actor, audit.c.action, audit.c.object, audit.c.detail)).all()
    assert (row.state, row.stage, row.acknowledged_by, row.acknowledged_at) == ("open", "in_hand", "值班甲", NOON + MINUTE)
    assert [(t.what, t.actor) for t in life] == [("open", "system"), ("acknowledge", "值班甲")]
    assert (life[1].reason, life[1].old, life[1].new) == ("已派人", "new", "acknowledged")
    assert trace == [("值班甲", "alert.acknowledge", row.number, "已派人")]


def test_screens_are_told_of_an_acknowledgement_once(town: SmallCity) -> None:
    number = _one_open(town)
    with town.engine.connect() as conn:
        before = versions(conn)["alerts"]
    _acknowledge(town, number, "值班甲")
    with pytest.raises(NotNowError):
        _acknowledge(town, number, "值班甲")
    with town.engine.connect() as conn:
        assert versions(conn)["alerts"] == before + 1


@on_both
def test_before_it_was_acknowledged_it_was_new(town: SmallCity) -> None:
    number = _one_open(town)
    town.clock.step(5 * MINUTE)
    _acknowledge(town, number, "值班甲")
    with town.engine.connect() as conn:
        assert open_alerts(conn, NOON + MINUTE)[0].stage == "new"
        assert open_alerts(conn, NOON + 6 * MINUTE)[0].stage == "in_hand"


def test_an_alert_that_is_not_there_cannot_be_acknowledged(town: SmallCity) -> None:
    with pytest.raises(NotFoundError, match="no alert 12"):
        _acknowledge(town, 12, "值班甲")
