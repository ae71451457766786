"""Audit: who did what, from where and how it went, and whether the log is as it was written."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/audit",
    title=Text("审计", "Audit"),
    needs=(Action.AUDIT,),
    body=Group("page", [Host("title:audit"), Host("audit-check"), Host("audit")]),
)
