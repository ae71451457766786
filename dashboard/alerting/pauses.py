"""When a rule is not judged: out of service by its calendar, or while people work on what it watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.core.calendars import Calendar, Maintenance
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Missing


@dataclass(frozen=True)
class Pauses:
    """When one rule is not judged, for each asset."""

    calendar: Calendar | None = None
    maintenance: Sequence[Maintenance] = ()

    def hold(self, asset: str, at: datetime) -> bool:
        """Whether what is seen of an asset at a moment counts for nothing."""
        if self.calendar is not None and self.calendar.serving(at) is None:
            return True
        return any(one.since <= at < one.until and one.asset in ("", asset) for one in self.maintenance)


def pauses_of(catalog: Catalog, key: str) -> Pauses:
    """When a rule is not judged. What should have come is counted in service time, so its calendar pauses nothing besides."""
    rule = catalog.rules[key][1]
    calendar = None if isinstance(rule.watches, Missing) else catalog.calendar_of(key)
    return Pauses(calendar, [one for one in catalog.maintenance if one.covers(key)])
