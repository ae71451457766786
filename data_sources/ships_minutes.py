"""What a minute of an engine's exhaust, a sailing's sum and an engine's plate say: removal, grams per kWh, kilograms, limits."""

from __future__ import annotations

from dashboard.city import Level, Row
from data_sources.imo_nox import abated_kg, is_bound, nox_limit, removal, specific_nox
from data_sources.limits import limit

PPM_HIGH = 3000.0  # beyond what any of these analysers can measure: they say 9999 while checking themselves
WARM = limit("ships.cold_dosing", Level.YELLOW)


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
    of_limit = 100 * after / nox_limit(3, row["rated_rpm"]) if row.get("rated_rpm") else None
    made = abated_kg(rated, load, hours, before, 1.0)
    return {**row, "made_kg": made, "abated_kg": made * share / 100, "tier_iii_share": of_limit}


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
