"""Why a message did not leave the house."""

from __future__ import annotations

from datetime import timedelta

from dashboard.core.errors import CockpitError


class NotSentError(CockpitError):
    """Not delivered: tried again later. Says what to do, and holds no address or secret."""

    def __init__(self, why: str, *, channel_is_down: bool = False, wait: timedelta = timedelta(0)) -> None:
        super().__init__(why)
        self.channel_is_down, self.wait = channel_is_down, wait
