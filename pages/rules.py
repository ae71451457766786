"""Rules: what each alert rule watches, its limits and their source, and how it did in the last 30 days."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/rules",
    title=Text("规则", "Rules"),
    needs=(Action.SEE,),
    body=Group("page", [Host("title:rules"), Host("rules-counts"), Host("rules", "desk phone"), Host("foot", "wall")]),
)
