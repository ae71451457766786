"""Rows of the versioned configuration: thresholds, parameters, plans, targets and published figures, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboard.core.declare import Level, Text


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """One row of the versioned rule configuration."""

    rule: str  # domain.rule
    level: Level
    op: Literal[">=", ">", "<=", "<"]
    value: float
    clear: float  # the condition is gone only beyond this
    ref: str  # the standard and clause
    confidence: str  # as marked in docs/standards: verified, recalled, default
    valid_from: str = "2000-01-01"
    valid_to: str = "9999-12-31"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A number a rule or a method needs besides its thresholds: a row of the same versioned configuration."""

    rule: str  # domain.rule, or domain.metric of a derived metric
    name: str
    value: float
    unit: str
    ref: str
    confidence: str
    level: str = ""  # where the number belongs to one level
    valid_from: str = "2000-01-01"
    valid_to: str = "9999-12-31"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long each step of handling an alert may take, in minutes from the step before: a row of the plan table."""

    level: Level
    limits: Mapping[str, float]  # acknowledge, dispatch, arrive, settle, verify, close
    ref: str
    confidence: str
    domain: str = ""  # empty: for every domain that has no row of its own
    escalate_to: str = ""  # the unit told when a limit passes
    closes_itself: bool = False  # once the reading is back and nobody was sent
    photos: int = 0  # of the site, wanted before closing
    reopen_h: float = 24.0  # a matter closed this long ago stays closed
    again_min: float = 30.0  # raised again this soon after closing, it is the same matter and keeps its number
    valid_from: str = "2000-01-01"
    valid_to: str = "9999-12-31"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is wanted of a KPI: at `good` and beyond it scores 100, at `poor` 60, and on down to 0."""

    kpi: str  # domain.kpi
    good: float
    poor: float
    ref: str
    confidence: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """A figure a document published: reference, never passed off as live."""

    key: str
    vital: str
    title: Text
    value: str
    unit: Text
    period: Text
    source: Text
    kpi: str = ""  # domain.kpi whose value it can be held against
