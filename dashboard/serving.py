"""Running the web server: one uvicorn process, set for many quiet sockets."""

from __future__ import annotations

import uvicorn

from dashboard.app import open_app
from dashboard.run import bound, require_loopback
from dashboard.settings import Settings
from dashboard.web.live import MAX_MESSAGE

BACKLOG = 4096  # a wall of screens comes back in the same second after an outage
GRACE_S = 1


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    require_loopback(settings)
    listener = bound(settings.host, settings.port)
    config = uvicorn.Config(
        open_app(settings),
        http="httptools",
        loop="auto",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # web/shield.py believes the proxies of the configuration, nobody else
        backlog=BACKLOG,
        ws_max_size=MAX_MESSAGE * 2,
        ws_per_message_deflate=False,  # frames come compressed, once for all; deflating again costs 20 times the sending
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
    )
    uvicorn.Server(config).run(sockets=[listener])
