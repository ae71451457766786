"""A vital system's page: its title, its six figures, or what was published where no department is connected."""

from __future__ import annotations

from typing import Any

from dashboard.core.declare import Text
from dashboard.snapshot.figures import cell, index_cell, shown_kpis
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import linked, published_cell, published_of, vital_body
from dashboard.snapshot.words import say

_CARDS = 6
PLAIN = {  # pages that are no system's
    "alerts": (Text("预警", "Alerts"), Text("谁在处置，历时多久，结果如何", "who is on it, for how long, with what outcome")),
    "sources": (
        Text("数据源", "Data sources"),
        Text("各部门数据库的新鲜度、行数、隔离与错误", "freshness, rows, quarantine and errors of each department's database"),
    ),
    "audit": (Text("审计", "Audit"), Text("操作记录及其完整性", "what was done, and whether the log is whole")),
    "linkages": (
        Text("联动", "Linkages"),
        Text("跨部门预案的步骤、时限与执行，近30天成效", "what departments do together, its limits, what is under way, how 30 days went"),
    ),
    "rules": (
        Text("规则", "Rules"),
        Text("监测什么，限值出自哪里，近30天成效", "what each watches, where its limits come from, how it did in 30 days"),
    ),
}


def title(picture: Picture, view: View, which: str) -> dict[str, Any]:
    """Seal, name, what belongs to it, and its state in a word; pages that are no system's have a name alone."""
    if which in PLAIN:
        name, about = PLAIN[which]
        return {"vital": None, "title": name(view.lang), "subtitle": about(view.lang), "word": "", "level": "", "index": ""}
    v = vital_body(picture, picture.catalog.vitals[which], view, lines=0, with_line=False)
    index = v.index if v.value is not None else ""
    return {"vital": v, "title": v.title, "subtitle": v.subtitle, "word": v.word, "level": v.mark, "index": index}


def kpis(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """The system's index and its five most telling figures."""
    v, lang = picture.catalog.vitals[vital], view.lang
    if not linked(picture, vital):
        return {"cards": [published_cell(picture, p, lang) for p in published_of(picture, vital)[:_CARDS]], "css": v.css}
    name = say(lang, f"{v.title(lang)}指数", f"{v.title(lang)} index")
    lead = index_cell(picture, f"vital.{vital}", view.scope, lang, name)
    rest = [cell(picture, key, view.scope, lang) for key in shown_kpis(picture, vital, view.scope)[: _CARDS - 1]]
    return {"cards": [lead, *rest], "css": v.css}


def figures(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """Published figures of a system with no department connected."""
    lang = view.lang
    rows = published_of(picture, vital)
    return {"figures": [{"title": p.title(lang), "value": p.value, "unit": p.unit(lang), "period": p.period(lang)} for p in rows]}
