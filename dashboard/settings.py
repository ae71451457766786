"""The deployment's configuration: cockpit.toml, cockpit.d/*.toml (one per department) and the environment, as one checked value."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from dashboard.access_settings import load_access
from dashboard.core.doors import Access
from dashboard.core.duty import Notify
from dashboard.core.errors import ConfigurationError
from dashboard.core.playbooks import Outbox
from dashboard.notify_settings import load_notify
from dashboard.outbox_settings import load_outbox

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """A department's database or service, and how to reach it."""

    key: str
    kind: str  # sql | gtfs | gtfs_rt | open311 | folder
    title: str
    department: str
    url: str  # may hold credentials: never logged, never shown; `safe_url` is for people. Empty where `unset` says why
    unset: str = ""  # the environment variable that should hold the address and does not: this source is down, the others go on
    timezone: str = "Asia/Shanghai"
    datum: str = "WGS84"  # WGS84 | GCJ-02 | BD-09 | CGCS2000
    connect_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(seconds=30)
    options: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""  # where it is written, for messages

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
    reconcile: timedelta | None = None  # how often our keys are held against theirs; None: as pull/reconcile.py says, zero: never
    timezone: str = ""  # overrides the source's
    datum: str = ""
    batch: int = 5000
    options: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""  # where it is written, for messages


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
    audit_key: bytes = b""  # secret that seals the audit log
    notify: Notify = field(default_factory=Notify)  # who is told of alerts, and how
    outboxes: Mapping[str, Outbox] = field(default_factory=dict)  # where departments take work orders
    access: Access = field(default_factory=Access)  # how people come in
    proxies: tuple[Network, ...] = ()  # whose word is taken on who a request is from


def duration(text: object, file: str, key: str) -> timedelta:
    """`30s`, `5m`, `1.5h`, `2d` as a timedelta."""
    match = _DURATION.match(str(text))
    if not match:
        raise ConfigurationError(file, key, f"{text!r} is not a duration", "write 30s, 5m, 2h or 1d")
    return timedelta(seconds=float(match[1]) * _UNIT[match[2]])


_SOURCE_DURATIONS = ("connect_timeout", "statement_timeout")
_PULL_DURATIONS = ("lookback", "interval", "late_after", "backfill", "reconcile")
_NOT_ZERO = ("connect_timeout", "statement_timeout", "interval", "late_after", "backfill", "reconcile")
_OURS = {"key", "file", "unset"}  # filled in here, never by a file
_TEXTS = ("kind", "title", "department", "url", "url_env", "timezone", "datum", "source", "into", "table", "query", "watermark")
_TABLES = ("fields", "metrics", "units", "codes", "options")
_OF_TEXTS = ("fields", "metrics", "units")


def _known(raw: Mapping[str, Any], allowed: set[str], file: str, where: str) -> None:
    for key in raw:
        if key not in allowed:
            raise ConfigurationError(file, f"{where}.{key}", "unknown key", "known: " + ", ".join(sorted(allowed)))


def _shaped(raw: Mapping[str, Any], file: str, where: str) -> None:
    """Each value is of the kind its key wants."""
    for name, value in raw.items():
        if name in _TEXTS and not isinstance(value, str):
            raise ConfigurationError(file, f"{where}.{name}", f"{value!r} is not a text", "put it in quotes")
        if name in _TABLES and not isinstance(value, dict):
            raise ConfigurationError(file, f"{where}.{name}", f"{value!r} is not a table", f"write {name} = {{ ours = … }}")
        for inner, text in value.items() if name in _OF_TEXTS else ():
            if not isinstance(text, str):
                raise ConfigurationError(file, f"{where}.{name}.{inner}", f"{text!r} is not a text", "put it in quotes")
        for inner, table in value.items() if name == "codes" else ():
            if not isinstance(table, dict) or not all(isinstance(ours, str) for ours in table.values()):
                advice = f'write codes.{inner} = {{ "theirs" = "ours" }}'
                raise ConfigurationError(file, f"{where}.codes.{inner}", "is not a table of codes", advice)
    batch = raw.get("batch", 1)
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise ConfigurationError(file, f"{where}.batch", f"{batch!r} is not a number of rows", "write 1 or more; 5000 is usual")


