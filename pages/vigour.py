"""活力: no department is connected yet; what was published is shown as such."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/vigour",
    title=Text("活力", "Vigour"),
    needs=(Action.SEE,),
    body=Group("page", [Host("title:vigour"), Host("figures:vigour"), Host("foot", "wall desk")]),
)
