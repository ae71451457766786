"""Air's tables: stations with their newest hour, hours, days, and warnings given out."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from dashboard import city
from data_sources.aqi import HOUR_POLLUTANTS

REFERENCE_KINDS = ("national", "municipal")  # only these make an index; micro-stations say where dust is


def _concentrations(*extra: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.Float) for name in (*HOUR_POLLUTANTS, *extra))


def _index() -> tuple[sa.Column[Any], ...]:
    return sa.Column("aqi", sa.Integer), sa.Column("grade", sa.Integer), sa.Column("primary_pollutant", sa.String(48))


def _kind() -> sa.Column[Any]:
    return sa.Column("kind", sa.String(32))


air_station = city.asset_table("air_station", *_concentrations(), *_index(), sa.Column("flag", sa.String(16)))
air_hour = city.case_table("air_hour", *_concentrations(), *_index(), _kind())
air_warning = city.case_table("air_warning", sa.Column("level", sa.String(16)), sa.Column("response", sa.String(16)))
air_day = city.case_table("air_day", *_concentrations("o3_8h"), *_index(), sa.Column("valid_hours", sa.Integer), _kind())
