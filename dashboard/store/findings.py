"""What judged rules found, with their grounds, now and in the past: stopped findings too, which raise nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Text
from dashboard.store.schema import finding


@dataclass(frozen=True, kw_only=True)
class FindingRow:
    """What a judged rule found about an asset, from when we learned it until something else was found."""

    finding_id: int
    rule: str
    asset_id: str
    at: datetime
    value: float
    because: tuple[tuple[Text, str], ...]
    stopped: Text | None
    name: str
    street: str | None
    lon: float | None
    lat: float | None
    learned_at: datetime
    gone_at: datetime | None  # None: found now


def findings(
    conn: sa.Connection, rules: Iterable[str], since: datetime, until: datetime | None = None, asset: str | None = None
) -> list[FindingRow]:
    """What judged rules found in a stretch of time, as it was known then, newest first; stopped findings too."""
    where = [finding.c.rule.in_(list(rules)), sa.or_(finding.c.gone_at.is_(None), finding.c.gone_at > since)]
    where += [] if until is None else [finding.c.learned_at <= until]
    where += [] if asset is None else [finding.c.asset_id == asset]
    query = sa.select(finding).where(*where).order_by(finding.c.learned_at.desc(), finding.c.finding_id.desc())
    return [_finding(row) for row in conn.execute(query)]


def findings_now(conn: sa.Connection, rule: str) -> dict[str, FindingRow]:
    """What a judged rule finds now, by asset."""
    query = sa.select(finding).where(finding.c.rule == rule, finding.c.gone_at.is_(None))
    return {row.asset_id: _finding(row) for row in conn.execute(query)}


def _finding(row: Any) -> FindingRow:
    because = tuple((Text(zh, en), said) for zh, en, said in json.loads(row.because))
    stopped = Text(*json.loads(row.stopped)) if row.stopped else None
    return FindingRow(**{**row._mapping, "because": because, "stopped": stopped})
