"""The security administrator's acts, and what stays out of anybody's reach."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.access.accounts import add_account, all_accounts, first_account, lock, regrant, reset_password, reset_second
from dashboard.access.desk import By
from dashboard.access.devices import add_token, all_walls, end_token, end_wall, enrol_wall, offer_wall
from dashboard.access.who import Shown
from dashboard.core.doors import Grant
from dashboard.core.errors import NotAllowedError, NotFoundError, NotNowError
from tests.access.people import ADMIN, HERE, ON_BOTH, City


@ON_BOTH
def test_a_new_deployment_has_one_account_with_a_password_told_once(city: City) -> None:
    password = first_account(city.desk, city.now)
    assert password and first_account(city.desk, city.now) is None
    entered = city.enter("security-admin", password)
    assert entered and entered.stage == "password"
    assert [(row.name, row.role) for row in all_accounts(city.desk)] == [("security-admin", "security_admin")]
    assert password not in str(all_accounts(city.desk))


@ON_BOTH
def test_a_locked_account_is_out_at_once_and_comes_back_unlocked(city: City) -> None:
    person = city.person("leader-1")
    lock(city.desk, ADMIN, city.number("leader-1"), True, city.now)
    city.doorman.forget()
    assert city.who(person.entered) is None and city.enter("leader-1") is None
    lock(city.desk, ADMIN, city.number("leader-1"), False, city.now)
    assert city.enter("leader-1") is not None and city.who(person.entered) is None


def test_unlocking_forgives_failures(city: City) -> None:
    city.person("leader-1")
    for _ in range(5):
        city.enter("leader-1", "wrong")
    lock(city.desk, ADMIN, city.number("leader-1"), False, city.now)
    assert city.enter("leader-1") is not None


def test_another_role_ends_every_session_begun_with_the_old_one(city: City) -> None:
    person = city.person("head-1", "leader")
    regrant(city.desk, ADMIN, city.number("head-1"), Grant(role="viewer"), city.now)
    city.doorman.forget()
    assert city.who(person.entered) is None
    again = person.enter()
    viewer = city.who(again) if again else None
    assert viewer is not None and viewer.role.key == "viewer"


def test_a_reset_password_is_good_for_one_sign_in(city: City) -> None:
    person = city.person("leader-1")
    password = reset_password(city.desk, ADMIN, city.number("leader-1"), city.now)
    city.doorman.forget()
    assert city.who(person.entered) is None and city.enter("leader-1") is None
    entered = city.enter("leader-1", password)
    assert entered and entered.stage == "password"


def test_a_lost_phone_is_forgotten_and_another_must_be_bound(city: City) -> None:
    city.person("desk-1", "desk")
    reset_second(city.desk, ADMIN, city.number("desk-1"), city.now)
    entered = city.enter("desk-1")
    assert entered and entered.stage == "enrol"


OWN: list[Callable[[City, By, int], object]] = [
    lambda city, by, number: lock(city.desk, by, number, True, city.now),
    lambda city, by, number: regrant(city.desk, by, number, Grant(role="leader"), city.now),
    lambda city, by, number: reset_password(city.desk, by, number, city.now),
    lambda city, by, number: reset_second(city.desk, by, number, city.now),
]


@pytest.mark.parametrize("act", OWN)
def test_nobody_decides_about_their_own_account(city: City, act: Callable[[City, By, int], object]) -> None:
    city.person("security-2", "security_admin")
    with pytest.raises(NotAllowedError, match="own account"):
        act(city, By("security-2", "security_admin"), city.number("security-2"))
    act(city, ADMIN, city.number("security-2"))


@pytest.mark.parametrize(
    ("name", "grant", "told"),
    [
        ("a", Grant(role="leader"), "2 to 64"),
        ("some one", Grant(role="leader"), "2 to 64"),
        ("me@sso", Grant(role="leader"), "2 to 64"),
        ("leader-1", Grant(role="leader"), "there is an account"),
        ("head-1", Grant(role="head"), "needs a domain"),
        ("street-1", Grant(role="street"), "needs a street"),
        ("street-1", Grant(role="street", streets=("500103999",)), "no street"),
        ("head-1", Grant(role="head", domains=("bridges", "moon")), "no domain"),
        ("screen-1", Grant(role="wall"), "no role wall"),
        ("king-1", Grant(role="king"), "no role king"),
    ],
)
def test_an_account_that_would_not_fit_is_refused_in_words(city: City, name: str, grant: Grant, told: str) -> None:
    add_account(city.desk, ADMIN, "leader-1", Grant(role="leader"), city.now)
    with pytest.raises(NotNowError, match=told):
        add_account(city.desk, ADMIN, name, grant, city.now)
    assert len(all_accounts(city.desk)) == 1


def test_every_act_is_in_the_audit_log_with_who_did_it(city: City) -> None:
    person = city.person("desk-1", "desk")
    number = city.number("desk-1")
    reset_second(city.desk, ADMIN, number, city.now)
    reset_password(city.desk, ADMIN, number, city.now)
    regrant(city.desk, ADMIN, number, Grant(role="leader"), city.now)
    lock(city.desk, ADMIN, number, True, city.now)
    mine = ("account.add", "account.second.reset", "account.reset", "account.role", "account.lock")
    assert {action: city.noted(action) for action in mine} == {action: [("security-admin", "desk-1", "done")] for action in mine}
    assert {action: city.noted(action)[0][0] for action in ("account.password", "account.second")} == dict.fromkeys(
        ("account.password", "account.second"), person.name
    )


# ---- walls and programs


@ON_BOTH
def test_a_wall_comes_in_by_a_code_that_works_once_and_stays_until_it_is_taken_back(city: City) -> None:
    code = offer_wall(city.desk, ADMIN, "一号大屏", city.now)
    token = enrol_wall(city.desk, code, HERE, city.now)
    assert len(code) == 8 and token and enrol_wall(city.desk, code, HERE, city.now) is None
    city.later(days=300)
    viewer = city.doorman.who(Shown(wall=token, client=HERE), city.now)
    assert viewer is not None and (viewer.role.key, {a.value for a in viewer.sight.actions}) == ("wall", {"see"})
    end_wall(city.desk, ADMIN, all_walls(city.desk, city.now)[0].wall_id, city.now)
    city.doorman.forget()
    assert city.doorman.who(Shown(wall=token, client=HERE), city.now) is None and not all_walls(city.desk, city.now)


def test_a_code_is_worth_nothing_after_ten_minutes(city: City) -> None:
    code = offer_wall(city.desk, ADMIN, "一号大屏", city.now)
    city.later(minutes=10)
    assert enrol_wall(city.desk, code, HERE, city.now) is None


def test_whoever_guesses_codes_is_stopped_whatever_address_they_come_from(city: City) -> None:
    code = offer_wall(city.desk, ADMIN, "一号大屏", city.now)
    for n in range(5):
        assert enrol_wall(city.desk, "00000000", f"10.0.0.{n}", city.now) is None
    assert enrol_wall(city.desk, code, "10.0.1.1", city.now) is None


def test_a_program_acts_as_its_account_until_its_token_is_taken_back_or_a_year_is_over(city: City) -> None:
    city.person("prometheus", "system_admin")
    token = add_token(city.desk, ADMIN, city.number("prometheus"), "metrics", city.now)
    shown = Shown(bearer=token, client=HERE)
    viewer = city.doorman.who(shown, city.now)
    assert viewer is not None and (viewer.name, viewer.role.key, viewer.session) == ("prometheus", "system_admin", "token-1")
    city.later(days=365)
    assert city.doorman.who(shown, city.now) is None
    other = add_token(city.desk, ADMIN, city.number("prometheus"), "metrics", city.now)
    end_token(city.desk, ADMIN, 2, city.now)
    assert city.doorman.who(Shown(bearer=other, client=HERE), city.now) is None
    with pytest.raises(NotFoundError):
        end_token(city.desk, ADMIN, 2, city.now)


def test_a_program_follows_its_account(city: City) -> None:
    city.person("feed-1", "leader")
    shown = Shown(bearer=add_token(city.desk, ADMIN, city.number("feed-1"), "bus", city.now), client=HERE)
    regrant(city.desk, ADMIN, city.number("feed-1"), Grant(role="viewer"), city.now)
    viewer = city.doorman.who(shown, city.now)
    assert viewer is not None and viewer.role.key == "viewer"
    lock(city.desk, ADMIN, city.number("feed-1"), True, city.now)
    city.doorman.forget()
    assert city.doorman.who(shown, city.now) is None


@pytest.mark.parametrize("role", ["security_admin", "auditor"])
def test_administrators_of_accounts_and_auditors_are_people(city: City, role: str) -> None:
    city.person("somebody", role)
    with pytest.raises(NotNowError, match="no tokens"):
        add_token(city.desk, ADMIN, city.number("somebody"), "robot", city.now)


def test_the_store_holds_nothing_to_come_in_with(city: City) -> None:
    person = city.person("desk-1", "desk")
    code = offer_wall(city.desk, ADMIN, "一号大屏", city.now)
    wall = enrol_wall(city.desk, code, HERE, city.now)
    token = add_token(city.desk, ADMIN, city.number("desk-1"), "bus", city.now)
    with city.desk.engine.connect() as conn:
        from dashboard.store import schema_access

        tables = [getattr(schema_access, name) for name in schema_access.__all__]
        kept = str([conn.execute(table.select()).all() for table in tables])
    assert person.paper and wall
    for secret in (person.secret, *person.paper, person.entered.token, wall, token, "Bridge-and-tunnel-7"):
        assert secret not in kept
