"""What a viewer must be granted to be shown a kind of panel. A kind that is not told of here is shown to nobody."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.core.sight import Action, Sight

_SEEN = (
    *("brand", "verdict", "hero", "vitals", "tiles", "day", "nav", "map", "map-phone", "feed", "foremost", "strip", "foot", "notices"),
    *("chips", "kpis", "figures", "sitemap", "sitemap-wall", "sitemap-phone", "chart", "readings", "sheet", "work", "causes"),
    *("asset-card", "asset-chips", "asset-readings", "asset-map", "asset-map-wall", "asset-map-phone", "asset-life", "asset-causes"),
    *("street-head", "street-systems", "street-map", "street-map-wall", "street-map-phone", "street-matters", "street-assets"),
    *("loop", "cases", "linkage", "linkages", "alerts", "sources", "rules", "rules-counts", "alert", "asset", "explain", "rule"),
    *("silences", "situation", "silenced"),
)
NEEDS: Mapping[str, frozenset[Action]] = {
    **dict.fromkeys(_SEEN, frozenset((Action.SEE,))),
    "sources": frozenset((Action.SEE, Action.SOURCES)),  # how fresh each department is concerns everybody
    "title": frozenset((Action.SEE, Action.SOURCES, Action.AUDIT)),  # a name alone for who sees no city
    "audit": frozenset((Action.AUDIT,)),
    "audit-check": frozenset((Action.AUDIT,)),
    **dict.fromkeys(("silence", "silence-preview"), frozenset((Action.SILENCE,))),
    "drill": frozenset((Action.DRILL,)),
    "pull": frozenset((Action.SOURCES,)),  # statements, errors and rows set aside
}
"""Any one of the actions will do."""


class Granted:
    """What a template asks before it draws a button: `may.handle`, `may.export`…, by the names of the actions."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight

    def __getattr__(self, action: str) -> bool:
        return self._sight.may(Action(action))


def open_to(kind: str, actions: frozenset[Action]) -> bool:
    """Whether a kind of panel is for somebody who may do these."""
    return bool(NEEDS.get(kind, frozenset()) & actions)
