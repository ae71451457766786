"""Linkages: what departments do together when a rule rings, step by step, and what is under way."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/linkages",
    title=Text("联动", "Linkages"),
    needs=(Action.SEE,),
    body=Group("page", [Host("title:linkages"), Host("linkages"), Host("foot", "wall")]),
)
