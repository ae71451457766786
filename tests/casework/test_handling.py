"""People and the clock with an alert in the store: steps, limits, closing by hand and by itself, raised again, photographs."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.handling import Doing, act
from dashboard.casework.life import Event
from dashboard.casework.photos import MOST_PHOTOS, add_photo, one_photo
from dashboard.casework.tend import tend
from dashboard.core.configured import Plan
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.store.alert_reads import AlertRow, alert_timeline, closed_today, open_alerts
from dashboard.store.schema import alert_transition, audit, handling
from dashboard.store.topics import versions
from tests.small_city import EAST, SmallCity, on_both

MINUTE = timedelta(minutes=1)
LIMITS = {"acknowledge": 5.0, "dispatch": 10.0, "arrive": 30.0, "settle": 60.0, "verify": 20.0, "close": 40.0}
PLANS = (
    Plan(level=Level.ORANGE, limits=LIMITS, ref="测试", confidence="default", photos=1, escalate_to="区应急管理局"),
    Plan(level=Level.YELLOW, limits=LIMITS, ref="测试", confidence="default", closes_itself=True),
)


@pytest.fixture
def town(town: SmallCity) -> SmallCity:
    """The small city with a plan table."""
    town.catalog = replace(town.catalog, plans=PLANS)
    town.lamps({"a": (EAST, "lit")})
    return town


def _minutes(town: SmallCity, *values: float) -> None:
    """A reading a minute, the worker's turn after each."""
    for value in values:
        town.clock.step(MINUTE)
        town.heat(("a", town.now, value))
        _turn(town)


def _turn(town: SmallCity) -> None:
    evaluate(town.engine, town.catalog, town.settings, town.now)
    tend(town.engine, town.catalog, town.now)


def _open(town: SmallCity) -> list[AlertRow]:
    with town.engine.connect() as conn:
        return open_alerts(conn)


def _do(town: SmallCity, event: Event, note: str = "", unit: str = "", code: str = "") -> None:
    number = _last(town)
    act(town.engine, town.catalog, number, Doing(event=event, actor="值班岗", note=note, unit=unit, code=code), town.now)


def _last(town: SmallCity) -> int:
    with town.engine.connect() as conn:
        return int(conn.scalar(sa.select(sa.func.max(alert_transition.c.alert_id))) or 0)


def _told(town: SmallCity) -> list[str]:
    with town.engine.connect() as conn:
        return [t.what for t in alert_timeline(conn, _last(town))]


