"""What a trial of a source found, as values and as printable text."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass, field


@dataclass
class Finding:
    """Something the reader should know: a sentence, and what to do about it."""

    grade: str  # ok | note | wrong
    sentence: str
    advice: str = ""


@dataclass
class PullReport:
    """One pull against its source."""

    pull: str
    into: str
    findings: list[Finding] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def say(self, grade: str, sentence: str, advice: str = "") -> None:
        self.findings.append(Finding(grade, sentence, advice))


@dataclass
class Report:
    """A source and the pulls that were tried on it."""

    source: str
    title: str
    address: str
    connection: list[Finding] = field(default_factory=list)
    pulls: list[PullReport] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing is wrong; notes are no fault."""
        return all(f.grade != "wrong" for f in itertools.chain(self.connection, *(p.findings for p in self.pulls)))

    def __str__(self) -> str:
        lines = [f"source {self.source} · {self.title} · {self.address}", *map(_line, self.connection)]
        for pull in self.pulls:
            lines += ["", f"pull {pull.pull} → {pull.into}", *map(_line, pull.findings)]
            if pull.rows:
                lines += ["  first rows as we read them:", *_table(pull.names, pull.rows)]
        return "\n".join(lines)


_SIGNS = {"ok": "✓", "note": "·", "wrong": "✗"}


def _line(finding: Finding) -> str:
    return f"  {_SIGNS[finding.grade]} {finding.sentence}" + (f"\n      → {finding.advice}" if finding.advice else "")


def _table(names: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(_width(cell) for cell in column) for column in zip(names, *rows, strict=True)]
    return ["    " + "  ".join(c + " " * (w - _width(c)) for c, w in zip(row, widths, strict=True)).rstrip() for row in [names, *rows]]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
