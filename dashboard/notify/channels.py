"""The ways out of the house, by kind: each takes a letter, a channel, a recipient and the moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from dashboard.core.duty import Channel, ChannelKind, Recipient
from dashboard.notify.letters import Letter
from dashboard.notify.mail import send_mail
from dashboard.notify.robots import send_dingtalk, send_wecom
from dashboard.notify.webhook import send_webhook

Deliver: TypeAlias = Callable[[Letter, Channel, Recipient, datetime], None]

DELIVER: dict[ChannelKind, Deliver] = {
    "mail": send_mail,
    "wecom": send_wecom,
    "dingtalk": send_dingtalk,
    "webhook": send_webhook,
}