def _picture(colour: str = "grey") -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "相机厂", "张三"
    Image.new("RGB", (2400, 1200), colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


@on_both
def test_an_orange_alert_stays_until_people_have_settled_verified_and_closed_it(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    _do(town, Event.ACKNOWLEDGE)
    _do(town, Event.ASSIGN, unit="照明二队")
    _do(town, Event.DISPATCH)
    _minutes(town, 50, 50, 50, 50)
    (row,) = _open(town)
    assert (row.state, row.stage, row.life, row.given_to) == ("clear", "in_hand", "dispatched", "照明二队")
    _do(town, Event.ARRIVE)
    _do(town, Event.SETTLE, note="更换灯头")
    _do(town, Event.VERIFY)
    with pytest.raises(NotNowError, match="还差1项：现场照片不少于1张"):
        _do(town, Event.CLOSE)
    add_photo(town.engine, town.catalog, row.alert_id, _picture(), "值班岗", town.now)
    _do(town, Event.CLOSE)
    assert _open(town) == []
    with town.engine.connect() as conn:
        (over,) = closed_today(conn, town.now)
        steps = [t for t in alert_timeline(conn, over.alert_id) if t.actor == "值班岗"]
        trace = conn.execute(sa.select(audit.c.action).order_by(audit.c.audit_id)).scalars().all()
    assert [(t.what, t.limit_s) for t in steps if t.limit_s] == [
        *(("acknowledge", 300), ("assign", 600), ("dispatch", 600), ("arrive", 1800), ("settle", 3600), ("verify", 1200), ("close", 2400))
    ]
    assert next(t.took_s for t in steps if t.what == "arrive") == 240
    assert trace[-2:] == ["alert.photo", "alert.close"]


@on_both
def test_a_yellow_alert_nobody_was_sent_to_closes_itself(town: SmallCity) -> None:
    _minutes(town, 50, 65, 65, 65)
    assert [row.stage for row in _open(town)] == ["new"]
    _minutes(town, 50, 50, 50)
    assert _open(town) == []
    assert _told(town) == ["open", "clear", "recover"]
    with town.engine.connect() as conn:
        (over,) = closed_today(conn, town.now)
    assert (over.acknowledged_at, over.acknowledged_by) == (None, None), "nobody took it in hand"


def test_a_yellow_alert_somebody_was_sent_to_waits_for_them(town: SmallCity) -> None:
    _minutes(town, 50, 65, 65, 65)
    _do(town, Event.DISPATCH)
    _minutes(town, 50, 50, 50)
    assert [(row.state, row.life) for row in _open(town)] == [("clear", "dispatched")]


@on_both
def test_an_alert_that_gets_worse_is_due_sooner_and_stays_so(town: SmallCity) -> None:
    slow, fast = (replace(PLANS[1], limits={**LIMITS, "dispatch": 600.0}), replace(PLANS[0], limits={**LIMITS, "dispatch": 10.0}))
    town.catalog = replace(town.catalog, plans=(slow, fast))

    def due() -> object:
        with town.engine.connect() as conn:
            return conn.execute(sa.select(handling.c.due_at)).scalar_one()

    _minutes(town, 65, 65, 65)  # yellow
    _do(town, Event.ACKNOWLEDGE)
    assert due() == town.now + 600 * MINUTE
    _minutes(town, 85, 85, 85)  # orange
    worse = _open(town)[0].level_at
    assert due() == worse + 10 * MINUTE
    _minutes(town, 65, 65, 65)
    assert (_open(town)[0].level, due()) == ("yellow", worse + 10 * MINUTE)
    _minutes(town, 50, 50, 50)  # yellow would close itself; what was orange waits for people
    assert [(row.state, row.life) for row in _open(town)] == [("clear", "acknowledged")]


@on_both
def test_a_limit_that_passes_is_told_to_the_next_unit_at_its_true_moment(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    begun = town.now
    town.clock.step(17 * MINUTE)
    while tend(town.engine, town.catalog, town.now):
        pass
    with town.engine.connect() as conn:
        lapses = [t for t in alert_timeline(conn, _last(town)) if t.what == "lapse"]
        row = conn.execute(sa.select(handling.c.escalations, handling.c.due_at)).one()
    assert [(t.at - begun, t.unit) for t in lapses] == [(n * MINUTE, "区应急管理局") for n in (5, 10, 15)]
    assert (row.escalations, row.due_at) == (3, None)


def test_a_quiet_turn_writes_nothing_and_wakes_nobody(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85, 50, 50, 50)
    assert [row.state for row in _open(town)] == ["clear"], "orange waits for people"
    with town.engine.connect() as conn:
        before = versions(conn)["alerts"]
    assert tend(town.engine, town.catalog, town.now) == 0
    with town.engine.connect() as conn:
        assert versions(conn)["alerts"] == before


@on_both
def test_raised_again_it_keeps_its_number_and_what_people_wrote(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    _do(town, Event.ASSIGN, unit="照明二队")
    _do(town, Event.SETTLE, note="已复位")
    _minutes(town, 50, 50, 50)
    _minutes(town, 90, 90, 90)
    (row,) = _open(town)
    assert (row.number, row.state, row.life, row.given_to) == ("YZ-LI-260520-0001", "open", "arrived", "照明二队")
    assert _told(town)[-2:] == ["open", "refire"]
    with town.engine.connect() as conn:
        assert next(t.reason for t in alert_timeline(conn, row.alert_id) if t.what == "settle") == "已复位"


def test_what_closed_itself_and_flares_up_at_once_is_the_same_matter_later_it_is_another(town: SmallCity) -> None:
    _minutes(town, 50, 65, 65, 65, 50, 50, 50)
    _minutes(town, 65, 65, 65)
    assert [(row.number[-4:], row.stage) for row in _open(town)] == [("0001", "new")]
    _minutes(town, 50, 50, 50)
    town.clock.step(40 * MINUTE)
    _minutes(town, 65, 65, 65)
    assert [row.number[-4:] for row in _open(town)] == ["0002"]


@on_both
def test_as_of_a_past_moment_people_stood_where_they_stood(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    _do(town, Event.DISPATCH)
    at = town.now
    _minutes(town, 50, 50, 50)
    _do(town, Event.FALSE_ALARM, code="test")
    with town.engine.connect() as conn:
        (then,) = open_alerts(conn, at)
        assert open_alerts(conn, town.now) == []
    assert (then.state, then.life, then.closed_at) == ("open", "dispatched", None)


def test_a_false_alarm_costs_no_more_and_needs_a_reason(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    with pytest.raises(NotNowError, match="须选原因"):
        _do(town, Event.FALSE_ALARM)
    _do(town, Event.FALSE_ALARM, code="sensor_fault")
    assert _open(town) == []
    _minutes(town, 85, 85)
    assert _open(town) == [], "the reading that is known to be false does not raise it again"


def test_what_says_too_little_or_comes_too_late_is_refused_in_words(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    for event, problem in (
        (Event.ASSIGN, "责任单位"),
        (Event.COMMENT, "写明"),
        (Event.VERIFY, "待确认的预警不能核实"),
        (Event.LAPSE, "people"),
    ):
        with pytest.raises(NotNowError, match=problem):
            _do(town, event)
    with pytest.raises(NotFoundError):
        act(town.engine, town.catalog, 99, Doing(event=Event.ACKNOWLEDGE, actor="值班岗"), town.now)


def test_a_photograph_keeps_what_it_shows_and_nothing_else(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    number = _last(town)
    kept = add_photo(town.engine, town.catalog, number, _picture(), "值班岗", town.now)
    again = add_photo(town.engine, town.catalog, number, _picture(), "值班岗", town.now)
    assert (kept.width, kept.height, again.photo_id) == (1600, 800, kept.photo_id)
    with town.engine.connect() as conn:
        body = one_photo(conn, number, kept.photo_id) or b""
    with Image.open(io.BytesIO(body)) as shown:
        assert (shown.format, dict(shown.getexif()), "张三".encode() in body) == ("JPEG", {}, False)
    assert _told(town).count("photo") == 1
    for wrong in (b"", b"GIF89a....", _picture()[:3000], b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
        with pytest.raises(NotNowError, match="JPEG"):
            add_photo(town.engine, town.catalog, number, wrong, "值班岗", town.now)


def test_an_alert_has_only_so_many_photographs(town: SmallCity) -> None:
    _minutes(town, 50, 85, 85, 85)
    for n in range(MOST_PHOTOS):
        add_photo(town.engine, town.catalog, _last(town), _picture(f"#{n * 12:02x}{255 - n * 12:02x}00"), "值班岗", town.now)
    with pytest.raises(NotNowError, match=f"{MOST_PHOTOS}张"):
        add_photo(town.engine, town.catalog, _last(town), _picture("white"), "值班岗", town.now)
