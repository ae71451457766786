"""A drop folder of CSV and XLSX files, also inside zips: each new or changed file is read once, and nothing in the folder is touched."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zipfile
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl

from dashboard.core.errors import SourceChangedError, SourceUnavailableError
from dashboard.core.times import to_micros
from dashboard.pull.batch import Batch, Cursor, from_rows
from dashboard.pull.mapping import Plan, near
from dashboard.pull.readers.files import LARGEST, local_path, open_member, open_zip, read_file, stamp
from dashboard.settings import SourceConfig

Row: TypeAlias = dict[str, Any]
_KINDS = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".zip", ".gz")
_SETTLED_NS = 5_000_000_000  # a file written to within the last five seconds may not be whole yet
_HEADER_ROWS = 15  # a title and notes may stand above the header
_REMEMBERED = 2000
_NAMED = 5  # refused files named in one message
csv.field_size_limit(256_000_000)  # a huge cell is told by name later, not refused by the parser


def read_folder(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
    """Rows of every file new or changed since the cursor, oldest file first. Raises SourceError.

    `table` is a glob such as `sites-*.csv`; empty takes every file. Each file commits whole or in order, then is remembered.
    """
    seen: dict[str, Any] = dict((cursor or {}).get("files", {}))
    refused: list[str] = []
    for file in _files(plan):
        try:
            fresh = yield from _new_rows(plan, file, seen.get(file.name), now)
        except SourceChangedError as wrong:
            refused.append(_told(plan, file, wrong))  # one bad file does not hide those that follow
            continue
        if fresh:
            seen[file.name] = fresh
            yield Batch({n: [] for n in plan.expressions}, [], cursor={"files": dict(list(seen.items())[-_REMEMBERED:])})
    if refused:
        more = f" … and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        raise SourceChangedError(f"{plan.source.key}: " + "; ".join(refused[:_NAMED]) + more)


def _told(plan: Plan, file: Path, wrong: SourceChangedError) -> str:
    """What is wrong, with the name of the file that somebody must look at."""
    reason = str(wrong).removeprefix(f"{plan.source.key}: ")
    return reason if file.name in reason else f"{file.name}: {reason}"


def _new_rows(plan: Plan, file: Path, before: list[Any] | None, now: datetime) -> Generator[Batch, None, list[Any] | None]:
    """The rows of a file, and what to remember of it; None where it is the one we know or is still being written."""
    mark = _mark(file, now)
    if mark is None or (before and before[:2] == mark):
        return None
    raw = read_file(plan.source, file)
    if stamp(file) != mark:
        return None  # it grew while we read: next turn
    content = hashlib.blake2b(raw, digest_size=16).hexdigest()
    if not (before and before[2] == content):
        yield from _batches(plan, file.name, raw)
    return [*mark, content]


def _files(plan: Plan) -> list[Path]:
    path = local_path(plan.source.url)
    if path is None or not path.exists():
        raise SourceUnavailableError(f"{plan.source.key}: 没有这个文件夹 / there is no folder {plan.source.safe_url}")
    if path.is_file():
        return [path]
    found = (f for f in path.glob(plan.pull.table or "*") if f.is_file() and f.suffix.lower() in _KINDS)
    return sorted((f for f in found if not f.name.startswith((".", "~$"))), key=lambda f: (f.stat().st_mtime_ns, f.name))


def _mark(file: Path, now: datetime) -> list[Any] | None:
    """Size and time of a file that has settled; None while it may still be written."""
    mark = stamp(file)
    age = to_micros(now) * 1000 - mark[1]
    return None if 0 <= age < _SETTLED_NS else mark


def _batches(plan: Plan, name: str, raw: bytes) -> Iterator[Batch]:
    rows: list[Row] = []
    for row in rows_of(plan, name, raw):
        rows.append(row)
        if len(rows) == plan.pull.batch:
            yield from_rows(plan, rows)
            rows = []
    if rows:
        yield from_rows(plan, rows)


def rows_of(plan: Plan, name: str, raw: bytes) -> Iterator[Row]:
    """The rows of one file by its header's names. Raises SourceChangedError with the reason."""
    suffix = Path(name).suffix.lower()
    if suffix == ".zip":
        yield from _unpacked(plan, raw)
    elif suffix == ".gz":
        yield from rows_of(plan, name.removesuffix(".gz"), _gunzipped(plan.source, name, raw))
    else:
        cells = _sheet(plan, name, raw) if suffix in (".xlsx", ".xlsm") else _lines(plan, name, raw)
        yield from _named(plan, name, cells)


