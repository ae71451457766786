"""Who is told: by domain, level, street and shift; what waits for the digest or for the morning; nothing twice, nothing never."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from dashboard.checking import findings
from dashboard.core.errors import ConfigurationError
from dashboard.core.times import CITY_ZONE
from dashboard.notify.route import route
from dashboard.panels.screens import CityPanels
from dashboard.settings import load_settings
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import _config
from dashboard.store.schema import notice
from tests.notify.office import Office, notify_of
from tests.small_city import EAST, NOON, WEST, settings

ON_BOTH = pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
TWO_DESKS = """
[channel.hook]
kind = "webhook"
url_env = "HOOK"
[channel.robot]
kind = "wecom"
url_env = "ROBOT"
[recipient.district]
title = ["区值班室", "District desk"]
channels = ["hook", "robot"]
[recipient.street]
title = ["街道值班室", "Street desk"]
channels = ["robot"]
"""


def told(office: Office, *, screens: bool = False) -> list[Any]:
    """The notices there are, in order."""
    query = sa.select(notice).order_by(notice.c.transition_id, notice.c.recipient, notice.c.channel)
    with office.engine.connect() as conn:
        return [row for row in conn.execute(query) if screens or row.channel != "screens"]


def routed(office: Office) -> list[Any]:
    route(office.engine, office.settings, office.city.now)
    return told(office)


def at(hour: int, minute: int = 0, day: int = 20) -> datetime:
    """A moment of the city in May 2026; the 20th is a Wednesday."""
    return datetime(2026, 5, day, hour, minute, tzinfo=CITY_ZONE)


@ON_BOTH
def test_as_it_comes_only_the_screens_are_told_and_of_everything_that_opens_rises_falls_silent_or_clears(office: Office) -> None:
    (one,) = office.raised("blue")
    office.moved(one, "level", "orange")
    office.moved(one, "level", "yellow")
    office.moved(one, "acknowledge")
    office.moved(one, "no_data")
    office.moved(one, "clear")
    assert routed(office) == []
    assert [(row.event, row.level, row.message) for row in told(office, screens=True)] == [
        ("open", "blue", "screens"), ("up", "orange", "screens"), ("no_data", "yellow", "screens"), ("clear", "orange", "screens"),
    ]  # fmt: skip


@ON_BOTH
def test_a_transition_is_routed_once_however_often_it_is_looked_for(office: Office) -> None:
    office.notify = notify_of(TWO_DESKS + '[route.a]\nto = ["district"]\n[route.b]\nto = ["district", "street"]\n')
    office.raised("red")
    assert [(row.recipient, row.channel) for row in routed(office)] == [("district", "hook"), ("district", "robot"), ("street", "robot")]
    assert len(routed(office)) == 3
    office.raised("red")
    assert len(routed(office)) == 6


def test_routes_choose_by_domain_street_level_and_event(office: Office) -> None:
    routes = (
        '[route.other]\nto = ["district"]\ndomains = ["bridges"]\n'
        f'[route.west]\nto = ["street"]\nstreets = ["{WEST}"]\n'
        '[route.grave]\nto = ["district"]\nfrom_level = "orange"\nevents = ["open"]\n'
    )
    office.notify = notify_of(TWO_DESKS + routes)
    (mild,) = office.raised("yellow", street=WEST)
    (grave,) = office.raised("orange", street=EAST)
    (nowhere,) = office.raised("yellow", street=None)
    office.moved(grave, "clear")
    found = {(row.alert_id, row.recipient, row.event) for row in routed(office)}
    assert found == {(mild, "street", "open"), (grave, "district", "open")}
    assert nowhere not in {alert_id for alert_id, _, _ in found}


def test_the_end_of_an_alert_reaches_those_who_knew_its_worst(office: Office) -> None:
    office.notify = notify_of(TWO_DESKS + '[route.grave]\nto = ["street"]\nfrom_level = "red"\n')
    (one,) = office.raised("yellow")
    office.moved(one, "level", "red")
    office.moved(one, "level", "yellow")
    office.moved(one, "clear")
    assert [(row.event, row.level) for row in routed(office)] == [("up", "red"), ("clear", "red")]


def test_a_limit_that_passed_reaches_the_unit_the_plan_names_whatever_the_routes(office: Office) -> None:
    office.notify = notify_of(TWO_DESKS + 'units = ["区应急管理局"]\n[route.none]\nto = ["district"]\ndomains = ["bridges"]\n')
    (one,) = office.raised("orange")
    office.moved(one, "lapse", unit="区应急管理局")
    office.moved(one, "lapse", unit="区人民政府")
    office.moved(one, "comment", unit="区应急管理局")
    assert [(row.recipient, row.event, row.level) for row in routed(office)] == [("street", "lapse", "orange")]


def test_the_duty_roster_says_who_is_told_and_a_night_shift_belongs_to_the_day_it_begins_on(office: Office) -> None:
    office.notify = notify_of(
        TWO_DESKS + '[[shift]]\nrecipient = "district"\nfrom = "08:00"\nto = "20:00"\nweekdays = "1-5"\n'
        '[[shift]]\nrecipient = "street"\nfrom = "20:00"\nto = "08:00"\nweekdays = "1-5"\n'
        '[route.all]\nto = ["district", "street"]\n'
    )
    wednesday_noon, thursday_early, saturday_early, saturday_noon = at(12), at(3, day=21), at(3, day=23), at(12, day=23)
    for moment in (wednesday_noon, thursday_early, saturday_early, saturday_noon):
        office.raised("red", at=moment)
    on_duty: dict[int, set[str]] = {}
    for row in routed(office):
        on_duty.setdefault(row.transition_id, set()).add(row.recipient)
    assert list(on_duty.values()) == [{"district"}, {"street"}, {"street"}, {"district", "street"}], "off hours nobody is passed over"


def test_below_the_digest_level_notices_wait_for_the_half_hour(office: Office) -> None:
    office.notify = notify_of(TWO_DESKS + '[route.all]\nto = ["street"]\n')
    office.raised("blue", at=at(12, 7))
    office.raised("yellow", at=at(12, 7))
    blue, yellow = routed(office)
    assert (blue.due_at, blue.alone) == (at(12, 30), False)
    assert (yellow.due_at, yellow.alone) == (at(12, 7), True)


@pytest.mark.parametrize(
    ("level", "moment", "due"),
    [
        ("yellow", at(23, 10), at(7, day=21)),
        ("yellow", at(3), at(7)),
        ("yellow", at(7), at(7)),
        ("blue", at(23, 10), at(7, day=21)),
        ("blue", at(6, 50), at(7)),
        ("orange", at(23, 10), at(23, 10)),
        ("red", at(23, 10), at(23, 10)),
    ],
)
def test_quiet_hours_hold_back_what_is_mild_until_they_end(office: Office, level: str, moment: datetime, due: datetime) -> None:
    desk = TWO_DESKS + 'quiet = "22:00-07:00"\n[route.all]\nto = ["street"]\n'
    office.notify = notify_of(desk)
    office.raised(level, at=moment)
    (row,) = routed(office)
    assert row.due_at == due


def test_red_is_never_held_back_whatever_quiet_hours_say(office: Office) -> None:
    office.notify = notify_of(TWO_DESKS + 'quiet = "00:00-00:00"\nquiet_below = "red"\n[route.all]\nto = ["street"]\n')
    office.raised("red", at=at(3))
    office.raised("orange", at=at(3))
    red, orange = routed(office)
    assert red.due_at == at(3)
    assert orange.due_at > at(3) + timedelta(hours=20)


@pytest.mark.postgresql
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_transition_that_is_committed_late_is_not_passed_over(office: Office) -> None:
    """A writer took a lower number and commits after a higher one: routing waits for it."""
    import threading

    from dashboard.store.schema import alert_transition

    (one,) = office.raised("red")
    row = {"alert_id": one, "at": office.city.now, "noticed_at": office.city.now, "what": "no_data", "old": "red", "new": "red"}
    slow = office.engine.connect()
    slow.execute(sa.insert(alert_transition).values(row | {"reason": "", "actor": "system"}))
    office.raised("red")
    routing = threading.Thread(target=route, args=(office.engine, office.settings, office.city.now))
    routing.start()
    routing.join(0.2)
    slow.commit()
    slow.close()
    routing.join(10)
    assert [row.event for row in told(office, screens=True)] == ["open", "no_data", "open"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[channel.x]\nkind = "pigeon"\nurl_env = "X"\n', "notify.channel.x.kind: 'pigeon' is not known"),
        ('[channel.x]\nkind = "webhook"\n', "name the environment variable"),
        ('[channel.x]\nkind = "mail"\nurl_env = "X"\n', "notify.channel.x.sender: missing"),
        ('[recipient.y]\ntitle = ["值班室", "Desk"]\nchannels = ["x"]\n', "no channel 'x'"),
        (TWO_DESKS + '[route.r]\nto = ["nobody"]\n', "known: district, street"),
        (TWO_DESKS + '[route.r]\nto = ["street"]\nevents = ["opened"]\n', "write some of open, up, down"),
        (TWO_DESKS + '[route.r]\nto = ["street"]\nlevel = "red"\n', "notify.route.r.level: unknown key"),
        (TWO_DESKS + 'quiet = "10 pm"\n', "is not a stretch of the day"),
        (TWO_DESKS + '[[shift]]\nrecipient = "street"\nfrom = "25:00"\nto = "08:00"\n', "notify.shift[0].from: '25:00' is not a time"),
        (TWO_DESKS + '[[shift]]\nrecipient = "street"\nfrom = "8:00"\nto = "18:00"\nweekdays = "mon"\n', "Monday is 1"),
        ('digest = "0s"\n', "must be longer than nothing"),
        ('[cap]\nstatus = "Real"\n', "write one of Actual, Exercise, Test"),
        ('sounds = { red = "drum" }\n', "'drum' is no sound"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        notify_of(text)
    assert says in str(wrong.value)


def test_what_happened_before_this_release_is_not_told_afterwards(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'old.db'}")
    with writing(store).begin() as conn:
        command.upgrade(_config(conn), "0004")
        moment = "1747713600000000"
        conn.exec_driver_sql(
            "INSERT INTO alert_transition (alert_id, at, noticed_at, what, reason, actor) "
            f"VALUES (1, {moment}, {moment}, 'open', '', 'system')"
        )
    with writing(store).begin() as conn:
        command.upgrade(_config(conn), "head")
    assert route(store, settings(tmp_path), NOON) == 0
    store.dispose()


def test_the_check_names_routes_that_can_take_nothing_and_recipients_nothing_leads_to(office: Office, tmp_path: Path) -> None:
    office.notify = notify_of(TWO_DESKS + '[route.r]\nto = ["district"]\ndomains = ["lightning"]\nstreets = ["解放碑"]\n')
    found = findings(office.settings, office.city.catalog, CityPanels(office.settings, office.city.catalog, office.engine), [])
    told = [line for line in found if line.startswith("notify")]
    assert [line.split(";")[0] for line in told] == [
        "notify route r: no domain 'lightning'",
        "notify route r: no street '解放碑'",
        "notify recipient street: no route leads to it, and it answers for no unit",
        "notify channel hook: HOOK is not set",
        "notify channel robot: ROBOT is not set",
    ]


def test_two_files_that_both_say_who_is_told_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cockpit.d").mkdir()
    (tmp_path / "cockpit.toml").write_text('[notify]\ndigest = "10m"\n', "utf-8")
    (tmp_path / "cockpit.d" / "duty.toml").write_text('[notify]\ndigest = "20m"\n', "utf-8")
    with pytest.raises(ConfigurationError, match=r"cockpit.d/duty.toml: notify: is already in cockpit.toml"):
        load_settings(str(tmp_path / "cockpit.toml"), {})
    (tmp_path / "cockpit.toml").write_text("", "utf-8")
    assert load_settings(str(tmp_path / "cockpit.toml"), {}).notify.digest == timedelta(minutes=20)
