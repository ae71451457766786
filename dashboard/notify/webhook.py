"""A signed POST of everything a message says, for programs.

A receiver checks `X-Cockpit-Signature` = `sha256=` + HMAC-SHA256(secret, timestamp + "." + body), refuses an old
`X-Cockpit-Timestamp`, and drops an `Idempotency-Key` it has seen: a message may come twice.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import orjson

from dashboard.core.duty import Channel, Recipient
from dashboard.notify.letters import Letter
from dashboard.notify.post import post


def send_webhook(told: Letter, way: Channel, _to: Recipient, now: datetime) -> None:
    """Deliver a message as JSON. Raises NotSentError."""
    body = orjson.dumps(told.body())
    post(way, body, signed(way, body, told.key, now))


def signed(way: Channel, body: bytes, key: str, now: datetime) -> dict[str, str]:
    """The headers of a POST: what it is known by, and the proof that it is ours and of this moment."""
    stamp = str(int(now.timestamp()))
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": key, "X-Cockpit-Timestamp": stamp}
    return {**headers, "X-Cockpit-Signature": signature(way.secret, stamp, body)} if way.secret else headers


def signature(secret: str, stamp: str, body: bytes) -> str:
    """What proves that a body is ours and of that moment."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
