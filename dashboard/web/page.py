"""A page: which panels stand where, on which surface. Hosts only; the live channel fills them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from dashboard.core.declare import Text
from dashboard.core.sight import Action

ALL = "wall desk phone"


def data(**values: str) -> dict[str, Any]:
    """Attributes of an element: data(panel="feed") is data-panel="feed"."""
    return {f"data-{name.replace('_', '-')}": value for name, value in values.items()}


@dataclass(frozen=True)
class Host:
    """Where one panel is shown."""

    panel: str
    on: str = ALL
    css: str = ""

    def place(self) -> Any:
        """Its empty place."""
        return html.Div(className=self.css, **data(panel=self.panel, on=self.on), **_BUSY)


@dataclass(frozen=True)
class Graph(Host):
    """A panel with a Plotly figure under its words."""

    def place(self) -> Any:
        ident = "graph-" + "".join(c if c.isalnum() else "-" for c in self.panel)
        head = html.Div(className="graph-head", **data(panel=self.panel, on=self.on, graph=ident), **_BUSY)
        body = html.Div(dcc.Graph(id=ident, figure=_EMPTY, config=_CONFIG, responsive=True, style={"height": "100%"}), className="graph")
        return html.Section([head, body], className=f"card {self.css}".strip(), **data(on=self.on))


_BUSY: dict[str, Any] = {"aria-busy": "true"}
_CONFIG: Any = {"displayModeBar": False, "locale": "zh-CN"}
_EMPTY = {
    "data": [],
    "layout": {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
    },
}


@dataclass(frozen=True)
class Group:
    """Hosts side by side or above one another, as the style sheet has it."""

    css: str
    hosts: Sequence[Host | Group]
    on: str = ALL

    def place(self) -> Any:
        """The group with its hosts in it."""
        return html.Div([h.place() for h in self.hosts], className=self.css, **data(on=self.on))

    def flat(self) -> list[Host]:
        """All hosts inside."""
        return [h for item in self.hosts for h in (item.flat() if isinstance(item, Group) else [item])]


@dataclass(frozen=True)
class Page:
    """One address, for whoever is granted any one of the actions it needs."""

    path: str
    title: Text
    needs: Sequence[Action]
    body: Group

    def layout(self, **_query: Any) -> Any:
        """Empty places; a page computes nothing."""
        return self.body.place()

    def panels(self, surface: str) -> list[str]:
        """The panels a surface shows here."""
        return [h.panel for h in self.body.flat() if surface in h.on.split()]


def system_page(vital: str, title: Text, path: str, *tables: Host, domains: Sequence[str] = (), causes: bool = False) -> Page:
    """The page every vital system has: title, filters, six figures, map and chart, tables, time; below, each domain in full."""
    where: list[Host] = [
        Host(f"sitemap-wall:{vital}", "wall", "card where-card"),
        Host(f"sitemap:{vital}", "desk", "card"),
        Host(f"sitemap-phone:{vital}", "phone", "card"),
    ]
    links = [Host(f"causes:{vital}", "desk phone", "card causes-card")] if causes else []
    in_full = [_in_full(domain) for domain in domains]
    return Page(
        path,
        title,
        (Action.SEE,),
        Group(
            "page system",
            [
                Host(f"title:{vital}"),
                Host(f"chips:{vital}", "desk phone"),
                Host(f"kpis:{vital}"),
                Group("two", [*where, Graph(f"chart:{vital}")]),
                Host(f"strip:{vital}"),
                *tables,
                *links,
                *in_full,
                Host("foot", "wall"),
            ],
        ),
    )


def _in_full(domain: str) -> Group:
    """All figures of a domain beside its alerts and matters; the wall has no room for them."""
    on = "desk phone"
    return Group("in-full", [Host(f"sheet:{domain}", on, "card tb"), Host(f"work:{domain}", on, "card tb")], on)
