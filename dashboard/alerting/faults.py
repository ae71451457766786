"""A rule that cannot judge: its trouble kept and shown, its alerts left as they are, or one raised about the rule itself."""

from __future__ import annotations

import traceback
from datetime import datetime
from pathlib import Path

from dashboard.alerting.looking import Looking
from dashboard.alerting.machine import Rule, Standing, Transition
from dashboard.alerting.reasons import BETWEEN
from dashboard.alerting.record import Change
from dashboard.alerting.subjects import Subject, about
from dashboard.core.times import to_micros
from dashboard.store.rule_faults import Fault, itself

_HOUSE = Path(__file__).resolve().parents[2]
_LONGEST = 300  # characters of an error's own words


def fault_of(rule: str, wrong: Exception, known: Fault | None, now: datetime) -> Fault:
    """What went wrong, in the error's own words and with the line of ours it came from; since when, if it is known already."""
    since = known.since if known else now
    return Fault(rule=rule, since=since, kind=type(wrong).__name__, error=str(wrong)[:_LONGEST].replace(BETWEEN, "/"), place=_place(wrong))


def _place(wrong: Exception) -> str:
    """The innermost line of this house, not of a library's."""
    ours = [f for f in traceback.extract_tb(wrong.__traceback__) if Path(f.filename).is_relative_to(_HOUSE) and ".venv" not in f.filename]
    return f"{Path(ours[-1].filename).relative_to(_HOUSE)}:{ours[-1].lineno}" if ours else ""


def about_itself(at_hand: Looking, standing: Standing, fault: Fault | None) -> tuple[Change, Subject] | None:
    """The alert about the rule itself, opened or cleared, where it is declared to ring when it cannot judge."""
    limits = at_hand.thresholds(to_micros(at_hand.now))
    if fault is not None and at_hand.rule.on_error == "alert" and standing.is_at_rest and limits:
        mildest = limits[-1].level
        told = Transition("open", fault.since, None, mildest, None, None)
        said = f"判定出错：{fault.kind} {fault.error}{BETWEEN}cannot judge: {fault.kind} {fault.error}"
        return _change(at_hand, Standing(by_silence=mildest), told, said), Subject(at_hand.rule.title.zh)
    if fault is None and standing.level is not None:
        told = Transition("clear", at_hand.now, standing.level, None, None, None)
        return _change(at_hand, Standing(), told, f"恢复判定{BETWEEN}judges again"), Subject(at_hand.rule.title.zh)
    return None


def _change(at_hand: Looking, after: Standing, told: Transition, said: str) -> Change:
    rule = at_hand.rule
    machine = Rule(at_hand.thresholds(to_micros(at_hand.now)), rule.hold, rule.clear_hold, rule.no_data)
    words = about(at_hand.catalog, at_hand.domain, rule)
    return Change(at_hand.key, itself(at_hand.key), after, [told], None, machine, words, said=said)
