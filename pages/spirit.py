"""气质: no department is connected yet; what was published is shown as such."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/spirit",
    title=Text("气质", "Spirit"),
    needs=(Action.SEE,),
    body=Group("page", [Host("title:spirit"), Host("figures:spirit"), Host("foot", "wall desk")]),
)
