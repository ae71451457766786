"""Schedules, realtime feeds, service requests and dropped files come in like any table."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest

from dashboard.core.times import to_micros
from dashboard.pull.probe import probe
from tests.pull.bureau import NOON, Desk, call, open_desk, post

STOPS = "stop_id,stop_name,stop_lat,stop_lon\nS1,解放碑,29.5585,106.572\nS2,大坪,29.544,106.523\n"
STOP_FIELDS = {"asset_id": "stop_id", "name": "stop_name", "lon": "stop_lon", "lat": "stop_lat", "kind": "'stop'"}


def zipped(path: Path, **files: str | bytes) -> Path:
    """A zip of files; `up_` stands for a name that leads outside."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("up_", "../").replace("__", "."), content)
    return path


def desk_for(tmp_path: Path, kind: str, place: Path | str, **options: Any) -> Desk:
    """Our store beside a source that is not a database."""
    desk = open_desk(tmp_path / "store.db", str(place), kind=kind, options=options)
    desk.now = NOON
    return desk


# ---- GTFS


@pytest.mark.parametrize("folder", [False, True])
def test_stops_of_a_schedule_come_in_and_are_read_again_only_when_it_changes(tmp_path: Path, folder: bool) -> None:
    place = tmp_path / "gtfs" if folder else tmp_path / "gtfs.zip"
    if folder:
        place.mkdir()
        (place / "stops.txt").write_text(STOPS, "utf-8-sig")
    else:
        zipped(place, stops__txt=STOPS)
    desk = desk_for(tmp_path, "gtfs", place)
    desk.maps("posts", table="stops", fields=STOP_FIELDS)
    assert desk.pull("posts").rows_new == 2
    assert [(r.name, r.kind, r.street) for r in desk.rows(post)] == [("解放碑", "stop", "500103003"), ("大坪", "stop", "500103012")]
    assert desk.pull("posts").rows_read == 0
    more = STOPS + "S3,朝天门,29.5625,106.58\n"
    (place / "stops.txt").write_text(more) if folder else zipped(place, stops__txt=more)
    assert desk.pull("posts").rows_new == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"up_stops__txt": STOPS}, "leads outside"),
        ({"routes__txt": "route_id\n1\n"}, "no stops.txt"),
        ({"stops__txt": "stop_id,name\n1,a\n"}, "no column 'stop_lat'"),
        ({"stops__txt": b"0" * 30_000_000}, "would unpack"),
    ],
)
def test_a_schedule_that_is_unsafe_or_changed_is_refused_with_the_reason(tmp_path: Path, content: dict[str, Any], says: str) -> None:
    desk = desk_for(tmp_path, "gtfs", zipped(tmp_path / "gtfs.zip", **content))
    desk.maps("posts", table="stops", fields=STOP_FIELDS)
    outcome = desk.pull("posts")
    assert outcome.outcome == "changed" and says in outcome.error


def test_a_broken_zip_says_so(tmp_path: Path) -> None:
    (tmp_path / "gtfs.zip").write_bytes(zipped(tmp_path / "whole.zip", stops__txt=STOPS).read_bytes()[:60])
    desk = desk_for(tmp_path, "gtfs", tmp_path / "gtfs.zip")
    desk.maps("posts", table="stops", fields=STOP_FIELDS)
    assert "not a readable zip" in desk.pull("posts").error


# ---- GTFS-Realtime


def vehicle(key: str, lat: float, at: int, trip: str = "T1") -> dict[str, Any]:
    return {
        "id": key,
        "vehicle": {"trip": {"tripId": trip}, "vehicle": {"id": key}, "position": {"latitude": lat, "longitude": 106.57}, "timestamp": at},
    }


VEHICLE_FIELDS = {
    "asset_id": "vehicle_id",
    "name": "label",
    "lon": "longitude",
    "lat": "latitude",
    "state": "matched",
    "observed_at": "timestamp",
}


def test_vehicles_come_in_and_an_impossible_one_is_put_aside(tmp_path: Path) -> None:
    at = to_micros(NOON) // 1_000_000
    feed = {
        "header": {"gtfsRealtimeVersion": "2.0", "timestamp": at},
        "entity": [vehicle("V1", 29.5585, at), vehicle("V2", 100, at), vehicle("V3", 29.55, at, "X")],
    }
    (tmp_path / "feed.json").write_text(json.dumps(feed))
    schedule = zipped(tmp_path / "gtfs.zip", trips__txt="trip_id,route_id\nT1,R1\n")
    desk = desk_for(tmp_path, "gtfs_rt", tmp_path / "feed.json", schedule=str(schedule))
    desk.maps("posts", table="vehicle_positions", fields=VEHICLE_FIELDS)
    assert desk.pull("posts").rows_new == 2
    assert [(r.asset_id, r.state) for r in desk.rows(post)] == [("V1", "True"), ("V3", "False")]
    (aside,) = desk.aside()
    assert aside.source_key == "V2" and "not on Earth" in aside.reason
    assert desk.pull("posts").rows_read == 0
    (tmp_path / "feed.json").write_text("no feed at all")
    assert desk.pull("posts").outcome == "changed"


