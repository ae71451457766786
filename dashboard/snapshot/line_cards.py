"""Lines of alerts in words: one alert as its card, a situation by its place, its worst level and how many of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.core.catalog import Catalog
from dashboard.core.times import iso
from dashboard.snapshot.alerts import Alert, AlertCard, card, street_name
from dashboard.snapshot.fold import Line
from dashboard.snapshot.vitals import LEVELS
from dashboard.snapshot.words import LEVEL_WORDS, listed, say, together

_KINDS = 2  # phenomena named on a line


def line_card(line: Line, catalog: Catalog, lang: str, now: datetime) -> AlertCard:
    """What a line says."""
    lead = card(line.lead, catalog, lang, now)
    under = _under(len(line.follows), lang)
    if line.kind == "alert":
        return replace(lead, count=1 + len(line.follows), note=together(lang, (lead.note, under)))
    title = crowd_title(line.alerts, lang) if line.kind == "situation" else _silenced(line.alerts, lang)
    return replace(
        lead,
        state="new" if any(a.state == "new" for a in line.alerts) else lead.state,
        stands=line.stands,
        title=title,
        short=title,
        grounds=together(lang, (level_counts(line.alerts, lang), _kinds(line.alerts, lang))),
        opened_at=iso(min(a.opened for a in line.alerts)),
        count=len(line.alerts) + len(line.follows),
        drawer=f"situation:{line.lead.situation}" if line.kind == "situation" else "silenced:all",
        note=under,
        silenced=line.kind == "silenced",
    )


def crowd_title(alerts: Sequence[Alert], lang: str) -> str:
    """解放碑周边 12 起; what is all about one asset by its name."""
    return say(lang, f"{whereabouts(alerts, lang)} {len(alerts)} 起", f"{whereabouts(alerts, lang)}: {len(alerts)} alerts")


def whereabouts(alerts: Sequence[Alert], lang: str) -> str:
    """Where a situation is: its one asset, else around the street most of it is in, else around its first."""
    if len({(a.domain, a.asset_id) for a in alerts}) == 1:
        return alerts[0].asset_name
    known = Counter(a.street for a in alerts if a.street).most_common(1)
    name = street_name(known[0][0], lang) if known else min(alerts, key=lambda a: a.opened).asset_name
    return say(lang, f"{name}周边", f"Around {name}")


def level_counts(alerts: Sequence[Alert], lang: str) -> str:
    """橙2、黄9: how many of each level, the worst first."""
    counted = Counter(a.level for a in alerts)
    return listed(lang, (say(lang, f"{LEVEL_WORDS[k].zh}{n}", f"{n} {LEVEL_WORDS[k].en.lower()}") for k in LEVELS if (n := counted[k])))


def _kinds(alerts: Sequence[Alert], lang: str) -> str:
    """The phenomena there are most of."""
    titles = [title for title, _ in Counter(a.rule_title(lang) for a in alerts).most_common()]
    more = say(lang, "等", " and others") if len(titles) > _KINDS else ""
    return listed(lang, titles[:_KINDS]) + more


def _silenced(alerts: Sequence[Alert], lang: str) -> str:
    return say(lang, f"已静默 {len(alerts)} 条", f"{len(alerts)} silenced")


def _under(number: int, lang: str) -> str:
    return say(lang, f"抑制{number}条", f"{number} inhibited") if number else ""
