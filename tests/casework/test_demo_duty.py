"""The demo's people take alerts from raised to closed, most of them in time, and the same way on every machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.tend import tend
from dashboard.core.configured import Plan
from dashboard.core.declare import Level
from dashboard.demo_duty import on_duty
from dashboard.store.alert_reads import alert_timeline, closed_today, open_alerts
from tests.small_city import EAST, SmallCity

MINUTE = timedelta(minutes=1)
LIMITS = {"acknowledge": 10.0, "dispatch": 15.0, "arrive": 30.0, "settle": 90.0, "verify": 60.0, "close": 60.0}
PLAN = Plan(level=Level.ORANGE, limits=LIMITS, ref="测试", confidence="default", photos=1)


def test_alerts_go_all_the_way_and_most_steps_are_in_time(town: SmallCity) -> None:
    town.catalog = replace(town.catalog, plans=(PLAN,))
    lamps = [f"lamp{n}" for n in range(12)]
    town.lamps({name: (EAST, "lit") for name in lamps})
    for minute in range(160):
        town.heat(*((name, town.now, 85.0 if 2 <= minute < 50 else 40.0) for name in lamps))
        evaluate(town.engine, town.catalog, town.settings, town.now)
        tend(town.engine, town.catalog, town.now)
        on_duty(town.engine, town.catalog, town.now)
        town.clock.step(MINUTE)
    with town.engine.connect() as conn:
        assert open_alerts(conn) == []
        lives = [alert_timeline(conn, row.alert_id) for row in closed_today(conn, town.now)]
    assert len(lives) == 12
    timed = [t for life in lives for t in life if t.limit_s is not None and t.took_s is not None]
    in_time = [t for t in timed if (t.took_s or 0) <= (t.limit_s or 0)]
    assert 0.75 < len(in_time) / len(timed) < 1, "people are good, not perfect"
    assert {t.what for t in timed} >= {"acknowledge", "dispatch", "arrive", "settle", "verify", "close"}
    assert all(t.actor in ("system", "照明管理处值班岗") for life in lives for t in life)
