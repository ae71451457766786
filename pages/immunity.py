"""免疫: short-term rentals."""

from dashboard.core.declare import Text
from dashboard.web.page import Host, system_page

PAGE = system_page(
    "immunity",
    Text("免疫", "Immunity"),
    "/immunity",
    Host("cases:rentals_warning", css="card tb"),
    domains=("rentals",),
)