def _durations(values: dict[str, Any], names: tuple[str, ...], file: str, where: str) -> None:
    for name in names:
        if name in values:
            values[name] = duration(values[name], file, f"{where}.{name}")
            if name in _NOT_ZERO and not values[name]:
                raise ConfigurationError(file, f"{where}.{name}", "must be longer than nothing", "write 30s, 5m, 2h or 1d")


def _source(key: str, raw: Mapping[str, Any], file: str, home: Path, environ: Mapping[str, str]) -> SourceConfig:
    where = f"source.{key}"
    names = {f for f in SourceConfig.__dataclass_fields__ if f not in _OURS} | {"url_env"}
    _known(raw, names, file, where)
    _shaped(raw, file, where)
    values: dict[str, Any] = {k: v for k, v in raw.items() if k != "url_env"}
    _durations(values, _SOURCE_DURATIONS, file, where)
    variable = str(raw.get("url_env", ""))
    url = environ.get(variable, "") or str(raw.get("url", ""))
    if not url and not variable:
        raise ConfigurationError(file, f"{where}.url_env", "no address", "name the environment variable that holds it, or write url")
    values |= {"url": local_sqlite(url, home), "unset": "" if url else variable}
    _place_files(values, home)
    for needed in ("kind", "title", "department"):
        if needed not in values:
            raise ConfigurationError(file, f"{where}.{needed}", "missing")
    return SourceConfig(key=key, file=file, **values)


_FILES = ("gtfs", "gtfs_rt", "folder")


def _place_files(values: dict[str, Any], home: Path) -> None:
    """Relative paths of a source that is files, made absolute from the home folder."""
    if values.get("kind") not in _FILES:
        return
    values["url"] = local_file(values["url"], home)
    if "schedule" in values.get("options", {}):
        values["options"] = {**values["options"], "schedule": local_file(str(values["options"]["schedule"]), home)}


def local_file(url: str, home: Path) -> str:
    """A bare relative path, made absolute from the home folder."""
    return url if not url or "://" in url else str((home / url).resolve())


def _pull(key: str, raw: Mapping[str, Any], file: str, sources: Mapping[str, SourceConfig]) -> PullConfig:
    where = f"pull.{key}"
    _known(raw, {f for f in PullConfig.__dataclass_fields__ if f not in _OURS | {"key_fields"}} | {"key"}, file, where)
    _shaped(raw, file, where)
    values: dict[str, Any] = {k: v for k, v in raw.items() if k != "key"}
    never = values.get("reconcile") == "off" and values.pop("reconcile")
    _durations(values, _PULL_DURATIONS, file, where)
    values |= {"reconcile": timedelta(0)} if never else {}
    values["key_fields"] = _key_columns(raw.get("key", ()), file, where)
    for needed in ("source", "into"):
        if needed not in values:
            raise ConfigurationError(file, f"{where}.{needed}", "missing")
    if values["source"] not in sources:
        raise ConfigurationError(file, f"{where}.source", f"no source {values['source']!r}", "known: " + ", ".join(sorted(sources)))
    return PullConfig(key=key, file=file, **values)


def _key_columns(given: Any, file: str, where: str) -> tuple[str, ...]:
    columns = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if not all(isinstance(column, str) and column for column in columns):
        advice = 'write key = "编号" or key = ["编号", "时间"]'
        raise ConfigurationError(file, f"{where}.key", f"{given!r} is not a column or a list of columns", advice)
    return columns


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
    _known(raw, {"city", "store", "index", "source", "pull", "web", "notify", "outbox", "access"}, file, "top level")
    home = Path(environ.get("COCKPIT_HOME", config.parent)).resolve()
    parts = [(file, raw)] + [(f"cockpit.d/{p.name}", _toml(p)) for p in sorted(config.parent.glob("cockpit.d/*.toml"))]
    for name, part in parts[1:]:
        _known(part, {"source", "pull", "notify", "outbox"}, name, "top level")
    sources = {k: _source(k, v, name, home, environ) for k, (name, v) in _gathered(parts, "source").items()}
    store = environ.get("COCKPIT_STORE_URL") or str(raw.get("store", {}).get("url", "sqlite:///var/store.db"))
    web = raw.get("web", {})
    return Settings(
        file=file,
        home=home,
        store_url=local_sqlite(store, home),
        port=_port(environ.get("PORT") or web.get("port", 8050), "PORT" if environ.get("PORT") else file),
        host=environ.get("HOST", str(web.get("host", "127.0.0.1"))),
        city=raw.get("city", {}),
        index=raw.get("index", {}),
        sources=sources,
        pulls={k: _pull(k, v, name, sources) for k, (name, v) in _gathered(parts, "pull").items()},
        token_key=environ.get("COCKPIT_TOKEN_KEY", "").encode() or _local_key(home, "token.key"),
        audit_key=environ.get("COCKPIT_AUDIT_KEY", "").encode() or _local_key(home, "audit.key"),
        notify=_notify(parts, environ),
        outboxes=_outboxes(parts, sources, home, environ),
        access=load_access(raw.get("access", {}), file, environ),
        proxies=_proxies(environ.get("COCKPIT_PROXIES", "").replace(",", " ").split() or web.get("proxies", ()), file),
    )


