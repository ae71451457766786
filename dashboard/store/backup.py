"""Backups: the whole store as of one moment in one file, and back again, compared row by row.

An archive is a tar of `manifest.json` (signed with the audit key), the store itself and `audit-head`. Keys are not in it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy as sa

from dashboard import __version__
from dashboard.core.errors import ConfigurationError, NotNowError
from dashboard.core.times import iso
from dashboard.store import backup_postgresql, backup_sqlite
from dashboard.store.audit_check import head_file
from dashboard.store.audit_log import note_action, sealed
from dashboard.store.engine import writing
from dashboard.store.lease import nobody_works
from dashboard.store.migrate import known_steps, revision, safe_address

_MANIFEST, _HEAD = "manifest.json", "audit-head"
_FORMAT = 1
_NAMES = "cockpit-*.tar"
_PIECE = 1 << 20
Counted = Mapping[str, tuple[int, str]]  # table → rows, and a hash over all of them


class Kind(Protocol):
    """What each database does in its own way."""

    @property
    def PAYLOAD(self) -> str:
        """The name of the file it writes."""

    def take(self, engine: sa.Engine, file: Path) -> Counted:
        """Write the store as of one moment into a file; what was in it at that moment."""

    def put(self, engine: sa.Engine, file: Path, tables: Counted) -> None:
        """Make an empty store what the file holds. Raises NotNowError unless it is then exactly that."""

    def is_empty(self, engine: sa.Engine) -> bool:
        """Whether there is nothing in the store that could be lost."""


_KINDS: Mapping[str, Kind] = {"sqlite": backup_sqlite, "postgresql": backup_postgresql}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an archive says of itself."""

    format: int
    version: str
    database: str
    revision: str
    at: str
    sha256: str  # of the payload
    tables: Counted

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(rows for rows, _ in self.tables.values())


def backup(engine: sa.Engine, key: bytes, home: Path, folder: Path, now: datetime, keep: int = 0) -> Path:
    """Write an archive of the store into a folder, and let go of all but the newest `keep`; 0: keep all."""
    kind = _KINDS[engine.dialect.name]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"cockpit-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"
    with tempfile.TemporaryDirectory(dir=folder) as place:
        payload = Path(place) / kind.PAYLOAD
        with engine.connect() as conn:
            at_step = revision(conn) or ""
        tables = kind.take(engine, payload)
        manifest = Manifest(
            format=_FORMAT,
            version=__version__,
            database=engine.dialect.name,
            revision=at_step,
            at=iso(now),
            sha256=_sum(payload),
            tables=tables,
        )
        half = _packed(Path(place), payload, _signed(manifest, key), home)
        half.replace(target)
    for old in sorted(folder.glob(_NAMES))[: -keep if keep else 0]:
        old.unlink()
    return target


def restore(engine: sa.Engine, key: bytes, home: Path, archive: Path, now: datetime) -> Manifest:
    """Make an empty store what an archive holds, and compare every table.

    Raises NotNowError, in words, while a worker is at work, for a store that is not empty, and for an archive that is not ours,
    broken, of another database, or of a newer release.
    """
    kind = _KINDS[engine.dialect.name]
    with nobody_works(engine), tempfile.TemporaryDirectory(dir=archive.parent) as place:
        manifest = _unpacked(archive, Path(place), key)
        _refuse(manifest, engine, kind)
        payload = Path(place) / kind.PAYLOAD
        if _sum(payload) != manifest.sha256:
            raise NotNowError(f"{archive.name} is broken: the store in it is not the one its manifest tells of")
        kind.put(engine, payload, manifest.tables)
        _put_head(Path(place) / _HEAD, head_file(home), now)
    with writing(engine).begin() as conn:
        note_action(conn, actor="operator", action="store.restore", about=archive.name, detail=f"as of {manifest.at}", now=now)
    return manifest


def read_manifest(archive: Path, key: bytes) -> Manifest:
    """What an archive says of itself. Raises NotNowError for one that is broken or not ours."""
    try:
        with tarfile.open(archive) as tar, _member(tar, _MANIFEST) as file:
            signed = json.loads(file.read())
        raw, mac = signed["manifest"], signed["mac"]
        manifest = Manifest(**{**raw, "tables": {name: (rows, digest) for name, (rows, digest) in raw["tables"].items()}})
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise NotNowError(f"{archive.name} is no backup of this product, or broken: {wrong}") from wrong
    if not hmac.compare_digest(str(mac), sealed(key, [raw])):
        raise NotNowError(
            f"{archive.name} was changed, or made with another audit key: set COCKPIT_AUDIT_KEY or var/audit.key as it was then"
        )
    return manifest


def _refuse(manifest: Manifest, engine: sa.Engine, kind: Kind) -> None:
    if manifest.format != _FORMAT or manifest.revision not in known_steps():
        raise NotNowError(f"the backup is of release {manifest.version}, step {manifest.revision}: this release, {__version__}, is older")
    if manifest.database != engine.dialect.name:
        raise NotNowError(f"the backup is of a store on {manifest.database}, this one is on {engine.dialect.name}")
    if not kind.is_empty(engine):
        raise ConfigurationError("store", safe_address(engine), "is not empty", "move it away, or give another COCKPIT_STORE_URL")


# ---- the archive
def _signed(manifest: Manifest, key: bytes) -> bytes:
    raw = json.loads(json.dumps(asdict(manifest)))  # tuples as they are read again
    return json.dumps({"manifest": raw, "mac": sealed(key, [raw])}, ensure_ascii=False, indent=1).encode()


def _packed(place: Path, payload: Path, manifest: bytes, home: Path) -> Path:
    (place / _MANIFEST).write_bytes(manifest)
    half = place / "half.tar"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it holds everything: for its owner only
    with os.fdopen(descriptor, "wb") as out, tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(place / _MANIFEST, _MANIFEST)
        tar.add(payload, payload.name)
        if head_file(home).exists():
            tar.add(head_file(home), _HEAD)
    return half


def _unpacked(archive: Path, place: Path, key: bytes) -> Manifest:
    manifest = read_manifest(archive, key)
    with tarfile.open(archive) as tar:
        for name in (_KINDS[manifest.database].PAYLOAD, _HEAD) if manifest.database in _KINDS else ():
            if name in tar.getnames():
                with _member(tar, name) as file, (place / name).open("wb") as out:
                    while piece := file.read(_PIECE):
                        out.write(piece)
    return manifest


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)  # read by name, never unpacked: an archive cannot write anywhere
    if file is None:
        raise KeyError(name)
    return file


def _sum(file: Path) -> str:
    if not file.exists():
        return ""
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def _put_head(kept: Path, ours: Path, now: datetime) -> None:
    """What was written down of the audit log since is of a store that is no more: put aside, not thrown away."""
    if ours.exists():
        ours.replace(ours.with_name(f"{ours.name}.until-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"))
    if kept.exists():
        ours.parent.mkdir(parents=True, exist_ok=True)
        ours.write_bytes(kept.read_bytes())
