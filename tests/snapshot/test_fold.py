"""Lines of alerts: whatever comes, each open alert is on one line, a matter of life on its own; a flood is a few lines."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.core.declare import Text
from dashboard.snapshot.alerts import Alert
from dashboard.snapshot.fold import lines, numbered
from dashboard.snapshot.line_cards import crowd_title, level_counts, line_card
from dashboard.store.noise_reads import HushRow
from tests.crowd import catalog
from tests.small_city import EAST, WEST

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)


def alert(number: int, level: str = "yellow", **more: Any) -> Alert:
    given: dict[str, Any] = {"life_safety": level == "red", "state": "new", "street": EAST, "asset_name": f"{number}号", **more}
    return Alert(
        alert_id=number, number=0, code=f"YZ-{number}", rule="minibuses.gap_out", domain="minibuses", vital="circulation",
        asset_id=f"s{number}", rule_title=Text("间隔过大", "Gap"), level=level, value=2.0, threshold=1.5, unit="×", lon=106.5, lat=29.5,
        owner="区交通局", opened=NOON - timedelta(minutes=number), closed=None, no_data=False, back_at=given.pop("back_at", None), **given,
    )  # fmt: skip


def hushed(a: Alert, cause: int | None = None, silence: int | None = None) -> Alert:
    return replace(a, hush=HushRow(alert_id=a.alert_id, cause_id=cause, inhibition="x", silence_id=silence, since=NOON, until=None))


def shape(found: Sequence[Alert]) -> list[tuple[str, list[int], list[int]]]:
    return [(line.kind, [a.alert_id for a in line.alerts], [a.alert_id for a in line.follows]) for line in lines(found)]


def test_a_situation_is_one_line_led_by_its_worst_and_one_member_alone_is_no_situation() -> None:
    found = [alert(1, situation=7), alert(2, "orange", situation=7), alert(3, situation=8), alert(4)]
    assert shape(found) == [("situation", [2, 1], []), ("alert", [4], []), ("alert", [3], [])]


def test_a_matter_of_life_stands_first_on_its_own_line_whatever_it_belongs_to() -> None:
    found = [
        alert(1, "orange", situation=7),
        alert(2, "red", situation=7),
        alert(3, "blue", life_safety=True, situation=7),
        alert(4, situation=7),
    ]
    assert shape(found) == [("alert", [2], []), ("alert", [3], []), ("situation", [1, 4], [])]


def test_a_consequence_stands_under_its_cause_and_under_the_situation_that_is_in() -> None:
    found = [alert(1, situation=7), alert(2, situation=7), hushed(alert(3, "orange"), 2), hushed(alert(4), 3)]
    assert shape(found) == [("situation", [2, 1], [3, 4])]
    assert shape(found[:1] + found[2:]) == [("alert", [3], [4]), ("alert", [1], [])], "its cause is not in this selection"


def test_causes_that_go_in_a_circle_hide_nothing() -> None:
    found = [hushed(alert(1), 2), hushed(alert(2), 1)]
    assert {a for _, there, under in shape(found) for a in there + under} == {1, 2}


def test_the_silenced_are_one_line_at_the_end_unless_lives_depend_on_them() -> None:
    found = [hushed(alert(1, "orange"), silence=1), hushed(alert(2, "red"), silence=1), alert(3, "blue"), hushed(alert(4), silence=2)]
    assert shape(found) == [("alert", [2], []), ("alert", [3], []), ("silenced", [1, 4], [])]


def test_members_and_consequences_carry_the_number_of_their_line() -> None:
    found = numbered([alert(1), alert(2, situation=7), alert(3, "orange", situation=7), hushed(alert(4), 3), alert(5, "red")])
    assert {a.alert_id: a.number for a in found} == {5: 1, 3: 2, 2: 2, 4: 2, 1: 3}
    assert [a.alert_id for a in found] == [5, 3, 4, 2, 1], "worst first, for all who look for the worst"


def test_a_line_says_where_how_many_and_how_bad_in_both_languages() -> None:
    found = [alert(1, situation=7), alert(2, "orange", situation=7), alert(3, situation=7, street=WEST), hushed(alert(4), 1)]
    (line,) = lines(found)
    zh, en = (line_card(line, catalog(), lang, NOON) for lang in ("zh", "en"))
    assert (zh.title, zh.grounds, zh.note, zh.count, zh.drawer) == ("解放碑周边 3 起", "橙1、黄2，间隔过大", "抑制1条", 4, "situation:7")
    assert (en.title, en.grounds, en.note) == ("Around Jiefangbei: 3 alerts", "1 orange, 2 yellow, Gap", "1 inhibited")
    assert crowd_title([replace(a, asset_id="s", asset_name="千厮门大桥") for a in found[:2]], "zh") == "千厮门大桥 2 起"
    assert level_counts(found, "zh") == "橙1、黄3"


@pytest.mark.parametrize("seed", range(30))
def test_whatever_comes_every_open_alert_is_somewhere_once_and_every_matter_of_life_on_its_own_line(seed: int) -> None:
    dice, found = random.Random(seed), []
    for number in range(1, dice.randrange(2, 400)):
        level = dice.choice(("red", "orange", "yellow", "blue"))
        one = alert(
            number,
            level,
            life_safety=level == "red" or dice.random() < 0.1,
            situation=dice.randrange(6),
            state=dice.choice(("new", "in_hand")),
            back_at=dice.choice((None, None, NOON)),
        )
        one = hushed(one, cause=dice.randrange(1, 400)) if dice.random() < 0.3 else one
        one = hushed(one, silence=dice.randrange(1, 4)) if dice.random() < 0.2 else one
        found.append(one)
    shown = lines(numbered(found))
    everything = [a.alert_id for line in shown for a in (*line.alerts, *line.follows)]
    assert sorted(everything) == [a.alert_id for a in found]
    alone = {line.lead.alert_id for line in shown if line.kind == "alert"}
    grave = {a.alert_id for a in found if a.life_safety}
    assert grave <= alone
    standing = [line.lead.life_safety and line.stands for line in shown]
    assert standing == sorted(standing, reverse=True), "those that stand come first"
    assert [line.lead.number for line in shown] == list(range(1, len(shown) + 1))
