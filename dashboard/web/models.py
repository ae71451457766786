"""The shapes machines are told: every body of /api/v1, typed, so that OpenAPI describes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from dashboard.core.times import iso

Item = TypeVar("Item")
Moment = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json-unless-none")]


class Words(BaseModel):
    """A title in both languages."""

    zh: str
    en: str


class Page(BaseModel, Generic[Item]):
    """A part of a list; give `next` back as `cursor` for the following one."""

    items: list[Item]
    next: str | None = Field(default=None, description="cursor of the following part; null at the end")


class Counts(BaseModel):
    """How much there is."""

    sources: int
    pulls: int
    kpis: int
    rules: int
    alerts_open: int
    alerts_by_level: dict[str, int]
    rows: int = Field(description="rows taken in since the beginning")
    quarantined: int
    screens: int


class Status(BaseModel):
    """The product and how it is."""

    product: Words
    version: str
    build: str
    now: Moment
    pulse: int = Field(description="grows with every change in the store")
    worker_age_s: float | None = Field(description="seconds since the worker last said it lives; null if never")
    counts: Counts


class PullOut(BaseModel):
    """One scheduled read of a source."""

    key: str
    feed: str
    freshness: str
    lag_s: float | None
    cadence_s: int
    rows: int
    quarantined: int
    failures: int
    last_ok_at: Moment | None
    next_due_at: Moment | None
    last_error: str | None


class SourceOut(BaseModel):
    """A department's database."""

    key: str
    title: str
    department: str
    kind: str
    freshness: Literal["fresh", "late", "silent", "never"]
    lag_s: float | None = Field(description="seconds since the newest event it told us of")
    rows: int
    quarantined: int
    error_kind: str | None
    last_error: str | None
    last_ok_at: Moment | None
    failing_since: Moment | None
    pulls: list[PullOut]


class TargetOut(BaseModel):
    """What is wanted of a KPI."""

    good: float
    poor: float
    ref: str
    confidence: str


class KpiOut(BaseModel):
    """One number of the city in one scope."""

    key: str
    title: Words
    vital: str | None
    scope: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    target: TargetOut | None
    score: float | None
    grade: str | None
    yesterday: float | None
    last_year: float | None
    completeness: float
    freshness: str | None
    as_of: Moment | None


class AlertOut(BaseModel):
    """One alert of one rule and asset."""

    id: int
    number: str
    rule: str
    title: Words
    domain: str
    vital: str
    level: Literal["red", "orange", "yellow", "blue"]
    state: str
    acknowledged: bool
    acknowledged_at: Moment | None
    stage: str | None = Field(description="how far people have come; null: nobody has looked after it yet")
    due_at: Moment | None = Field(description="when the next step must be done")
    closed_at: Moment | None = Field(description="when people were done with it")
    opened_at: Moment
    cleared_at: Moment | None
    asset: str
    asset_name: str
    street: str | None
    lon: float | None
    lat: float | None
    value: float | None
    threshold: float | None
    unit: str
    no_data: bool
    owner: str


class PointOut(BaseModel):
    """A stretch of a line, dated at its start."""

    ts: Moment
    mean: float
    low: float
    high: float


class SeriesIn(BaseModel):
    """Which stretch of a line, how fine, from which place on."""

    model_config = ConfigDict(populate_by_name=True)
    start: datetime | None = Field(default=None, alias="from", description="ISO 8601; default: a day before `to`")
    to: datetime | None = Field(default=None, description="ISO 8601; default: now")
    step: str | None = Field(default=None, max_length=16, description="width of a bucket: 30s, 5m, 1h")
    domain: str | None = Field(default=None, max_length=64)
    cursor: str | None = Field(default=None, max_length=400)
    limit: int = Field(default=2000, ge=1, le=10_000)


class SeriesOut(Page[PointOut]):
    """A channel's line."""

    domain: str
    asset: str
    metric: str
    unit: str


class StepIn(BaseModel):
    """What is said with a step. Who takes it is who is signed in."""

    model_config = ConfigDict(extra="forbid")
    note: str = Field(default="", max_length=2000)
    unit: str = Field(default="", max_length=64, description="whom it is given to")
    code: str = Field(default="", max_length=32, description="why it is a false alarm: sensor_fault, test, environment, operator")


class PhotoOut(BaseModel):
    """A photograph as it is kept."""

    id: str = Field(description="SHA-256 of its bytes")
    width: int
    height: int


class FeatureCollection(BaseModel):
    """Assets as GeoJSON (RFC 7946), WGS84; `next` is a foreign member."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]]
    next: str | None = None


class ProblemOut(BaseModel):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
