"""The channels of a metric with their newest word, read once a turn for all rules that watch it; times as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from dashboard.core.readings import latest


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel that has spoken."""

    channel_id: int
    asset_id: str
    street: str | None
    cadence_s: int
    ts: int  # microseconds: its newest reading
    same_since: int | None

    @property
    def cadence(self) -> int:
        """In microseconds."""
        return self.cadence_s * 1_000_000


Newest = dict[tuple[str, str], Mapping[int, Channel]]  # by domain and metric


def channels_of(conn: sa.Connection, known: Newest, domain: str, metric: str) -> Mapping[int, Channel]:
    """By channel, out of what is known in this turn."""
    if (domain, metric) not in known:
        c, whole = latest.c, sa.BigInteger()
        columns = (c.channel_id, c.asset_id, c.street, c.cadence_s, sa.type_coerce(c.ts, whole), sa.type_coerce(c.same_since, whole))
        query = sa.select(*columns).where(c.domain == domain, c.metric == metric, c.ts.is_not(None)).order_by(c.channel_id)
        known[domain, metric] = {row[0]: Channel(*row) for row in conn.execute(query).all()}
    return known[domain, metric]
