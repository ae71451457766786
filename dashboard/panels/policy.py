"""What a viewer must be granted to be shown a kind of panel. A kind that is not told of here is shown to nobody."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.core.sight import Action

_SEEN = (
    *("brand", "verdict", "hero", "vitals", "tiles", "day", "nav", "map", "map-phone", "feed", "foremost", "strip", "foot", "notices"),
    *("title", "chips", "kpis", "figures", "sitemap", "sitemap-wall", "sitemap-phone", "chart", "readings", "sheet", "work", "causes"),
    *("asset-card", "asset-chips", "asset-readings", "asset-map", "asset-map-wall", "asset-map-phone", "asset-life", "asset-causes"),
    *("street-head", "street-systems", "street-map", "street-map-wall", "street-map-phone", "street-matters", "street-assets"),
    *("loop", "cases", "linkage", "alerts", "sources", "rules", "rules-counts", "alert", "asset", "rule"),
)
NEEDS: Mapping[str, frozenset[Action]] = {
    **dict.fromkeys(_SEEN, frozenset((Action.SEE,))),
    "sources": frozenset((Action.SEE, Action.SOURCES)),  # how fresh each department is concerns everybody
    "explain": frozenset((Action.ROWS,)),  # the rows behind a number
    "pull": frozenset((Action.SOURCES,)),  # statements, errors and rows set aside
}
"""Any one of the actions will do."""


def open_to(kind: str, actions: frozenset[Action]) -> bool:
    """Whether a kind of panel is for somebody who may do these."""
    return bool(NEEDS.get(kind, frozenset()) & actions)
