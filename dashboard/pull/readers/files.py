"""Bytes from a file, a folder, a zip or an HTTP address: bounded in size and time, and no name that leads elsewhere."""

from __future__ import annotations

import io
import time
import urllib.parse
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

import httpx

from dashboard.core.errors import SourceChangedError, SourceSlowError, SourceUnavailableError
from dashboard.pull.readers.advice import advised
from dashboard.settings import SourceConfig

LARGEST = 512_000_000  # bytes of one download or one unpacked member
_RATIO = 200  # unpacked to packed; beyond this it is a bomb, not data
_SMALL = 10_000_000  # under this the ratio says nothing


def local_path(url: str) -> Path | None:
    """The path a file address or a bare path means; None for an HTTP address."""
    if url.startswith(("http://", "https://")):
        return None
    return Path(urllib.parse.unquote(url.removeprefix("file://"))) if url.startswith("file://") else Path(url)


def fetch(source: SourceConfig, url: str, params: Mapping[str, str] | None = None) -> bytes:
    """What is at an address or in a file. Raises SourceError."""
    path = local_path(url)
    if path is not None:
        return read_file(source, path)
    try:
        return _download(source, url, params)
    except httpx.TimeoutException as late:
        raise SourceSlowError(f"{source.key}: 没有及时应答 / no answer within {source.statement_timeout.total_seconds():g} s") from late
    except (httpx.HTTPError, httpx.InvalidURL) as wrong:
        raise SourceUnavailableError(f"{source.key}: {_said(source, wrong)}") from None


def read_file(source: SourceConfig, path: Path) -> bytes:
    """A whole file, if it is there and not absurdly large."""
    try:
        if path.stat().st_size > LARGEST:
            raise SourceChangedError(f"{source.key}: 文件过大 / {path.name} is larger than {LARGEST} bytes")
        return path.read_bytes()
    except OSError as wrong:
        raise SourceUnavailableError(f"{source.key}: {path.name}: {wrong.strerror}") from None


def _download(source: SourceConfig, url: str, params: Mapping[str, str] | None) -> bytes:
    """A whole answer within the statement's limit: a server that drips is as slow as one that is silent."""
    limit = source.statement_timeout.total_seconds()
    ends = time.monotonic() + limit
    headers = {str(k): str(v) for k, v in source.options.get("headers", {}).items()}
    timeout = httpx.Timeout(limit, connect=source.connect_timeout.total_seconds())
    with httpx.stream("GET", url, params=params, headers=headers, timeout=timeout, follow_redirects=True) as answer:
        if answer.status_code in (404, 410):
            raise SourceChangedError(f"{source.key}: 地址上没有内容 / {_place(url)} answers {answer.status_code}: nothing is there")
        if answer.status_code >= 400:
            raise SourceUnavailableError(f"{source.key}: 对方拒绝应答 / {_place(url)} answers {answer.status_code}")
        parts, size = [], 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > LARGEST:
                raise SourceChangedError(f"{source.key}: 应答过大 / the answer is larger than {LARGEST} bytes")
            if time.monotonic() > ends:
                raise SourceSlowError(f"{source.key}: 没有及时传完 / the answer was not complete within {limit:g} s")
            parts.append(part)
        return b"".join(parts)


def _place(url: str) -> str:
    """An address fit to be shown: no credentials, no query with keys in it."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"


def _said(source: SourceConfig, wrong: Exception) -> str:
    words = " ".join(str(wrong).split())[:200].replace(source.url, source.safe_url)
    return advised(wrong, f"{_place(source.url)}: {words}")


def open_zip(source: SourceConfig, raw: bytes | Path) -> zipfile.ZipFile:
    """A zip whose every name stays inside it. Raises SourceChangedError with the reason."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw) if isinstance(raw, bytes) else raw)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as broken:
        raise SourceChangedError(f"{source.key}: 不是能读的压缩包 / not a readable zip: {broken}") from broken
    except OSError as wrong:
        raise SourceUnavailableError(f"{source.key}: {wrong.strerror}") from None
    for info in archive.infolist():
        if unsafe(info.filename):
            raise SourceChangedError(
                f"{source.key}: 压缩包里有指向外部的路径，不读 / the zip holds the name {info.filename!r}, which leads outside: refused"
            )
        if info.file_size > LARGEST or (info.file_size > _SMALL and info.file_size > _RATIO * max(info.compress_size, 1)):
            raise SourceChangedError(f"{source.key}: 解压后过大，不读 / {info.filename!r} would unpack to {info.file_size} bytes: refused")
    return archive


def unsafe(name: str) -> bool:
    """Whether a name in an archive leads outside of it."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in PurePosixPath(plain).parts or (len(plain) > 1 and plain[1] == ":") or "\x00" in name


def open_member(source: SourceConfig, archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A file of a zip for reading. Raises SourceChangedError for one that is locked or broken."""
    try:
        return archive.open(name)
    except (RuntimeError, zipfile.BadZipFile, NotImplementedError) as wrong:
        raise SourceChangedError(f"{source.key}: {name}: {wrong}") from wrong


def stamp(path: Path) -> list[Any]:
    """What changes when a file does."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]
