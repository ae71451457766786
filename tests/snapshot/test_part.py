"""Who sees a part of the city reads of that part, and is told in words what is withheld."""

from __future__ import annotations

import pytest

from dashboard.core.errors import NotFoundError
from dashboard.core.scope import Scope
from dashboard.core.sight import Action, Mask, Sight
from dashboard.snapshot.chips import chips
from dashboard.snapshot.drawer_number import explanation
from dashboard.snapshot.overview import matrix
from dashboard.snapshot.sheet import sheet
from dashboard.snapshot.street import head
from dashboard.snapshot.strip import strip
from dashboard.snapshot.system import kpis
from dashboard.snapshot.verdict import verdict
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import tabs
from tests.whole_city import EAST, MIDDLE, NOON, WEST, Town, asset_id

ON_EAST, ON_TWO = Sight(streets=(EAST.code,)), Sight(streets=tuple(sorted((MIDDLE.code, WEST.code))))
BRIDGES = Sight(domains=frozenset({"bridges"}))


def of(sight: Sight, lang: str = "zh") -> View:
    """The view of somebody who asked for nothing in particular."""
    return View(scope=sight.within(Scope()), sight=sight, lang=lang)


def test_a_street_user_reads_the_streets_numbers_under_its_name(town: Town) -> None:
    view = of(ON_EAST)
    picture = town.picture(view=view)
    body = verdict(picture, view)
    assert body["label"] == f"{EAST.short}指数"
    assert strip(picture, view)["label"] == EAST.short
    assert body["index"] == verdict(town.picture(), View(scope=Scope((EAST.code,))))["index"] != "—"
    assert [s["code"] for s in head(picture, view)["streets"]] == [EAST.code]
    assert {row["rank"] for row in sheet(picture, view, "bridges")["rows"]} == {""}, "a place among the streets tells of the others"


def test_what_is_theirs_is_no_filter_to_be_cleared_and_less_of_it_is(town: Town) -> None:
    view = of(ON_TWO)
    assert not view.picked and chips(town.picture(view=view), view)["chips"] == []
    assert "全区" not in chips(town.picture(view=view), view)["nothing"]
    less = View(scope=Scope((WEST.code,)), sight=ON_TWO)
    assert less.picked and [c["name"] for c in chips(town.picture(view=less), less)["chips"]] == ["scope"]


def test_one_street_needs_no_matrix_and_two_show_no_third(town: Town) -> None:
    assert matrix(town.picture(view=of(ON_EAST)), of(ON_EAST))["rows"] == []
    assert {s["code"] for s in matrix(town.picture(view=of(ON_TWO)), of(ON_TWO))["streets"]} == set(ON_TWO.streets)


@pytest.mark.parametrize(
    ("lang", "word", "sentence"), [("zh", "部分可见", "仅显示有权限的数据"), ("en", "In part", "Only what is open to you")]
)
def test_an_index_of_more_than_is_open_is_withheld_in_words(town: Town, lang: str, word: str, sentence: str) -> None:
    view = of(BRIDGES, lang)
    picture = town.picture(view=view)
    (skeleton,) = tabs(picture, view)
    assert (skeleton.key, skeleton.value, skeleton.word) == ("skeleton", None, word)
    assert kpis(picture, view, "skeleton")["cards"][0].note == sentence
    body = verdict(picture, view)
    assert (body["index"], body["delta"], body["headline"]) == ("—", sentence, sentence)
    assert "error" not in town.panels.content("verdict", view, NOON)["html"]


def test_who_sees_all_domains_of_a_system_reads_its_index(town: Town) -> None:
    sight = Sight(domains=frozenset(d.key for d in town.catalog.of_vital("skeleton")))
    (skeleton,) = tabs(town.picture(view=of(sight)), of(sight))
    assert skeleton.value is not None and skeleton.word != "部分可见"


def test_rows_behind_a_number_are_for_who_may_open_them(town: Town) -> None:
    looks = Sight(actions=frozenset({Action.SEE}))
    body = explanation(town.picture(view=of(looks)), of(looks), "bridges.iot_online")
    assert body["formula"] and body["rows"] == []
    narrow = explanation(town.picture(view=of(ON_EAST)), of(ON_EAST), "bridges.iot_online")
    assert narrow["scope"] == EAST.short and {s["code"] for s in narrow["streets"]} <= {EAST.code}


@pytest.mark.parametrize("sight", [ON_EAST, ON_TWO, BRIDGES, Sight(masks=frozenset(Mask))], ids=["street", "streets", "domain", "masked"])
def test_an_alert_outside_is_no_alert(town: Town, sight: Sight) -> None:
    view, all_of_them = of(sight), town.picture().alerts
    mine = {a.alert_id for a in town.picture(view=view).alerts}
    assert mine == {a.alert_id for a in all_of_them if sight.holds_domain(a.domain) and sight.holds_street(a.street)}
    for outside in [a for a in all_of_them if a.alert_id not in mine][:3]:
        with pytest.raises(NotFoundError):
            town.panels.content(f"alert:{outside.alert_id}", view, NOON)


def test_buttons_are_drawn_for_who_may_press_them(town: Town) -> None:
    key = f"alert:{town.picture().alerts[0].alert_id}"
    may, looks = of(Sight()), of(Sight(actions=frozenset({Action.SEE})))
    assert "data-step=" in town.panels.content(key, may, NOON)["html"]
    assert "data-step=" not in town.panels.content(key, looks, NOON)["html"]
    lists = "readings:skeleton", "alerts"
    assert all("/export/" in town.panels.content(panel, may, NOON)["html"] for panel in lists)
    assert not any("/export/" in town.panels.content(panel, looks, NOON)["html"] for panel in lists)


def test_an_asset_of_a_closed_domain_is_dropped_from_an_address(town: Town) -> None:
    ident = f"tunnels/{asset_id('tunnels', 0)}"
    assert town.panels.parse({"asset": ident, "system": "tunnels"}, BRIDGES) == of(BRIDGES)
    assert town.panels.parse({"asset": ident, "system": "tunnels"}, Sight()).asset == ident
