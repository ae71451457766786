"""What the rules watch, each kind in its own way: new readings, what is usual, KPIs, rows, silence, and what a judge finds."""

from __future__ import annotations

from dashboard.alerting.judged import judged
from dashboard.alerting.looking import FIRST_LOOK, SILENT_CADENCES, UNUSABLE, Looking, Sightings
from dashboard.alerting.watch_channels import out_of_range, rate_of_change, readings, stillness
from dashboard.alerting.watch_missing import missing
from dashboard.alerting.watch_rows import kpi_values, row_counts
from dashboard.alerting.watch_silence import absences
from dashboard.core.declare import Absence, Judged, KpiValues, Missing, OutOfRange, RateOfChange, Readings, RowCount, Stillness

__all__ = ["FIRST_LOOK", "SILENT_CADENCES", "UNUSABLE", "look"]


def look(at_hand: Looking) -> Sightings:
    """Everything new a rule has to judge."""
    match at_hand.rule.watches:
        case Readings() as watched:
            return readings(at_hand, watched)
        case OutOfRange() as watched:
            return out_of_range(at_hand, watched)
        case RateOfChange() as watched:
            return rate_of_change(at_hand, watched)
        case Stillness() as watched:
            return stillness(at_hand, watched)
        case KpiValues() as watched:
            return kpi_values(at_hand, watched)
        case RowCount() as watched:
            return row_counts(at_hand, watched)
        case Absence() as watched:
            return absences(at_hand, watched)
        case Missing() as watched:
            return missing(at_hand, watched)
        case Judged() as watched:
            return judged(at_hand, watched)
