"""Warnings of others in CAP: taken or refused as they deserve, pulled like any source, and our own feed read by our own reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from dashboard.pull.readers.cap_message import CapRefusedError, read_document
from dashboard.snapshot.picture import Reader
from dashboard.web.cap import publishing
from dashboard.web.eyes import Eyes
from tests.notify.office import Office
from tests.pull.bureau import Desk, call, open_desk
from tests.web.stage import in_loop, served

TAKEN = {  # file: messages in it, links in it
    "amber.atom": (1, 0),
    "australia.cap": (1, 0),
    "bushfire_valid.edxlde": (7, 0),
    "canada.cap": (1, 0),
    "canada_signed.atom": (1, 0),
    "canada_signed.cap": (1, 0),
    "earthquake-iso8859-1.cap": (1, 0),
    "earthquake.cap": (1, 0),
    "earthquake_index.atom": (0, 1),
    "earthquake_signed.cap": (1, 0),
    "empty_weather_index.atom": (0, 0),
    "no_entries.atom": (0, 0),  # the message in it stands outside any entry: somebody's addition to the feed
    "no_optional_fields.cap": (1, 0),
    "ny_index.rss": (0, 2),
    "wcatwc-warning.cap": (1, 0),
    "weather.atom": (1, 0),
    "weather.cap": (1, 0),
    "weather_index.atom": (0, 2),
}
REFUSED = {  # file: what the reason must name
    "bushfire_invalid.edxlde": "<identifier>: is missing",
    "canada_errors.cap": "<references>: names no earlier message",
    "environment_canada_x509_cert.pem": "not XML",
    "invalid.cap": "<scope>: is missing",
    "invalid.rss": "<title> of the channel",
    "invalid_element.atom": "<foo> is no element of an Atom feed",
    "naads_x509_cert.pem": "not XML",
    "no_id.atom": "<id> of the feed",
    "no_link.atom": "no message and no link",
    "no_title.atom": "<title> of the entry",
    "noaa_errors.cap": "<urgency>: is missing",
    "weather_invalid.atom": "<identifier>: is missing, or holds spaces",
    "xee.atom": "declares a document type or entities",
    "xee.cap": "declares a document type or entities",
}
MESSAGE = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{id}</identifier><sender>met@example</sender>
<sent>2026-05-20T11:{minute}:00+08:00</sent><status>{status}</status><msgType>Alert</msgType><scope>Public</scope><info><category>Met</category>
<event>暴雨</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty><headline>暴雨橙色预警</headline>
<area><areaDesc>解放碑街道</areaDesc><circle>29.5585,106.572 1</circle></area></info></alert>"""
FIELDS = {"case_id": "identifier", "opened_at": "sent", "title": "headline", "lon": "lon", "lat": "lat", "category": "event"}


def samples(shared: Path) -> Path:
    return shared / "data" / "alerts_coords" / "cap_google_testdata"


def test_the_samples_are_all_told_apart(shared: Path) -> None:
    assert {file.name for file in samples(shared).iterdir()} - {"LICENSE"} == {*TAKEN, *REFUSED}
    assert len(TAKEN) + len(REFUSED) == 32


@pytest.mark.parametrize("name", TAKEN)
def test_a_valid_sample_is_taken_whole(shared: Path, name: str) -> None:
    found = read_document((samples(shared) / name).read_bytes())
    assert (found.messages, len(found.links)) == TAKEN[name]
    assert len(found.rows) >= found.messages


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_sample_is_refused_with_the_reason(shared: Path, name: str) -> None:
    with pytest.raises(CapRefusedError) as why:
        read_document((samples(shared) / name).read_bytes())
    assert REFUSED[name] in str(why.value)


def test_a_samples_values_are_those_in_it(shared: Path) -> None:
    (row,) = read_document((samples(shared) / "earthquake.cap").read_bytes()).rows
    assert row["event"] == "Earthquake"
    assert row["parameter.Magnitude"] == "6.3"
    assert row["sent"] == "2010-08-31T00:09:25-05:00"
    assert (row["lat"], row["lon"]) == (-16.053, -173.274)


@pytest.mark.parametrize(
    ("instead", "of", "says"),
    [
        ("2026-05-20T11:30:00", "2026-05-20T11:30:00+08:00", "not a moment with its offset"),
        ("2026-02-30T11:30:00+08:00", "2026-05-20T11:30:00+08:00", "no date there is"),
        ("Mad", "Severe", "'Mad' is none of the standard's words"),
        ("<circle>99,106.572 1</circle>", "<circle>29.5585,106.572 1</circle>", "nowhere on earth"),
        ("<polygon>29,106 29,107 30,107</polygon>", "<circle>29.5585,106.572 1</circle>", "not a closed ring"),
        ("urn:oasis:names:tc:emergency:cap:9.9", "urn:oasis:names:tc:emergency:cap:1.2", "no version of CAP"),
        ("<scope>Restricted</scope>", "<scope>Public</scope>", "<restriction>"),
    ],
)
def test_a_message_that_breaks_the_standard_says_where(instead: str, of: str, says: str) -> None:
    with pytest.raises(CapRefusedError, match=says):
        read_document(MESSAGE.format(id="A1", minute=30, status="Actual").replace(of, instead).encode())


