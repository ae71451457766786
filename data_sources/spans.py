"""Time between two moments of a row, for KPIs that judge how long something took."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def minutes_between(later: sa.ColumnElement[Any], earlier: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Minutes from one moment to another; NULL where either has not come."""
    micros = sa.type_coerce(later, sa.BigInteger) - sa.type_coerce(earlier, sa.BigInteger)
    return micros / sa.literal_column("60000000.0")
