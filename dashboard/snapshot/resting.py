"""What rests on purpose: an engine that is off, a bus on its charger. Its instruments' silence is planned, not a loss of data."""

from __future__ import annotations

from typing import Any

from dashboard.core.catalog import words
from dashboard.snapshot.picture import Picture
from dashboard.store.resting import registers, resting_assets

RESTING = "resting"  # beside fresh, late and silent: old because it is meant to be


def rest_of(picture: Picture, row: Any) -> str:
    """The state in which the asset of a channel rests now; empty: it does not, or the picture is of the past."""
    domain = picture.catalog.domains[row.domain]
    if not domain.resting_states or picture.replay:
        return ""

    def load() -> dict[str, str]:
        with picture.reading() as conn:
            return resting_assets(conn, domain)

    topics = [f"table:{register.name}" for register in registers(domain)]
    return picture.kept((RESTING, domain.key), topics, load).get(row.asset_id, "")


def rest_words(picture: Picture, row: Any, lang: str) -> str:
    """The same in words: 停机."""
    state = rest_of(picture, row)
    return words(picture.catalog.domains[row.domain].states.get(state), lang, state) if state else ""
