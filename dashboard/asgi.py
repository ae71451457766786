"""The application uvicorn finds: `uvicorn dashboard.asgi:application`. `cockpit serve` starts the same with our settings."""

from __future__ import annotations

from dashboard.app import open_app
from dashboard.settings import load_settings

application = open_app(load_settings())
