"""One asset: what it is, what it reads, what stands around it, what is and was wrong with it, what was done, what drives it."""

from dashboard.core.declare import Text
from dashboard.core.sight import Action
from dashboard.web.page import Group, Host, Page

SEEN = "desk phone"

PAGE = Page(
    path="/asset",
    title=Text("设施", "Asset"),
    needs=(Action.SEE,),
    body=Group(
        "page asset",
        [
            Host("asset-card"),
            Host("asset-chips", SEEN),
            Group(
                "asset-two",
                [
                    Host("asset-readings", css="card readings-card"),
                    *(Host(f"asset-map{of}", on, "card tb near-card") for of, on in (("", "desk"), ("-wall", "wall"), ("-phone", "phone"))),
                ],
            ),
            Host("strip", SEEN),
            Host("asset-causes", SEEN, "card causes-card"),
            Host("asset-life", SEEN),
            Host("foot", "wall"),
        ],
    ),
)
