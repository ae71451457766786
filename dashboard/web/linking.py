"""What people do about linkages over HTTP: answer a step that waits for them, begin a drill."""

from __future__ import annotations

from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from dashboard.casework.linkage.drill import begin_drill, find_playbook
from dashboard.casework.linkage.said import answer_step
from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.errors import NotAllowedError, NotFoundError
from dashboard.store.schema_linkage import playbook_run
from dashboard.web.eyes import Eye, Eyes
from dashboard.web.live import same_origin
from dashboard.web.reads import LARGEST_ID

RunId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class AnswerIn(BaseModel):
    """What is said of a step: done for yes, refused for no."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["accepted", "arrived", "done", "refused"]
    note: str = Field(default="", max_length=500)


class DrillIn(BaseModel):
    """Which asset a drill is about, and how bad it is taken to be."""

    model_config = ConfigDict(extra="forbid")
    asset: str = Field(min_length=1, max_length=96)
    level: Literal["", "red", "orange", "yellow", "blue"] = ""


class DrillOut(BaseModel):
    """The drill's alert."""

    alert_id: int


def linking(engine: sa.Engine, catalog: Catalog, clock: Clock, eyes: Eyes) -> APIRouter:
    """The routes behind the buttons of playbooks. Of what somebody does not see, there is none."""
    router = APIRouter()

    @router.post("/linkages/runs/{run_id}/steps/{step}", status_code=204, responses={409: {"description": "not as things stand"}})
    def answer(request: Request, run_id: RunId, step: str, said: Annotated[AnswerIn, Body()]) -> None:
        """Decide, or say what became of an order."""
        eye = _ours(request)
        with eye.engine.connect() as conn:
            if conn.scalar(sa.select(playbook_run.c.run_id).where(playbook_run.c.run_id == run_id)) is None:
                raise NotFoundError(f"no run {run_id}")
        answer_step(engine, catalog, run_id, step, said.state, eye.actor, said.note, clock.now(), eye.origin)

    @router.post("/linkages/{playbook}/drill", status_code=201, responses={409: {"description": "one is under way"}})
    def drill(request: Request, playbook: str, said: Annotated[DrillIn, Body()]) -> DrillOut:
        """Begin a drill."""
        eye = _ours(request)
        find_playbook(eye.catalog, playbook)
        number = begin_drill(engine, catalog, playbook, said.asset, eye.actor, clock.now(), said.level, eye.origin)
        return DrillOut(alert_id=number)

    def _ours(request: Request) -> Eye:
        if not same_origin(request.scope):
            raise NotAllowedError("only this product's own pages may do that")
        return eyes(request)

    return router
