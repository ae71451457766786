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
from dashboard.snapshot.words import LEVEL_WORDS, listed, say, span, together

_KINDS = 2  # phenomena named on a line


def line_card(line: Line, catalog: Catalog, lang: str, now: datetime) -> AlertCard:
    """What a line says."""
    lead = card(line.lead, catalog, lang, now)
    under = _under(len(line.follows), lang)
    if line.kind == "alert":
        return replace(lead, count=1 + len(line.follows), note=together(lang, (lead.note, under)))
    kinds = [
        (card(next(a for a in line.alerts if a.rule == r), catalog, lang, now), n) for r, n in Counter(a.rule for a in line.alerts).items()
    ]
    title = crowd_title(line.alerts, lang) if line.kind == "situation" else _silenced(line.alerts, lang)
    return replace(
        lead,
        state="new" if any(a.state == "new" for a in line.alerts) else lead.state,
        stands=line.stands,
        title=title,
        short=title,
        grounds=together(lang, (_ends(line.alerts, lang, now), level_counts(line.alerts, lang), _kinds(line.alerts, lang))),
        vital=_mostly([(one.vital, n) for one, n in kinds], lang),
        owner=_mostly([(one.owner, n) for one, n in kinds], lang),
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


def _ends(alerts: Sequence[Alert], lang: str, now: datetime) -> str:
    """When the first of the silences that hide them ends."""
    ends = min((a.hush.ends_at for a in alerts if a.hush and a.hush.ends_at), default=None)
    left = span(ends - now, lang) if ends else ""
    return say(lang, f"剩{left}", f"{left} left") if left else ""


def _mostly(said: Sequence[tuple[str, int]], lang: str) -> str:
    """What most of them say, and that there are others."""
    counted = Counter[str]()
    for words, number in said:
        counted[words] += number
    return counted.most_common(1)[0][0] + (say(lang, "等", " and others") if len(counted) > 1 else "")


def _under(number: int, lang: str) -> str:
    return say(lang, f"抑制{number}条", f"{number} inhibited") if number else ""
