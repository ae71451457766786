"""How much one client may ask: limits from data_sources/access/front.toml, and buckets that fill up again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, fields
from datetime import date

from dashboard.access.limits import numbers


@dataclass(frozen=True, kw_only=True)
class DoorLimits:
    """Numbers, as the file has them."""

    address_per_s: int
    address_burst: int
    ask_per_s: int
    ask_burst: int
    api_per_s: int
    api_burst: int
    sign_in_per_min: int
    sign_in_burst: int
    live_per_s: int
    live_burst: int
    clients: int
    target_bytes: int
    header_bytes: int
    body_bytes: int
    photo_bytes: int
    body_s: int

    def rate(self, kind: str) -> tuple[float, float]:
        """Tokens a second and at most, for a kind of question."""
        match kind:
            case "sign_in":
                return self.sign_in_per_min / 60, self.sign_in_burst
            case "live":
                return self.live_per_s, self.live_burst
            case "api":
                return self.api_per_s, self.api_burst
            case "address":
                return self.address_per_s, self.address_burst
            case _:
                return self.ask_per_s, self.ask_burst


def load_door_limits(day: date) -> DoorLimits:
    """The limits of a city day. Raises ConfigurationError for a number that is missing or unknown."""
    return DoorLimits(**numbers("front.toml", {field.name for field in fields(DoorLimits)}, day))


class Buckets:
    """A bucket of tokens for each client and kind; the longest unseen are forgotten, so memory is bounded."""

    def __init__(self, limits: DoorLimits) -> None:
        self._limits = limits
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, client: str, kind: str, now_s: float) -> float:
        """Take a token: 0, or the seconds until there is one."""
        per_s, burst = self._limits.rate(kind)
        left, since = self._buckets.pop((client, kind), (burst, now_s))
        left = min(burst, left + (now_s - since) * per_s)
        taken = left >= 1
        self._buckets[client, kind] = (left - taken, now_s)
        if len(self._buckets) > self._limits.clients:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - left) / per_s
