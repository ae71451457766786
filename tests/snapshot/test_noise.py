"""What screens say of noise: why an alert belongs, what hushes it, what a silence would hide and does; in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.alerting.situations import gather
from dashboard.casework.silences import Wish, end, make
from dashboard.casework.situations import leave
from dashboard.core.errors import NotFoundError
from dashboard.core.noise import Matcher
from dashboard.core.sight import Action, Sight
from dashboard.snapshot.drawer_alert import alert
from dashboard.snapshot.drawer_situation import situation, why_words
from dashboard.snapshot.feed import alert_list, silenced
from dashboard.snapshot.picture import Picture, Reader
from dashboard.snapshot.silences import form, match_key, matcher_of, shown_before, silences
from dashboard.snapshot.view import View
from tests.crowd import GAP, GAS, SILENT, STUCK, Crowd, catalog
from tests.small_city import SmallCity

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ZH, EN = View(), View(lang="en")


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    town = SmallCity(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    yield Crowd(town)
    town.leave()


def picture(crowd: Crowd, view: View = ZH) -> Picture:
    return Reader(crowd.engine, catalog(), crowd.settings).picture(crowd.now, view)


def hushed_for(crowd: Crowd, seen: int, **matcher: Any) -> int:
    wish = Wish(matcher=Matcher(**matcher), lasts=timedelta(hours=4), actor="指挥中心值班员", reason="道路施工", seen=seen)
    made = make(crowd.engine, catalog(), wish, crowd.now)
    crowd.turn(minutes=1)
    return made


WHYS = [
    ({}, "首条", "the first"),
    ({"rule": "near", "beside": "A1", "minutes": 4.0, "metres": 119.8}, "距 A1 119.8米，相隔4分钟", "119.8 m from A1, 4 min apart"),
    ({"rule": "asset", "beside": "A1", "minutes": 0.5}, "与 A1 同一对象，相隔0.5分钟", "the same asset as A1, 0.5 min apart"),
    (
        {"rule": "part", "beside": "A1", "minutes": 2.0, "through": "rentals/LD-07"},
        "与 A1 同属 LD-07，相隔2分钟",
        "part of LD-07, as A1 is, 2 min apart",
    ),
]


@pytest.mark.parametrize(("why", "zh", "en"), WHYS)
def test_a_join_is_told_in_words_with_its_numbers(why: dict[str, Any], zh: str, en: str) -> None:
    assert (why_words(why, "zh"), why_words(why, "en")) == (zh, en)


def test_a_situation_shows_its_members_worst_first_what_stands_apart_and_who_was_taken_out(crowd: Crowd) -> None:
    one, two, three = crowd.raised(GAP, "blue"), crowd.raised(GAP, "orange", east=20), crowd.raised(GAP, "blue", east=40)
    gas = crowd.raised(GAS, "orange", "t1", 60)
    crowd.turn()
    (key,) = {a.situation for a in picture(crowd).alerts}
    leave(crowd.engine, key, three, "值班长", crowd.now)
    body = situation(picture(crowd), ZH, str(key))
    assert [(m["alert"].alert_id, m["left"]) for m in body["members"]] == [(two, False), (gas, False), (one, False), (three, True)]
    assert (body["title"], body["counts"], body["apart"], body["may"]) == ("解放碑周边 2 起", "橙1、蓝1", "另有1条单列", True)
    assert body["members"][-1]["why"].endswith("值班长移出")
    english = situation(picture(crowd, EN), EN, str(key))
    said = [english["title"], english["counts"], english["apart"], *(m["why"] for m in english["members"][:3])]
    assert [words for words in said if CHINESE.search(words)] == []


def test_an_alert_says_what_it_belongs_to_what_hushes_it_and_what_it_hushes(crowd: Crowd) -> None:
    cause, stuck = crowd.raised(SILENT, "yellow", "t1"), crowd.raised(STUCK, "blue", "t1")
    crowd.turn()
    of_stuck, of_cause = (alert(picture(crowd), ZH, str(key))["noise"] for key in (stuck, cause))
    (hush,) = of_stuck["hushes"]
    assert (hush["what"], hush["said"], hush["drawer"]) == ("被“t1号化粪池监测中断”抑制", "终端断线，读数自然不动", f"alert:{cause}")
    assert not of_stuck["may_silence"] and of_cause["may_silence"]
    assert [f.alert_id for f in of_cause["follows"]] == [stuck]
    assert of_stuck["situation"]["why"].startswith("与 YZ-XX-260520-0001 同一对象")
    crowd.cleared(cause)
    crowd.turn(minutes=5)
    (over,) = alert(picture(crowd), EN, str(stuck))["noise"]["hushes"]
    assert over["over"] and over["stretch"] == "12:00 to 12:05"
    assert [s["what"] for s in alert(picture(crowd), ZH, str(stuck))["steps"]] == ["触发", "恢复通知"]


def test_the_silenced_are_one_grey_line_with_the_time_left_and_open_one_by_one(crowd: Crowd) -> None:
    keys = [crowd.raised(GAP, "yellow", east=500 * i) for i in range(3)]
    hushed_for(crowd, 3, rule=GAP)
    (line,) = alert_list(picture(crowd), ZH)["rows"]
    assert (line.title, line.silenced, line.count, line.drawer) == ("已静默 3 条", True, 3, "silenced:all")
    assert line.grounds.startswith("剩3时59分，黄3")
    assert [a.alert_id for a in silenced(picture(crowd), ZH, "all")["alerts"]] == keys


def test_silences_in_force_and_over_are_listed_with_what_they_hide(crowd: Crowd) -> None:
    crowd.raised(GAP, "yellow")
    held = hushed_for(crowd, 1, rule=GAP, levels=("blue", "yellow"))
    (row,) = silences(picture(crowd), ZH)["held"]
    assert (row["what"], row["owner"], row["reason"], row["hides"]) == ("上行间隔过大，蓝、黄", "指挥中心值班员", "道路施工", 1)
    end(crowd.engine, held, "值班长", crowd.now)
    crowd.turn(minutes=1)
    body = silences(picture(crowd), EN)
    assert body["held"] == [] and body["over"][0]["ended"] == "12:01, ended early by 值班长"


def test_the_form_offers_the_narrowest_first_and_ends_within_the_limit(crowd: Crowd) -> None:
    key = crowd.raised(GAP, "yellow", "s1")
    body = form(picture(crowd), ZH, str(key))
    assert [matcher_of(c["match"]).asset for c in body["choices"]] == ["s1", "s1", "", "", ""]
    assert [level["key"] for level in body["levels"]] == ["", "blue", "blue,yellow"]
    assert [one["words"] for one in body["lengths"]] == ["30分钟", "1小时", "4小时", "12小时", "1天", "3天"]
    with pytest.raises(NotFoundError):
        form(picture(crowd), ZH, "99")


def test_a_preview_says_what_is_hidden_and_what_rings_and_refuses_in_the_screens_language(crowd: Crowd) -> None:
    one, gas = crowd.raised("septic_tanks.level", "yellow", "t1"), crowd.raised(GAS, "orange", "t1")
    body = shown_before(picture(crowd), ZH, "domain=septic_tanks&asset=t1")
    assert ([a.alert_id for a in body["hidden"]], [a.alert_id for a in body["rings"]]) == ([one], [gas])
    assert (body["hides"], body["lately"], body["lately_rings"]) == (1, 1, 1)
    assert shown_before(picture(crowd), ZH, "levels=blue")["wrong"].startswith("静默须指明")
    assert not CHINESE.search(shown_before(picture(crowd), EN, "levels=blue")["wrong"])


@pytest.mark.parametrize(
    "said", [{"rule": GAP}, {"domain": "loop", "asset": "弧段 3&4", "levels": ("blue", "yellow")}, {"street": "500103003"}]
)
def test_a_matcher_survives_its_key(said: dict[str, Any]) -> None:
    assert matcher_of(match_key(Matcher(**said))) == Matcher(**said)


def test_who_may_not_silence_is_offered_nothing(crowd: Crowd) -> None:
    key = crowd.raised(GAP, "yellow")
    reader = View(sight=Sight(actions=frozenset({Action.SEE})))
    seen = picture(crowd, reader)
    assert not alert(seen, reader, str(key))["noise"]["may_silence"] and not silences(seen, reader)["may"]
    for refused in (lambda: form(seen, reader, str(key)), lambda: shown_before(seen, reader, f"rule={GAP}")):
        with pytest.raises(NotFoundError):
            refused()


def test_a_flood_of_a_thousand_is_a_few_lines_and_no_matter_of_life_is_among_them(crowd: Crowd) -> None:
    grave = set()
    for i in range(1000):
        if i % 200 == 0:
            grave.add(crowd.raised(GAS, "orange", f"t{i}", 3000 * (i % 5)))
        else:
            crowd.raised(GAP, "yellow", "", 3000 * (i % 5) + i % 90)
    gather(crowd.engine, catalog(), crowd.settings, crowd.now)
    rows = alert_list(picture(crowd), ZH)["rows"]
    assert len(rows) <= 10 + len(grave) and sum(row.count for row in rows) == 1000
    assert {row.alert_id for row in rows[: len(grave)]} == grave and all(row.count == 1 for row in rows[: len(grave)])
