"""A chart's body as a Plotly figure, a plain dict. Colours are token names (@plot-line): each screen puts in its theme's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dashboard.core.configured import Threshold
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.chart import limit_words
from dashboard.snapshot.figures import near_limits
from dashboard.snapshot.words import number

_EDGE = {"red": "@lv-red-edge", "orange": "@lv-orange-edge", "yellow": "@lv-yellow-edge", "blue": "@lv-blue-edge"}
_TEXT = {"red": "@lv-red-text", "orange": "@lv-orange-text", "yellow": "@lv-yellow-text", "blue": "@lv-blue-text"}
_CLEAR = "rgba(0,0,0,0)"
_LABEL = 0.16  # share of the height a label needs
_FONT = "YZ Numerals, PingFang SC, Source Han Sans SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif"


def figure(body: dict[str, Any], lang: str) -> dict[str, Any]:
    """Line with expected range, thresholds labelled at the line's end; gaps stay gaps."""
    ink = f"@sys-{body['css']}" if body["css"] else "@plot-line"
    return {"data": [*_usual(body), _line(body, ink), *_end(body, ink)], "layout": _layout(body, lang)}


def _usual(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The expected range as the area between two lines nobody sees."""
    band = [(_local(at), pair) for at, pair in body["band"] if pair]
    if len(band) < 2:
        return []
    edge = {"hoverinfo": "skip", "type": "scatter", "mode": "lines", "line": {"width": 0, "shape": "linear"}, "showlegend": False}
    low, high = ({**edge, "x": [at for at, _ in band], "y": [pair[side] for _, pair in band]} for side in (0, 1))
    return [low, {**high, "fill": "tonexty", "fillcolor": "@plot-band"}]


def _line(body: dict[str, Any], ink: str) -> dict[str, Any]:
    xs, ys = _with_gaps(body["points"], body["gap"])
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "line": {"color": ink, "width": 1.8},
        "connectgaps": False,
        "showlegend": False,
        "hovertemplate": f"%{{x|%H:%M}}　%{{y:.{body['decimals']}f}} {body['unit']}<extra></extra>",
    }


def _end(body: dict[str, Any], ink: str) -> list[dict[str, Any]]:
    """The dot at the line's end, with the value in the colour of its level."""
    if body["end"] is None or not body["points"]:
        return []
    at, value = body["points"][-1]
    return [
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": [_local(at)],
            "y": [value],
            "text": [f"<b>{number(value, body['decimals'])}</b>"],
            "textposition": "middle right",
            "textfont": {"color": _TEXT.get(body["level"], ink)},
            "marker": {"size": 7, "color": ink},
            "showlegend": False,
            "hoverinfo": "skip",
            "cliponaxis": False,
        }
    ]


def _with_gaps(points: list[tuple[datetime, float | None]], gap: timedelta) -> tuple[list[str | None], list[float | None]]:
    xs: list[str | None] = []
    ys: list[float | None] = []
    last: datetime | None = None
    for at, value in points:
        if last is not None and at - last > gap:
            xs.append(_local(last + gap))
            ys.append(None)
        xs.append(_local(at))
        ys.append(value)
        last = at
    return xs, ys


def _local(at: datetime) -> str:
    return at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _layout(body: dict[str, Any], lang: str) -> dict[str, Any]:
    limits = near_limits(body["limits"], [v for _, v in body["points"]])
    low, high = _range(body, [t.value for t in limits])
    heights = _apart(limits, body["end"], (high - low) * _LABEL)
    if body["empty"]:  # the words above say why; axes around nothing say nothing
        return {"paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR, "xaxis": {"visible": False}, "yaxis": {"visible": False}}
    return {
        "margin": {"l": 44, "r": 64, "t": 10, "b": 26},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "font": {"family": _FONT, "size": 12, "color": "@plot-tick"},
        "hoverlabel": {"bgcolor": "@plot-hover-bg", "font": {"color": "@plot-hover-text"}, "bordercolor": _CLEAR},
        "hovermode": "x",
        "dragmode": False,
        "showlegend": False,
        "xaxis": _time_axis(body["window"]),
        "yaxis": {"range": [low, high], "nticks": 5, "gridcolor": "@plot-grid", "zeroline": False, "fixedrange": True, "automargin": True},
        "shapes": [_rule(t) for t in limits],
        "annotations": [_label(t, height, lang) for t, height in zip(limits, heights, strict=True)],
        "uirevision": "keep",
    }


def _time_axis(window: tuple[datetime, datetime]) -> dict[str, Any]:
    return {
        "type": "date",
        "range": [_local(at) for at in window],
        "showgrid": False,
        "zeroline": False,
        "linecolor": "@plot-axis",
        "tickformat": "%H:%M",
        "nticks": 7,
        "fixedrange": True,
    }


def _rule(t: Threshold) -> dict[str, Any]:
    """A threshold across the chart."""
    line = {"color": _EDGE[t.level.value], "width": 1.2, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": t.value, "y1": t.value, "line": line}


def _label(t: Threshold, height: float, lang: str) -> dict[str, Any]:
    """Its level and value at the right."""
    place = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 3, "y": height, "yanchor": "middle"}
    return {**place, "text": limit_words(t, lang), "showarrow": False, "font": {"color": _TEXT[t.level.value]}}


def _apart(limits: list[Threshold], end: float | None, least: float) -> list[float]:
    """Heights of the thresholds' labels, pushed away from the present value's label and from one another."""
    middle = min((t.value for t in limits), default=0.0) - least if end is None else end
    heights: dict[float, float] = {}
    floor = middle + least
    for value in sorted(t.value for t in limits if t.value >= middle):
        heights[value] = max(value, floor)
        floor = heights[value] + least
    ceiling = middle - least
    for value in sorted((t.value for t in limits if t.value < middle), reverse=True):
        heights[value] = min(value, ceiling)
        ceiling = heights[value] - least
    return [heights[t.value] for t in limits]


def _range(body: dict[str, Any], limits: list[float]) -> tuple[float, float]:
    values = [v for _, v in body["points"] if v is not None] + [v for _, pair in body["band"] if pair for v in pair] + limits
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if high - low < 1e-9:  # a flat line stands on its own ground, not in a magnified nothing
        high, low = high + max(abs(high) * 0.1, 1.0), min(low, 0.0) if low >= 0 else low - max(abs(low) * 0.1, 1.0)
    air = max((high - low) * 0.12, abs(high) * 0.01)
    return (0.0 if 0 <= low < (high - low) * 0.5 else low - air), high + air
