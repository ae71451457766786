"""代谢: septic tanks, rivers and ponding, water quality."""

from dashboard.core.declare import Text
from dashboard.web.page import Host, system_page

PAGE = system_page(
    "metabolism",
    Text("代谢", "Metabolism"),
    "/metabolism",
    Host("readings:metabolism", css="card tb"),
    domains=("septic_tanks", "flood", "water"),
    causes=True,
)
