"""Open311 GeoReport v2: service requests as JSON or XML, asked for in windows of at most 90 days."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from dashboard.core.errors import SourceChangedError
from dashboard.core.times import from_micros, iso
from dashboard.pull.batch import Batch, Cursor, from_rows
from dashboard.pull.mapping import Plan
from dashboard.pull.moments import moment
from dashboard.pull.readers.files import fetch, local_path

Row: TypeAlias = dict[str, Any]
_WINDOW = timedelta(days=90)  # the longest the standard lets one ask for
_PAGE = 1000  # and the most rows one answer holds
_FIRST = timedelta(days=365)  # how far a first read reaches where the mapping does not say
_NAMES = (
    "service_request_id status status_notes service_name service_code description agency_responsible service_notice requested_datetime "
    "updated_datetime expected_datetime address address_id zipcode lat long media_url"
)
_FIELDS = frozenset(_NAMES.split())
_RECORDS = ("request", "service")


def read_open311(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
    """Requests (or `table = "services"`) touched since the cursor less the look-back. Raises SourceError."""
    path = local_path(plan.source.url)
    if path is not None or plan.pull.table == "services":
        rows = _asked(plan, plan.source.url if path is not None else _address(plan), {})
        yield from _cut(plan, rows)
        return
    for start, end in _windows(plan, cursor, now):
        yield from _window(plan, start, end)
        yield Batch({n: [] for n in plan.expressions}, [], cursor={"until": end.isoformat()})


def _windows(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From where the last turn ended, less the look-back, to now, in stretches the standard allows."""
    start = (
        datetime.fromisoformat(cursor["until"]) - plan.pull.lookback
        if cursor and "until" in cursor
        else now - (plan.pull.backfill or _FIRST)
    )
    while start < now:
        end = min(start + _WINDOW, now)
        yield start, end
        start = end


def _window(plan: Plan, start: datetime, end: datetime) -> Iterator[Batch]:
    """One window: by the time of update where the server knows it, else by the time of request; halved while answers are full."""
    words = ("updated_after", "updated_before") if plan.source.options.get("updated", True) else ("start_date", "end_date")
    rows = _all_pages(plan, {words[0]: iso(start), words[1]: iso(end)})
    if rows is None:
        middle = start + (end - start) / 2
        yield from _window(plan, start, middle)
        yield from _window(plan, middle, end)
        return
    yield from _cut(plan, rows)


def _all_pages(plan: Plan, window: dict[str, str]) -> list[Row] | None:
    """All rows of a window, page by page; None where the server cannot page and the answer is full."""
    rows: list[Row] = []
    seen: set[Any] = set()
    for page in range(1, 1_000_000):
        found = _asked(plan, _address(plan), window | {"page": str(page), "page_size": str(_PAGE)})
        new = [r for r in found if r.get("service_request_id") not in seen]
        rows += new
        seen |= {r.get("service_request_id") for r in new}
        if found and not new:  # the same page again: this server does not know the word
            return None if len(found) >= _PAGE and _wide(window) else rows
        if len(found) < _PAGE:
            return rows
    return rows


def _wide(window: dict[str, str]) -> bool:
    start, end = (datetime.fromisoformat(v.replace("Z", "+00:00")) for v in window.values())
    return end - start > timedelta(minutes=1)


def _address(plan: Plan) -> str:
    form = plan.source.options.get("format", "json")
    return f"{plan.source.url.rstrip('/')}/{plan.pull.table or 'requests'}.{form}"


def _asked(plan: Plan, address: str, window: dict[str, str]) -> list[Row]:
    given = {"jurisdiction_id": str(plan.source.options["jurisdiction_id"])} if plan.source.options.get("jurisdiction_id") else {}
    return parse(plan.source.key, fetch(plan.source, address, window | given or None))


def parse(source: str, raw: bytes) -> list[Row]:
    """Records of a GeoReport answer, JSON or XML. Raises SourceChangedError with what was found instead."""
    text = raw.lstrip(b"\xef\xbb\xbf \r\n\t")
    try:
        records = _from_xml(fromstring(text)) if text[:1] == b"<" else _from_json(json.loads(text))
    except (ValueError, ParseError, DefusedXmlException) as broken:
        raise SourceChangedError(
            f"{source}: 应答不是GeoReport格式 / the answer is neither GeoReport JSON nor XML: {str(broken)[:160]}"
        ) from broken
    if records is None:
        raise SourceChangedError(f"{source}: 应答里没有诉求清单 / the answer holds no list of requests")
    return records


def _from_json(document: Any) -> list[Row] | None:
    if isinstance(document, dict):
        document = next((document[k] for k in ("service_requests", "requests", "services") if isinstance(document.get(k), list)), None)
    if not isinstance(document, list):
        return None
    return [_flat(record) for record in document if isinstance(record, dict)]


def _flat(record: Row) -> Row:
    """Extended attributes by dotted names; every standard field is there, if empty."""
    row: Row = dict.fromkeys(_FIELDS)
    for name, value in record.items():
        if isinstance(value, dict):
            row |= {f"{name}.{k}": v for k, v in value.items() if not isinstance(v, (dict, list))}
        elif not isinstance(value, list):
            row[name] = value
    return row


def _from_xml(root: Element) -> list[Row] | None:
    if root.tag not in ("service_requests", "services", "requests"):
        return None
    return [dict.fromkeys(_FIELDS) | {cell.tag: cell.text for cell in record} for record in root if record.tag in _RECORDS]


def _cut(plan: Plan, rows: list[Row]) -> Iterator[Batch]:
    """Oldest first, so that of two versions of a request the newer one is written last."""
    rows = sorted(rows, key=lambda r: _touched(plan, r))
    for start in range(0, len(rows), plan.pull.batch):
        batch = from_rows(plan, rows[start : start + plan.pull.batch])
        batch.newest = _touched(plan, rows[min(start + plan.pull.batch, len(rows)) - 1])
        yield batch


def _touched(plan: Plan, row: Row) -> datetime:
    for name in ("updated_datetime", "requested_datetime"):
        try:
            at = moment(row.get(name), plan.zone)
        except ValueError:
            at = None
        if at is not None:
            return from_micros(at)
    return datetime(1970, 1, 1, tzinfo=UTC)
