"""The deployment's configuration: cockpit.toml, cockpit.d/*.toml (one per department) and the environment, as one checked value."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from dashboard.core.errors import ConfigurationError

_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """A department's database or service, and how to reach it."""

    key: str
    kind: str  # sql | gtfs | gtfs_rt | open311 | folder
    title: str
    department: str
    url: str  # may hold credentials: never logged, never shown; `safe_url` is for people
    timezone: str = "Asia/Shanghai"
    datum: str = "WGS84"  # WGS84 | GCJ-02 | BD-09 | CGCS2000
    connect_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(seconds=30)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def safe_url(self) -> str:
        """The address without its password."""
        return re.sub(r"://([^:/@]*):[^@]*@", r"://\1:***@", self.url)


@dataclass(frozen=True, kw_only=True)
class PullConfig:
    """One scheduled read of a source into one feed: our field = their expression."""

    key: str
    source: str
    into: str  # domain.feed
    table: str = ""
    query: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)  # metric = their expression: one row becomes several readings
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # field → their code → ours
    units: Mapping[str, str] = field(default_factory=dict)  # field or metric → "from->to", e.g. "ug/m3->mg/m3"
    key_fields: tuple[str, ...] = ()  # their columns that identify a row
    watermark: str = ""  # their column that only grows; empty: read everything each time
    lookback: timedelta = timedelta(minutes=10)
    interval: timedelta = timedelta(minutes=5)
    late_after: timedelta | None = None
    backfill: timedelta | None = None  # how far back the first pull reaches; None: everything
    timezone: str = ""  # overrides the source's
    datum: str = ""
    batch: int = 5000
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that differs between one deployment and another."""

    file: str
    home: Path  # where relative paths and var/ start
    store_url: str
    port: int
    host: str
    city: Mapping[str, Any]
    index: Mapping[str, Any]
    sources: Mapping[str, SourceConfig]
    pulls: Mapping[str, PullConfig]
    token_key: bytes  # secret for pseudonyms of personal fields


def duration(text: object, file: str, key: str) -> timedelta:
    """`30s`, `5m`, `1.5h`, `2d` as a timedelta."""
    match = _DURATION.match(str(text))
    if not match:
        raise ConfigurationError(file, key, f"{text!r} is not a duration", "write 30s, 5m, 2h or 1d")
    return timedelta(seconds=float(match[1]) * _UNIT[match[2]])


_SOURCE_DURATIONS = ("connect_timeout", "statement_timeout")
_PULL_DURATIONS = ("lookback", "interval", "late_after", "backfill")


def _known(raw: Mapping[str, Any], allowed: set[str], file: str, where: str) -> None:
    for key in raw:
        if key not in allowed:
            raise ConfigurationError(file, f"{where}.{key}", "unknown key", "known: " + ", ".join(sorted(allowed)))


def _source(key: str, raw: Mapping[str, Any], file: str, home: Path, environ: Mapping[str, str]) -> SourceConfig:
    where = f"source.{key}"
    names = {f for f in SourceConfig.__dataclass_fields__ if f != "key"} | {"url_env"}
    _known(raw, names, file, where)
    values: dict[str, Any] = {k: v for k, v in raw.items() if k != "url_env"}
    for name in _SOURCE_DURATIONS:
        if name in values:
            values[name] = duration(values[name], file, f"{where}.{name}")
    url = environ.get(str(raw.get("url_env", "")), "") or str(raw.get("url", ""))
    if not url:
        raise ConfigurationError(file, f"{where}.url_env", f"no address: {raw.get('url_env', 'url_env')} is not set", "set that environment variable, or url")
    values["url"] = local_sqlite(url, home)
    for needed in ("kind", "title", "department"):
        if needed not in values:
            raise ConfigurationError(file, f"{where}.{needed}", "missing")
    return SourceConfig(key=key, **values)


def _pull(key: str, raw: Mapping[str, Any], file: str, sources: Mapping[str, SourceConfig]) -> PullConfig:
    where = f"pull.{key}"
    values: dict[str, Any] = dict(raw)
    if "key" in values:
        values["key_fields"] = values.pop("key")
    _known(values, {f for f in PullConfig.__dataclass_fields__ if f != "key"}, file, where)
    for name in _PULL_DURATIONS:
        if name in values:
            values[name] = duration(values[name], file, f"{where}.{name}")
    keys = values.get("key_fields", ())
    values["key_fields"] = (keys,) if isinstance(keys, str) else tuple(keys)
    for needed in ("source", "into"):
        if needed not in values:
            raise ConfigurationError(file, f"{where}.{needed}", "missing")
    if values["source"] not in sources:
        raise ConfigurationError(file, f"{where}.source", f"no source {values['source']!r}", "known: " + ", ".join(sorted(sources)))
    return PullConfig(key=key, **values)


def local_sqlite(url: str, home: Path) -> str:
    """A relative SQLite address, made absolute from the home folder."""
    match = re.match(r"^sqlite(\+\w+)?:///(?!/)(.+)$", url)
    return f"sqlite:///{(home / match[2]).resolve()}" if match else url


def load_settings(path: str | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read cockpit.toml (COCKPIT_CONFIG) and the environment.

    Raises ConfigurationError naming file and key.
    """
    config = Path(path or environ.get("COCKPIT_CONFIG", "cockpit.toml")).resolve()
    file = config.name
    raw = _toml(config)
    _known(raw, {"city", "store", "index", "source", "pull", "web"}, file, "top level")
    home = Path(environ.get("COCKPIT_HOME", config.parent)).resolve()
    parts = [(file, raw)] + [(f"cockpit.d/{p.name}", _toml(p)) for p in sorted(config.parent.glob("cockpit.d/*.toml"))]
    for name, part in parts[1:]:
        _known(part, {"source", "pull"}, name, "top level")
    sources = {k: _source(k, v, name, home, environ) for name, part in parts for k, v in part.get("source", {}).items()}
    store = environ.get("COCKPIT_STORE_URL") or str(raw.get("store", {}).get("url", "sqlite:///var/store.db"))
    web = raw.get("web", {})
    return Settings(
        file=file,
        home=home,
        store_url=local_sqlite(store, home),
        port=int(environ.get("PORT", web.get("port", 8050))),
        host=environ.get("HOST", str(web.get("host", "127.0.0.1"))),
        city=raw.get("city", {}),
        index=raw.get("index", {}),
        sources=sources,
        pulls={k: _pull(k, v, name, sources) for name, part in parts for k, v in part.get("pull", {}).items()},
        token_key=environ.get("COCKPIT_TOKEN_KEY", "").encode() or _local_key(home),
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as missing:
        raise ConfigurationError(str(path), "-", "file not found", "run from the project folder or set COCKPIT_CONFIG") from missing
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigurationError(path.name, "-", f"not valid TOML: {wrong}") from wrong


def _local_key(home: Path) -> bytes:
    """A secret of this machine's own, made once, readable by its owner only."""
    path = home / "var" / "token.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(os.urandom(32))
    return path.read_bytes()
