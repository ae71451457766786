"""The overview: is the city well, where is it not, who is on it, since when."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

BIG = "wall desk"

PAGE = Page(
    path="/",
    title=Text("总览", "Overview"),
    needs=(Action.SEE,),
    body=Group(
        "overview",
        [
            Group("ov-head", [Host("brand", "wall"), Host("verdict", BIG)], BIG),
            Group("ov-main", [Host("vitals", BIG), Host("map", BIG), Host("feed", BIG)], BIG),
            Host("hero", "phone"),
            Host("tiles", "phone"),
            Host("foremost", "phone"),
            Host("map-phone", "phone"),
            Host("strip"),
            Host("day", "phone"),
            Host("foot", BIG),
        ],
    ),
)
