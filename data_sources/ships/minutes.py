"""What a minute of an engine's exhaust, a sailing's sum and an engine's plate say: removal, grams per kWh, kilograms, limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from dashboard.city import Finding, Level, Row, Text
from data_sources.imo_nox import abated_kg, is_bound, nox_limit, removal, specific_nox
from data_sources.limits import limit

PPM_HIGH = 3000.0  # beyond what any of these analysers can measure: they say 9999 while checking themselves
WARM = limit("ships.cold_dosing", Level.YELLOW)


SHARES = {1: "tier_i_share", 2: "tier_ii_share", 3: "tier_iii_share"}  # a sailing's g/kWh in percent of each tier's limit


def rate_engine(row: Row) -> Row:
    """The limits an engine is held against, by its rated speed."""
    speed, tier, power = row.get("rated_rpm"), row.get("tier"), row.get("rated_kw")
    if not speed or not tier or not power:
        raise ValueError("机组缺额定功率、额定转速或执行阶段")
    own = nox_limit(int(tier), speed) if is_bound(power) else None
    return {**row, "limit_own": own, "limit_iii": nox_limit(3, speed)}


def sum_trip(row: Row) -> Row:
    """Kilograms before the catalyst and kilograms it kept back: rated power · load · hours · g/kWh · share."""
    rated, load, hours, before, share = (row.get(k) for k in ("rated_kw", "load", "hours", "specific_in", "removal"))
    if rated is None or load is None or hours is None or before is None or share is None:
        raise ValueError("航次缺功率、负荷、时间、比排放或脱硝率")
    if not 0 <= load <= 1.2 or not 0 <= hours <= 24 or share > 100:
        raise ValueError(f"航次数值不成立：负荷{load:g}，{hours:g}小时，脱硝率{share:g}%")
    after = before * (1 - share / 100)
    shares = {name: 100 * after / nox_limit(tier, row["rated_rpm"]) if row.get("rated_rpm") else None for tier, name in SHARES.items()}
    made = abated_kg(rated, load, hours, before, 1.0)
    return {**row, "made_kg": made, "abated_kg": made * share / 100, **shares}


def _reads(row: Row, key: str, high: float = 1e6) -> float | None:
    """A raw reading, if it is one; what is wrong with it is said where it is stored."""
    try:
        value = float(row[key])
    except (KeyError, TypeError, ValueError):
        return None
    return value if 0 <= value <= high else None


def judge_minute(row: Row) -> Row:
    """What a minute of telemetry says: removal, g/kWh against the limit, whether a hot catalyst went undosed."""
    power, fuel, heat, urea = (_reads(row, k) for k in ("power", "fuel", "t_in", "urea"))
    before, after, o2 = _reads(row, "nox_in", PPM_HIGH), _reads(row, "nox_out", PPM_HIGH), _reads(row, "o2", 20.5)
    row |= dict.fromkeys(("removal", "specific", "limit_share", "undosed", "dosing_t"))
    if power is None:
        return row
    hot = power > 0 and heat is not None and heat >= WARM
    if urea is not None:
        row["undosed"] = float(hot and urea <= 0 and before != 0)
        row["dosing_t"] = heat if urea > 0 else None
    if hot and before and after is not None:
        row["removal"] = removal(before, after)
    if power > 0 and after is not None and o2 is not None and fuel:
        row["specific"] = specific_nox(after, o2, fuel, power)
        row["limit_share"] = _share_of_limit(row, row["specific"]) if hot else None
    return row


def _share_of_limit(row: Row, specific: float) -> float | None:
    tier, speed = _reads(row, "tier"), _reads(row, "rated_rpm")
    return 100 * specific / nox_limit(int(tier), speed) if tier and speed else None


def mean_removal(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    """The mean removal of the last minutes at each; none while too few of them were hot and measured."""
    ts, values = columns["ts"], columns["removal"]
    first = np.searchsorted(ts, ts - numbers["window_min"] * 60, side="right")
    known = np.concatenate([[0], np.cumsum(~np.isnan(values))])
    sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    upto = np.arange(1, len(ts) + 1)
    count = known[upto] - known[first]
    return np.where(count >= numbers["least"], (sums[upto] - sums[first]) / np.maximum(count, 1), np.nan)


_OUT_OF_ORDER = {"fault": 1.0, "bypass": 2.0}


def judge_plants(rows: Mapping[str, list[Any]], _numbers: Mapping[str, float], now: datetime) -> list[Finding]:
    """What the plants say of themselves: a fault, or exhaust led past the catalyst. Quite apart from what is suspected."""
    return [
        Finding(
            asset=row.asset_id,
            at=min(row.observed_at or now, now),
            value=_OUT_OF_ORDER[row.state],
            because=((Text("装置自报状态", "The plant says"), "旁通 bypass" if row.state == "bypass" else "故障 fault"),),
            name=row.name,
            street=row.street,
            lon=row.lon,
            lat=row.lat,
        )
        for row in rows["engines"]
        if row.state in _OUT_OF_ORDER
    ]
