"""Every error of the API as a problem document: what broke, and what the caller can do."""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from dashboard.core.errors import CockpitError, NotAllowedError, NotFoundError, NotNowError
from dashboard.web.problems import MEDIA_TYPE, problem
from dashboard.web.reads import BadCursorError

log = logging.getLogger(__name__)

_STATUS = {NotFoundError: 404, NotAllowedError: 403, NotNowError: 409, BadCursorError: 400}


def unfit(name: str, why: str) -> RequestValidationError:
    """A query parameter that cannot be used, refused like those FastAPI refuses itself."""
    return RequestValidationError([{"loc": ("query", name), "msg": why, "type": "value_error", "input": None}])


def answer(status: int, detail: str, headers: dict[str, str] | None = None, **extra: Any) -> Response:
    """A problem document as a response."""
    told = problem(status, detail, **extra)
    return Response(told.body, status_code=status, media_type=MEDIA_TYPE, headers={"cache-control": "no-store", **(headers or {})})


def explain_errors(app: FastAPI) -> None:
    """Every error leaves as a problem document."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, wrong: HTTPException) -> Response:
        detail = f"no such address: {request.url.path}" if wrong.status_code == 404 else str(wrong.detail)
        return answer(wrong.status_code, detail, dict(wrong.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def not_fitting(_request: Request, wrong: RequestValidationError) -> Response:
        errors = [{"at": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in wrong.errors()]
        return answer(422, "; ".join(f"{e['at']}: {e['problem']}" for e in errors), errors=errors)

    @app.exception_handler(CockpitError)
    async def ours(_request: Request, wrong: CockpitError) -> Response:
        status = _STATUS.get(type(wrong), 500)
        return answer(status, str(wrong))

    @app.exception_handler(sa.exc.DBAPIError)
    async def store_away(_request: Request, wrong: sa.exc.DBAPIError) -> Response:
        log.error("the store did not answer: %s", wrong.orig)
        return answer(503, "the store does not answer", {"retry-after": "5"})

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, _wrong: Exception) -> Response:
        return answer(500, f"{request.url.path} failed; the server's log says why")