def test_real_captures_come_in_whole(tmp_path: Path, shared: Path) -> None:
    home = shared / "data" / "bus" / "caltrain_2023"
    expected = json.loads((home / "transitland-vehicle-stats.json").read_text())
    desk = desk_for(tmp_path, "gtfs_rt", home / "vehicle-positions_20231108T010559Z.pb", schedule=str(home / "gtfs.zip"))
    desk.maps("posts", table="vehicle_positions", fields=VEHICLE_FIELDS)
    outcome = desk.pull("posts")
    assert outcome.rows_new > 5 and outcome.rows_quarantined == 0 and expected
    (tmp_path / "updates").mkdir()
    updates = desk_for(tmp_path / "updates", "gtfs_rt", shared / "data" / "bus" / "auckland_2016_sequence")
    fields = {"case_id": "trip_id || '/' || stop_sequence", "opened_at": "timestamp", "state": "departure_delay"}
    updates.maps("calls", table="trip_updates", fields=fields)
    assert updates.pull("calls").rows_new > 1000


def test_feeds_that_break_the_rules_never_stop_a_pull(tmp_path: Path, shared: Path) -> None:
    for number, file in enumerate(sorted((shared / "data" / "bus" / "gtfs_rt_error_fixtures").glob("*.json"))):
        place = tmp_path / str(number)
        place.mkdir()
        desk = desk_for(place, "gtfs_rt", file)
        table = "vehicle_positions" if "vehicle_position" in file.name else "trip_updates"
        desk.maps("calls", table=table, fields={"case_id": "entity_id", "opened_at": "timestamp", "lat": "latitude", "lon": "longitude"})
        assert desk.pull("calls").outcome == "ok", file.name
        if file.name.startswith(("E001.trip", "E002", "E020", "E021", "E022", "E026")):
            assert desk.aside(), f"{file.name} went through unnoticed"


# ---- Open311


@contextmanager
def a_service(answer: Callable[[str, dict[str, list[str]]], tuple[int, bytes]]) -> Iterator[str]:
    """A GeoReport server of one function."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = answer(parts.path, parse_qs(parts.query))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v2"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


CASE_FIELDS = {
    "case_id": "service_request_id", "title": "service_name", "category": "service_code", "state": "status",
    "opened_at": "requested_datetime", "updated_at": "updated_datetime", "lon": "long", "lat": "lat",
}  # fmt: skip


def test_requests_are_asked_for_in_short_windows_and_page_by_page(tmp_path: Path) -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        asked.append(query)
        start = query["updated_after"][0][:10]
        page = int(query["page"][0])
        rows = [
            {"service_request_id": f"{start}-{page}-{i}", "status": "open", "requested_datetime": f"{start}T01:00:00Z"}
            for i in range(1000 if page == 1 else 3)
        ]
        return 200, json.dumps(rows).encode()

    with a_service(answer) as url:
        desk = desk_for(tmp_path, "open311", url)
        desk.maps("calls", fields=CASE_FIELDS, key_fields=("service_request_id",), backfill=timedelta(days=100))
        assert desk.pull("calls").rows_new == 2006
        spans = {(q["updated_after"][0], q["updated_before"][0]) for q in asked}
        assert len(spans) == 2 and ("2026-02-09T04:00:00Z", "2026-05-10T04:00:00Z") in spans
        asked.clear()
        desk.later(minutes=5)
        desk.pull("calls")
        assert asked[0]["updated_after"] == ["2026-05-20T03:50:00Z"]


def test_a_service_that_fails_or_answers_something_else_is_told_apart(tmp_path: Path) -> None:
    replies = {"a": (503, b""), "b": (200, b"<html>login</html>"), "c": (404, b"")}
    with a_service(lambda path, _: replies[path.split("/")[-2]]) as url:
        kinds = []
        for name in replies:
            (tmp_path / name).mkdir()
            desk = desk_for(tmp_path / name, "open311", f"{url}/{name}")
            desk.maps("calls", fields=CASE_FIELDS)
            kinds.append(desk.pull("calls").outcome)
    assert kinds == ["down", "changed", "changed"]


def test_georeport_samples_in_xml_and_json_come_in(tmp_path: Path, shared: Path) -> None:
    home = shared / "data" / "cases" / "open311_fixtures"
    for number, sample in enumerate(
        [home / "open311status" / "files" / "requests_many.xml", home / "open311status" / "service_requests.json"]
    ):
        (tmp_path / str(number)).mkdir()
        desk = desk_for(tmp_path / str(number), "open311", sample)
        desk.maps("calls", fields=CASE_FIELDS)
        outcome = desk.pull("calls")
        assert outcome.rows_new >= 2 and outcome.rows_quarantined == 0
        assert all(r.state in ("open", "closed") and r.lat for r in desk.rows(call))


def test_an_xml_bomb_is_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><service_requests>&c;</service_requests>'
    (tmp_path / "r.xml").write_text(bomb)
    desk = desk_for(tmp_path, "open311", tmp_path / "r.xml")
    desk.maps("calls", fields=CASE_FIELDS)
    assert desk.pull("calls").outcome == "changed"


# ---- drop folder

DROP_FIELDS = {"asset_id": "编号", "name": "名称", "height": "高度", "observed_at": "日期"}


def dropped(path: Path, content: bytes, age_s: float = 60) -> Path:
    """A file somebody put there a while ago."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    at = NOON.timestamp() - age_s
    os.utime(path, (at, at))
    return path


