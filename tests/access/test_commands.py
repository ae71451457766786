"""`cockpit account …`: the security administrator's acts from the machine's own shell."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from dashboard.access.who import Shown
from dashboard.account_commands import accounts_of
from dashboard.core.errors import CockpitError
from tests.access.people import HERE, City


def told(city: City, *words: str) -> str:
    result = CliRunner().invoke(accounts_of(lambda: (city.desk, city.now)), words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_account_is_made_listed_locked_reset_and_given_a_token(city: City) -> None:
    password = re.findall(r"password (\S+)", told(city, "add", "bridge-desk", "--role", "operator", "--domain", "bridges"))[0]
    assert city.enter("bridge-desk", password) is not None
    assert re.search(r"bridge-desk +operator bridges +password to change", told(city, "list"))
    assert "signed out everywhere" in told(city, "lock", "bridge-desk") and "locked" in told(city, "list")
    assert city.enter("bridge-desk", password) is None
    told(city, "unlock", "bridge-desk")
    other = re.findall(r"password (\S+)", told(city, "reset", "bridge-desk", "--second"))[0]
    assert city.enter("bridge-desk", password) is None and city.enter("bridge-desk", other) is not None
    token = re.findall(r"Bearer (\S+)", told(city, "token", "bridge-desk", "bus"))[0]
    assert city.doorman.who(Shown(bearer=token, client=HERE), city.now) is not None
    assert {actor for actor, _, _ in city.noted("account.add") + city.noted("token.add")} == {"console"}


@pytest.mark.parametrize("words", [("lock", "nobody"), ("add", "x-1", "--role", "king"), ("token", "nobody", "bus")])
def test_what_does_not_fit_is_a_sentence(city: City, words: tuple[str, ...]) -> None:
    with pytest.raises(CockpitError):
        told(city, *words)
