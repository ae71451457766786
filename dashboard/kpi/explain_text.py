"""A number opened, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dashboard.core.times import CITY_ZONE

if TYPE_CHECKING:
    from dashboard.kpi.explain import Explanation, Rows
    from dashboard.store.models import Model

_SHOWN = 12  # rows printed of each list


def explanation_text(opened: Explanation) -> str:
    """The whole story of a number, in Chinese, a fact a line."""
    return "\n".join(_lines(opened))


def _lines(opened: Explanation) -> Iterator[str]:
    yield f"{opened.title.zh}（{opened.title.en}）  {opened.key}  {opened.scope}"
    yield f"值    {_number(opened.row.value if opened.row else None, opened.decimals)} {opened.unit}  {_verdict(opened)}"
    yield f"公式  {opened.formula.zh}"
    for method in opened.methods:
        yield f"推算  {method.zh}"
    yield from map(_learned, opened.models)
    if opened.target:
        goal = opened.target
        yield f"目标  好 {goal.good:g}，差 {goal.poor:g} {opened.unit}  {goal.ref}（{goal.confidence}）"
    if opened.window:
        yield f"时段  {_moment(opened.window.lo)} 至 {_moment(opened.window.hi)}"
    for feed in opened.feeds:
        yield f"来源  {feed.title.zh}  {feed.feed}  {feed.state}  {_age(feed.age)}  {feed.pull}"
    for street in opened.streets:
        yield f"街道  {street.title.zh:8} {_number(street.value, opened.decimals):>12}  {' '.join(_number(p, 2) for p in street.parts)}"
    yield from _contributions(opened)
    yield from _rows("计入", opened.counted)
    yield from _rows("失分", opened.lost)


def _verdict(opened: Explanation) -> str:
    if opened.row is None:
        return "尚未计算"
    again = "与明细一致" if opened.agrees else f"明细现为 {_number(opened.recomputed, opened.decimals)}，下一轮更新"
    return f"得分 {_number(opened.row.score, 0)}  {opened.row.freshness}  完整度 {opened.row.completeness:.0%}  {again}"


def _learned(model: Model) -> str:
    """What was learned of one asset, and of which stretch: a short one is seen to be short."""
    numbers = "  ".join(f"{name}={value:.4g}" for name, value in (model.numbers or {}).items())
    stretch = f"{_moment(model.stretch_from)} 至 {_moment(model.stretch_to)}" if model.stretch_from and model.stretch_to else "—"
    return f"模型  {model.asset}  训练 {stretch}，{model.hours} 个小时均值  {numbers}"


def _contributions(opened: Explanation) -> Iterator[str]:
    made_of = opened.contributions or {}
    for given in made_of.get("inputs", ()):
        points = f"得分 {_number(given['score'], 0)}  失 {given['lost']:.1f}"
        yield f"组成  {given['kpi']:36} 权重 {given['weight']:g}  {points}  {given['freshness']}"
    for costly in made_of.get("alerts", ()):
        yield f"告警  {costly['number']}  {costly['level']}  失 {costly['lost']:g}"
    if made_of.get("missing"):
        yield f"缺    {'、'.join(made_of['missing'])}"


def _rows(word: str, rows: Rows) -> Iterator[str]:
    if not rows.total:
        return
    yield f"{word}  {rows.total} 行" + (f"，先列 {_SHOWN} 行" if rows.total > _SHOWN else "")
    yield "      " + " | ".join(rows.columns)
    for row in rows.rows[:_SHOWN]:
        yield "      " + " | ".join(_cell(value) for value in row)


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    return _moment(value) if isinstance(value, datetime) else f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float | None, decimals: int) -> str:
    return "—" if value is None else f"{value:,.{decimals}f}"


def _moment(at: datetime) -> str:
    return at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")


def _age(age: timedelta | None) -> str:
    if age is None:
        return "—"
    minutes = round(age.total_seconds() / 60)
    return f"{minutes}分" if minutes < 60 else f"{minutes // 60}时{minutes % 60}分"
