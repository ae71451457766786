"""An asset's card at the side: what it is, its readings with their usual range, its alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.declare import Domain
from dashboard.core.errors import NotFoundError
from dashboard.core.readings import latest
from dashboard.snapshot.alerts import card, street_name
from dashboard.snapshot.channels import channel_line, reading_age
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, number, say, unit_words

_CHANNELS = 12


def asset(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """Everything about one asset, by `domain/asset`. Raises NotFoundError."""
    domain_key, _, asset_id = ident.partition("/")
    domain = picture.catalog.domains.get(domain_key)
    if domain is None:
        raise NotFoundError(f"no domain {domain_key!r}")
    row, channels = _kept(picture, domain, asset_id)
    if row is None and not channels:
        raise NotFoundError(f"no asset {ident!r}")
    kind = domain.asset_kinds.get(row.kind) if row is not None else None
    mine = [a for a in picture.alerts if a.asset_id == asset_id and a.domain == domain_key]
    return {
        "name": row.name if row is not None else asset_id,
        "kind": words(kind or domain.title, view.lang),
        "street": street_name(row.street if row is not None else channels[0].street, view.lang) or UNKNOWN,
        "facts": _facts(picture, domain, asset_id, row, view.lang),
        "readings": _readings(picture, domain_key, channels, view.lang),
        "alerts": [card(a, picture.catalog, view.lang, picture.at) for a in mine],
    }


def _kept(picture: Picture, domain: Domain, asset_id: str) -> tuple[Any, Sequence[Any]]:
    """Its row in a register, and its channels."""
    c = latest.c
    speaking = sa.select(latest).where(c.domain == domain.key, c.asset_id == asset_id, c.ts.is_not(None))
    with picture.reader.engine.connect() as conn:
        rows = (conn.execute(sa.select(t).where(t.c.asset_id == asset_id)).first() for t in asset_tables(domain))
        row = next((r for r in rows if r is not None), None)
        return row, conn.execute(speaking.order_by(c.channel_id).limit(_CHANNELS)).all()


def _facts(picture: Picture, domain: Domain, asset_id: str, row: Any, lang: str) -> list[tuple[str, str]]:
    facts = [(say(lang, "编号", "No."), asset_id), (say(lang, "责任单位", "Responsible"), domain.department(lang))]
    if row is None:
        return facts
    return [
        *facts,
        (say(lang, "状态", "State"), words(domain.states.get(row.state or ""), lang, row.state or UNKNOWN)),
        (say(lang, "更新", "As of"), moment(row.observed_at, lang, picture.now)),
        (say(lang, "来源", "Source"), f"{row.source} · {row.source_key}"),
    ]


def _readings(picture: Picture, domain: str, channels: Sequence[Any], lang: str) -> list[dict[str, Any]]:
    declared = ((c, picture.catalog.metrics.get((domain, c.metric))) for c in channels)
    return [
        {
            "title": metric.title(lang),
            "unit": unit_words(metric.unit, lang),
            "value": number(c.value, metric.decimals),
            "line": channel_line(picture, c.channel_id),
            "fresh": reading_age(picture, c),
        }
        for c, metric in declared
        if metric
    ]
