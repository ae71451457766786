"""Silences: seen before they are made, always with an end, an owner and a reason; all of it on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.casework.silences import Preview, Wish, end, expire, make, preview
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.core.noise import Matcher
from dashboard.store.noise_reads import silences_ended, silences_in_force
from dashboard.store.schema import audit
from tests.crowd import GAP, GAS, Crowd, catalog
from tests.small_city import EAST, WEST, SmallCity, on_both


@pytest.fixture
def crowd(town: SmallCity) -> Crowd:
    return Crowd(town)


def shown(crowd: Crowd, **matcher: Any) -> Preview:
    with crowd.engine.connect() as conn:
        return preview(conn, catalog(), Matcher(**matcher), crowd.now)


def made(crowd: Crowd, seen: int = 0, hours: float = 1, reason: str = "检修", **matcher: Any) -> int:
    wish = Wish(matcher=Matcher(**matcher), lasts=timedelta(hours=hours), actor="值班台", reason=reason, seen=seen)
    return make(crowd.engine, catalog(), wish, crowd.now)


@on_both
def test_a_preview_shows_what_it_would_hide_now_and_would_have_hidden_and_what_rings_all_the_same(crowd: Crowd) -> None:
    one, red = crowd.raised(GAP, "blue", "s1"), crowd.raised(GAP, "red", "s2")
    crowd.raised(GAP, "blue", "s3", street=WEST)
    crowd.cleared(crowd.raised(GAP, "blue", "s1", ago=29 * 1440), crowd.raised(GAP, "yellow", "s1", ago=31 * 1440))
    found = shown(crowd, rule=GAP, street=EAST)
    assert ([r.alert_id for r in found.hides], [r.alert_id for r in found.rings]) == ([one], [red])
    assert (found.lately, found.lately_rings) == (2, 1)
    assert len(shown(crowd, rule=GAP).hides) == 2
    mild = shown(crowd, rule=GAP, levels=("yellow",))
    assert (mild.hides, [r.alert_id for r in mild.rings]) == ([], [red])


def test_matters_of_life_in_a_domain_are_listed_as_ringing(crowd: Crowd) -> None:
    gas, other = crowd.raised(GAS, "blue", "t1"), crowd.raised("septic_tanks.level", "yellow", "t1")
    found = shown(crowd, domain="septic_tanks", asset="t1")
    assert ([r.alert_id for r in found.hides], [r.alert_id for r in found.rings]) == ([other], [gas])
    assert [r.alert_id for r in shown(crowd, rule=GAS).rings] == [gas]


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("指明", {}),
    ("指明", {"levels": ("blue",)}),
    ("没有规则", {"rule": "minibuses.nothing"}),
    ("没有领域", {"domain": "trams"}),
    ("没有街道", {"street": "1"}),
    ("人身安全", {"rule": GAS}),
    ("红色", {"rule": GAP, "levels": ("red",)}),
    ("期限", {"rule": GAP, "hours": 0}),
    ("期限", {"rule": GAP, "hours": 72.1}),
    ("原因", {"rule": GAP, "reason": "  "}),
    ("原因", {"rule": GAP, "reason": "长" * 501}),
    ("再看一次预览", {"rule": GAP, "seen": 3}),
]


@pytest.mark.parametrize(("why", "wanted"), REFUSED)
def test_what_has_no_bounds_no_reason_or_was_not_looked_at_is_refused_in_words(crowd: Crowd, why: str, wanted: dict[str, Any]) -> None:
    crowd.raised(GAP, "blue", "s1")
    crowd.raised(GAP, "blue", "s2")
    with pytest.raises(NotNowError, match=why):
        made(crowd, **{"seen": 2, **wanted})
    assert crowd.rows(audit) == []


@on_both
def test_a_silence_holds_for_its_time_and_its_end_is_noted_as_it_was_due(crowd: Crowd) -> None:
    made(crowd, rule=GAP, hours=2)
    with crowd.engine.connect() as conn:
        (held,) = silences_in_force(conn, crowd.now)
    assert (held.owner, held.reason, held.ends_at - crowd.now) == ("值班台", "检修", timedelta(hours=2))
    assert expire(crowd.engine, crowd.now) == 0
    crowd.city.clock.step(timedelta(hours=3))
    with crowd.engine.connect() as conn:
        assert silences_in_force(conn, crowd.now) == [], "over, whether or not that was noted"
    assert (expire(crowd.engine, crowd.now), expire(crowd.engine, crowd.now)) == (1, 0)
    with crowd.engine.connect() as conn:
        (over,) = silences_ended(conn, crowd.now - timedelta(days=1), crowd.now)
    assert (over.ended_at, over.ended_by) == (held.ends_at, "system")
    assert [(r.action, r.actor) for r in crowd.rows(audit)] == [("silence.make", "值班台"), ("silence.expire", "system")]


def test_a_silence_is_ended_early_once(crowd: Crowd) -> None:
    key = made(crowd, rule=GAP)
    end(crowd.engine, key, "值班长", crowd.now)
    with pytest.raises(NotNowError):
        end(crowd.engine, key, "值班长", crowd.now)
    with pytest.raises(NotFoundError):
        end(crowd.engine, key + 1, "值班长", crowd.now)
    assert [(r.action, r.actor, r.detail) for r in crowd.rows(audit)][1] == ("silence.end", "值班长", f"rule={GAP}")