def sheet(rows: list[list[Any]]) -> bytes:
    """A workbook."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def drop(tmp_path: Path) -> Desk:
    (tmp_path / "drop").mkdir()
    desk = desk_for(tmp_path, "folder", tmp_path / "drop")
    desk.maps("posts", fields=DROP_FIELDS, key_fields=("编号",))
    return desk


CSV = '编号,名称,高度,日期\nA1,杆一,7.5,2026/5/1 8:00\nA2,"杆\n二","1,200",2026年5月2日\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_dropped_csv_is_read_whatever_wrote_it(drop: Desk, tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = CSV if delimiter == "," else CSV.replace('"1,200"', "1200").replace(",", delimiter)
    dropped(tmp_path / "drop" / "a.csv", text.encode(encoding))
    assert drop.pull("posts").rows_new == 2
    assert [(r.name, r.height) for r in drop.rows(post)] == [("杆一", 7.5), ("杆\n二", 1200.0)]


def test_a_workbook_with_a_title_above_its_header_is_read(drop: Desk, tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["灯杆台账"],
        [],
        ["编号", "名称", "高度", "日期"],
        [1001, "杆", 7.5, 45717.5],
        [1002, "杆", "约", NOON.replace(tzinfo=None)],
        [],
    ]
    dropped(tmp_path / "drop" / "a.xlsx", sheet(rows))
    assert drop.pull("posts").rows_new == 1
    assert [r.asset_id for r in drop.rows(post)] == ["1001"]
    assert [q.source_key for q in drop.aside()] == ["1002"]


def test_a_file_is_read_once_and_again_when_it_changes_and_is_never_touched(drop: Desk, tmp_path: Path) -> None:
    file = dropped(tmp_path / "drop" / "a.csv", CSV.encode())
    assert drop.pull("posts").rows_new == 2
    assert drop.pull("posts").rows_read == 0
    dropped(file, CSV.replace("7.5", "8.5").encode(), 50)
    assert drop.pull("posts").rows_changed == 1
    assert [f.name for f in (tmp_path / "drop").iterdir()] == ["a.csv"]


def test_a_file_still_being_written_waits(drop: Desk, tmp_path: Path) -> None:
    dropped(tmp_path / "drop" / "a.csv", CSV.encode(), 1)
    assert drop.pull("posts").rows_read == 0
    drop.later(seconds=30)
    assert drop.pull("posts").rows_new == 2


def test_zipped_and_gzipped_files_are_read_and_unsafe_ones_refused(drop: Desk, tmp_path: Path) -> None:
    dropped(tmp_path / "drop" / "a.csv.gz", gzip.compress(CSV.encode()))
    safe = zipped(tmp_path / "safe.zip", b__csv=CSV.replace("A1", "B1").replace("A2", "B2"))
    dropped(tmp_path / "drop" / "b.zip", safe.read_bytes(), 40)
    assert drop.pull("posts").rows_new == 4
    dropped(tmp_path / "drop" / "c.zip", zipped(tmp_path / "bad.zip", up_c__csv=CSV).read_bytes(), 30)
    outcome = drop.pull("posts")
    assert outcome.outcome == "changed" and "'../c.csv'" in outcome.error
    dropped(tmp_path / "drop" / "d.csv", CSV.replace("A1", "D1").replace("A2", "D2").encode(), 20)
    assert drop.pull("posts").rows_new == 2, "the refused file hides the one after it"


def test_every_refused_file_is_named_by_the_turn_and_by_the_test_of_the_source(drop: Desk, tmp_path: Path) -> None:
    dropped(tmp_path / "drop" / "good.csv", CSV.encode(), 90)
    dropped(tmp_path / "drop" / "evil.zip", zipped(tmp_path / "bad.zip", up_c__csv=CSV).read_bytes(), 60)
    dropped(tmp_path / "drop" / "cut.xlsx", b"PK cut off", 30)
    report = str(probe(drop.catalog, drop.settings, "posts", drop.now))
    outcome = drop.pull("posts")
    assert outcome.rows_new == 2
    for told in (report, outcome.error):
        assert (
            "evil.zip: " in told
            and "the zip holds the name '../c.csv'" in told
            and "cut.xlsx: 不是能读的压缩包 / not a readable zip" in told
        )


def test_another_header_is_a_change_and_an_empty_file_is_not(drop: Desk, tmp_path: Path) -> None:
    dropped(tmp_path / "drop" / "a.csv", b"")
    assert drop.pull("posts").outcome == "ok"
    dropped(tmp_path / "drop" / "b.csv", "编号,名称,高,日期\n1,2,3,4\n".encode())
    outcome = drop.pull("posts")
    assert outcome.outcome == "changed" and "'高度'" in outcome.error
    assert "高度" in str(probe(drop.catalog, drop.settings, "posts", drop.now))