def _outboxes(
    parts: list[tuple[str, dict[str, Any]]], sources: Mapping[str, SourceConfig], home: Path, environ: Mapping[str, str]
) -> dict[str, Outbox]:
    zones = {key: source.timezone for key, source in sources.items()}
    made = (load_outbox(key, raw, name, zones, environ) for key, (name, raw) in _gathered(parts, "outbox").items())
    return {outbox.key: replace(outbox, url=local_sqlite(outbox.url, home)) for outbox in made}


def _notify(parts: list[tuple[str, dict[str, Any]]], environ: Mapping[str, str]) -> Notify:
    """`[notify]` of whichever file has it; two of them would tell people by halves."""
    having = [(file, part["notify"]) for file, part in parts if "notify" in part]
    if len(having) > 1:
        raise ConfigurationError(having[1][0], "notify", f"is already in {having[0][0]}", "put both into one file")
    file, raw = having[0] if having else (parts[0][0], {})
    return load_notify(raw, file, environ, duration)


def _gathered(parts: list[tuple[str, dict[str, Any]]], kind: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every source, or every pull, of all files, with the file it is in. A name used twice would silently lose one of them."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for file, part in parts:
        group = part.get(kind, {})
        if not isinstance(group, dict):
            raise ConfigurationError(file, kind, "is not a table", f"write [{kind}.<key>]")
        for key, raw in group.items():
            if not isinstance(raw, dict):
                raise ConfigurationError(file, f"{kind}.{key}", f"{raw!r} is not a table", f"write [{kind}.{key}]")
            if key in found:
                raise ConfigurationError(file, f"{kind}.{key}", f"is already in {found[key][0]}", "give one of them another key")
            found[key] = (file, raw)
    return found


def _port(given: object, where: str) -> int:
    if not str(given).isdecimal() or int(str(given)) > 65_535:
        raise ConfigurationError(where, "web.port", f"{given!r} is not a port", "write a number up to 65535")
    return int(str(given))


def _proxies(given: Sequence[str], file: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(one) for one in given)
    except ValueError as wrong:
        raise ConfigurationError(file, "web.proxies", str(wrong), 'write proxies = ["127.0.0.1"] or a network as 10.1.0.0/16') from wrong


def _toml(path: Path) -> dict[str, Any]:
    name = f"{path.parent.name}/{path.name}" if path.parent.name == "cockpit.d" else path.name
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # editors of some desks put a mark in front
    except FileNotFoundError as missing:
        raise ConfigurationError(str(path), "-", "file not found", "run from the project folder or set COCKPIT_CONFIG") from missing
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigurationError(name, "-", f"not valid TOML: {wrong}") from wrong
    except UnicodeDecodeError as wrong:
        raise ConfigurationError(name, "-", f"not UTF-8 at byte {wrong.start}", "save it as UTF-8") from wrong


def _local_key(home: Path, name: str) -> bytes:
    """A secret of this machine's own, made once, readable by its owner only."""
    path = home / "var" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as out:
            out.write(os.urandom(32))
        with contextlib.suppress(FileExistsError):  # another process was quicker: its key is everybody's
            os.link(made, path)  # whole or not at all: half a key would be another key
        os.unlink(made)
    return path.read_bytes()
