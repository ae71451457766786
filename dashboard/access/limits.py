"""The limits of signing in, from data_sources/access/limits.toml: one value, the newest row of each key that is in force."""

from __future__ import annotations

import tomllib
from collections.abc import Set
from dataclasses import dataclass, fields
from datetime import date, timedelta
from importlib.resources import files

from dashboard.core.errors import ConfigurationError

_FILE = "limits.toml"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Numbers, as the file has them."""

    password_length: int
    password_classes: int
    password_days: int
    password_past: int
    failures: int
    failures_address: int
    lock_min: int
    idle_min: int
    session_h: int
    step_min: int
    enrol_min: int
    token_days: int

    @property
    def lock(self) -> timedelta:
        """How long too many failures keep a name or an address out."""
        return timedelta(minutes=self.lock_min)

    @property
    def idle(self) -> timedelta:
        """How long a session lasts that nobody touches."""
        return timedelta(minutes=self.idle_min)

    @property
    def session(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(hours=self.session_h)


def load_limits(day: date, package: str = "data_sources") -> Limits:
    """The limits of a city day. Raises ConfigurationError for a number that is missing or unknown."""
    return Limits(**numbers(_FILE, {field.name for field in fields(Limits)}, day, package))


def numbers(file: str, known: Set[str], day: date, package: str = "data_sources") -> dict[str, int]:
    """The newest row of each key of a file that is in force. Raises ConfigurationError for a number that is missing or unknown."""
    rows = tomllib.loads(files(package).joinpath("access", file).read_text("utf-8"))["limit"]
    in_force = {row["key"]: int(row["value"]) for row in sorted(rows, key=_since) if _since(row) <= day.isoformat()}
    for key in known ^ in_force.keys():
        raise ConfigurationError(f"access/{file}", key, "missing" if key in known else "no such limit")
    return in_force


def _since(row: dict[str, object]) -> str:
    return str(row["valid_from"])
