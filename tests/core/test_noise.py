"""What may be declared about noise: a consequence has a cause, no circle, and lives are never at stake."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.core.catalog import load_catalog
from dashboard.core.declare import AlertRule, Level, Readings, Text
from dashboard.core.errors import DeclarationError
from dashboard.core.noise import Inhibition, Matcher, inhibitions_misfit, is_life_safety
from tests.small_city import threshold


def rule(key: str, *, life_safety: bool = False) -> AlertRule:
    return AlertRule(key=key, title=Text(key, key), watches=Readings(metric="heat"), life_safety=life_safety)


RULES = {f"lighting.{key}": rule(key) for key in ("a", "b", "c", "red")} | {"lighting.gas": rule("gas", life_safety=True)}
RED = (threshold("red", Level.RED, ">=", 1, 0), threshold("a", Level.ORANGE, ">=", 1, 0))


def follows(cause: str, *consequences: str) -> Inhibition:
    names = tuple(f"lighting.{name}" for name in consequences)
    return Inhibition(
        key=f"{cause}_{'_'.join(consequences)}", cause=f"lighting.{cause}", consequences=names, where="asset", why=Text("", "")
    )


REFUSED = [
    ([follows("a", "nothing")], "no rule 'lighting.nothing'"),
    ([follows("nothing", "a")], "no rule 'lighting.nothing'"),
    ([follows("a", "gas")], "never inhibited"),
    ([follows("a", "b", "red")], "never inhibited"),
    ([follows("a", "a")], "circle"),
    ([follows("a", "b"), follows("b", "c"), follows("c", "a")], "circle"),
]


@pytest.mark.parametrize(("declared", "why"), REFUSED)
def test_what_hides_a_matter_of_life_or_goes_in_a_circle_is_refused(declared: list[Inhibition], why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        inhibitions_misfit(declared, RULES, RED)


def test_a_red_or_life_safety_rule_may_well_be_a_cause() -> None:
    inhibitions_misfit([follows("red", "a"), follows("gas", "a", "b"), follows("a", "b", "c")], RULES, RED)


def test_the_citys_own_are_accepted_and_its_matters_of_life_are_marked() -> None:
    catalog = load_catalog()
    assert len(catalog.inhibitions) >= 10
    grave = {key for key, (_, one) in catalog.rules.items() if one.life_safety}
    assert {key.split(".")[0] for key in grave} == {"septic_tanks", "tunnels", "slopes", "flood"}
    assert {"septic_tanks.gas", "tunnels.co", "slopes.displacement", "flood.over_rising"} <= grave


def test_lives_may_depend_on_red_whatever_the_rule() -> None:
    assert [is_life_safety(rule("a"), level) for level in Level] == [True, False, False, False]
    assert all(is_life_safety(rule("gas", life_safety=True), level) for level in Level)
    assert is_life_safety(None, "red") and not is_life_safety(None, "orange")


ALERT = ("loop.slow_arc", "loop", "arc-3", "500103003", "blue")
TAKES: list[tuple[dict[str, Any], bool]] = [
    ({"rule": "loop.slow_arc"}, True),
    ({"rule": "loop.silent"}, False),
    ({"domain": "loop", "asset": "arc-3"}, True),
    ({"domain": "loop", "asset": "arc-4"}, False),
    ({"domain": "loop", "street": "500103010"}, False),
    ({"domain": "loop", "levels": ("blue", "yellow")}, True),
    ({"domain": "loop", "levels": ("yellow",)}, False),
]


@pytest.mark.parametrize(("wanted", "taken"), TAKES)
def test_a_matcher_takes_what_fits_every_field_it_names(wanted: dict[str, Any], taken: bool) -> None:
    assert Matcher(**wanted).takes(*ALERT) is taken
    assert not Matcher(**wanted).is_empty


def test_a_matcher_of_levels_alone_names_nothing() -> None:
    assert Matcher(levels=("blue",)).is_empty
