"""Which part of the city a view shows, in words: what its viewer may see stands where 全区 would."""

from __future__ import annotations

from dashboard.core import places
from dashboard.core.declare import Text
from dashboard.core.scope import Scope
from dashboard.snapshot.view import View
from dashboard.snapshot.words import listed, say

ONLY_OPEN = Text("仅显示有权限的数据", "Only what is open to you")
IN_PART = Text("部分可见", "In part")  # of an index that is made of more than is open
_FEW = 2


def part_words(view: View) -> str:
    """The streets looked at: 全区, 解放碑, 3条街道."""
    return _named(view.scope, view.lang) or say(view.lang, "全区", "District")


def all_of_it(view: View) -> str:
    """The same of all that the viewer may see."""
    return _named(view.sight.within(Scope()), view.lang) or say(view.lang, "全区", "District")


def index_of_part(view: View) -> str:
    """What the number over all systems is called: 全区指数, 解放碑指数."""
    name = part_words(view)
    return say(view.lang, f"{name}指数", name if view.scope.whole else f"{name} index")


def open_streets(view: View) -> list[places.Street]:
    """The streets a viewer may look at, west to east."""
    return [street for street in places.streets() if view.sight.holds_street(street.code)]


def _named(scope: Scope, lang: str) -> str:
    names = [found.title(lang) for code in scope.streets if (found := places.street(code))]
    return listed(lang, names) if len(names) <= _FEW else say(lang, f"{len(names)}条街道", f"{len(names)} streets")
