"""What people may do over HTTP: take a step with an alert, add a photograph of the site. They write nothing else."""

from __future__ import annotations

import asyncio
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import Response

from dashboard.casework.handling import Doing, act
from dashboard.casework.life import Event
from dashboard.casework.photos import LARGEST, add_photo, one_photo
from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.errors import NotAllowedError, NotFoundError, NotNowError
from dashboard.web import reads
from dashboard.web.eyes import Eye, Eyes
from dashboard.web.live import same_origin
from dashboard.web.models import AlertOut, PhotoOut, StepIn
from dashboard.web.told import alert_out

AlertId = Annotated[int, Path(ge=1, le=reads.LARGEST_ID)]
PhotoId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]

_PICTURE = {
    "requestBody": {
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/jpeg", "image/png", "image/webp")}
    }
}


def deciding(engine: sa.Engine, catalog: Catalog, clock: Clock, eyes: Eyes) -> APIRouter:
    """The routes behind the buttons of an alert. Who does it is who is signed in; of an alert they do not see, there is none."""
    router = APIRouter()

    @router.post("/alerts/{alert_id}/steps/{event}")
    def take_a_step(request: Request, alert_id: AlertId, event: Event, said: Annotated[StepIn, Body()]) -> AlertOut:
        """One step in the life of an alert, said by who is signed in."""
        eye = _ours(request, alert_id)
        act(engine, catalog, alert_id, Doing(event=event, actor=eye.actor, origin=eye.origin, **said.model_dump()), clock.now())
        return _told(eye, alert_id)

    @router.post("/alerts/{alert_id}/photos", status_code=201, openapi_extra=_PICTURE)
    async def photograph(request: Request, alert_id: AlertId) -> PhotoOut:
        """A photograph of the site, JPEG, PNG or WebP, as the body. What the camera noted about place and owner is taken out."""
        eye, body = await asyncio.to_thread(_ours, request, alert_id), b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                raise NotNowError(f"照片不超过{LARGEST // 1_000_000} MB (a photograph has at most {LARGEST // 1_000_000} MB)")
        kept = await asyncio.to_thread(add_photo, engine, catalog, alert_id, body, eye.actor, clock.now(), eye.origin)
        return PhotoOut(id=kept.photo_id, width=kept.width, height=kept.height)

    @router.get("/alerts/{alert_id}/photos/{photo_id}", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
    def see(request: Request, alert_id: AlertId, photo_id: PhotoId) -> Response:
        """A photograph as it is kept."""
        with eyes(request).engine.connect() as conn:
            body = one_photo(conn, alert_id, photo_id)
        if body is None:
            raise NotFoundError(f"no photograph {photo_id} of alert {alert_id}")
        return Response(body, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})

    def _ours(request: Request, alert_id: int) -> Eye:
        """Asked from a page of ours, about an alert the viewer sees."""
        if not same_origin(request.scope):
            raise NotAllowedError("only this product's own pages may do that")
        eye = eyes(request)
        _told(eye, alert_id)
        return eye

    return router


def _told(eye: Eye, alert_id: int) -> AlertOut:
    with eye.engine.connect() as conn:
        row = reads.one_alert(conn, alert_id)
    if row is None:
        raise NotFoundError(f"no alert {alert_id}")
    return alert_out(row, eye.catalog)
