"""What a list shows, as a CSV file: all rows of the selection, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from dashboard.access.words import scope_words
from dashboard.core import places
from dashboard.core.clock import Clock
from dashboard.core.sight import Sight
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.export import Row, Table, export
from dashboard.snapshot.picture import Reader
from dashboard.snapshot.view import View, parse_view
from dashboard.snapshot.words import say
from dashboard.web.eyes import Eye, Eyes

_BOM = "\ufeff"  # without it Excel takes Chinese for something else
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE = 500  # rows written out together


def exporting(eyes: Eyes, clock: Clock) -> APIRouter:
    """`/export/readings/<vital>.csv`, `/export/cases/<table>.csv`, `/export/alerts.csv`, each with a view's parameters.

    Every file says in its first line for whom it was made, when and of what part of the city, and is written down.
    """
    router, reader = APIRouter(), eyes.reader

    def answer(request: Request, what: str, of: str = "") -> StreamingResponse:
        now, eye = clock.now(), eyes(request)
        view = asked(reader, request.query_params, eye.viewer.sight)
        table = export(reader.picture(now, view), view, what, of)
        eyes.note(eye, "export", table.name, view.query, now)
        kept = {"content-disposition": f'attachment; filename="{file_name(table, view.as_of or now)}"', "cache-control": "no-store"}
        mark = watermark(eye, view, now)
        return StreamingResponse(csv_of(table, mark), media_type="text/csv; charset=utf-8", headers=kept)

    @router.get("/export/alerts.csv")
    def alerts(request: Request) -> StreamingResponse:
        return answer(request, "alerts")

    @router.get("/export/{what}/{of}.csv")
    def listed(request: Request, what: str, of: str) -> StreamingResponse:
        return answer(request, what, of)

    return router


def asked(reader: Reader, query: Mapping[str, str], sight: Sight) -> View:
    """The view an export's address asks for, as far as it is open."""
    return parse_view(query, places.known_streets(), reader.systems(sight), sight)


def watermark(eye: Eye, view: View, now: datetime) -> str:
    """For whom, when, and of what part of the city a file was made."""
    lang, at = view.lang, f"{now.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
    part = scope_words(eye.viewer, eye.catalog)(lang)
    return say(lang, f"# 导出：{eye.actor}，{at}，范围：{part}", f"# exported by {eye.actor}, {at}, scope: {part}")


def file_name(table: Table, at: datetime) -> str:
    """What was asked for and when, by the city's clock."""
    return f"{table.name}-{at.astimezone(CITY_ZONE):%Y%m%d-%H%M}.csv"


def csv_of(table: Table, mark: str) -> Iterator[str]:
    """The file, a piece at a time."""
    yield _BOM + _lines([[mark], table.columns])
    rows = iter(table.rows)
    while some := list(islice(rows, _AT_ONCE)):
        yield _lines(some)


def _lines(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: str | int | float | None) -> str | int | float:
    """Text a spreadsheet would run as a formula is marked as text; our own numbers stay numbers."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
