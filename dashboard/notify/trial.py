"""`cockpit notify test`: one notice over one channel, now, marked as a test."""

from __future__ import annotations

import uuid
from datetime import datetime

from dashboard.core.duty import Channel, Notify, Recipient
from dashboard.core.errors import ConfigurationError
from dashboard.notify.channels import DELIVER
from dashboard.notify.failure import NotSentError
from dashboard.notify.letters import Item, Letter

_FILE = "cockpit.toml"


def channels_told(notify: Notify) -> str:
    """Each channel with who is reached by it, a line each."""
    if not notify.channels:
        return "no channel is configured; notices stand on the screens only. docs/notify.md tells how to add one"
    lines = []
    for key, way in sorted(notify.channels.items()):
        reached = ", ".join(sorted(r.key for r in notify.recipients.values() if key in r.channels)) or "nobody"
        lines.append(f"{key}  {way.kind} → {reached}" + (f" · {way.unset} is not set" if way.unset else ""))
    return "\n".join(lines)


def send_trial(notify: Notify, channel: str, recipient: str, now: datetime) -> str:
    """Deliver a test notice; a sentence that says so. Raises ConfigurationError or NotSentError with what to do."""
    way = notify.channels.get(channel)
    if way is None:
        known = ", ".join(sorted(notify.channels)) or "none; see docs/notify.md"
        raise ConfigurationError(_FILE, f"notify.channel.{channel}", "no such channel", f"known: {known}")
    to = _reached(notify, way, recipient)
    unset = way.unset or (to.unset if way.kind == "mail" else "")
    if unset:
        raise ConfigurationError(_FILE, f"notify.channel.{channel}", f"{unset} is not set", "put it in the environment")
    try:
        DELIVER[way.kind](trial(to, now), way, to, now)
    except NotSentError as failure:
        raise ConfigurationError(_FILE, f"notify.channel.{channel}", "the test notice was not delivered", str(failure)) from failure
    return f"{channel}: a test notice for {to.key} was delivered"


def _reached(notify: Notify, way: Channel, wanted: str) -> Recipient:
    reached = [r for _, r in sorted(notify.recipients.items()) if way.key in r.channels and wanted in ("", r.key)]
    if not reached:
        who = f"recipient {wanted!r}" if wanted else "a recipient"
        raise ConfigurationError(_FILE, "notify.recipient", f"{who} with {way.key!r} in its channels is wanted", "see docs/notify.md")
    return reached[0]


def trial(to: Recipient, now: datetime) -> Letter:
    """A notice about nothing, in the recipient's language."""
    zh = to.lang == "zh"
    item = Item(
        transition_id=0,
        alert_id=0,
        number="TEST-0000",
        event="open",
        level="blue",
        domain="",
        rule="",
        title="通知测试" if zh else "test of notices",
        asset_id="",
        asset="驾驶舱" if zh else "cockpit",
        street="",
        street_code="",
        owner="",
        at=now,
        value=None,
        unit="",
        why="收到即表示通道可用，无需处置" if zh else "this channel works; nothing is to be done",
        link="",
    )
    return Letter(str(uuid.uuid5(uuid.NAMESPACE_URL, f"test {to.key} {now.isoformat()}")), to.key, to.lang, True, (item,))
