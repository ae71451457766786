"""What rests on purpose is not shown as a loss of data."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.snapshot.readings import readings
from dashboard.snapshot.view import View
from data_sources.ships.tables import engine
from tests.whole_city import EAST, NOON, Town

HOURS = timedelta(hours=16)


def _row(town: Town, name: str) -> dict[str, object]:
    rows = readings(town.picture(NOON), View(), "breath")["rows"]
    return next(row for row in rows if row["name"] == name)


@pytest.mark.parametrize(("state", "word", "age"), [("off", "停机", "resting"), ("dosing", "数据中断", "silent")])
def test_an_engine_that_is_off_rests_and_one_that_runs_unheard_is_a_loss(own: Town, state: str, word: str, age: str) -> None:
    plate = {"asset_id": "E1", "kind": "engine", "name": "夜游左主机", "street": EAST.code, "state": state, "rated_rpm": 1500.0, "tier": 1}
    own.write(engine, [plate], NOON)
    own.read("ships", "limit_share", [("E1", EAST.code, NOON - HOURS, 400.0)], NOON)
    row = _row(own, "夜游左主机")
    assert (row["state_word"], row["fresh"].state, row["value"]) == (word, age, "—")  # type: ignore[attr-defined]