def _unpacked(plan: Plan, raw: bytes) -> Iterator[Row]:
    archive = open_zip(plan.source, raw)
    for member in archive.namelist():
        if Path(member).suffix.lower() in _KINDS and not member.startswith("__MACOSX"):
            with open_member(plan.source, archive, member) as inside:
                try:
                    content = inside.read()
                except (zipfile.BadZipFile, EOFError, OSError) as broken:
                    raise SourceChangedError(f"{plan.source.key}: {member}: {broken}") from broken
            yield from rows_of(plan, member, content)


def _gunzipped(source: SourceConfig, name: str, raw: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as inside:
            content = inside.read(LARGEST + 1)
    except (OSError, EOFError) as broken:
        raise SourceChangedError(f"{source.key}: {name}: {broken}") from broken
    if len(content) > LARGEST:
        raise SourceChangedError(f"{source.key}: 解压后过大，不读 / {name} would unpack to more than {LARGEST} bytes: refused")
    return content


def decode(raw: bytes) -> str:
    """Text of a file nobody said the encoding of: byte-order marks, then UTF-8, then what Chinese Windows writes."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _lines(plan: Plan, name: str, raw: bytes) -> Iterator[list[Any]]:
    if not raw.strip():
        return
    text = decode(raw)
    delimiter = str(plan.pull.options.get("delimiter") or _delimiter(text))
    try:
        yield from csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=delimiter)
    except csv.Error as broken:
        raise SourceChangedError(f"{plan.source.key}: 读不成表 / {name} cannot be read as a table: {broken}") from broken


def _delimiter(text: str) -> str:
    """The separator the first lines agree on best."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:10]
    return max((",", "\t", ";", "|"), key=lambda d: (min((line.count(d) for line in lines), default=0), lines[0].count(d) if lines else 0))


def _sheet(plan: Plan, name: str, raw: bytes) -> Iterator[list[Any]]:
    """The cells of the sheet the mapping names, else of the first."""
    open_zip(plan.source, raw)  # a workbook is a zip: the same refusals
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (KeyError, ValueError, zipfile.BadZipFile, OSError) as broken:
        raise SourceChangedError(f"{plan.source.key}: 不是工作簿 / {name} is not a workbook: {broken}") from broken
    wanted = str(plan.pull.options.get("sheet", "")) or book.sheetnames[0]
    if wanted not in book.sheetnames:
        raise SourceChangedError(f"{plan.source.key}: 没有这个工作表 / {name} has no sheet {wanted!r} ({near(wanted, book.sheetnames)})")
    for row in book[wanted].iter_rows(values_only=True):
        yield list(row)


def _named(plan: Plan, name: str, cells: Iterable[list[Any]]) -> Iterator[Row]:
    """Rows by the names of the header: the first row that holds every column the mapping needs."""
    wanted, above = plan.names(), []
    rows = iter(cells)
    header: list[str] | None = None
    for row in rows:
        plain = ["" if c is None else " ".join(str(c).split()) for c in row]
        if wanted <= set(plain):
            header = plain
            break
        above.append(plain)
        if len(above) >= _HEADER_ROWS:
            break
    if header is None:
        yield from _no_header(plan, name, wanted, above)
        return
    for row in rows:
        if any(c not in (None, "") for c in row):
            yield dict(zip(header, row, strict=False))


def _no_header(plan: Plan, name: str, wanted: set[str], above: list[list[str]]) -> Iterator[Row]:
    """An empty file is an empty table; one with other columns is a change somebody must look at."""
    if any(any(row) for row in above):
        best = max(above, key=lambda row: len(wanted & set(row)))
        missing = sorted(wanted - set(best))[0]
        raise SourceChangedError(
            f"{plan.source.key}: 没有映射里的这一列 / {name} has no column {missing!r} ({near(missing, [c for c in best if c])})"
        )
    yield from ()
