"""The small city with two metrics worked out from its lamps' temperatures and their currents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard import city
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Parameter
from dashboard.core.declare import Text
from dashboard.core.readings import latest
from dashboard.core.times import from_micros, to_micros
from dashboard.derive.run import derive
from dashboard.store.engine import writing
from dashboard.store.readings import append_readings, open_channels
from dashboard.store.schema import channel
from dashboard.store.series import readings_between
from tests.small_city import CATALOG, HEAT, LIGHTING, SmallCity, lamp

MINUTE = timedelta(minutes=1)
CURRENT = city.Metric(key="current", title=Text("电流", "Current"), unit="A", cadence=5 * MINUTE)


def _line(columns: Mapping[str, Any]) -> Mapping[str, float] | None:
    """Heat as a straight line of current, and how far it usually is off."""
    known = np.isfinite(columns["current"]) & np.isfinite(columns["heat"])
    if known.sum() < 12:
        return None
    slope, rest = np.polyfit(columns["current"][known], columns["heat"][known], 1)
    return {"slope": float(slope), "rest": float(rest), "hours": float(known.sum())}


def _excess(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    return (columns["heat"] - numbers["rest"] - numbers["slope"] * columns["current"]) * numbers["scale"]


def _mean_10(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    ts, heat = columns["ts"], columns["heat"]
    return np.array([heat[(ts > at - 600) & (ts <= at)].mean() for at in ts])


def _metric(key: str, cadence: timedelta = MINUTE) -> city.Metric:
    return city.Metric(key=key, title=Text(key, key), unit="°C", low=-900, high=900, decimals=2, cadence=cadence)


EXCESS = city.Derived(
    metric=_metric("excess"),
    method=Text("灯温减去按电流应有的灯温", "Heat beyond what the current explains"),
    inputs=("heat", "current"),
    apply=_excess,
    train=_line,
    over=timedelta(days=10),
    again=timedelta(days=10),
)
MEAN = city.Derived(
    metric=_metric("mean_heat", 5 * MINUTE), method=Text("十分钟均值", "Mean"), inputs=("heat",), apply=_mean_10, back=10 * MINUTE
)
TALL = city.Derived(
    metric=_metric("tall"),
    method=Text("灯温加纬度", "Heat and latitude"),
    inputs=("heat",),
    apply=lambda columns, numbers: columns["heat"] + numbers["lat"],
    facts=(lamp.c.lat,),
)
SCALE = Parameter(rule="lighting.excess", name="scale", value=1.0, unit="", ref="测试", confidence="default", valid_to="2026-05-19")
DOUBLE = replace(SCALE, value=2.0, valid_from="2026-05-20", valid_to="9999-12-31")


def catalog(*derived: city.Derived) -> Catalog:
    """The small city's catalog with derived metrics."""
    feeds = tuple(replace(f, metrics=(HEAT, CURRENT)) if f.key == "heat" else f for f in LIGHTING.feeds)
    domain = replace(LIGHTING, feeds=feeds, derived=derived)
    return replace(CATALOG, domains={"lighting": domain}, parameters=(SCALE, DOUBLE))


@dataclass
class Works:
    """The small city, what is read in it and what is worked out from that."""

    town: SmallCity
    catalog: Catalog
    runs: int = 0

    def read(self, metric: str, *readings: tuple[datetime, float], asset: str = "L1", quality: int = 0) -> None:
        """Readings come in, as one pull would bring them."""
        self.runs += 1
        with writing(self.town.engine).begin() as conn:
            numbers = open_channels(
                conn, domain="lighting", pull="heat", source="bureau", wanted=[(asset, metric, "500103003", 60)], now=self.town.now
            )
            rows = [(numbers[asset, metric], to_micros(at), value, quality) for at, value in readings]
            append_readings(conn, rows, run_id=self.runs, now=self.town.now)

    def derive(self, **more: Any) -> frozenset[str]:
        """One turn."""
        return derive(self.town.engine, self.catalog, self.town.now, **more)

    def values(self, metric: str, asset: str = "L1") -> dict[datetime, float]:
        """What was worked out, by moment."""
        with self.town.engine.connect() as conn:
            wanted = sa.select(channel.c.channel_id).where(channel.c.metric == metric, channel.c.asset_id == asset)
            number = conn.scalar(wanted)
            if number is None:
                return {}
            start, end = self.town.now - timedelta(days=400), self.town.now + timedelta(days=2)
            return {from_micros(ts): value for ts, value, _ in readings_between(conn, number, start, end)}

    def newest(self, metric: str, asset: str = "L1") -> Any:
        """The row of the newest readings."""
        with self.town.engine.connect() as conn:
            return conn.execute(sa.select(latest).where(latest.c.metric == metric, latest.c.asset_id == asset)).one()


Working = Callable[..., Works]


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Working]:
    """Makes a small city that works these metrics out."""
    towns = []

    def make(*derived: city.Derived) -> Works:
        towns.append(SmallCity(f"sqlite:///{tmp_path / f'store{len(towns)}.db'}", tmp_path))
        return Works(towns[-1], catalog(*derived))

    yield make
    for town in towns:
        town.leave()
