"""All alerts: open ones and those of the last 24 hours, on the map and since when; and what is silenced."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

PAGE = Page(
    path="/alerts",
    title=Text("预警", "Alerts"),
    needs=(Action.SEE,),
    body=Group(
        "page",
        [
            Host("title:alerts"),
            Host("chips", "desk phone"),
            Host("alerts", css="card tb long"),
            Host("silences"),
            Host("strip"),
            Host("foot", "wall"),
        ],
    ),
)
