"""呼吸: air, road cleanliness, cruise ships."""

from dashboard.core.declare import Text
from dashboard.web.page import Host, system_page

PAGE = system_page(
    "breath",
    Text("呼吸", "Breath"),
    "/breath",
    Host("readings:breath", css="card tb"),
    Host("linkage", "desk phone", "card tb"),
    domains=("air", "road_cleaning", "ships"),
    causes=True,
)
