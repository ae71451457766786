"""What a bridge's instruments say once heat and traffic are taken out: the figures its limits are written in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np

from dashboard.city import Derived, Metric, Text
from data_sources import trailing
from data_sources.bridges.instruments import FAST, SLOW
from data_sources.bridges.tables import bridge
from data_sources.limits import parameter

Columns: TypeAlias = Mapping[str, Any]
Numbers: TypeAlias = Mapping[str, float]

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_DAY_S, _YEAR_S = 86_400.0, 365.25 * 86_400
TEMPERATURES = ("structure_temperature", "web_temperature", "soffit_temperature")
_BASELINE = timedelta(days=3650)  # a baseline stands until it is set anew; refitting it would swallow a lasting change
_MEANS_S = 3600.0  # joints are judged by hourly means
_STILL = ((1800.0, 10), (7200.0, 10), (21_600.0, 5))  # seconds, readings: all the same, and the gauge stands, not the bridge
_SAME = 1e-6  # means of one and the same reading differ by no more
_STILL_BACK = timedelta(seconds=_STILL[-1][0])


def heat(columns: Columns) -> Any:
    """T̄, the mean of all temperature channels that speak."""
    rows = np.vstack([columns[name] for name in TEMPERATURES])
    known = np.isfinite(rows)
    n = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 0, np.where(known, rows, 0.0).sum(axis=0) / n, np.nan)


def _fit(what: Any, *drivers: Any) -> tuple[Any, float] | None:
    """Least squares of a column over others: (a, b, …) and sigma of what is left; None with too few hours to learn from."""
    known = np.isfinite(what) & np.all([np.isfinite(d) for d in drivers], axis=0)
    if known.sum() < parameter("bridges.joint_residual", "least_hours"):
        return None
    design = np.column_stack([np.ones(int(known.sum())), *(d[known] for d in drivers)])
    numbers, *_ = np.linalg.lstsq(design, what[known], rcond=None)
    left = what[known] - design @ numbers
    return numbers, float(np.sqrt((left**2).sum() / max(1, len(left) - len(numbers))))


def _line_of_heat(name: str) -> Any:
    """Learns how one metric follows the heat: a, b and sigma."""

    def train(columns: Columns) -> Numbers | None:
        found = _fit(columns[name], heat(columns))
        if found is None or found[1] <= 0:
            return None
        (a, b), sigma = found
        return {"a": float(a), "b": float(b), "sigma": sigma}

    return train


def _explained(columns: Columns, numbers: Numbers) -> Any:
    """What the heat alone would make of it."""
    return numbers["a"] + numbers["b"] * heat(columns)


def _stands(ts: Any, values: Any) -> Any:
    """Where a gauge has stood still, by many readings in a short time or fewer in a longer one: no figure comes of it."""
    return np.any([trailing.unmoved(ts, values, back, fewest=fewest) for back, fewest in _STILL], axis=0)


def _joint_residual(columns: Columns, numbers: Numbers) -> Any:
    ts, moved = columns["ts"], columns["joint_displacement"]
    left = trailing.mean(ts, moved - _explained(columns, numbers), _MEANS_S)
    return np.where(_stands(ts, moved), np.nan, np.abs(left) / numbers["sigma"])


def _capacity_used(columns: Columns, numbers: Numbers) -> Any:
    ts, strain = columns["ts"], columns["strain"]
    limit = numbers["strain_limit"]
    return np.where(_stands(ts, strain), np.nan, np.abs(strain) / limit * 100 if limit > 0 else np.nan)


def _drop(name: str) -> Any:
    """How far one metric is below its baseline at this heat, in percent."""

    def apply(columns: Columns, numbers: Numbers) -> Any:
        baseline = _explained(columns, numbers)
        return (baseline - columns[name]) / baseline * 100

    return apply


def _crack_change(columns: Columns, numbers: Numbers) -> Any:
    return np.abs(columns["crack_width"] - _explained(columns, numbers))


def _crack_growth(columns: Columns, numbers: Numbers) -> Any:
    back = numbers["over_days"] * _DAY_S
    slope = trailing.slope_per_day(
        columns["ts"], columns["crack_width"] - _explained(columns, numbers), back, fewest=int(numbers["least_readings"])
    )
    return np.abs(slope)


def _learn_sag(columns: Columns) -> Numbers | None:
    """How fast the middle sinks once heat and traffic are taken out: a month against the same a year before, or the trend there is."""
    ts, bent = columns["ts"], columns["deflection"]
    years = (ts - ts[-1]) / _YEAR_S
    found = _fit(bent, heat(columns), columns["strain"], years)
    if found is None:
        return None
    (_a, b, c, trend), sigma = found
    span_days = (ts[-1] - ts[0]) / _DAY_S
    if span_days < parameter("bridges.sag_growth", "least_days") or _is_flat(ts, columns["strain"]):
        return None
    left = bent - b * heat(columns) - c * columns["strain"]
    growth, by_year = _year_on_year(ts, left)
    return {
        "growth": float(-trend if growth is None else -growth),
        "against_a_year_before": float(by_year),
        "b": float(b),
        "c": float(c),
        "sigma": sigma,
        "span_days": float(span_days),
    }


def _is_flat(ts: Any, strain: Any) -> bool:
    """A gauge that stood still for the last month says nothing of the traffic that bent the bridge."""
    month = strain[ts > ts[-1] - 30 * _DAY_S]
    return bool(np.nanmax(month) - np.nanmin(month) < _SAME)


def _year_on_year(ts: Any, left: Any) -> tuple[float | None, bool]:
    month = parameter("bridges.sag_growth", "month_days") * _DAY_S
    known = np.isfinite(left)
    now, then = known & (ts > ts[-1] - month), known & (ts <= ts[-1] - 365 * _DAY_S) & (ts > ts[-1] - 365 * _DAY_S - month)
    if min(now.sum(), then.sum()) < parameter("bridges.sag_growth", "least_means"):
        return None, False
    apart = (ts[now].mean() - ts[then].mean()) / _YEAR_S
    return float((left[now].mean() - left[then].mean()) / apart), True


def _sag_growth(columns: Columns, numbers: Numbers) -> Any:
    return np.full(len(columns["ts"]), numbers["growth"])


def _metric(key: str, title: Text, unit: str, cadence: timedelta, decimals: int, low: float, high: float) -> Metric:
    return Metric(key=key, title=title, unit=unit, low=low, high=high, decimals=decimals, cadence=cadence)


JOINT_RESIDUAL = Derived(
    metric=_metric("joint_residual", Text("伸缩缝残差", "Joint residual"), "σ", SLOW, 2, 0, 1000),
    method=Text(
        "伸缩缝位移与结构温度各通道均值T̄按一年小时均值回归 d̂=a+b·T̄；残差|d−d̂|取一小时均值，除以训练期标准差σ",
        "Joint displacement regressed on T̄, the mean of all temperature channels, over a year of hourly means; |d − (a + b·T̄)| "
        "as an hourly mean, divided by the sigma of the training stretch",
    ),
    inputs=("joint_displacement", *TEMPERATURES),
    apply=_joint_residual,
    train=_line_of_heat("joint_displacement"),
    back=_STILL_BACK,
)
CAPACITY_USED = Derived(
    metric=_metric("capacity_used", Text("应变占设计限值", "Strain of design limit"), "%", FAST, 1, 0, 1000),
    method=Text("应变绝对值÷台账所载设计限值", "Absolute strain ÷ the design limit in the register"),
    inputs=("strain",),
    apply=_capacity_used,
    back=_STILL_BACK,
    facts=(bridge.c.strain_limit,),
)
SAG_GROWTH = Derived(
    metric=_metric("sag_growth", Text("持续下挠年增量", "Sag growth"), "mm/年", 6 * _HOUR, 2, -100, 100),
    method=Text(
        "挠度扣除温度与荷载（应变）影响后，近30天均值减去一年前同期30天均值，折合每年；不足一年时用现有时段的回归趋势",
        "Deflection less what heat and load (strain) explain: mean of 30 days less that of 30 days a year before, per year; "
        "with less than a year, the trend of what there is",
    ),
    inputs=("deflection", "strain", *TEMPERATURES),
    apply=_sag_growth,
    train=_learn_sag,
    over=timedelta(days=396),
    again=_DAY,
)
BEARING_DROP = Derived(
    metric=_metric("bearing_drop", Text("支座反力下降", "Bearing reaction drop"), "%", SLOW, 2, -100, 100),
    method=Text(
        "支座反力低于同温度下基准反力的百分比；基准为一年小时均值对温度的回归",
        "Bearing reaction below its reference at this temperature; the reference is a year of hourly means regressed on heat",
    ),
    inputs=("bearing_reaction", *TEMPERATURES),
    apply=_drop("bearing_reaction"),
    train=_line_of_heat("bearing_reaction"),
    again=_BASELINE,
)
FREQUENCY_DROP = Derived(
    metric=_metric("frequency_drop", Text("基频下降", "Frequency drop"), "%", SLOW, 2, -100, 100),
    method=Text(
        "一阶频率低于同温度下基准频率的百分比；基准为一年小时均值对温度的回归",
        "First modal frequency below its baseline at this temperature; the baseline is a year of hourly means regressed on heat",
    ),
    inputs=("modal_frequency", *TEMPERATURES),
    apply=_drop("modal_frequency"),
    train=_line_of_heat("modal_frequency"),
    again=_BASELINE,
)
CRACK_CHANGE = Derived(
    metric=_metric("crack_change", Text("裂缝宽度变化", "Crack width change"), "mm", SLOW, 3, 0, 50),
    method=Text(
        "裂缝宽度扣除温度影响后相对基准的变化绝对值；基准为一年小时均值对温度的回归",
        "Absolute change of crack width against its baseline at this temperature, a year of hourly means regressed on heat",
    ),
    inputs=("crack_width", *TEMPERATURES),
    apply=_crack_change,
    train=_line_of_heat("crack_width"),
    again=_BASELINE,
)
CRACK_GROWTH = Derived(
    metric=_metric("crack_growth", Text("裂缝扩展速率", "Crack growth"), "mm/d", _HOUR, 4, 0, 50),
    method=Text(
        "裂缝宽度扣除温度影响后，近3天的变化速率绝对值", "How fast crack width moves over three days once heat is taken out, absolute"
    ),
    inputs=("crack_width", *TEMPERATURES),
    apply=_crack_growth,
    train=_line_of_heat("crack_width"),
    again=_BASELINE,
    back=timedelta(days=parameter("bridges.crack_growth", "over_days")),
)
DERIVED = (JOINT_RESIDUAL, CAPACITY_USED, SAG_GROWTH, BEARING_DROP, FREQUENCY_DROP, CRACK_CHANGE, CRACK_GROWTH)
