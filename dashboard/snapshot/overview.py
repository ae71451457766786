"""What only the overview has: the district's mark, the street × system matrix, the line about the data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from dashboard.core import places
from dashboard.core.times import iso
from dashboard.snapshot.alerts import Alert
from dashboard.snapshot.part import open_streets
from dashboard.snapshot.picture import Picture, fresh
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import is_weak, linked, query_of
from dashboard.snapshot.words import number, say, together
from dashboard.store.freshness import FeedFreshness

_MATRIX = 2  # streets from which a matrix says more than the systems beside it
_TROUBLES = 3  # feeds named in the footer


def brand(picture: Picture, view: View) -> dict[str, Any]:
    """The district's outline and names."""
    names = picture.settings.city
    return {
        "outline": picture.land.outline,
        "box": picture.land.around([s.code for s in places.streets()]).padded(0.03).text,
        "name": say(view.lang, *names.get("name", ("", ""))),
        "product": say(view.lang, *names.get("product", ("", ""))),
    }


# ---- matrix
def matrix(picture: Picture, view: View) -> dict[str, Any]:
    """Street × system: only exceptions are marked."""
    if len(open_streets(view)) < _MATRIX:
        return {"streets": [], "rows": []}
    rows = []
    opened = [a for a in picture.alerts if a.stands]
    for v in picture.catalog.vitals.values():
        cells = [_matrix_cell(picture, v.key, s.code, opened, view) for s in open_streets(view)]
        rows.append({"css": v.css, "title": v.title(view.lang), "cells": cells})
    return {
        "streets": [{"code": s.code, "name": s.title(view.lang), "on": s.code in view.scope.streets} for s in open_streets(view)],
        "rows": rows,
    }


def _matrix_cell(picture: Picture, vital: str, street: str, opened: Sequence[Alert], view: View) -> dict[str, Any]:
    blank = {"alert": 0, "level": "", "number": "", "late": False, "text": "", "unlinked": False, "on": street in view.scope.streets}
    worst = next((a for a in opened if a.vital == vital and a.street == street), None)
    if worst:
        return blank | {"alert": worst.alert_id, "level": worst.level, "number": worst.number}
    if not linked(picture, vital):
        return blank | {"unlinked": True}
    row = picture.figures.get((f"vital.{vital}", street))
    if row is None or row.value is None or row.freshness in ("late", "silent"):
        return blank | {"late": row is not None}
    return blank | {"text": number(row.value, 0) if is_weak(row.grade) else ""}


# ---- footer
def foot(picture: Picture, view: View) -> dict[str, Any]:
    """How many feeds are live, which are not, and what this picture is."""
    feeds = picture.feeds
    worst_first = sorted(feeds.items(), key=lambda item: (item[1].state.value, item[1].age or timedelta(0)), reverse=True)
    troubles = [_trouble(picture, key, f, view.lang) for key, f in worst_first if f.state.value in ("late", "silent")]
    notice = say(view.lang, *picture.settings.city.get("notice", ("", "")))
    sketch = picture.land.review_no or say(view.lang, "边界为示意", "schematic limits")
    return {
        "total": len(feeds),
        "fresh": sum(f.state.value == "fresh" for f in feeds.values()),
        "troubles": troubles[:_TROUBLES],
        "notice": together(view.lang, (notice, sketch)),
        "query": query_of(view),
        "as_of": iso(picture.at),
    }


def _trouble(picture: Picture, key: str, feed: FeedFreshness, lang: str) -> dict[str, Any]:
    name = picture.catalog.feeds[key][1].title(lang) if key in picture.catalog.feeds else key
    word = say(lang, "迟到", "late") if feed.state.value == "late" else say(lang, "中断", "silent")
    return {"fresh": fresh(feed, picture.now), "text": say(lang, f"{name}{word}", f"{name} {word}")}
