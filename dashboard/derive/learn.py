"""What a derived metric learns of an asset's past, and which of it holds at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa

from dashboard.core.declare import Derived
from dashboard.core.times import from_micros, to_micros
from dashboard.derive.columns import Floats, hourly
from dashboard.store.models import Model
from dashboard.store.rollups import HOUR

_DAY = timedelta(days=1)
_FULL = 0.95  # of the stretch wanted: a season short of a few days is still a year


def is_due(derived: Derived, models: Sequence[Model], now: datetime) -> bool:
    """Whether it is time to learn (anew)."""
    if derived.train is None:
        return False
    if not models:
        return True
    return now - models[-1].fitted_at >= (derived.again if _is_full(derived, models[-1]) else min(_DAY, derived.again))


def _is_full(derived: Derived, model: Model) -> bool:
    if model.numbers is None or model.stretch_from is None:
        return False
    return model.fitted_at - model.stretch_from >= _FULL * derived.over


def learn(conn: sa.Connection, domain: str, asset: str, derived: Derived, channels: Mapping[str, int], now: datetime) -> Model:
    """Learn from the hourly means of the stretch before now."""
    end = to_micros(now) // HOUR
    columns = hourly(conn, channels, derived.inputs, to_micros(now - derived.over) // HOUR, end)
    hours = columns["ts"]
    numbers = derived.train(columns) if derived.train and len(hours) else None
    return Model(
        domain=domain,
        metric=derived.metric.key,
        asset=asset,
        fitted_at=now,
        stretch_from=_moment(hours, 0),
        stretch_to=_moment(hours, -1),
        hours=len(hours),
        numbers=numbers,
    )


def _moment(hours: Floats, which: int) -> datetime | None:
    return from_micros(int(hours[which]) * 1_000_000) if len(hours) else None


def stretches(models: Sequence[Model], moments: Floats) -> list[tuple[Mapping[str, float], np.ndarray[tuple[int], np.dtype[np.bool_]]]]:
    """The numbers learned, each with the moments (seconds) they hold for: before the first model, the first."""
    usable = [m for m in models if m.numbers is not None]
    if not usable:
        return []
    since = np.array([m.fitted_at.timestamp() for m in usable])
    which = np.clip(np.searchsorted(since, moments, side="right") - 1, 0, None)
    return [(usable[i].numbers or {}, which == i) for i in np.unique(which).tolist()]
