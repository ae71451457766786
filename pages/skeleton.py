"""骨骼: bridges, tunnels, slopes."""

from dashboard.core.declare import Text
from dashboard.web.page import Host, system_page

PAGE = system_page(
    "skeleton",
    Text("骨骼", "Skeleton"),
    "/skeleton",
    Host("readings:skeleton", css="card tb"),
    domains=("bridges", "tunnels", "slopes"),
    causes=True,
)
