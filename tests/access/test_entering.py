"""Coming in: who gets in, who does not, how long it lasts, and that a stranger learns nothing."""

from __future__ import annotations

import pytest

from dashboard.access.desk import CONSOLE
from dashboard.access.entering import change_password, give_code
from dashboard.access.limits import Limits
from dashboard.access.passwords import Passwords
from dashboard.access.sessions import Entered, end, living
from dashboard.access.totp import STEP_S
from dashboard.store.schema_access import failure
from tests.access.people import GOOD, HERE, ON_BOTH, City


@ON_BOTH
def test_the_first_sign_in_owes_a_new_password_then_an_authenticator_and_only_then_opens_anything(city: City) -> None:
    person = city.person("桥隧值班", "operator", "bridges")
    viewer = city.who(person.entered)
    assert viewer is not None and (viewer.name, viewer.role.key, viewer.sight.domains) == ("桥隧值班", "operator", frozenset({"bridges"}))
    assert [line[2] for line in city.noted("session.begin")] == ["done"]


def test_a_name_is_the_same_however_it_is_typed(city: City) -> None:
    city.person("Leader-1")
    assert all(city.enter(typed) is not None for typed in ("leader-1", " LEADER-1 ", "ｌｅａｄｅｒ－１"))


@pytest.mark.parametrize(
    ("role", "twice"), [("leader", False), ("viewer", False), ("desk", True), ("auditor", True), ("system_admin", True)]
)
def test_administrators_and_whoever_handles_need_two_factors(city: City, role: str, twice: bool) -> None:
    assert bool(city.person("somebody", role).secret) is twice


def test_every_step_gives_another_token_and_the_old_one_is_worth_nothing(city: City) -> None:
    person = city.person("desk-1", "desk")
    city.later(minutes=1)
    waiting = city.enter("desk-1")
    assert waiting and waiting.stage == "code" and city.who(waiting) is None  # a password alone opens nothing
    entered = give_code(city.desk, city.row(waiting.token), person.code(), HERE, city.now)
    assert entered and entered.token != waiting.token
    assert city.who(waiting) is None and city.who(entered) is not None


def test_a_code_is_taken_once_and_half_a_minute_of_drift_is_forgiven(city: City) -> None:
    person = city.person("desk-1", "desk")
    city.later(seconds=3 * STEP_S)
    code = person.code()
    city.later(seconds=STEP_S)  # the phone is half a minute behind

    def give() -> Entered | None:
        waiting = city.enter("desk-1")
        assert waiting is not None
        return give_code(city.desk, city.row(waiting.token), code, HERE, city.now)

    assert give() is not None
    assert give() is None


@ON_BOTH
def test_a_paper_code_stands_in_once(city: City) -> None:
    person = city.person("desk-1", "desk")
    assert person.paper and len(set(person.paper)) == 8
    results = []
    for code in (person.paper[0].upper(), person.paper[0], person.paper[1].replace("-", " ")):
        waiting = city.enter("desk-1")
        assert waiting is not None
        results.append(give_code(city.desk, city.row(waiting.token), code, HERE, city.now) is not None)
    assert results == [True, False, True]


@ON_BOTH
def test_five_failures_lock_a_name_for_fifteen_minutes_for_the_right_password_too(city: City) -> None:
    city.person("leader-1")
    assert [city.enter("leader-1", "wrong", f"10.0.0.{n}") for n in range(5)] == [None] * 5
    assert city.enter("leader-1", client="10.9.9.9") is None
    city.later(minutes=14)
    assert city.enter("leader-1") is None
    city.later(minutes=1)
    assert city.enter("leader-1") is not None


def test_an_address_that_tries_many_names_is_locked_out_for_all_of_them(city: City) -> None:
    city.person("leader-1")
    for n in range(20):
        assert city.enter(f"nobody-{n}", "wrong", "10.6.6.6") is None
    assert city.enter("leader-1", client="10.6.6.6") is None
    assert city.enter("leader-1", client="10.6.6.7") is not None


def test_a_success_between_does_not_clear_the_address(city: City) -> None:
    city.person("leader-1")
    for n in range(20):
        city.enter(f"nobody-{n}", "wrong", "10.6.6.6")
        if n == 10:
            assert city.enter("leader-1", client="10.6.6.6") is not None
    assert city.enter("leader-1", client="10.6.6.6") is None


def test_failures_a_quarter_of_an_hour_apart_do_not_add_up(city: City) -> None:
    city.person("leader-1")
    for _ in range(8):
        city.enter("leader-1", "wrong")
        city.later(minutes=16)
    assert city.enter("leader-1") is not None


def test_wrong_codes_count_as_failures_of_the_name(city: City) -> None:
    person = city.person("desk-1", "desk")
    waiting = city.enter("desk-1")
    assert waiting is not None
    row = city.row(waiting.token)
    assert [give_code(city.desk, row, "000000", HERE, city.now) for _ in range(5)] == [None] * 5
    city.later(minutes=1)
    assert give_code(city.desk, row, person.code(), HERE, city.now) is None


