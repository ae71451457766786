"""A limit or a parameter out of the rule configuration, for KPIs that count what is beyond it: count and alert never disagree."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from dashboard.city import Level


@cache
def _values(domain: str, table: str) -> dict[tuple[str, ...], float]:
    text = files("data_sources").joinpath("thresholds", f"{domain}.toml").read_text("utf-8")
    # A later row of the same rule and level is the newer version of it.
    return {
        (row["rule"], *([row["name"]] if table == "parameter" else []), row.get("level", "")): float(row["value"])
        for row in tomllib.loads(text).get(table, [])
    }


def limit(rule: str, level: Level) -> float:
    """The value at which a rule (`domain.rule`) reaches a level; KeyError if it has no such level."""
    return _values(rule.partition(".")[0], "threshold")[rule, level.value]


def parameter(rule: str, name: str, level: str = "") -> float:
    """A number a rule or a derived metric works with, and of which level where it belongs to one; KeyError if there is none."""
    return _values(rule.partition(".")[0], "parameter")[rule, name, level]
