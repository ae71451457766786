"""What a viewer is and may, in words: the header of every screen says it."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Text
from dashboard.core.places import street
from dashboard.core.sight import Action, Mask, Role, Viewer

ACTIONS = {
    Action.SEE: Text("查看", "see the city"),
    Action.ROWS: Text("下钻到行", "open the rows behind a number"),
    Action.EXPORT: Text("导出", "export lists"),
    Action.HANDLE: Text("处置预警", "handle alerts"),
    Action.SILENCE: Text("静默", "silence alerts"),
    Action.DRILL: Text("演练", "begin drills"),
    Action.SOURCES: Text("数据源与运行", "sources and running"),
    Action.ACCOUNTS: Text("账号与授权", "accounts and grants"),
    Action.AUDIT: Text("审计", "the audit log"),
}
MASKS = {
    Mask.STAFF: Text("经办人", "who acted"),
    Mask.NOTES: Text("文字说明", "written notes"),
    Mask.PHOTOS: Text("现场照片", "photographs"),
    Mask.DOORS: Text("门牌位置", "exact addresses"),
}
_WHOLE, _NO_CITY = Text("全区", "whole district"), Text("不含城市数据", "no city data")


def scope_words(viewer: Viewer, catalog: Catalog) -> Text:
    """The role and its part of the city: 部门负责人 · 桥梁、隧道."""
    return grant_words(viewer.role, sorted(viewer.sight.domains or ()), viewer.sight.streets, catalog)


def grant_words(role: Role, domains: Iterable[str], streets: Iterable[str], catalog: Catalog) -> Text:
    """A role given for some domains and streets."""
    if not role.city:
        return _beside(role.title, _NO_CITY)
    parts = [_joined(catalog.domains[d].title for d in domains if d in catalog.domains)]
    parts.append(_joined(Text(found.zh, found.en) for code in streets if (found := street(code))))
    return _beside(role.title, *([part for part in parts if part.zh] or [_WHOLE]))


def may_words(viewer: Viewer) -> Text:
    """What the viewer may do."""
    return _joined(words for action, words in ACTIONS.items() if viewer.sight.may(action))


def masked_words(viewer: Viewer) -> Text:
    """What is left out for the viewer; empty: nothing."""
    return _joined(words for mask, words in MASKS.items() if mask in viewer.sight.masks)


def _joined(words: Iterable[Text]) -> Text:
    told = list(words)
    return Text("、".join(w.zh for w in told), ", ".join(w.en for w in told))


def _beside(*words: Text) -> Text:
    return Text(" · ".join(w.zh for w in words), " · ".join(w.en for w in words))
