"""A street's page: how each system stands in it beside the district and the other streets, and what is at risk in it."""

from __future__ import annotations

from typing import Any

from dashboard.core.places import streets
from dashboard.core.scope import Scope
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.cases import CaseTable, case_tables, in_words, known_assets, matters
from dashboard.snapshot.part import open_streets
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.readings import ranked_assets, shown_rows
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import linked, query_of, vital_body
from dashboard.snapshot.words import listed, moment, number, say, together

_ASSETS, _MATTERS = 16, 20


def head(picture: Picture, view: View) -> dict[str, Any]:
    """Which street, what is open in it, and the others to go to."""
    lang, chosen = view.lang, view.scope.streets
    names = [street_name(s, lang) for s in chosen if street_name(s, lang)]
    opened = len(picture.open_in(view))
    return {
        "title": listed(lang, names) if names else say(lang, "街道", "Streets"),
        "subtitle": together(lang, (say(lang, f"未闭环预警{opened}条", f"{opened} open alerts"), _assets_words(picture, view))),
        "chosen": bool(names),
        "streets": [{"code": s.code, "name": s.title(lang), "on": s.code in chosen} for s in open_streets(view)],
    }


def _assets_words(picture: Picture, view: View) -> str:
    many = sum(len(ranked_assets(picture, view, vital)) for vital in picture.catalog.vitals)
    return say(view.lang, f"在测设施{many}项", f"{many} assets watched")


def systems(picture: Picture, view: View) -> dict[str, Any]:
    """Each system's index in the street, in the district, and the street's place among all."""
    return {"rows": [_system(picture, view, key) for key in picture.catalog.vitals], "query": query_of(view)}


def _system(picture: Picture, view: View, key: str) -> dict[str, Any]:
    whole = picture.figure(f"vital.{key}", Scope())
    return {
        "vital": vital_body(picture, picture.catalog.vitals[key], view, lines=0),
        "district": number(whole.value if whole and linked(picture, key) else None, 0),
        "rank": _rank(picture, f"vital.{key}", view.scope.key),
        "open": len(picture.open_in(view, key)),
    }


def _rank(picture: Picture, key: str, street: str) -> str:
    """The street's place by index, the best first."""
    values = {s.code: row.value for s in streets() if (row := picture.figures.get((key, s.code))) and row.value is not None}
    return f"{1 + sum(v > values[street] for v in values.values())}/{len(values)}" if street in values and len(values) > 1 else ""


def matters_open(picture: Picture, view: View) -> dict[str, Any]:
    """What is open in the street with every department, the newest first."""
    lang = view.lang
    tables = [of for domain in picture.catalog.domains.values() for of in case_tables(domain)]
    opened = [(row, of) for of in tables for row in matters(picture, view, of.table, _MATTERS) if row.state]
    opened.sort(key=lambda pair: pair[0].opened_at, reverse=True)
    titles = (
        say(lang, "事项", "Matter"),
        say(lang, "类别", "Kind"),
        say(lang, "记录", "Record"),
        say(lang, "受理", "Since"),
        say(lang, "状态", "State"),
    )
    css = ("", "hide-phone", "", "num", "")
    return {
        "title": say(lang, "事项", "Matters"),
        "subtitle": say(
            lang, f"各部门未办结，最近{min(len(opened), _MATTERS)}件", f"open with all departments, latest {min(len(opened), _MATTERS)}"
        ),
        "columns": [{"title": title, "css": c} for title, c in zip(titles, css, strict=True)],
        "rows": [_matter(row, of, view, picture) for row, of in opened[:_MATTERS]],
        "export": "",
        "empty": say(lang, "没有未办结的事项", "Nothing is open"),
        "filtered": False,
    }


def _matter(row: Any, of: CaseTable, view: View, picture: Picture) -> dict[str, Any]:
    named, kind, state = in_words(row, of.domain, view.lang)
    known = row.asset_id and known_assets(picture, of.domain, [row.asset_id])
    drawer = f"asset:{of.domain.key}/{row.asset_id}" if known else ""
    return {"drawer": drawer, "cells": [named, kind, of.title(view.lang), moment(row.opened_at, view.lang, picture.now), state]}


def at_risk(picture: Picture, view: View) -> dict[str, Any]:
    """The street's assets of all systems, the most pressing first."""
    ranked = [c for vital in picture.catalog.vitals for c in ranked_assets(picture, view, vital)]
    ranked.sort(key=lambda c: c.rank)
    return shown_rows(picture, view, ranked, _ASSETS)
