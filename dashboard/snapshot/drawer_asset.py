"""An asset's card at the side: what it is, its readings with their usual range, its alerts, and the way to its page."""

from __future__ import annotations

from typing import Any

from dashboard.snapshot.alerts import card, street_name
from dashboard.snapshot.asset import Subject, alerts_on, facts, find, page_link
from dashboard.snapshot.channels import channel_line, reading_age, state_then
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, number, unit_words

_CHANNELS = 12


def asset(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """One asset in brief, by `domain/asset`. Raises NotFoundError."""
    subject, lang = find(picture, ident), view.lang
    return {
        "name": subject.name,
        "kind": subject.kind(lang),
        "street": street_name(subject.street, lang) or UNKNOWN,
        "facts": facts(picture, subject, lang),
        "readings": _readings(picture, subject, lang),
        "alerts": [card(a, picture.catalog, lang, picture.at) for a in alerts_on(picture, subject)],
        "page": page_link(subject.ident, view),
        "ident": subject.ident,
    }


def _readings(picture: Picture, subject: Subject, lang: str) -> list[dict[str, Any]]:
    declared = ((c, picture.catalog.metrics.get((c.domain, c.metric))) for c in subject.channels[:_CHANNELS])
    return [
        {
            "title": metric.title(lang),
            "unit": unit_words(metric.unit, lang),
            "value": number(c.value, metric.decimals) if state_then(picture, c) != "silent" else UNKNOWN,
            "line": channel_line(picture, c.channel_id),
            "fresh": reading_age(picture, c),
        }
        for c, metric in declared
        if metric
    ]
