"""The vital systems as rows, tiles and tabs: index, word, worst alert, two lines and the day's curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.core.configured import Published
from dashboard.core.declare import Level, Vital
from dashboard.snapshot.alerts import Alert, width
from dashboard.snapshot.figures import Cell, cell, shown_kpis
from dashboard.snapshot.part import IN_PART
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.shapes import Spark, spark
from dashboard.snapshot.view import View
from dashboard.snapshot.words import grade_word, number, say

_SHORT = 9.5  # characters a line of a vital system holds beside its unit
LEVELS = tuple(level.value for level in sorted(Level, key=lambda level: -level.severity))


@dataclass(frozen=True, kw_only=True)
class VitalBody:
    """A vital system in a row, tile or tab."""

    key: str
    css: str
    title: str
    subtitle: str
    path: str
    index: str
    value: float | None
    grade: str | None
    word: str
    weak: bool
    unlinked: bool
    mark: str  # level to underline the word with: an alert stands behind the weakness
    worst: str  # worst open level
    lines: list[Cell]
    line: Spark | None


def vitals(picture: Picture, view: View) -> dict[str, Any]:
    """All eight, in order."""
    return {"vitals": [vital_body(picture, v, view) for v in picture.catalog.vitals.values()], "query": query_of(view)}


def nav(picture: Picture, view: View) -> dict[str, Any]:
    """The tabs: index and worst level, without lines."""
    return {"vitals": tabs(picture, view), "query": query_of(view)}


def tabs(picture: Picture, view: View) -> list[VitalBody]:
    """All eight in brief."""
    return [vital_body(picture, v, view, lines=0, with_line=False) for v in picture.catalog.vitals.values()]


def vital_body(picture: Picture, v: Vital, view: View, *, lines: int = 2, with_line: bool = True) -> VitalBody:
    """One vital system for a view's scope."""
    row = picture.figure(f"vital.{v.key}", view.scope)
    value = row.value if row else None
    there = linked(picture, v.key)
    worst = worst_level([a for a in picture.alerts if a.vital == v.key and a.stands and view.scope.holds(a.street)])
    grade = row.grade if row else None
    return VitalBody(
        key=v.key,
        css=v.css,
        title=v.title(view.lang),
        subtitle=v.subtitle(view.lang),
        path=v.path,
        index=number(value, 0),
        value=value,
        grade=grade,
        word=_word(picture, v, grade, there, view.lang),
        weak=is_weak(grade),
        unlinked=not there,
        mark=worst if is_weak(grade) else "",
        worst=worst,
        lines=_lines(picture, v.key, view, lines, there),
        line=_day(picture, f"vital.{v.key}", view) if there and with_line else None,
    )


def _word(picture: Picture, v: Vital, grade: str | None, there: bool, lang: str) -> str:
    if not there:
        return say(lang, "未接入", "Not linked")
    return IN_PART(lang) if picture.withheld(f"vital.{v.key}") else grade_word(grade, lang)


def is_weak(grade: str | None) -> bool:
    """Known, and below what counts as well."""
    return grade in ("fair", "poor")


def _day(picture: Picture, key: str, view: View) -> Spark:
    return spark(picture.line(key, view.scope), picture.band(key, view.scope), floor_span=6)


def _lines(picture: Picture, vital: str, view: View, count: int, there: bool) -> list[Cell]:
    if there:
        return [cell(picture, key, view.scope, view.lang, with_line=False) for key in shown_kpis(picture, vital, view.scope)[:count]]
    short = [p for p in published_of(picture, vital) if width(p.title(view.lang)) + width(p.value) <= _SHORT]
    return [published_cell(picture, p, view.lang) for p in short[:count]]


def linked(picture: Picture, vital: str) -> bool:
    """Whether any department's data stands behind a vital system."""
    return any(f"{d.key}.{f.key}" in picture.feeds for d in picture.catalog.of_vital(vital) for f in d.feeds)


def published_of(picture: Picture, vital: str) -> list[Published]:
    """The figures documents published about a vital system."""
    return [p for p in picture.catalog.published if p.vital == vital]


def published_cell(picture: Picture, p: Published, lang: str) -> Cell:
    """A published figure: never passed off as live."""
    note = say(lang, f"公报值，{p.period(lang)}", f"published, {p.period(lang)}")
    return Cell(key="", title=p.title(lang), value=p.value, unit=p.unit(lang), fresh=picture.fresh_of(()), note=note)


def worst_level(alerts: Sequence[Alert]) -> str:
    """The worst level among alerts; '' for none."""
    return max((a.level for a in alerts), key=lambda level: Level(level).severity, default="")


def query_of(view: View) -> str:
    """The address part a link to another page carries: scope, moment and language stay, page filters go."""
    kept = [f"scope={view.scope.key}"] if view.picked else []
    kept += ["lang=en"] if view.lang == "en" else []
    kept += [f"at={view.as_of:%Y%m%dT%H%M%SZ}"] if view.as_of else []
    return "?" + "&".join(kept) if kept else ""
