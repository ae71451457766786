"""What a row of the tanks' log says when looked at: did a pump run do its work, does a detector lie, how thick are the layers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dashboard.city import Level, Row
from data_sources.limits import limit, parameter

VERIFIED, FAILED, UNSEEN = "verified", "failed", "unseen"
DROP = parameter("septic_tanks.disputed", "drop")
APART = parameter("septic_tanks.disputed", "apart")
SEEN_WITHIN = timedelta(minutes=parameter("septic_tanks.disputed", "seen_within"))
FULL_SCALE = parameter("septic_tanks.fault", "full_scale")
LAYERS = parameter("septic_tanks.clean_overdue", "layers")
CLEAR_GAS = limit("septic_tanks.gas", Level.BLUE)


def judge_run(row: Row) -> Row:
    """Our own verdict on a run that has ended, why, and whether the department says otherwise."""
    row = row | {"judged": None, "verdict": None, "disputed": None}
    if row.get("closed_at") is None:
        return row
    against = [*_by_record(row), *_by_readings(row)]
    judged = FAILED if against else VERIFIED if _seen(row) else UNSEEN
    alone = (
        f"前后{SEEN_WITHIN / timedelta(minutes=1):g}分钟内无监测读数，无从佐证" if judged == UNSEEN else "液位下降、气体复位，与监测一致"
    )
    claimed = row.get("state")
    disputed = int((claimed == VERIFIED) != (judged == VERIFIED)) if claimed in (VERIFIED, FAILED) else None
    return row | {"judged": judged, "verdict": "；".join(against) or alone, "disputed": disputed}


def _by_record(row: Row) -> Iterator[str]:
    """What the record itself says against the run."""
    before, after, gas = (row.get(name) for name in ("level_before", "level_after", "ch4_after"))
    if before is None or after is None or gas is None:
        yield "记录缺抽前、抽后液位或抽后甲烷"
        return
    if before - after < DROP:
        yield f"记录液位只降{before - after:.1f}点，不足{DROP:g}点"
    if gas >= CLEAR_GAS:
        yield f"记录抽后甲烷{gas:g} %LEL，未复位"


def _by_readings(row: Row) -> Iterator[str]:
    """What the terminal's own readings around the run say against it; nothing where there are none."""
    if not _seen(row):
        return
    before, after, gas = (row.get(name) for name in ("level_seen_before", "level_seen_after", "ch4_seen_after"))
    if before is not None and after is not None and before - after < DROP:
        yield f"监测液位只降{before - after:.1f}点（{before:g}→{after:g}）"
    if gas is not None and gas >= CLEAR_GAS:
        yield f"监测甲烷抽后{gas:g} %LEL，未复位"
    if after is not None and row.get("level_after") is not None and abs(after - row["level_after"]) > APART:
        yield f"抽后液位记录{row['level_after']:g}、监测{after:g}，相差超过{APART:g}点"


def _seen(row: Row) -> bool:
    """Whether the terminal spoke both shortly before the run and shortly after it."""
    return _near(row.get("seen_before_at"), row["opened_at"]) and _near(row.get("seen_after_at"), row["closed_at"])


def _near(seen: datetime | None, at: datetime) -> bool:
    return seen is not None and abs(seen - at) <= SEEN_WITHIN


def judge_reading(row: Row) -> Row:
    """A methane detector at full scale is broken, not alarming: its value is no reading, and its fault is told apart."""
    try:
        ch4 = float(row["ch4"])
    except (KeyError, TypeError, ValueError):
        return row  # what is wrong with it is said where it is stored
    faulty = ch4 >= FULL_SCALE
    return row | {"ch4": None if faulty else ch4, "ch4_fault": float(faulty)}


def share_of_layers(row: Row) -> Row:
    """Scum and sludge of a tank, both in cm, as a share of its effective depth in m."""
    scum, sludge, depth = (row.get(name) for name in ("scum_cm", "sludge_cm", "water_m"))
    if scum is None or sludge is None or not depth:
        return row | {"layers": None}
    return row | {"layers": (scum + sludge) / depth / 100}
