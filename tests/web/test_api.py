"""HTTP for machines: what monitoring, integrations and other departments' programs are told."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.clock import SteppedClock
from dashboard.core.times import to_micros
from dashboard.settings import PullConfig, Settings, SourceConfig
from dashboard.store.engine import writing
from dashboard.store.readings import append_readings, open_channels
from dashboard.store.schema import alert, kpi_history, kpi_latest, pull_state, source_state
from dashboard.web.api import House, machines
from dashboard.web.metrics import Metrics
from tests.web.stage import START, City, Web, let_in
from tests.web.stage import House as Front

TUNNEL = "500103-T01"
ONLINE = ("bridges.iot_online", "district", 98.0)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


def settings(home: Path) -> Settings:
    source = SourceConfig(key="sensors", kind="sql", title="桥隧坡库", department="区城市管理局", url="sqlite:///sensors.db")
    feeds = {"bridges": "bridges.bridge", "tunnel_readings": "tunnels.readings"}
    pulls = {key: PullConfig(key=key, source="sensors", into=feed) for key, feed in feeds.items()}
    return Settings(
        file="cockpit.toml",
        home=home,
        store_url="",
        port=0,
        host="127.0.0.1",
        city={"product": ["城市生命体", "City Organism"]},
        index={},
        sources={"sensors": source},
        pulls=pulls,
        token_key=b"k",
    )


@pytest.fixture
def web(city: City, house: Front, catalog: Catalog, clock: SteppedClock, tmp_path: Path) -> Web:
    fill(city)
    metrics = Metrics(city.engine, house.hub, house.renderer)
    whole = House(settings(tmp_path), catalog, city.engine, clock, house.hub, house.renderer, metrics)
    return Web(let_in(machines(whole), name="值班台"))


def fill(city: City) -> None:
    """Two pulls, two KPIs with a past, three alerts, a channel with an hour of readings."""
    with writing(city.engine).begin() as conn:
        conn.execute(sa.insert(source_state).values(source="sensors", last_ok_at=START))
        conn.execute(sa.insert(pull_state), [a_pull("bridges", "bridges.bridge", 51), a_pull("tunnel_readings", "tunnels.readings", 900)])
        for key, scope, value in (ONLINE, (*ONLINE[:1], "500103003", 97.0), ("vital.skeleton", "district", 71.0)):
            row = {"kpi": key, "scope": scope, "completeness": 1.0}
            conn.execute(sa.insert(kpi_latest).values(**row, value=value, freshness="fresh", computed_at=START, as_of=START))
            then = {"value": value - 10, "grade": "poor", "freshness": "late", "at": START - timedelta(hours=3)}
            conn.execute(sa.insert(kpi_history).values(**row, **then))
        conn.execute(sa.insert(alert), [an_alert(1, "orange", "open"), an_alert(2, "red", "open"), an_alert(3, "blue", "clear")])
        wanted = [(TUNNEL, "co", None, 60)]
        channels = open_channels(conn, domain="tunnels", pull="tunnel_readings", source="sensors", wanted=wanted, now=START)
        first = to_micros(START - timedelta(hours=1))
        readings = [(channels[(TUNNEL, "co")], first + 60_000_000 * n, 10.0 + n, 0) for n in range(60)]
        append_readings(conn, readings, run_id=1, now=START)


def a_pull(key: str, feed: str, rows: int) -> dict[str, Any]:
    state = {"cadence_s": 900, "newest_event_at": START - timedelta(seconds=100), "last_ok_at": START, "failures": 0}
    return {"pull": key, "source": "sensors", "feed": feed, "rows_total": rows, "quarantined_total": 2, **state}


def an_alert(number: int, level: str, state: str) -> dict[str, Any]:
    about = {"rule": "tunnels.co", "rule_version": "1", "domain": "tunnels", "vital": "skeleton", "owner": "区城市管理局"}
    where = {"asset_id": TUNNEL, "asset_name": "解放碑环道", "street": "500103003"}
    what = {"level": level, "worst_level": level, "state": state, "value": 80.0, "threshold": 60.0, "unit": "ppm", "no_data": False}
    when = {"opened_at": START, "level_at": START, "updated_at": START, "open_key": f"{number}" if state == "open" else None}
    return {"alert_id": number, "number": f"YZ-TU-250618-{number:04}", **about, **where, **what, **when}


def test_status_tells_the_product_and_how_much_there_is(web: Web) -> None:
    told = web.get("/api/v1/status").json()
    assert told["product"] == {"zh": "城市生命体", "en": "City Organism"} and told["now"] == "2025-06-18T06:32:00Z"
    assert told["counts"]["sources"] == 1 and told["counts"]["rows"] == 951 and told["counts"]["quarantined"] == 4
    assert told["counts"]["alerts_by_level"] == {"orange": 1, "red": 1}


def test_sources_tell_freshness_lag_rows_and_errors(web: Web) -> None:
    page = web.get("/api/v1/sources").json()
    (source,) = page["items"]
    assert page["next"] is None and source["department"] == "区城市管理局"
    assert (source["freshness"], source["lag_s"], source["rows"], source["last_error"]) == ("fresh", 100.0, 951, None)
    assert [pull["key"] for pull in source["pulls"]] == ["bridges", "tunnel_readings"]


def test_a_source_lags_as_much_as_the_pull_that_makes_it_late(web: Web, city: City) -> None:
    with writing(city.engine).begin() as conn:
        old = {"newest_event_at": START - timedelta(hours=2), "last_ok_at": START - timedelta(hours=2)}
        conn.execute(sa.update(pull_state).where(pull_state.c.pull == "tunnel_readings").values(**old))
    (source,) = web.get("/api/v1/sources").json()["items"]
    lags = {pull["key"]: (pull["freshness"], pull["lag_s"]) for pull in source["pulls"]}
    assert lags["bridges"][0] == "fresh" and lags["tunnel_readings"] == (source["freshness"], source["lag_s"]) == ("silent", 7200.0)


def test_kpis_come_with_target_unit_and_scope(web: Web) -> None:
    items = {(k["key"], k["scope"]): k for k in web.get("/api/v1/kpis").json()["items"]}
    assert set(items) == {("bridges.iot_online", "district"), ("vital.skeleton", "district")}
    online = items["bridges.iot_online", "district"]
    assert online["vital"] == "skeleton" and online["value"] == 98.0 and online["title"]["zh"]
    assert web.get("/api/v1/kpis?scope=500103003").json()["items"][0]["value"] == 97.0


def test_kpis_can_be_asked_for_a_past_moment(web: Web) -> None:
    past = web.get("/api/v1/kpis", params={"at": "2025-06-18T04:00:00Z"}).json()["items"]
    assert {k["key"]: k["value"] for k in past} == {"bridges.iot_online": 88.0, "vital.skeleton": 61.0}
    assert {k["key"]: (k["grade"], k["freshness"]) for k in past}["bridges.iot_online"] == ("poor", "late")
    assert web.get("/api/v1/kpis", params={"at": "2025-06-17T00:00:00Z"}).json()["items"] == []


def test_a_list_goes_on_where_its_last_part_ended(web: Web) -> None:
    seen, cursor = [], None
    while True:
        page = web.get("/api/v1/alerts", params={"state": "all", "limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        seen += [a["id"] for a in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == [3, 2, 1]


def test_alerts_are_filtered_by_state_and_level(web: Web) -> None:
    assert [a["level"] for a in web.get("/api/v1/alerts").json()["items"]] == ["red", "orange"]
    assert [a["id"] for a in web.get("/api/v1/alerts?level=orange").json()["items"]] == [1]
    assert [a["id"] for a in web.get("/api/v1/alerts?state=clear").json()["items"]] == [3]


def test_acknowledging_is_kept_and_whoever_is_second_is_told_so(web: Web) -> None:
    first = web.post("/api/v1/alerts/2/steps/acknowledge", json={"note": "已派人"})
    again = web.post("/api/v1/alerts/2/steps/acknowledge", json={})
    assert first.status_code == 200 and first.json()["acknowledged"] is True
    assert first.json()["stage"] == "acknowledged"
    assert (again.status_code, again.json()["detail"]) == (409, "已确认的预警不能确认 (acknowledge is not possible once acknowledged)")
    assert web.get("/api/v1/alerts?level=red").json()["items"][0]["acknowledged"] is True


def test_a_photograph_of_the_site_is_taken_in_and_shown_again(web: Web) -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "PNG")
    sent = web.post("/api/v1/alerts/2/photos", content=out.getvalue(), headers={"content-type": "image/png"})
    assert (sent.status_code, sent.json()["width"]) == (201, 40)
    shown = web.get(f"/api/v1/alerts/2/photos/{sent.json()['id']}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert web.get(f"/api/v1/alerts/1/photos/{sent.json()['id']}").status_code == 404, "not of that alert"
    assert web.post("/api/v1/alerts/2/photos", content=b"<svg/>").status_code == 409
    assert web.post("/api/v1/alerts/2/photos", content=b"x" * 12_000_001).status_code == 409


_FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/api/v1/alerts/2/steps/explode", {"json": {}}, 422),
        ("/api/v1/alerts/2/steps/close", {"json": {}}, 409),
        ("/api/v1/alerts/2/photos", {"content": b"", "headers": {"origin": "http://elsewhere.example"}}, 403),
        ("/api/v1/alerts/99/steps/acknowledge", {"json": {}}, 404),
        ("/api/v1/alerts/2/steps/acknowledge", {"content": b"note=x", "headers": _FORM}, 422),
        (f"/api/v1/alerts/{2**63}/steps/acknowledge", {"json": {}}, 422),
        ("/api/v1/alerts/2/steps/acknowledge", {"json": {"surprise": 1}}, 422),
        ("/api/v1/alerts/2/steps/acknowledge", {"json": {}, "headers": {"origin": "http://elsewhere.example"}}, 403),
        ("/api/v1/status", {"json": {}}, 405),
    ],
)
def test_a_decision_that_cannot_be_taken_is_refused_with_a_reason(web: Web, path: str, options: dict[str, Any], status: int) -> None:
    refused = web.post(path, **options)
    assert refused.status_code == status and refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["status"] == status and refused.json()["detail"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/nothing", 404),
        ("/api", 404),
        ("/api/v1/alerts?state=maybe", 422),
        ("/api/v1/alerts?limit=100000", 422),
        ("/api/v1/alerts?cursor=nonsense", 400),
        ("/api/v1/alerts?cursor=WyJhIl0", 400),
        ("/api/v1/alerts?cursor=WzE4NDQ2NzQ0MDczNzA5NTUxNjE1XQ", 400),
        ("/api/v1/alerts?street=%00", 422),
        ("/api/v1/kpis?at=yesterday", 422),
        ("/api/v1/kpis?scope=500103999", 404),
        ("/api/v1/kpis?scope=", 404),
        ("/api/v1/alerts?domain=nothing", 404),
        ("/api/v1/series/nobody/co", 404),
        (f"/api/v1/series/{TUNNEL}/co?step=soon", 422),
        (f"/api/v1/series/{TUNNEL}/co?from=2025-06-19T00:00:00Z", 422),
        ("/api/v1/assets.geojson?domain=nothing", 404),
    ],
)
def test_every_error_is_a_problem_document(web: Web, address: str, status: int) -> None:
    refused = web.get(address)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert refused.json()["status"] == status and refused.json()["title"] and refused.json()["detail"]


def test_a_line_comes_in_buckets_and_in_parts(web: Web) -> None:
    line = web.get(f"/api/v1/series/{TUNNEL}/co", params={"step": "10m", "limit": 4}).json()
    assert line["unit"] and line["domain"] == "tunnels" and len(line["items"]) == 4
    rest = web.get(f"/api/v1/series/{TUNNEL}/co", params={"step": "10m", "cursor": line["next"]}).json()
    stamps = [p["ts"] for p in line["items"] + rest["items"]]
    assert stamps == sorted(set(stamps)) and rest["next"] is None
    assert min(p["low"] for p in line["items"] + rest["items"]) == 10.0 and max(p["high"] for p in line["items"] + rest["items"]) == 69.0


def test_the_description_of_the_api_names_every_endpoint_and_leaves_the_host_for_nothing(web: Web) -> None:
    told = web.get("/api/v1/openapi.json").json()
    assert {"/api/v1/status", "/api/v1/sources", "/api/v1/kpis", "/api/v1/alerts", "/api/v1/assets.geojson"} <= set(told["paths"])
    assert web.get("/docs").status_code == web.get("/redoc").status_code == 404


def test_health_is_of_the_process_and_readiness_of_the_store_too(web: Web, city: City) -> None:
    assert web.get("/healthz").json() == {"status": "ok"}
    not_yet = web.get("/readyz")
    assert not_yet.status_code == 503 and "panels are not being made" in not_yet.json()["detail"]
    with writing(city.engine).begin() as conn:
        conn.execute(sa.text("DROP TABLE pull_state"))
    assert "store cannot be read" in web.get("/readyz").json()["detail"]
    assert web.get("/api/v1/sources").status_code == 503


def test_metrics_are_prometheus_text(web: Web) -> None:
    text = web.get("/metrics").text
    assert 'cockpit_pull_rows_total{pull="bridges",source="sensors"} 51.0' in text
    assert 'cockpit_pull_lag_seconds{pull="bridges",source="sensors"} 100.0' in text
    assert 'cockpit_alerts_open{level="red"} 1.0' in text and "cockpit_store_up 1.0" in text
