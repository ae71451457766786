"""Audit: who did what, from where and how it went, and whether the log is as it was written."""

from dashboard.core.declare import Text
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/audit",
    title=Text("审计", "Audit"),
    body=Group("page", [Host("title:audit"), Host("audit-check"), Host("audit")]),
)
