"""A folder of realtime captures: many are stored at a time, as they would be one by one, and one taken away meanwhile is passed over."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.core.times import to_micros
from dashboard.pull.readers import files, gtfs_rt
from dashboard.store.schema import pull_run, row_past
from tests.pull.bureau import NOON, Desk, open_desk, post

MESSAGES = 70
FIELDS = {"asset_id": "vehicle_id", "name": "label", "lon": "longitude", "lat": "latitude", "observed_at": "timestamp"}
LIVE = {"asset_id": "vehicle_id", "observed_at": "timestamp"}


def bus(name: str, at: int, lon: float) -> dict[str, Any]:
    position = {"latitude": 29.5585, "longitude": lon}
    return {"id": f"{name}{lon}", "vehicle": {"vehicle": {"id": name}, "position": {**position, "speed": 5}, "timestamp": at}}


def capture(folder: Path, number: int, *buses: dict[str, Any]) -> Path:
    file = folder / f"{number:03}.json"
    file.write_text(json.dumps({"header": {"timestamp": 1}, "entity": list(buses)}))
    return file


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A bus seen in one message after another, another bus in the first alone."""
    folder = tmp_path / "live"
    folder.mkdir()
    start = to_micros(NOON - timedelta(hours=1)) // 1_000_000
    for number in range(MESSAGES):
        here = bus("V1", start + 20 * number, 106.5 + number / 10_000)
        capture(folder, number, here, *([bus("V2", start, 106.56)] if number == 0 else []))
    return folder


def desk_of(place: Path, live: Path) -> Desk:
    place.mkdir()
    desk = open_desk(place / "store.db", str(live), kind="gtfs_rt")
    desk.maps("posts", table="vehicle_positions", fields=FIELDS)
    desk.maps("gauges", table="vehicle_positions", fields=LIVE, metrics={"heat": "speed"})
    return desk


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gtfs_rt, "_MESSAGES", 1)


def test_messages_stored_together_leave_what_they_leave_one_by_one(tmp_path: Path, live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, singly = desk_of(tmp_path / "a", live), desk_of(tmp_path / "b", live)
    assert {together.pull("posts").outcome, together.pull("gauges").outcome} == {"ok"}
    one_by_one(monkeypatch)
    assert {singly.pull("posts").outcome, singly.pull("gauges").outcome} == {"ok"}
    placed = [[(r.asset_id, r.lon, r.observed_at) for r in desk.rows(post)] for desk in (together, singly)]
    assert placed[0] == placed[1] and len(placed[0]) == 2
    assert together.rows(row_past) == singly.rows(row_past)
    assert together.readings() == singly.readings() and len(together.readings()) == MESSAGES + 1
    assert together.aside() == [], "a bus that has moved on contradicts nobody"
    assert together.pull("posts").rows_read == 0


def test_a_turn_cut_between_two_transactions_goes_on_from_there(tmp_path: Path, live: Path) -> None:
    desk = desk_of(tmp_path / "a", live)
    first = desk.pull("gauges", budget_s=0.0)
    assert first.more and 1 < first.rows_new < MESSAGES
    assert desk.pull("gauges").rows_new == MESSAGES + 1 - first.rows_new
    assert len(desk.rows(pull_run)) == 2


def test_two_rows_of_one_key_in_the_same_message_still_contradict_each_other(tmp_path: Path, live: Path) -> None:
    at = to_micros(NOON) // 1_000_000
    capture(live, MESSAGES, bus("V1", at, 106.57), bus("V1", at, 106.58))
    desk = desk_of(tmp_path / "a", live)
    desk.pull("posts")
    assert [q.reason_code for q in desk.aside()] == ["duplicate"]


@pytest.mark.parametrize("when", ["before it is looked at", "before it is read"])
def test_a_capture_taken_away_while_the_folder_is_read_is_passed_over(
    tmp_path: Path, live: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    look, gone = files.stamp, live / "003.json"

    def looks(file: Path) -> list[Any]:
        if file != gone:
            return look(file)
        mark = look(file) if when == "before it is read" else []
        file.unlink()
        return mark or look(file)

    monkeypatch.setattr(gtfs_rt, "stamp", looks)
    desk = desk_of(tmp_path / "a", live)
    outcome = desk.pull("gauges")
    assert (outcome.outcome, outcome.rows_new) == ("ok", MESSAGES)
