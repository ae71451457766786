"""Scripts, styles and fonts: compressed once, kept on disk, answered without touching the framework."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import mimetypes
import os
import pkgutil
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import brotli
from dash.fingerprint import check_fingerprint

from dashboard.web.problems import problem

log = logging.getLogger(__name__)

ASSETS, SUITES = "/assets/", "/_dash-component-suites/"
FOREVER, ASK = b"public, max-age=31536000, immutable", b"no-cache"
PACKED_TYPES = ("text/", "application/javascript", "application/json", "application/geo+json", "image/svg+xml")
SMALL = 600  # bytes below which compressing costs more than it saves
BROTLI_QUALITY = 9  # 11 saves 3 % more and takes ten times as long: the first start must not wait for it
TYPES = {
    ".woff2": "font/woff2",
    ".geojson": "application/geo+json",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Encoded = dict[bytes, bytes]  # content-encoding → body; b"" is the plain one


@dataclass
class Item:
    """One file in the encodings that exist so far."""

    media_type: str
    etag: bytes
    bodies: Encoded
    mark: tuple[int, int]  # modification time and size of the file it was read from; zeros for what cannot change


class Static:
    """Assets of this product and the suites Dash registered, by path. Unknown paths are a real 404."""

    def __init__(self, assets: Path, suites: Mapping[str, set[str]], cache: Path) -> None:
        self._assets, self._suites, self._cache = assets.resolve(), suites, cache
        self._items: dict[str, Item] = {}
        self._packing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Compress everything in the background; until a file's turn comes it is sent plain."""
        self._packing = asyncio.get_running_loop().create_task(self._pack_all())

    async def stop(self) -> None:
        """Stop compressing."""
        if self._packing:
            self._packing.cancel()
            await asyncio.gather(self._packing, return_exceptions=True)

    async def serve(self, scope: MutableMapping[str, Any], _receive: object, send: Send) -> None:
        """Answer a GET under /assets/ or /_dash-component-suites/."""
        if scope["method"] not in ("GET", "HEAD"):
            return await problem(405, "files are read with GET", headers=[(b"allow", b"GET, HEAD")]).send(send)
        path, fingerprinted = self._canonical(scope["path"])
        item = self._items.get(path)
        if item is None or item.mark != self._mark(path):
            item = await asyncio.to_thread(self._load, path)
        if item is None:
            return await problem(404, "no such file").send(send)
        versioned = fingerprinted or _asks_for(scope["query_string"], item.mark)
        await _answer(scope, send, item, FOREVER if versioned else ASK)

    def _canonical(self, path: str) -> tuple[str, bool]:
        """The path without the fingerprint Dash puts into it."""
        if path.startswith(ASSETS):
            return path, False
        clean, fingerprinted = check_fingerprint(path.removeprefix(SUITES))  # type: ignore[no-untyped-call]
        return SUITES + clean, fingerprinted

    def _file(self, path: str) -> Path | None:
        """The asset a path names, if it is inside the folder and no hidden file."""
        file = (self._assets / path.removeprefix(ASSETS)).resolve()
        inside = file.is_relative_to(self._assets) and not any(part.startswith(".") for part in file.relative_to(self._assets).parts)
        return file if inside and file.is_file() else None

    def _mark(self, path: str) -> tuple[int, int]:
        if not path.startswith(ASSETS):
            return (0, 0)
        try:
            stat = os.stat(self._assets / path.removeprefix(ASSETS))
        except (OSError, ValueError):
            return (-1, -1)
        return (int(stat.st_mtime), stat.st_size)

    def _load(self, path: str) -> Item | None:
        body = self._read(path)
        if body is None:
            return None
        digest = hashlib.blake2b(body, digest_size=12).hexdigest()
        item = Item(_media_type(path), f'"{digest}"'.encode(), {b"": body}, self._mark(path))
        for code in (b"br", b"gzip"):
            kept = self._kept(digest, code)
            if kept.exists():
                item.bodies[code] = kept.read_bytes()
        self._items[path] = item
        return item

    def _read(self, path: str) -> bytes | None:
        if path.startswith(ASSETS):
            file = self._file(path)
            return file.read_bytes() if file else None
        package, _, inner = path.removeprefix(SUITES).partition("/")
        if inner not in self._suites.get(package, ()):
            return None
        return pkgutil.get_data(package, inner)

    def _kept(self, digest: str, code: bytes) -> Path:
        return self._cache / f"{digest}.{code.decode()}"

    def _paths(self) -> list[str]:
        assets = [ASSETS + str(f.relative_to(self._assets)) for f in sorted(self._assets.rglob("*")) if f.is_file()]
        suites = [f"{SUITES}{package}/{inner}" for package, inners in self._suites.items() for inner in sorted(inners)]
        return assets + [path for path in suites if not path.endswith(".map")]

    async def _pack_all(self) -> None:
        for path in await asyncio.to_thread(self._paths):
            try:
                await asyncio.to_thread(self._pack, path)
            except OSError as full:  # a read-only or full disk costs compression of the next start, nothing else
                log.warning("compressed files cannot be kept in %s: %s", self._cache, full)

    def _pack(self, path: str) -> None:
        item = self._load(path)
        if item is None or not item.media_type.startswith(PACKED_TYPES) or len(item.bodies[b""]) < SMALL:
            return
        digest, body = item.etag.decode().strip('"'), item.bodies[b""]
        for code in (b"br", b"gzip"):
            if code not in item.bodies:
                item.bodies[code] = brotli.compress(body, quality=BROTLI_QUALITY) if code == b"br" else gzip.compress(body, 9, mtime=0)
                self._keep(self._kept(digest, code), item.bodies[code])

    def _keep(self, file: Path, body: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(f"{file.suffix}.{os.getpid()}")
        half.write_bytes(body)
        half.replace(file)  # another process may be reading: it sees the whole file or none


def _media_type(path: str) -> str:
    suffix = Path(path).suffix.lower()
    return TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def _asks_for(query: bytes, mark: tuple[int, int]) -> bool:
    """Whether the address names exactly this modification of the file, as Dash's own `?m=` does."""
    wanted = parse_qs(query.decode("latin-1")).get("m", [""])[0]
    return bool(wanted) and wanted.split(".")[0] == str(mark[0])


async def _answer(scope: MutableMapping[str, Any], send: Send, item: Item, caching: bytes) -> None:
    asked = dict(scope["headers"])
    accepted = {part.split(b";")[0].strip() for part in asked.get(b"accept-encoding", b"").split(b",")}
    code = next((c for c in (b"br", b"gzip") if c in accepted and c in item.bodies), b"")
    body = item.bodies[code]
    headers = [
        (b"content-type", item.media_type.encode()),
        (b"etag", item.etag),
        (b"vary", b"accept-encoding"),
        (b"cache-control", caching),
        (b"x-content-type-options", b"nosniff"),
    ]
    if item.etag in asked.get(b"if-none-match", b""):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        return await send({"type": "http.response.body", "body": b""})
    if code:
        headers.append((b"content-encoding", code))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