def desk_for(place: Path | str, tmp_path: Path, **options: Any) -> Desk:
    desk = open_desk(tmp_path / "pulled.db", str(place), kind="cap", options=options)
    desk.maps("calls", fields=FIELDS)
    return desk


def test_a_folder_of_messages_is_pulled_once_and_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "met"
    folder.mkdir()
    (folder / "1.cap").write_text(MESSAGE.format(id="A1", minute=30, status="Actual"), "utf-8")
    (folder / "2.cap").write_text("<alert/>", "utf-8")
    (folder / "3.cap").write_text(MESSAGE.format(id="A3", minute=31, status="Actual"), "utf-8")
    desk = desk_for(folder, tmp_path)
    turn = desk.pull("calls")
    assert turn.outcome == "changed"
    assert "2.cap: 'no namespace' is no version of CAP" in str(turn.error)
    assert [(row.case_id, row.title, row.street) for row in desk.rows(call)] == [
        ("A1", "暴雨橙色预警", "500103003"),
        ("A3", "暴雨橙色预警", "500103003"),
    ]
    (folder / "2.cap").unlink()
    desk.later(minutes=10)
    again = desk.pull("calls")
    assert (again.outcome, again.rows_read) == ("ok", 0)


def test_an_exercise_is_no_warning_unless_the_mapping_wants_it(tmp_path: Path) -> None:
    file = tmp_path / "drill.cap"
    file.write_text(MESSAGE.format(id="D1", minute=30, status="Exercise"), "utf-8")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert desk_for(file, tmp_path / "a").pull("calls").rows_new == 0
    assert desk_for(file, tmp_path / "b", status=["Actual", "Exercise"]).pull("calls").rows_new == 1


def test_our_own_feed_is_read_over_http_by_our_own_reader_message_by_message_and_each_once(office: Office, tmp_path: Path) -> None:
    app = FastAPI()
    settings, catalog = replace(office.settings, home=tmp_path), office.city.catalog
    eyes = Eyes(Reader(office.engine, catalog, settings), office.engine)
    app.include_router(publishing(office.engine, catalog, settings, office.city.clock, eyes), prefix="/api/v1")
    office.raised("red", count=3)

    async def read() -> None:
        import asyncio

        async with served(app) as port:
            desk = desk_for(f"http://127.0.0.1:{port}/api/v1/cap", tmp_path, status=["Exercise"])
            assert (await asyncio.to_thread(desk.pull, "calls")).rows_new == 3
            assert {row.category for row in desk.rows(call)} == {"灯体过热", "Lamp too hot"} or len(desk.rows(call)) == 3
            desk.later(minutes=10)
            office.raised("red")
            later = await asyncio.to_thread(desk.pull, "calls")
            assert later.rows_new == 1
            assert later.rows_read == 2, "one message, told in two languages"

    in_loop(read())


def test_an_index_leads_to_its_own_host_alone_and_past_what_is_gone(tmp_path: Path) -> None:
    from tests.pull.test_files import a_service

    asked: list[str] = []
    entry = "<entry><id>{n}</id><title>t</title><updated>2026-05-20T03:00:00Z</updated><link href='{href}'/></entry>"
    links = ("http://127.0.0.1:9/elsewhere", "file:///etc/hosts", "/v2/gone.cap", "/v2/one.cap")
    entries = "".join(entry.format(n=n, href=href) for n, href in enumerate(links))
    index = f"<feed xmlns='http://www.w3.org/2005/Atom'><id>i</id><title>t</title><updated>2026-05-20T03:00:00Z</updated>{entries}</feed>"

    def answer(path: str, _query: dict[str, list[str]]) -> tuple[int, bytes]:
        asked.append(path)
        if path == "/v2/gone.cap":
            return 404, b""
        return 200, (index if path == "/v2" else MESSAGE.format(id="A1", minute=30, status="Actual")).encode()

    with a_service(answer) as url:
        turn = desk_for(url, tmp_path).pull("calls")
    assert asked == ["/v2", "/v2/gone.cap", "/v2/one.cap"]
    assert turn.rows_new == 1, "a message that is gone hides no other"
    assert "/v2/gone.cap" in str(turn.error)
