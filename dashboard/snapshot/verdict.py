"""The verdict: how many systems are steady, which is lowest, who is on what. The mean never hides the weakest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.snapshot.alerts import Alert, card, grounds, headline, width
from dashboard.snapshot.figures import since_yesterday
from dashboard.snapshot.part import ONLY_OPEN, index_of_part
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.rule_standing import blind
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import VitalBody, tabs
from dashboard.snapshot.words import count_word, date_line, grade_word, listed, number, say, together

_SENTENCE = 72  # characters two lines of the verdict hold
_WET = 0.1  # mm in an hour from which it rains


def verdict(picture: Picture, view: View) -> dict[str, Any]:
    """One plain sentence, with the district's index, the day and the weather."""
    bodies = tabs(picture, view)
    row = picture.figure("district.index", view.scope)
    delta, parts = since_yesterday(row), _headline(picture, bodies, view.lang)
    return {
        "index": number(row.value if row else None, 0),
        "label": index_of_part(view),
        "delta": _delta(picture, delta, view.lang),
        "parts": parts,
        "headline": "".join(p["text"] for p in parts),
        "sentence": _sentence(picture, view, bodies),
        "date": date_line(picture.at, view.lang),
        "weather": _weather(picture, view.lang),
    }


def _delta(picture: Picture, delta: str, lang: str) -> str:
    if picture.withheld("district.index"):
        return ONLY_OPEN(lang)
    return say(lang, f"较昨 {delta}", f"since yesterday {delta}") if delta else say(lang, "满分100", "of 100")


def _headline(picture: Picture, bodies: Sequence[VitalBody], lang: str) -> list[dict[str, str]]:
    known = [b for b in bodies if b.value is not None]
    if not known and any(picture.withheld(f"vital.{b.key}") for b in bodies):
        return [{"text": ONLY_OPEN(lang), "level": ""}]
    if not known:
        return [{"text": say(lang, "正在取数", "Waiting for data"), "level": ""}]
    weak = sorted((b for b in known if b.weak), key=lambda b: (b.grade != "poor", b.value or 0))
    count = count_word(len(known) - len(weak), lang)
    steady = say(lang, f"{count}项平稳", f"{count} steady")
    if not weak:
        return [{"text": steady, "level": ""}]
    return [{"text": steady + say(lang, "，", ", "), "level": ""}, {"text": _weakest(weak, lang), "level": weak[0].mark or "none"}]


def _weakest(weak: Sequence[VitalBody], lang: str) -> str:
    names, word = listed(lang, [b.title for b in weak[:2]]), grade_word(weak[0].grade, lang)
    return say(lang, f"{names}{word}", f"{names} {word.lower()}")


def _sentence(picture: Picture, view: View, bodies: Sequence[VitalBody]) -> str:
    """Rules that are blind, the worst open alert, how many more wait, and what is not connected."""
    lang, opened = view.lang, picture.open_in(view)
    said = [_foremost(picture, view, opened[0]) if opened else say(lang, "没有未闭环的预警", "No open alerts")]
    if failing := len(blind(picture)):
        said.insert(0, say(lang, f"{failing}条规则判定出错", f"{failing} rules cannot judge" if failing > 1 else "1 rule cannot judge"))
    if waiting := sum(a.state == "new" for a in opened[1:]):
        said.append(say(lang, f"另有{waiting}条待确认", f"{waiting} more to acknowledge"))
    if missing := [b.title for b in bodies if b.unlinked]:
        said.append(say(lang, f"{listed(lang, missing)}未接入", f"{listed(lang, missing)} not connected"))
    while len(said) > (2 if failing else 1) and sum(map(width, said)) > _SENTENCE:
        said.pop()  # the vitals and the feed say it too
    return say(lang, "；", "; ").join(said)


def _foremost(picture: Picture, view: View, a: Alert) -> str:
    lang, owner = view.lang, card(a, picture.catalog, view.lang, picture.at).owner
    doing = say(lang, "待确认", "awaits acknowledgement") if a.state == "new" else say(lang, "处置中", "in hand")
    what = say(lang, f"{headline(a, lang)}，{grounds(a, lang)}", f"{headline(a, lang)}, {grounds(a, lang)}")
    return say(lang, f"{what}，{owner}{doing}", f"{what}; {together(lang, (owner, doing))}")


def _weather(picture: Picture, lang: str) -> str:
    """What the district's own instruments say; the configuration names the metrics: [city.weather] temperature, rain."""
    wanted = picture.settings.city.get("weather", {})
    temperature, rain = (picture.mean_reading(str(wanted.get(name, ""))) for name in ("temperature", "rain"))
    said = []
    if rain is not None:
        said.append(say(lang, "有雨", "Rain") if rain >= _WET else say(lang, "无雨", "Dry"))
    if temperature is not None:
        said.append(f"{number(temperature, 0)}℃")
    return " ".join(said)
