"""Robots in the chat groups of WeCom (企业微信) and DingTalk (钉钉): markdown, and DingTalk's signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from dashboard.core.duty import Channel, Recipient
from dashboard.notify.failure import NotSentError
from dashboard.notify.letters import Letter
from dashboard.notify.post import post

_WECOM_ROOM, _DINGTALK_ROOM = 4096, 20_000  # bytes of markdown they take
_TOO_OFTEN = (45009, 130101)  # WeCom, DingTalk: more than 20 messages in this minute
_MINUTE = timedelta(minutes=1)


def send_wecom(told: Letter, way: Channel, _to: Recipient, _now: datetime) -> None:
    """Deliver to a WeCom group. Raises NotSentError."""
    _say(way, told, {"msgtype": "markdown", "markdown": {"content": told.markdown(_WECOM_ROOM)}}, {})


def send_dingtalk(told: Letter, way: Channel, _to: Recipient, now: datetime) -> None:
    """Deliver to a DingTalk group, signed where the robot has a secret. Raises NotSentError."""
    text = {"title": told.subject, "text": told.markdown(_DINGTALK_ROOM)}
    _say(way, told, {"msgtype": "markdown", "markdown": text}, dingtalk_signature(way.secret, now) if way.secret else {})


def dingtalk_signature(secret: str, now: datetime) -> dict[str, str]:
    """The robot's 加签: HMAC-SHA256 of timestamp and secret under the secret, as query parameters."""
    stamp = str(int(now.timestamp() * 1000))
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return {"timestamp": stamp, "sign": base64.b64encode(digest).decode()}


def _say(way: Channel, told: Letter, message: Mapping[str, Any], query: Mapping[str, str]) -> None:
    """Both answer 200 whatever happened; the truth is in `errcode`."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": told.key}
    answer = post(way, orjson.dumps(message), headers, query)
    try:
        said = orjson.loads(answer)
        code, words = said["errcode"], str(said.get("errmsg", ""))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NotSentError(f"{way.key}: the answer is not a robot's: is its url_env the robot's address?") from None
    if code in _TOO_OFTEN:
        raise NotSentError(f"{way.key}: too many messages in a minute", channel_is_down=True, wait=_MINUTE)
    if code != 0:
        raise NotSentError(f"{way.key}: refused with {code}: {' '.join(words.split())[:120]}")
