"""What a warning of ours is in the Common Alerting Protocol: categories and scope by domain, severity and urgency by level."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class CapWords:
    """CAP's words for the warnings of a domain at a level."""

    category: tuple[str, ...]
    severity: str
    urgency: str
    restriction: str  # empty: anybody may read it


@cache
def _table() -> dict[str, dict[str, dict[str, object]]]:
    raw = tomllib.loads(files("data_sources").joinpath("notices.toml").read_text("utf-8"))
    return {kind: {str(row["key"]): row for row in rows} for kind, rows in raw.items()}


def cap_words(domain: str, level: str) -> CapWords:
    """The words for a domain at a level; a domain without a line of its own is Other, for everybody."""
    of_domain, of_level = _table()["domain"].get(domain, {}), _table()["level"][level]
    category = of_domain.get("category", ["Other"])
    assert isinstance(category, list)
    restriction = str(of_domain.get("restriction", ""))
    return CapWords(tuple(map(str, category)), str(of_level["severity"]), str(of_level["urgency"]), restriction)
