"""血脉: alley minibuses, the underground loop."""

from dashboard.core.declare import Text
from dashboard.web.page import Host, system_page

PAGE = system_page(
    "circulation",
    Text("血脉", "Circulation"),
    "/circulation",
    Host("loop", "desk phone", "card tb ring-card"),
    Host("readings:circulation", css="card tb"),
    domains=("minibuses", "loop"),
    causes=True,
)
