"""docs/security.md names tests that exist, for every flow of the architecture."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)


def test_every_test_it_names_exists() -> None:
    missing = []
    for file, name in NAMED:
        place = ROOT / file
        if not place.exists() or (name and not re.search(rf"^(async )?def {name}\(", place.read_text("utf-8"), re.M)):
            missing.append(f"{file}::{name}")
    assert missing == [] and len(NAMED) > 40


def test_every_row_of_the_threats_has_its_test() -> None:
    table = TEXT.split("## Threats by flow")[1].split("## The audit log")[0]
    rows = [line for line in table.splitlines() if re.match(r"^\|[^|]*\| [STRIDE] \|", line)]
    assert len(rows) > 40 and [row for row in rows if "`tests/" not in row] == []


def test_all_six_kinds_of_threat_are_thought_of() -> None:
    assert set(re.findall(r"^\|[^|]*\| ([STRIDE]) \|", TEXT, re.M)) == set("STRIDE")
