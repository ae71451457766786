"""The CAP feed: valid against the standard's schema, signed, each message naming those before it, nothing restricted in the open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from lxml import etree
from signxml.exceptions import InvalidSignature
from signxml.verifier import XMLVerifier

from dashboard.core.duty import CapFeed, Notify
from dashboard.notify.cap_sign import signing_key
from dashboard.snapshot.picture import Reader
from dashboard.store.engine import writing
from dashboard.store.schema import alert
from dashboard.web.cap import publishing
from dashboard.web.eyes import Eyes
from dashboard.web.refusals import explain_errors
from tests.notify.office import Office, notify_of
from tests.small_city import WEST
from tests.web.stage import Web

NS = {"cap": "urn:oasis:names:tc:emergency:cap:1.2", "atom": "http://www.w3.org/2005/Atom"}
SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("cap-1.2.xsd")))


def web(office: Office, home: Path) -> Web:
    """The feed as other systems reach it."""
    app = FastAPI()
    explain_errors(app)
    settings, catalog = replace(office.settings, home=home), office.city.catalog
    eyes = Eyes(Reader(office.engine, catalog, settings), office.engine)
    app.include_router(publishing(office.engine, catalog, settings, office.city.clock, eyes), prefix="/api/v1")
    return Web(app)


def message(feed: Web, identifier: str, **headers: str) -> Any:
    answer = feed.get(f"/api/v1/cap/{identifier}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/cap+xml")
    return etree.fromstring(answer.content)


def said(tree: Any, path: str) -> list[str]:
    return [found.text for found in tree.findall("/".join(f"cap:{name}" for name in path.split("/")), NS)]


def lived(office: Office) -> int:
    """An alert that opened yellow, rose to red and cleared."""
    (one,) = office.raised("yellow")
    office.later(minutes=5)
    office.moved(one, "level", "red")
    office.later(minutes=5)
    office.moved(one, "acknowledge")
    office.moved(one, "clear")
    return one


def test_every_message_is_valid_against_the_standards_schema_and_its_signature_holds(office: Office, tmp_path: Path) -> None:
    lived(office)
    office.raised("orange", street=None)
    feed, certificate = web(office, tmp_path), signing_key(tmp_path, "").certificate
    for identifier in ("YZ-LI-260520-0001.1", "YZ-LI-260520-0001.2", "YZ-LI-260520-0001.3", "YZ-LI-260520-0002.1"):
        tree = message(feed, identifier)
        SCHEMA.assertValid(tree)
        XMLVerifier().verify(etree.tostring(tree), x509_cert=certificate)


def test_a_message_that_was_changed_under_way_is_known_for_it(office: Office, tmp_path: Path) -> None:
    office.raised("red")
    tree = message(web(office, tmp_path), "YZ-LI-260520-0001.1")
    tree.find(".//cap:severity", NS).text = "Minor"
    with pytest.raises(InvalidSignature):
        XMLVerifier().verify(etree.tostring(tree), x509_cert=signing_key(tmp_path, "").certificate)


def test_an_alerts_life_is_alert_update_cancel_each_referring_to_those_before(office: Office, tmp_path: Path) -> None:
    lived(office)
    feed = web(office, tmp_path)
    first, second, third = (message(feed, f"YZ-LI-260520-0001.{n}") for n in (1, 2, 3))
    assert [said(m, "msgType") for m in (first, second, third)] == [["Alert"], ["Update"], ["Cancel"]]
    assert [said(m, "info/severity")[0] for m in (first, second, third)] == ["Moderate", "Extreme", "Extreme"]
    assert said(first, "references") == []
    told = "cockpit@localhost,YZ-LI-260520-0001.1,2026-05-20T12:00:00+08:00"
    assert said(second, "references") == [told]
    assert said(third, "references") == [f"{told} cockpit@localhost,YZ-LI-260520-0001.2,2026-05-20T12:05:00+08:00"]
    assert said(third, "info/urgency") == ["Past", "Past"]
    assert said(third, "info/responseType") == ["AllClear", "AllClear"]


def test_a_message_says_where_in_degrees_latitude_first_and_what_in_both_languages(office: Office, tmp_path: Path) -> None:
    office.raised("red")
    tree = message(web(office, tmp_path), "YZ-LI-260520-0001.1")
    assert said(tree, "info/area/circle")[0] == "29.550000,106.570000 0.1"
    assert said(tree, "info/area/geocode/value")[0] == "500103003"
    assert said(tree, "info/language") == ["zh-CN", "en-US"]
    assert said(tree, "info/headline") == ["红色预警：1号灯 灯体过热", "Red: Lamp too hot, 1号灯"]
    assert said(tree, "info/description") == ["灯温 61.5 °C ≥ 黄色限值 60 °C", "Heat 61.5 °C ≥ the yellow limit 60 °C"]


def test_a_street_without_a_point_is_told_by_its_closed_outline(office: Office, tmp_path: Path) -> None:
    office.raised("red", street=WEST)
    with writing(office.engine).begin() as conn:
        conn.execute(sa.update(alert).values(lon=None, lat=None))
    polygon = said(message(web(office, tmp_path), "YZ-LI-260520-0001.1"), "info/area/polygon")[0].split()
    assert polygon[0] == polygon[-1]
    assert len(polygon) >= 4
    assert all(29 < float(point.split(",")[0]) < 30 and 106 < float(point.split(",")[1]) < 107 for point in polygon)


def test_nothing_is_actual_until_the_deployment_says_so(office: Office, tmp_path: Path) -> None:
    office.raised("red")
    assert said(message(web(office, tmp_path), "YZ-LI-260520-0001.1"), "status") == ["Exercise"]
    office.notify = notify_of('[cap]\nstatus = "Actual"\nsender = "cockpit@yuzhong.example"\n')
    tree = message(web(office, tmp_path), "YZ-LI-260520-0001.1")
    assert (said(tree, "status"), said(tree, "sender")) == (["Actual"], ["cockpit@yuzhong.example"])


def test_the_index_leads_to_the_last_message_of_each_alert_newest_first_and_lets_old_ones_go(office: Office, tmp_path: Path) -> None:
    lived(office)
    office.later(minutes=5)
    office.raised("blue")
    feed = web(office, tmp_path)

    def entries() -> list[str]:
        tree = etree.fromstring(feed.get("/api/v1/cap").content)
        return [link.get("href").rpartition("/")[2] for link in tree.findall("atom:entry/atom:link", NS)]

    assert entries() == ["YZ-LI-260520-0002.1", "YZ-LI-260520-0001.3"]
    office.later(days=8)
    assert entries() == ["YZ-LI-260520-0002.1"]


def test_what_is_restricted_is_shown_to_those_alone_who_bear_the_token(office: Office, tmp_path: Path) -> None:
    office.raised("red", count=2)
    with writing(office.engine).begin() as conn:
        conn.execute(sa.update(alert).where(alert.c.alert_id == 1).values(domain="rentals"))
    office.notify = Notify(cap=CapFeed(token="open sesame"))
    feed, one = web(office, tmp_path), "YZ-LI-260520-0001.1"
    for wrong in ({}, {"authorization": "Bearer open"}, {"authorization": "open sesame"}):
        assert feed.get(f"/api/v1/cap/{one}", headers=wrong).status_code == 404
        assert one not in feed.get("/api/v1/cap", headers=wrong).text
    right = {"authorization": "Bearer open sesame"}
    assert one in feed.get("/api/v1/cap", headers=right).text
    tree = message(feed, one, **right)
    assert said(tree, "scope") == ["Restricted"]
    assert said(tree, "restriction") != []
    office.notify = Notify()
    assert web(office, tmp_path).get(f"/api/v1/cap/{one}", headers={"authorization": "Bearer "}).status_code == 404


def test_a_message_that_never_was_is_not_found(office: Office, tmp_path: Path) -> None:
    office.raised("red")
    feed = web(office, tmp_path)
    for identifier in ("YZ-LI-260520-0001.2", "YZ-LI-260520-0009.1", "nothing"):
        assert feed.get(f"/api/v1/cap/{identifier}").status_code == 404


def test_a_message_stays_as_it_was_whatever_becomes_of_its_alert_and_its_key_is_ours_alone(office: Office, tmp_path: Path) -> None:
    (one,) = office.raised("orange")
    feed = web(office, tmp_path)
    first = feed.get("/api/v1/cap/YZ-LI-260520-0001.1").content
    office.moved(one, "level", "red")
    with writing(office.engine).begin() as conn:
        conn.execute(sa.update(alert).values(threshold=80.0, value=99.0))
    assert feed.get("/api/v1/cap/YZ-LI-260520-0001.1").content == first
    assert (tmp_path / "var" / "cap.pem").stat().st_mode & 0o777 == 0o600
