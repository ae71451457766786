"""Running the web server: one uvicorn process, set for many quiet sockets."""

from __future__ import annotations

import socket

import uvicorn

from dashboard.app import open_app
from dashboard.core.errors import ConfigurationError
from dashboard.settings import Settings
from dashboard.web.live import MAX_MESSAGE

BACKLOG = 4096  # a wall of screens comes back in the same second after an outage
GRACE_S = 2


def bound(host: str, port: int) -> socket.socket:
    """The port, ours from now on. Raises ConfigurationError if somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as taken:
        listener.close()
        advice = "choose another with PORT=…, or stop what uses it"
        raise ConfigurationError("PORT", f"{host}:{port}", taken.strerror or str(taken), advice) from taken
    listener.set_inheritable(True)
    return listener


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    listener = bound(settings.host, settings.port)
    config = uvicorn.Config(
        open_app(settings),
        http="httptools",
        loop="auto",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        ws_max_size=MAX_MESSAGE * 2,
        ws_per_message_deflate=False,  # frames come compressed, once for all; deflating again costs 20 times the sending
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
    )
    uvicorn.Server(config).run(sockets=[listener])
