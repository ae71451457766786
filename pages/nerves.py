"""神经: grid reception days and the 12345 hotline."""

from dashboard.core.declare import Text
from dashboard.web.page import Host, system_page

PAGE = system_page(
    "nerves",
    Text("神经", "Nerves"),
    "/nerves",
    Host("cases:hotline_case", css="card tb"),
    domains=("hotline", "grid_matters"),
)
