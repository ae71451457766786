"""Warnings in the Common Alerting Protocol: a file, a folder of files, or an address of a message or of an index that leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from dashboard.core.errors import SourceChangedError, SourceUnavailableError
from dashboard.pull.batch import Batch, Cursor, from_rows
from dashboard.pull.mapping import Plan
from dashboard.pull.readers.cap_message import CapRefusedError, Row, read_document
from dashboard.pull.readers.files import fetch, local_path, read_file, stamp

_SUFFIXES = (".cap", ".xml", ".atom", ".rss", ".edxlde")
_FOLLOWED = 200  # messages of an index read in one turn; the others come in the next
_REMEMBERED = 5000
_NAMED = 5  # refused documents named in one message
_ACTUAL = ("Actual",)


def read_cap(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
    """Rows of every message that is new or changed, one for each info and area. Raises SourceError.

    Only messages of status Actual are taken, unless `options.status` names others: an exercise is not a warning.
    """
    seen: dict[str, Any] = dict((cursor or {}).get("read", {}))
    refused: list[str] = []
    for name, mark, raw in _documents(plan, seen, refused):
        try:
            document = read_document(raw)
        except CapRefusedError as why:
            refused.append(f"{name}: {why}")
            continue
        seen[name] = mark
        yield _batch(plan, document.rows, seen)
    if refused:
        told = "; ".join(refused[:_NAMED]) + (f" … {len(refused) - _NAMED} more" if len(refused) > _NAMED else "")
        raise SourceChangedError(f"{plan.source.key}: 有{len(refused)}份预警报文不合规 / {len(refused)} CAP documents are refused: {told}")


def _batch(plan: Plan, rows: list[Row], seen: dict[str, Any]) -> Batch:
    wanted = plan.source.options.get("status", _ACTUAL)
    taken = sorted((row for row in rows if row["status"] in wanted), key=lambda row: datetime.fromisoformat(row["sent"]))
    batch = from_rows(plan, taken)
    batch.newest = max((datetime.fromisoformat(row["sent"]) for row in taken), default=None)
    batch.cursor = {"read": dict(list(seen.items())[-_REMEMBERED:])}
    return batch


def _documents(plan: Plan, seen: dict[str, Any], refused: list[str]) -> Iterator[tuple[str, Any, bytes]]:
    """Each document not read yet: its name, what changes when it does, its bytes."""
    path = local_path(plan.source.url)
    if path is None:
        yield from _linked(plan, seen, refused)
        return
    for file in _files(plan, path):
        mark = stamp(file)
        if seen.get(file.name) != mark:
            yield file.name, mark, read_file(plan.source, file)


def _files(plan: Plan, path: Path) -> list[Path]:
    if not path.exists():
        raise SourceUnavailableError(f"{plan.source.key}: 没有这个文件或文件夹 / there is no {path.name}")
    if path.is_file():
        return [path]
    found = [file for file in path.iterdir() if file.is_file() and file.suffix.lower() in _SUFFIXES]
    return sorted(found, key=lambda file: (file.stat().st_mtime_ns, file.name))


def _linked(plan: Plan, seen: dict[str, Any], refused: list[str]) -> Iterator[tuple[str, Any, bytes]]:
    """The address itself, and where it is an index what it leads to. A message never changes; an index says when an entry did."""
    raw = fetch(plan.source, plan.source.url)
    try:
        index = read_document(raw)
    except CapRefusedError as why:
        refused.append(f"the answer: {why}")
        return
    if index.messages or not index.links:
        yield "", len(raw), raw
    found = {urljoin(plan.source.url, link): changed for link, changed in index.links.items()}
    new = [link for link, changed in found.items() if seen.get(link) != changed and _may_follow(plan, link)]
    for link in new[:_FOLLOWED]:
        try:
            yield link, found[link], fetch(plan.source, link)
        except SourceChangedError as gone:  # one message that is no longer there hides no other
            refused.append(str(gone).removeprefix(f"{plan.source.key}: "))


def _may_follow(plan: Plan, link: str) -> bool:
    """An index could lead to our own files and services: it leads to its own host, and to those of `options.hosts`."""
    hosts = [urlsplit(plan.source.url).netloc, *plan.source.options.get("hosts", ())]
    return link.startswith(("http://", "https://")) and urlsplit(link).netloc in hosts
