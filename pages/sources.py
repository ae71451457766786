"""Data sources: what each department's database gives, how old it is, what was set aside, what went wrong."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/sources",
    title=Text("数据源", "Data sources"),
    needs=(Action.SEE, Action.SOURCES),
    body=Group("page", [Host("title:sources"), Host("sources"), Host("foot", "wall")]),
)