def test_a_name_that_is_not_there_costs_the_same_hashing_and_is_noted_without_the_name(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.person("leader-1")
    asked: list[bool] = []
    real = Passwords.fits
    monkeypatch.setattr(Passwords, "fits", lambda self, password, kept: asked.append(bool(kept)) or real(self, password, kept))
    assert city.enter("leader-1", "wrong") is None and city.enter("my-secret-typed-here", "wrong") is None
    assert asked == [True, False]
    failed = [about for _, about, outcome in city.noted("session.begin") if outcome == "failed"]
    assert failed[0] == "leader-1" and "secret" not in failed[1]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("Short-1", "12"),
        ("alllowercaseletters", "of: capitals"),
        ("Leader-1-is-my-name", "account's name"),
        (GOOD, "none of the last 5"),
        ("x" * 200 + "A1", "12 to 128"),
    ],
)
def test_a_new_password_must_be_long_varied_and_not_an_old_one(city: City, new: str, told: str) -> None:
    person = city.person("leader-1")
    faults = change_password(city.desk, city.row(person.entered.token), GOOD, new, HERE, city.now)
    assert isinstance(faults, list) and told in "; ".join(fault.en for fault in faults)


def test_the_last_five_passwords_are_barred_and_the_sixth_may_come_back(city: City) -> None:
    person = city.person("leader-1")
    entered, old = person.entered, GOOD
    for n in range(6):
        new = f"Another-password-{n}"
        done = change_password(city.desk, city.row(entered.token), old, new, HERE, city.later(minutes=1))
        assert isinstance(done, Entered)
        entered, old = done, new
        back = change_password(city.desk, city.row(entered.token), old, GOOD, HERE, city.now)
        assert isinstance(back, Entered) is (n == 5)


def test_another_password_ends_every_other_session_of_the_account(city: City) -> None:
    mine = city.person("leader-1").entered
    theirs = city.enter("leader-1")
    assert theirs and city.who(theirs) is not None
    changed = change_password(city.desk, city.row(mine.token), GOOD, "Another-password-1", HERE, city.now)
    city.doorman.forget()
    assert isinstance(changed, Entered) and city.who(changed) is not None
    assert city.who(theirs) is None


def test_names_made_up_do_not_fill_the_table(city: City) -> None:
    for n in range(30):
        city.enter(f"nobody-{n}", "wrong", f"10.7.{n}.1")
        city.later(minutes=1)
    with city.desk.engine.connect() as conn:
        assert len(conn.execute(failure.select()).all()) <= 2 * 16


def test_what_ships_hashes_by_the_profile_of_rfc_9106(limits: Limits) -> None:
    shipped = Passwords(limits)
    kept = shipped.hash(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$") and shipped.fits(GOOD, kept) and not shipped.fits(GOOD + "x", kept)
    assert not Passwords(limits).faults(shipped.generated(), "desk-1")


def test_after_ninety_days_a_password_must_be_changed(city: City) -> None:
    city.person("leader-1")
    city.later(days=90)
    on_the_day = city.enter("leader-1")
    city.later(minutes=1)
    after = city.enter("leader-1")
    assert (on_the_day and on_the_day.stage, after and after.stage) == ("full", "password")


def test_a_session_ends_when_nobody_touches_it_for_fifteen_minutes(city: City) -> None:
    person = city.person("leader-1")
    for _ in range(4):
        city.later(minutes=14)
        assert city.who(person.entered) is not None
    city.later(minutes=15)
    assert city.who(person.entered) is None


def test_looking_at_a_screen_is_not_touching_it(city: City) -> None:
    from dashboard.access.who import Shown

    shown = Shown(session=city.person("leader-1").entered.token)
    seen = []
    for _ in range(3):
        city.later(minutes=6)
        seen.append(city.doorman.still(shown, city.now) is not None)
    assert seen == [True, True, False]


def test_a_session_lasts_a_shift_at_most(city: City) -> None:
    person = city.person("leader-1")
    for _ in range(12 * 6 - 1):
        city.later(minutes=10)
        assert city.who(person.entered) is not None
    city.later(minutes=10)
    assert city.who(person.entered) is None


def test_a_half_finished_sign_in_is_forgotten_after_ten_minutes(city: City) -> None:
    city.person("desk-1", "desk")
    waiting = city.enter("desk-1")
    assert waiting is not None and city.row(waiting.token) is not None
    city.later(minutes=10)
    assert city.row(waiting.token) is None


@ON_BOTH
def test_a_session_ended_elsewhere_is_over_as_soon_as_the_topic_moves(city: City) -> None:
    person = city.person("leader-1")
    viewer = city.who(person.entered)
    assert viewer is not None and [row.name for row in living(city.desk, city.now)] == ["leader-1"]
    end(city.desk, CONSOLE, int(viewer.session), city.now)
    city.doorman.forget()
    assert city.who(person.entered) is None and living(city.desk, city.now) == []
    assert city.noted("session.end") == [("console", f"leader-1 #{viewer.session}", "done")]
