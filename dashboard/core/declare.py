"""What a domain may declare: feeds to fill, KPIs to compute, rules to watch. Frozen, no behaviour; the numbers: configured.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

Row: TypeAlias = dict[str, Any]
Clean: TypeAlias = Callable[[Row], Row]
Where: TypeAlias = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Text:
    """Words on a screen, Chinese first."""

    zh: str
    en: str

    def __call__(self, lang: str) -> str:
        return self.en if lang == "en" else self.zh


class Level(StrEnum):
    """Alert levels of the emergency response law: red (I) is worst."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"

    @property
    def severity(self) -> int:
        """4 for red down to 1 for blue: the common severity scale."""
        return {"red": 4, "orange": 3, "yellow": 2, "blue": 1}[self.value]

    @property
    def words(self) -> Text:
        """红色, red."""
        return Text({"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"}[self.value], self.value)


class Freshness(StrEnum):
    """Age of the newest data against its cadence; not whether the job ran."""

    FRESH = "fresh"  # within one cadence
    LATE = "late"  # one to three cadences
    SILENT = "silent"  # more than three, or the source is down
    NEVER = "never"  # never had data


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One kind of reading: what a channel measures."""

    key: str
    title: Text
    unit: str
    low: float | None = None  # physical range: a value outside is a fault of the instrument, and is quarantined
    high: float | None = None
    decimals: int = 1
    cadence: timedelta = timedelta(minutes=10)  # one reading is due this often


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A metric no instrument gives: worked out from readings of the same asset as they come in.

    Columns are numpy arrays in step and in order of time: `ts` (seconds since 1970) and one per input, NaN where an input
    has nothing as new as its cadence. `apply` gives one value per moment, NaN for none. `train` sees hourly means of the
    stretch `over` before now and gives the numbers `apply` needs, or None while there is too little to learn from.
    """

    metric: Metric
    method: Text  # how it is worked out, in words a department head would use
    inputs: tuple[str, ...]  # metric keys of the same domain; the first one's readings give the moments
    apply: Callable[[Mapping[str, Any], Mapping[str, float]], Any]
    train: Callable[[Mapping[str, Any]], Mapping[str, float] | None] | None = None
    over: timedelta = timedelta(days=365)  # the stretch learned from
    again: timedelta = timedelta(days=365)  # learned anew this often; while the stretch is not full, every day
    back: timedelta = timedelta(0)  # how far before a moment `apply` needs to look
    facts: tuple[sa.Column[Any], ...] = ()  # columns of the asset's register: among the numbers of `apply` by name, NaN where empty


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What a pull must deliver: a table to fill, or readings.

    `required` fields must be present in every row or the row is quarantined. `personal` fields are replaced by a
    keyed token before anything is stored, logged or shown. `clean` is a pure function from typed row to typed row,
    run last; it may derive fields and raises ValueError(reason) for a row that cannot be used.
    """

    key: str
    title: Text
    table: sa.Table | None = None  # exactly one of table and metrics
    metrics: tuple[Metric, ...] = ()
    required: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    clean: Clean | None = None
    on_map: bool = True  # off for what a map of assets should not show: population squares, road links
    versioned: bool = True  # keep past versions of a changed row; off for things that move all the time
    late_after: timedelta = timedelta(minutes=15)  # default cadence of the feed; a pull's own interval may widen it


@dataclass(frozen=True, kw_only=True)
class Measure:
    """An aggregate that can be taken per street and per day and added up afterwards.

    Each part is one number per group (summed, or the largest / smallest); `combine` turns the parts of any union of
    groups into the value, None where there is nothing to divide by.
    """

    parts: tuple[sa.ColumnElement[Any], ...]
    combine: Callable[..., float | None]
    how: Literal["sum", "max", "min"] = "sum"
    where: Where | None = None  # the rows that count at all
    lost: Where | None = None  # among them, those that cost points: listed first when the number is opened


@dataclass(frozen=True, kw_only=True)
class Window:
    """The stretch of event time a flow KPI looks at, ending now: whole city days, or a shorter rolling time."""

    days: int | None = None  # this many city days, today included
    rolling: timedelta | None = None  # anything shorter than a few days, to the minute
    since: str | None = None  # ISO city day: everything from then on


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One number of the city, for the district and each street at once.

    Without `at` the measure is taken over the table as it stands; with `at` and `over`, over the rows whose event
    time falls in the window. `change` turns the value into percent against the same window a year or a day earlier.
    """

    key: str
    title: Text
    unit: str
    table: sa.FromClause
    measure: Measure
    formula: Text  # how it is computed, in words a department head would use
    at: sa.ColumnElement[Any] | None = None
    over: Window | None = None
    change: Literal["year", "day"] | None = None
    feeds: tuple[str, ...] = ()  # feeds (domain.feed) whose freshness this number has; default: those of the domain filling `table`
    weight: float = 1.0  # share in the vital system's index; 0 = shown, not counted
    decimals: int = 1
    by_street: bool = True  # off where a street's number has no meaning (a citywide rank)


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Watch each channel of a metric."""

    metric: str


@dataclass(frozen=True, kw_only=True)
class KpiValues:
    """Watch a KPI, for the district or for each street."""

    kpi: Kpi
    each_street: bool = False


@dataclass(frozen=True, kw_only=True)
class RowCount:
    """Watch how many rows (or what sum) each asset has gathered in a rolling window."""

    table: sa.Table
    by: sa.ColumnElement[Any]
    at: sa.ColumnElement[Any]
    over: timedelta
    where: Where | None = None


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Watch for what should have come and did not: a channel of a metric, or the whole feed where metric is None."""

    feed: str
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Watch for rows that should have come by a schedule: a trip, a check-in, a round. The rule's calendar says when there is service.

    The value is how much of the running stretch of service has passed since the asset's last row, or since that stretch began.
    Out of service nothing is missing; a silent feed says nothing about what is missing.
    """

    feed: str  # domain.feed that brings the rows
    of: sa.Select[Any]  # the assets expected: column asset_id
    table: sa.Table
    by: sa.ColumnElement[Any]
    at: sa.ColumnElement[Any]
    where: Where | None = None


@dataclass(frozen=True, kw_only=True)
class OutOfRange:
    """Watch how far each channel of a metric is outside what is usual at this hour.

    The value judged is the distance beyond P10 or P90 of the same hour over four weeks, in widths of that range; 0 inside it.
    """

    metric: str


@dataclass(frozen=True, kw_only=True)
class RateOfChange:
    """Watch how fast each channel of a metric changes, per hour: the slope of the line through the readings of the window before each.

    A window with fewer than `fewest` readings, with a hole longer than `gap` cadences, or not reached back to, says nothing.
    """

    metric: str
    over: timedelta
    fewest: int = 4
    gap: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Stillness:
    """Watch for instruments that go on talking and say always the same: minutes since a channel of the metric last moved."""

    metric: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a judge found about one asset: how bad, why, and whether a stop rule forbids acting on it."""

    asset: str
    at: datetime
    value: float  # held against the rule's thresholds
    because: tuple[tuple[Text, str], ...]  # what was looked at and what it said, in the order a duty officer would read it
    stopped: Text | None = None  # the stop rule that holds; a stopped finding is kept and shown, but raises nothing
    name: str = ""
    street: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Watch what several tables say together, by place and time. `judge` is pure.

    It gets the rows of each select by name, the rule's parameters in force (`name`, or `name.level`), and now. An asset it
    does not name is at rest.
    """

    reads: Mapping[str, sa.Select[Any]]
    judge: Callable[[Mapping[str, list[Any]], Mapping[str, float], datetime], list[Finding]]


Watches: TypeAlias = Readings | KpiValues | RowCount | Absence | Missing | OutOfRange | RateOfChange | Stillness | Judged


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """When to raise an alert. Its thresholds per level are rows of the versioned threshold configuration, by rule id."""

    key: str
    title: Text  # object + phenomenon: 危岩位移加速
    watches: Watches
    hold: timedelta = timedelta(0)  # a condition must last this long before it rings
    clear_hold: timedelta = timedelta(0)  # and be gone this long before it is quiet
    no_data: Literal["keep", "clear", "alert"] = "keep"  # silence is not health: the default keeps what is known
    on_error: Literal["keep", "alert"] = "keep"  # a rule that cannot judge is shown so either way; some are worth a call at night
    calendar: str = ""  # a service calendar, outside which it is not judged; default: the domain's; empty: always
    unit: str = ""
    owner: Text | None = None  # responsible unit; default: the domain's department
    life_safety: bool = False  # lives depend on it at any level: never folded, inhibited or silenced. Red always is


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One field of city work run by one department."""

    key: str
    title: Text
    department: Text
    vital: str  # key of the vital system it belongs to
    feeds: tuple[Feed, ...]
    kpis: tuple[Kpi, ...] = ()
    rules: tuple[AlertRule, ...] = ()
    derived: tuple[Derived, ...] = ()
    asset_kinds: Mapping[str, Text] = field(default_factory=dict)  # code in the `kind` column → words
    states: Mapping[str, Text] = field(default_factory=dict)  # code in `state` columns → words
    part_of: tuple[sa.Column[Any], ...] = ()  # columns of registers naming the asset that another is part of: a room's building
    resting_states: tuple[str, ...] = ()  # those in which an asset's instruments are meant to be silent: an engine that is off
    category_words: Mapping[str, Text] = field(default_factory=dict)
    calendar: str = ""  # the service calendar of its rules that name none; empty: always in service
    homes: bool = False  # its assets are where people live: names and places of them are addresses


@dataclass(frozen=True, kw_only=True)
class Vital:
    """A vital system (体征): a group of domains with an index 0-100."""

    key: str
    seal: str  # one character
    title: Text
    subtitle: Text
    path: str  # its page
    css: str  # suffix of its colour token: --sys-<css>


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A link between two lines that a person can follow on screen: rain, and how fast a slope moves.

    Lines are named `domain.metric` or `domain.kpi`; a metric of the asset looked at where the asset has it, else the mean of
    the street or the district.
    """

    key: str
    title: Text
    driver: str
    effect: str
    lag: timedelta  # the effect is looked for up to this long after the driver
    falls: bool = False  # the effect goes down as the driver goes up
    why: Text
