"""A chart's body as a Plotly figure, a plain dict. Colours are token names (@plot-line): each screen puts in its theme's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.system import limit_words
from dashboard.snapshot.words import number

_EDGE = {"red": "@lv-red-edge", "orange": "@lv-orange-edge", "yellow": "@lv-yellow-edge", "blue": "@lv-blue-edge"}
_TEXT = {"red": "@lv-red-text", "orange": "@lv-orange-text", "yellow": "@lv-yellow-text", "blue": "@lv-blue-text"}
_LABEL = 0.115  # share of the height a label needs
_FONT = "YZ Numerals, PingFang SC, Source Han Sans SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif"


def figure(body: dict[str, Any], lang: str) -> dict[str, Any]:
    """Line with expected range, thresholds labelled at the line's end; gaps stay gaps."""
    xs, ys = _with_gaps(body["points"], body["gap"])
    ink = f"@sys-{body['css']}" if body["css"] else "@plot-line"
    band = [(at, pair) for at, pair in body["band"] if pair]
    traces: list[dict[str, Any]] = []
    if len(band) > 1:
        times = [_local(at) for at, _ in band]
        hover = {"hoverinfo": "skip", "type": "scatter", "mode": "lines", "line": {"width": 0, "shape": "linear"}, "showlegend": False}
        traces += [
            {**hover, "x": times, "y": [p[0] for _, p in band]},
            {**hover, "x": times, "y": [p[1] for _, p in band], "fill": "tonexty", "fillcolor": "@plot-band"},
        ]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": xs,
            "y": ys,
            "line": {"color": ink, "width": 1.8},
            "connectgaps": False,
            "showlegend": False,
            "hovertemplate": f"%{{x|%H:%M}}　%{{y:.{body['decimals']}f}} {body['unit']}<extra></extra>",
        }
    )
    if ys and body["end"] is not None and body["points"]:
        end_ink = _TEXT.get(body["level"], ink)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": [_local(body["points"][-1][0])],
                "y": [body["points"][-1][1]],
                "text": [f"<b>{number(body['points'][-1][1], body['decimals'])}</b>"],
                "textposition": "middle right",
                "textfont": {"color": end_ink},
                "marker": {"size": 7, "color": ink},
                "showlegend": False,
                "hoverinfo": "skip",
                "cliponaxis": False,
            }
        )
    return {"data": traces, "layout": _layout(body, lang)}


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
    limits = _near(body)
    window = body["window"]
    low, high = _range(body, [t.value for t in limits])
    return {
        "margin": {"l": 44, "r": 64, "t": 10, "b": 26},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 12, "color": "@plot-tick"},
        "hoverlabel": {"bgcolor": "@plot-hover-bg", "font": {"color": "@plot-hover-text"}, "bordercolor": "rgba(0,0,0,0)"},
        "hovermode": "x",
        "dragmode": False,
        "showlegend": False,
        "xaxis": {
            "type": "date",
            "range": [_local(window[0]), _local(window[1])],
            "showgrid": False,
            "zeroline": False,
            "linecolor": "@plot-axis",
            "tickformat": "%H:%M",
            "nticks": 7,
            "fixedrange": True,
        },
        "yaxis": {"range": [low, high], "nticks": 5, "gridcolor": "@plot-grid", "zeroline": False, "fixedrange": True, "automargin": True},
        "shapes": [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": t.value,
                "y1": t.value,
                "line": {"color": _EDGE[t.level.value], "width": 1.2, "dash": "dash"},
            }
            for t in limits
        ],
        "annotations": [
            {
                "xref": "paper",
                "x": 1,
                "xanchor": "left",
                "y": stand,
                "yanchor": "middle",
                "text": limit_words(t, lang),
                "showarrow": False,
                "font": {"color": _TEXT[t.level.value]},
                "xshift": 3,
            }
            for t, stand in zip(limits, _apart(limits, body["end"], (high - low) * _LABEL), strict=True)
        ],
        "uirevision": "keep",
    }


def _apart(limits: list[Any], end: float | None, least: float) -> list[float]:
    """Heights of the thresholds' labels, pushed apart until each can be read, the present value's among them."""
    spots = sorted([(t.value, i) for i, t in enumerate(limits)] + ([(end, -1)] if end is not None else []))
    heights: dict[int, float] = {}
    floor = -float("inf")
    for value, i in spots:
        heights[i] = floor = max(value, floor)
        floor += least
    return [heights[i] for i in range(len(limits))]


def _near(body: dict[str, Any]) -> list[Any]:
    """Thresholds worth showing: all the line has come to, and the next one."""
    values = [v for _, v in body["points"] if v is not None]
    if not values or not body["limits"]:
        return []
    rising = body["limits"][0].op.startswith(">")
    ordered = sorted(body["limits"], key=lambda t: t.value, reverse=not rising)
    reach = max(values) if rising else min(values)
    span = max(max(values) - min(values), abs(reach) * 0.15, 1e-9)
    shown = [t for t in ordered if (t.value <= reach + 2 * span if rising else t.value >= reach - 2 * span)]
    return shown


def _range(body: dict[str, Any], limits: list[float]) -> tuple[float, float]:
    values = [v for _, v in body["points"] if v is not None] + [v for _, pair in body["band"] if pair for v in pair] + limits
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    air = max((high - low) * 0.12, abs(high) * 0.01, 1e-6)
    return (0.0 if 0 <= low < (high - low) * 0.5 else low - air), high + air
