"""The second factor: six digits from a phone every thirty seconds, each counted once, and codes on paper for a lost phone."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime

import pyotp
import segno

from dashboard.core.times import to_micros

STEP_S = 30
_DRIFT = (0, -1, 1)  # a phone's clock may be half a minute off
_PAPER, _CODES = "abcdefghjkmnpqrstuvwxyz23456789", 8


def new_secret() -> str:
    """160 random bits, as authenticator apps take them."""
    return pyotp.random_base32()


def step_of(secret: str, code: str, now: datetime, after: int) -> int | None:
    """The time step a code belongs to; None when it is wrong, or of a step not after the last one taken."""
    present = to_micros(now) // 1_000_000 // STEP_S
    digits = "".join(c for c in code if c.isdigit())
    for step in (present + drift for drift in _DRIFT):
        if step > after and hmac.compare_digest(pyotp.TOTP(secret).at(step * STEP_S), digits):
            return step
    return None


def picture(secret: str, name: str, issuer: str) -> str:
    """The QR code an authenticator app reads, as the address of an image that is its own content."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)
    return str(segno.make(uri, error="m").svg_data_uri(scale=4, border=3, light="#fff", dark="#000"))


def paper_codes() -> list[str]:
    """Codes that each stand in for the phone once: 79 bits, four by four."""
    return ["-".join("".join(secrets.choice(_PAPER) for _ in range(4)) for _ in range(4)) for _ in range(_CODES)]


def paper_plain(code: str) -> str:
    """A code from paper as it is hashed, however it was typed."""
    return "".join(c for c in code.casefold() if c in _PAPER)
