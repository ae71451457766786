"""What the loop's rows say once chainage, garage size and traffic direction are put to them."""

from __future__ import annotations

from dashboard.city import Row
from data_sources.loop_ring import advance, arc_at, flow_index, place_at

WRONG_WAY, STOPPED = "wrong_way", "stopped"
_JITTER_M = 10.0  # of a standing vehicle's fixes, 5σ at the two metres such systems reach


def _number(row: Row, key: str) -> float | None:
    """A raw reading, if it is one; what is wrong with it is said where it is stored."""
    try:
        return float(row[key])
    except (KeyError, TypeError, ValueError):
        return None


def judge_arc(row: Row) -> Row:
    """A minute of an arc: the share of fixes that came, and how its speed compares with free flow."""
    due, got = _number(row, "fixes_due"), _number(row, "got")
    speed, free = _number(row, "speed"), _number(row, "free_speed")
    if due is not None and got is not None and got > due:
        raise ValueError(f"实有定位{got:g}多于应有{due:g}")
    row["availability"] = 100 * got / due if due and got is not None else None
    row["index"] = flow_index(free, speed) if free and speed is not None else None
    return row


def judge_count(row: Row) -> Row:
    """A garage's count against its spaces."""
    inside, spaces = _number(row, "occupied"), _number(row, "spaces")
    if not spaces:
        raise ValueError("车库没有泊位数，占用率无从算起")
    row["occupancy"] = 100 * inside / spaces if inside is not None else None
    return row


def place_event(row: Row) -> Row:
    """Where on the ring something happened, by chainage; a wrong way whose chainage grew is none.

    Raises ValueError with the reason.
    """
    start, end = row.get("chainage_m"), row.get("chainage_end_m")
    if start is None:
        raise ValueError("事件没有桩号")
    came = advance(start, start if end is None else end)
    if row.get("category") == WRONG_WAY and came > 0:
        raise ValueError(f"桩号由{start:g}到{end:g}是顺行，不是逆行")
    if row.get("category") == STOPPED and abs(came) > _JITTER_M:
        raise ValueError(f"桩号由{start:g}移到{end:g}，不是停车")
    lon, lat = place_at(start)
    return {**row, "asset_id": arc_at(start).id, "moved_m": came, "lon": lon, "lat": lat, "title": arc_at(start).zh}
