"""Selections as whole tables for a spreadsheet: every row of what a list on a screen shows the first of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.core.errors import NotFoundError
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.alerts import card, street_name
from dashboard.snapshot.cases import case_table, in_words, matters
from dashboard.snapshot.feed import listed_alerts
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.readings import in_words as reading_words
from dashboard.snapshot.readings import names_of, ranked_assets
from dashboard.snapshot.view import View
from dashboard.snapshot.words import LEVEL_WORDS, STATUS_WORDS, unit_words

MOST = 50_000  # rows of one file: a spreadsheet still opens it

Row = Sequence[str | int | float | None]


@dataclass(frozen=True)
class Table:
    """A file's worth of rows; they are worded as they are written out."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Row]


def export(picture: Picture, view: View, what: str, of: str) -> Table:
    """`readings` of a vital system, `cases` of a table, or `alerts`. Raises NotFoundError for anything else."""
    if what == "readings" and of in picture.catalog.vitals:
        return _readings(picture, view, of)
    if what == "cases":
        return _cases(picture, view, of)
    if what == "alerts" and not of:
        return _alerts(picture, view)
    raise NotFoundError(f"nothing to export as {'/'.join(part for part in (what, of) if part)!r}")


def _readings(picture: Picture, view: View, vital: str) -> Table:
    """The assets of a system by risk, each with the reading nearest its limits."""
    found, lang = ranked_assets(picture, view, vital)[:MOST], view.lang
    names = names_of(picture, found)
    zh = ("编号", "名称", "类型", "街道", "指标", "读数", "单位", "时间", "数据", "预警", "责任单位")
    en = ("No.", "Name", "Kind", "Street", "Metric", "Reading", "Unit", "At", "Data", "Alert", "Responsible")

    def rows() -> Iterable[Row]:
        for c in found:
            said = reading_words(picture, view, c, names)
            level = LEVEL_WORDS[c.alert.level](lang) if c.alert else ""
            place = (c.row.asset_id, said["name"], said["kind"], said["street"])
            yield *place, said["metric"], c.row.value, said["unit"], _local(c.row.ts), said["state_word"], level, said["owner"]

    return Table(f"readings-{vital}", en if lang == "en" else zh, rows())


def _cases(picture: Picture, view: View, name: str) -> Table:
    """Open matters, or those received in the chosen time, latest first."""
    of, lang = case_table(picture, name), view.lang
    found = matters(picture, view, of.table, MOST)
    zh = ("编号", "事项", "类别", "街道", "受理", "时限", "办结", "状态")
    en = ("No.", "Matter", "Kind", "Street", "Received", "Due", "Closed", "State")

    def rows() -> Iterable[Row]:
        for r in found:
            matter, kind, state = in_words(r, of.domain, lang)
            times = (_local(r.opened_at), _local(r.due_at), _local(r.closed_at))
            yield r.case_id, matter, kind, street_name(r.street, lang), *times, state

    return Table(name.replace("_", "-"), en if lang == "en" else zh, rows())


def _alerts(picture: Picture, view: View) -> Table:
    """Open alerts and those of the last 24 hours."""
    found, lang = listed_alerts(picture, view)[:MOST], view.lang
    zh = ("编号", "等级", "状态", "预警", "体征", "对象", "依据", "数值", "阈值", "单位", "街道", "责任单位", "触发", "闭环")
    en = (
        *("No.", "Level", "State", "Alert", "System", "Asset", "Grounds", "Value", "Threshold", "Unit"),
        *("Street", "Responsible", "Since", "Closed"),
    )

    def rows() -> Iterable[Row]:
        for a in found:
            c = card(a, picture.catalog, lang, picture.at)
            about = (a.code, LEVEL_WORDS[a.level](lang), STATUS_WORDS[a.state](lang), c.title, c.vital, a.asset_name, c.grounds)
            yield *about, a.value, a.threshold, unit_words(a.unit, lang), c.street, c.owner, _local(a.opened), _local(a.closed)

    return Table("alerts", en if lang == "en" else zh, rows())


def _local(at: datetime | None) -> str:
    """A moment by the city's clock, as a spreadsheet understands it."""
    return f"{at.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}" if at else ""
