"""Our alerts for other systems to read: /api/v1/cap is an Atom index, /api/v1/cap/<identifier> a signed CAP 1.2 message."""

from __future__ import annotations

import hmac
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.sight import NOTHING, Action
from dashboard.notify.cap import document, message, newest_messages
from dashboard.notify.cap_feed import index
from dashboard.notify.cap_sign import signed, signing_key
from dashboard.settings import Settings
from dashboard.web.eyes import Eyes

_ENTRIES = 500
Identifier = Annotated[str, Path(max_length=48, pattern=r"^[A-Za-z0-9.-]+$")]


def publishing(engine: sa.Engine, catalog: Catalog, settings: Settings, clock: Clock, eyes: Eyes) -> APIRouter:
    """The feed. Messages of restricted scope are for who shows the deployment's token, or is signed in and may open the alert's rows."""
    router = APIRouter()

    @router.get("/cap", response_class=Response, responses={200: {"content": {"application/atom+xml": {}}}})
    def feed(request: Request) -> Response:
        """The last message of every alert open now or lately, the newest first."""
        now = clock.now()
        with engine.connect() as conn:
            found = newest_messages(conn, settings, now, _ENTRIES)
        with _restricted(request).connect() as conn:
            theirs = {told.identifier for told in newest_messages(conn, settings, now, _ENTRIES)}
        shown = [told for told in found if not told.restriction or told.identifier in theirs]
        return Response(index(shown, catalog, settings, now), media_type="application/atom+xml; charset=utf-8")

    @router.get("/cap/{identifier}", response_class=Response, responses={200: {"content": {"application/cap+xml": {}}}})
    def one(request: Request, identifier: Identifier) -> Response:
        """One message, signed; it never changes."""
        with engine.connect() as conn:
            told = message(conn, settings, identifier)
        if told.restriction:
            with _restricted(request).connect() as conn:
                told = message(conn, settings, identifier)
        key = signing_key(settings.home, settings.notify.cap.key_file)
        return Response(signed(document(told, catalog, settings), key), media_type="application/cap+xml; charset=utf-8")

    def _restricted(request: Request) -> sa.Engine:
        """The store as far as restricted messages may be read from it by this request; of the others it is told that there are none."""
        if _shows_token(request, settings):
            return engine
        eye = eyes(request)
        return eye.engine if eye.viewer.sight.may(Action.ROWS) else eyes.reader.window(NOTHING).engine

    return router


def _shows_token(request: Request, settings: Settings) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = settings.notify.cap.token
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
