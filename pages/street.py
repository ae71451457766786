"""One street: how each system stands in it, its alerts, assets and matters, every figure beside the district's."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

SEEN = "desk phone"
DOMAINS = (
    *("air", "road_cleaning", "ships", "minibuses", "loop", "bridges", "tunnels", "slopes"),
    *("septic_tanks", "flood", "water", "rentals", "hotline", "grid_matters"),
)

PAGE = Page(
    path="/street",
    title=Text("街道", "Street"),
    needs=(Action.SEE,),
    body=Group(
        "page street",
        [
            Host("street-head"),
            Host("chips", SEEN),
            Group(
                "two",
                [
                    Host("street-systems", css="card tb"),
                    *(Host(f"street-map{of}", on, "card") for of, on in (("", "desk"), ("-wall", "wall"), ("-phone", "phone"))),
                ],
            ),
            Host("strip"),
            Host("alerts", css="card tb"),
            Host("street-assets", SEEN, "card tb"),
            Host("street-matters", SEEN, "card tb"),
            Group("sheets", [Host(f"sheet:{domain}", SEEN, "card tb") for domain in DOMAINS], SEEN),
            Host("foot", "wall"),
        ],
    ),
)
