"""HTTP for machines: /api/v1, /healthz, /readyz, /metrics, as an application of its own beside the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import Response

from dashboard import __version__
from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.declare import Text
from dashboard.core.errors import ConfigurationError, NotFoundError
from dashboard.core.places import streets
from dashboard.core.scope import DISTRICT
from dashboard.core.times import from_micros, to_micros
from dashboard.settings import Settings, duration
from dashboard.snapshot.picture import Reader
from dashboard.store.freshness import feeds_freshness
from dashboard.store.readings import series
from dashboard.web import reads
from dashboard.web.cap import publishing
from dashboard.web.deciding import deciding
from dashboard.web.export import exporting
from dashboard.web.eyes import Eye, Eyes
from dashboard.web.hub import Hub
from dashboard.web.linking import linking
from dashboard.web.metrics import Metrics
from dashboard.web.models import (
    AlertOut,
    Counts,
    FeatureCollection,
    KpiOut,
    Page,
    PointOut,
    ProblemOut,
    SeriesIn,
    SeriesOut,
    SourceOut,
    Status,
)
from dashboard.web.problems import MEDIA_TYPE
from dashboard.web.quieting import quieting
from dashboard.web.refusals import answer, explain_errors, unfit
from dashboard.web.renderer import Renderer
from dashboard.web.told import Standing, alert_out, kpi_out, seen_settings, source_out, words

Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the part before")]
Key = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL
Asked = Annotated[datetime | None, Query(description="ISO 8601 with offset")]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": ProblemOut, "content": {MEDIA_TYPE: {}}, "description": why}
    for code, why in (
        (400, "not understood"),
        (401, "nobody we know"),
        (403, "not granted"),
        (404, "no such thing"),
        (409, "not as things stand; the detail says why"),
        (422, "a parameter does not fit"),
        (429, "too many; Retry-After says when"),
        (503, "the store is away"),
    )
}


@dataclass(frozen=True)
class House:
    """What the endpoints answer from."""

    settings: Settings
    catalog: Catalog
    engine: sa.Engine
    clock: Clock
    hub: Hub
    renderer: Renderer
    metrics: Metrics


def machines(house: House) -> FastAPI:
    """The application behind /api, /export, /healthz, /readyz and /metrics."""
    app = FastAPI(
        title="城市生命体 City Organism",
        version=__version__,
        description="Read the city's sources, KPIs, alerts, series and assets. Times are UTC. Lists are {items, next}.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    explain_errors(app)
    eyes = Eyes(Reader(house.engine, house.catalog, house.settings), house.engine)
    app.include_router(_reading(house, eyes), prefix="/api/v1", responses=PROBLEMS)
    app.include_router(deciding(house.engine, house.catalog, house.clock, eyes), prefix="/api/v1", responses=PROBLEMS)
    app.include_router(linking(house.engine, house.catalog, house.clock, eyes), prefix="/api/v1", responses=PROBLEMS)
    app.include_router(quieting(house.engine, house.catalog, house.clock, eyes), prefix="/api/v1", responses=PROBLEMS)
    app.include_router(publishing(house.engine, house.catalog, house.settings, house.clock, eyes), prefix="/api/v1", responses=PROBLEMS)
    app.include_router(_health(house), include_in_schema=False)
    app.include_router(exporting(eyes, house.clock), include_in_schema=False)
    return app


def _reading(house: House, eyes: Eyes) -> APIRouter:
    router = APIRouter()

    @router.get("/status")
    def status(request: Request) -> Status:
        """Version, pulse, counts."""
        return _status(house, eyes(request))

    @router.get("/sources")
    def sources(request: Request, cursor: Cursor = None, limit: Limit = 200) -> Page[SourceOut]:
        """Every department's database and how fresh it is."""
        after, eye = reads.position_of(cursor, str), eyes(request)
        settings = seen_settings(house.settings, eye.catalog, eye.viewer.sight)
        keys = [key for key in sorted(settings.sources) if after is None or key > after[0]]
        now = house.clock.now()
        with eye.engine.connect() as conn:
            standing = Standing(reads.sources(conn), reads.pulls(conn), feeds_freshness(conn, now), now)
        items = [source_out(settings.sources[key], settings, standing) for key in keys[:limit]]
        return Page(items=items, next=reads.cursor_of(keys[limit - 1]) if len(keys) > limit else None)

    @router.get("/kpis")
    def kpis(
        request: Request,
        scope: Annotated[str, Query(max_length=200, description="`district`, or street codes joined by +")] = DISTRICT,
        at: Asked = None,
        cursor: Cursor = None,
        limit: Limit = 500,
    ) -> Page[KpiOut]:
        """Every KPI and index of a scope, now or as it stood at a moment."""
        scopes, eye = _scopes(scope), eyes(request)
        after = reads.position_of(cursor, str, str)
        with eye.engine.connect() as conn:
            rows = reads.kpis_at(conn, scopes, _aware(at), after, limit + 1) if at else reads.kpis(conn, scopes, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        more = reads.cursor_of(last["kpi"], last["scope"]) if last else None
        return Page(items=[kpi_out(row, eye.catalog) for row in rows[:limit]], next=more)

    @router.get("/alerts")
    def alerts(
        request: Request,
        state: Literal["open", "clear", "all"] = "open",
        level: Annotated[list[Literal["red", "orange", "yellow", "blue"]] | None, Query()] = None,
        domain: Key = None,
        street: Key = None,
        cursor: Cursor = None,
        limit: Limit = 200,
    ) -> Page[AlertOut]:
        """Alerts, newest first."""
        eye = eyes(request)
        _known_domain(eye.catalog, domain)
        after = reads.position_of(cursor, int)
        with eye.engine.connect() as conn:
            rows = reads.alerts(
                conn, state=state, levels=level or (), domain=domain, street=street, after=after[0] if after else None, limit=limit + 1
            )
        more = reads.cursor_of(rows[limit - 1]["alert_id"]) if len(rows) > limit else None
        return Page(items=[alert_out(row, eye.catalog) for row in rows[:limit]], next=more)

    @router.get("/series/{asset:path}/{metric}")
    def line(request: Request, asset: str, metric: str, asked: Annotated[SeriesIn, Query()]) -> SeriesOut:
        """The line of one metric of one asset; beyond three days in hours at finest."""
        return _series(eyes(request), house.clock.now(), asset, metric, asked)

    @router.get("/assets.geojson")
    def assets(
        request: Request, domain: Key = None, cursor: Cursor = None, limit: Annotated[int, Query(ge=1, le=5000)] = 1000
    ) -> FeatureCollection:
        """Everything that stands somewhere, as GeoJSON."""
        eye = eyes(request)
        _known_domain(eye.catalog, domain)
        after = reads.position_of(cursor, str, str)
        with eye.engine.connect() as conn:
            found = reads.features(conn, reads.asset_tables(eye.catalog, domain), after, limit + 1)
        more = reads.cursor_of(found[limit - 1][0], found[limit - 1][1]["id"]) if len(found) > limit else None
        return FeatureCollection(features=[feature for _, feature in found[:limit]], next=more)

    return router


def _scopes(text: str) -> list[str]:
    """What a scope names. A street that is not there is an error: an empty list would read as a city without numbers."""
    wanted = sorted({part for part in text.replace(" ", "+").split("+") if part})
    known = [DISTRICT, *(street.code for street in streets())]
    unknown = [part for part in wanted if part not in known]
    if unknown or not wanted:
        raise NotFoundError(f"no scope {'+'.join(unknown) or text!r}; there are: {', '.join(known)}")
    return wanted


def _known_domain(catalog: Catalog, domain: str | None) -> None:
    if domain and domain not in catalog.domains:
        raise NotFoundError(f"no domain {domain!r}; there are: {', '.join(sorted(catalog.domains))}")


def _health(house: House) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    def ready() -> Response:
        missing = _not_ready(house)
        if missing:
            return answer(503, "; ".join(missing))
        return Response('{"status":"ok"}', media_type="application/json")

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(house.metrics.text(house.clock.now()), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _not_ready(house: House) -> list[str]:
    """Why screens could not be served now."""
    missing = [] if house.renderer.is_alive() else ["panels are not being made"]
    try:
        with house.engine.connect() as conn:
            reads.pulls(conn)
    except sa.exc.SQLAlchemyError as away:
        missing.append(f"the store cannot be read ({type(away).__name__}); is it migrated?")
    return missing


def _status(house: House, eye: Eye) -> Status:
    catalog, settings = eye.catalog, seen_settings(house.settings, eye.catalog, eye.viewer.sight)
    with eye.engine.connect() as conn:
        rows, by_level = reads.pulls(conn), reads.open_counts(conn)
    age = house.renderer.worker_age
    return Status(
        product=words(Text(*settings.city.get("product", ("城市生命体", "City Organism")))),
        version=__version__,
        build=house.hub.build,
        now=house.clock.now(),
        pulse=house.renderer.pulse,
        worker_age_s=None if age is None else round(age, 1),
        counts=Counts(
            sources=len(settings.sources),
            pulls=len(settings.pulls),
            kpis=len(catalog.kpis),
            rules=len(catalog.rules),
            alerts_open=sum(by_level.values()),
            alerts_by_level=by_level,
            rows=sum(row["rows_total"] for row in rows.values()),
            quarantined=sum(row["quarantined_total"] for row in rows.values()),
            screens=len(house.hub.clients),
        ),
    )


def _series(eye: Eye, now: datetime, asset: str, metric: str, asked: SeriesIn) -> SeriesOut:
    end = _aware(asked.to) if asked.to else now
    begin = _aware(asked.start) if asked.start else end - timedelta(days=1)
    after = reads.position_of(asked.cursor, int)
    if after:
        begin = from_micros(after[0])
    if begin >= end:
        raise unfit("from", "must be before `to`")
    width = _width(asked.step)
    with eye.engine.connect() as conn:
        channel = _channel(reads.channels(conn, asset, metric, asked.domain), asset, metric)
        points = series(conn, channel["channel_id"], begin, end, width)
    declared = eye.catalog.metrics.get((channel["domain"], metric))
    return SeriesOut(
        domain=channel["domain"],
        asset=asset,
        metric=metric,
        unit=declared.unit if declared else "",
        items=[PointOut(ts=p.ts, mean=p.mean, low=p.low, high=p.high) for p in points[: asked.limit]],
        next=reads.cursor_of(to_micros(points[asked.limit].ts)) if len(points) > asked.limit else None,
    )


def _channel(found: Sequence[reads.Found], asset: str, metric: str) -> reads.Found:
    if not found:
        raise NotFoundError(f"no readings of {metric!r} for {asset!r}")
    if len(found) > 1:
        raise unfit("domain", "several domains have this asset: " + ", ".join(sorted(row["domain"] for row in found)))
    return found[0]


def _width(step: str | None) -> timedelta | None:
    try:
        return duration(step, "query", "step") if step else None
    except ConfigurationError as wrong:
        raise unfit("step", wrong.problem) from wrong


def _aware(at: datetime) -> datetime:
    """A moment without offset is taken as UTC, as the answers are."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
