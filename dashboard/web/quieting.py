"""Silences and situations over HTTP: what is silenced, what a silence would hide, making and ending one; taking a situation apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, Field

from dashboard.casework import silences
from dashboard.casework.silences import LONGEST_REASON, Preview, Wish
from dashboard.casework.situations import leave, rejoin
from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.declare import Level
from dashboard.core.errors import NotAllowedError, NotFoundError
from dashboard.core.noise import Matcher
from dashboard.store import noise_reads
from dashboard.store.noise_reads import SilenceRow, SituationRow
from dashboard.web.eyes import Eye, Eyes
from dashboard.web.live import same_origin
from dashboard.web.models import Moment, Page
from dashboard.web.reads import LARGEST_ID, cursor_of, position_of

Number = Annotated[int, Path(ge=1, le=LARGEST_ID)]
_LATELY = timedelta(days=30)
_LEVELS = r"^((red|orange|yellow|blue)(,(red|orange|yellow|blue))*)?$"


class MatcherIn(BaseModel):
    """Which alerts; what is left out lets everything pass. Text without NUL, as databases want it."""

    rule: str = Field(default="", max_length=96, pattern=r"^[^\x00]*$")
    domain: str = Field(default="", max_length=32, pattern=r"^[^\x00]*$")
    asset: str = Field(default="", max_length=96, pattern=r"^[^\x00]*$")
    street: str = Field(default="", max_length=12, pattern=r"^[^\x00]*$")
    levels: str = Field(default="", pattern=_LEVELS, description="joined by commas; none: all but red")

    def matcher(self) -> Matcher:
        """As the city has it."""
        levels = tuple(dict.fromkeys(Level(level).value for level in self.levels.split(",") if level))
        return Matcher(rule=self.rule, domain=self.domain, asset=self.asset, street=self.street, levels=levels)


class SilenceIn(MatcherIn):
    """A silence to be made."""

    minutes: int = Field(ge=1, le=100_000)
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00]*$")
    seen: int = Field(ge=0, description="how many open alerts the preview said it would hide")


class SilenceOut(BaseModel):
    """A silence, in force or over."""

    id: int
    rule: str
    domain: str
    asset: str
    street: str
    levels: list[str]
    owner: str
    reason: str
    made_at: Moment
    ends_at: Moment
    ended_at: Moment | None
    ended_by: str | None


class PreviewOut(BaseModel):
    """What a silence would hide."""

    hides: list[int] = Field(description="open alerts nobody would be told of")
    rings: list[int] = Field(description="open alerts it means that would ring all the same: red, or lives may depend on them")
    lately: int = Field(description="raised in the last 30 days, that nobody would have been told of")
    lately_rings: int


class SituationOut(BaseModel):
    """Alerts that belong together."""

    id: int
    number: str
    opened_at: Moment
    closed_at: Moment | None
    street: str | None
    worst_level: str
    members: list[MemberOut]


class MemberOut(BaseModel):
    """One of them, with why it belongs."""

    alert: int
    joined_at: Moment
    why: dict[str, Any] = Field(description="empty for the first; else by which rule, beside which alert, metres and minutes apart")
    left_at: Moment | None


class MemberIn(BaseModel):
    """Which member."""

    alert: int = Field(ge=1, le=LARGEST_ID)


def quieting(engine: sa.Engine, catalog: Catalog, clock: Clock, eyes: Eyes) -> APIRouter:
    """The routes. Of what a viewer does not see there is nothing to silence and nothing to take apart."""
    router = APIRouter()

    @router.get("/silences")
    def listed(request: Request, state: Literal["held", "over"] = "held") -> list[SilenceOut]:
        """Silences in force, the first to end first; or those that ended in the last 30 days, the latest first."""
        now = clock.now()
        with eyes(request).engine.connect() as conn:
            held = noise_reads.silences_in_force(conn, now) if state == "held" else noise_reads.silences_ended(conn, now - _LATELY, now)
        return [_silence(one) for one in held]

    @router.post("/silences/preview")
    def shown_before(request: Request, wanted: Annotated[MatcherIn, Body()]) -> PreviewOut:
        """What a silence would hide, and what would ring all the same."""
        eye = _ours(request)
        with eye.engine.connect() as conn:
            return _preview(silences.preview(conn, eye.catalog, _open_to(eye, wanted.matcher()), clock.now()))

    @router.post("/silences", status_code=201)
    def make(request: Request, wanted: Annotated[SilenceIn, Body()]) -> SilenceOut:
        """Silence, in the name of who is signed in."""
        eye = _ours(request)
        matcher = _open_to(eye, wanted.matcher())
        lasts = timedelta(minutes=wanted.minutes)
        wish = Wish(matcher=matcher, lasts=lasts, actor=eye.actor, reason=wanted.reason, seen=wanted.seen, origin=eye.origin)
        return _silence(_known(engine, silences.make(engine, catalog, wish, clock.now())))

    @router.post("/silences/{silence_id}/end")
    def end(request: Request, silence_id: Number) -> SilenceOut:
        """End a silence before its time."""
        eye = _ours(request)
        _open_to(eye, _known(eye.engine, silence_id).matcher)  # one that reaches further is ended by who sees as far
        silences.end(engine, silence_id, eye.actor, clock.now(), eye.origin)
        return _silence(_known(engine, silence_id))

    @router.get("/situations")
    def crowds(
        request: Request,
        state: Literal["open", "all"] = "open",
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Page[SituationOut]:
        """Situations of more than one alert, the newest first."""
        after = position_of(cursor, int)
        with eyes(request).engine.connect() as conn:
            rows = noise_reads.situations(conn, still_open=state == "open", after=after[0] if after else None, limit=limit + 1)
            items = [_situation(conn, row) for row in rows[:limit]]
        return Page(items=items, next=cursor_of(rows[limit - 1].situation_id) if len(rows) > limit else None)

    @router.post("/situations/{situation_id}/leave")
    def take_out(request: Request, situation_id: Number, member: Annotated[MemberIn, Body()]) -> SituationOut:
        """Take an alert out; it is joined to nothing again by itself."""
        eye = _ours(request)
        _crowd(eye, situation_id)
        leave(engine, situation_id, member.alert, eye.actor, clock.now(), eye.origin)
        return _crowd(eye, situation_id)

    @router.post("/situations/{situation_id}/rejoin")
    def put_back(request: Request, situation_id: Number, member: Annotated[MemberIn, Body()]) -> SituationOut:
        """Put back an alert that was taken out."""
        eye = _ours(request)
        _crowd(eye, situation_id)
        rejoin(engine, situation_id, member.alert, eye.actor, clock.now(), eye.origin)
        return _crowd(eye, situation_id)

    def _ours(request: Request) -> Eye:
        """Asked from a page of ours."""
        if not same_origin(request.scope):
            raise NotAllowedError("only this product's own pages may do that")
        return eyes(request)

    return router


def _open_to(eye: Eye, matcher: Matcher) -> Matcher:
    """A matcher that stays within what the viewer sees: who sees a part of the city names it."""
    sight, domain = eye.viewer.sight, matcher.domain or matcher.rule.partition(".")[0]
    if (domain or sight.domains is not None) and not sight.holds_domain(domain):
        raise NotFoundError(f"no domain {domain!r} to silence in")
    if sight.streets and matcher.street not in sight.streets:
        raise NotAllowedError(f"name one of your streets: {', '.join(sight.streets)}")
    return matcher


def _known(engine: sa.Engine, silence_id: int) -> SilenceRow:
    with engine.connect() as conn:
        found = noise_reads.one_silence(conn, silence_id)
    if found is None:
        raise NotFoundError(f"no silence {silence_id}")
    return found


def _silence(one: SilenceRow) -> SilenceOut:
    m, names = one.matcher, ("owner", "reason", "made_at", "ends_at", "ended_at", "ended_by")
    known = {name: getattr(one, name) for name in names}
    return SilenceOut(id=one.silence_id, rule=m.rule, domain=m.domain, asset=m.asset, street=m.street, levels=list(m.levels), **known)


def _preview(found: Preview) -> PreviewOut:
    hides, rings = [row.alert_id for row in found.hides], [row.alert_id for row in found.rings]
    return PreviewOut(hides=hides, rings=rings, lately=found.lately, lately_rings=found.lately_rings)


def _crowd(eye: Eye, situation_id: int) -> SituationOut:
    with eye.engine.connect() as conn:
        row = noise_reads.one_situation(conn, situation_id)
        if row is None:
            raise NotFoundError(f"no situation {situation_id}")
        return _situation(conn, row)


def _situation(conn: sa.Connection, row: SituationRow) -> SituationOut:
    told = [
        MemberOut(alert=m.alert_id, joined_at=m.joined_at, why=dict(m.why), left_at=m.left_at)
        for m in noise_reads.members(conn, row.situation_id)
    ]
    names = ("number", "opened_at", "closed_at", "street", "worst_level")
    return SituationOut(id=row.situation_id, members=told, **{name: getattr(row, name) for name in names})


SituationOut.model_rebuild()
