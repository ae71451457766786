"""What a reader hands over: a stretch of a source's rows by our field names, and where to resume once they are safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from typing import Any, Protocol, TypeAlias

from dashboard.core.declare import Text
from dashboard.pull.mapping import Plan

Cursor: TypeAlias = dict[str, Any]  # kept as JSON in pull_state.watermark


class Unfit(ValueError):
    """A value that cannot be read, and why, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        self.reason = Text(zh, en)
        super().__init__(en)


@dataclass(frozen=True)
class Problem:
    """Why a value or a row cannot be used: a code for counting, a sentence for people."""

    code: str  # missing | type | range | date | place | duplicate | code | too_big | clean
    reason: Text

    @staticmethod
    def raised(code: str, wrong: Exception) -> Problem:
        """The problem an error tells of; a domain's own `clean` tells it in one language."""
        said = str(wrong) or type(wrong).__name__
        return Problem(code, wrong.reason if isinstance(wrong, Unfit) else Text(said, said))

    def of(self, name: str) -> Problem:
        """The same about a field."""
        return Problem(self.code, Text(f"{name}：{self.reason.zh}", f"{name}: {self.reason.en}"))


MISSING = Text("没有值", "missing")


@dataclass(frozen=True)
class Reject:
    """A row (or one metric of a row) that does not fit."""

    source_key: str
    problem: Problem
    row: dict[str, Any]


@dataclass(frozen=True)
class Keys(Sequence[tuple[Any, ...]]):
    """Keys column by column: most are counted and never looked at."""

    columns: list[list[Any]]
    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, row: Any) -> Any:
        return tuple(column[row] for column in self.columns)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True) if self.columns else repeat((), self.size)


@dataclass
class Batch:
    """Rows column by column, values raw as the source gave them, oldest first."""

    columns: dict[str, list[Any]]
    keys: Sequence[tuple[Any, ...]]  # their key of each row
    cursor: Cursor | None = None  # safe to resume from once these rows are stored; None: no change
    newest: datetime | None = None  # the newest moment among the watermarks, where the watermark is a time
    rejects: list[Reject] = field(default_factory=list)  # what the reader itself could not use
    problems: dict[int, Problem] = field(default_factory=dict)  # rows the reader emptied, such as one that is too big
    history: bool = False  # older than the newest stretch, which is in: what is stored already came later and stands
    messages: list[int] = field(default_factory=list)  # which message each row came in, where a batch holds several

    def __len__(self) -> int:
        return len(self.keys)

    def is_update(self, earlier: int, later: int) -> bool:
        """Whether a row follows another of its key rather than contradicts it: it came in a message of its own."""
        return bool(self.messages) and self.messages[earlier] != self.messages[later]

    def row(self, index: int) -> dict[str, Any]:
        """One row by our field names."""
        return {name: values[index] for name, values in self.columns.items()}


class Reader(Protocol):
    """One kind of source."""

    def __call__(self, plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
        """Everything from the cursor on, in batches. Raises SourceError."""


def from_rows(plan: Plan, rows: list[dict[str, Any]]) -> Batch:
    """A batch of rows given by the source's own names, for readers that do not speak SQL."""
    columns = {name: [plan.pick(expression, row) for row in rows] for name, expression in plan.expressions.items()}
    keys = [tuple(plan.pick(part, row) for part in plan.key) for row in rows]
    return Batch(columns, keys)


def joined(batches: Sequence[Batch]) -> Batch:
    """Several messages as one batch, which resumes where the last of them does."""
    if len(batches) == 1:
        return batches[0]
    whole = Batch(
        {name: [cell for b in batches for cell in b.columns[name]] for name in batches[0].columns},
        [key for b in batches for key in b.keys],
        cursor=batches[-1].cursor,
    )
    whole.rejects = [reject for b in batches for reject in b.rejects]
    whole.messages = [number for number, b in enumerate(batches) for _ in range(len(b))]
    return whole


def key_text(key: tuple[Any, ...]) -> str:
    """A source's key as one text."""
    return "|".join("" if part is None else str(part) for part in key)
