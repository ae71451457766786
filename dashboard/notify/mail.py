"""Mail over SMTP: one message, one recipient, its key as Message-ID so that a repeated one is known for what it is."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from dashboard.core.duty import Channel, Recipient
from dashboard.notify.failure import NotSentError
from dashboard.notify.letters import Letter

_PORTS = {"smtp": 25, "smtps": 465}


def send_mail(told: Letter, way: Channel, to: Recipient, now: datetime) -> None:
    """Deliver by the channel's server: `smtp://user:password@host:587?starttls=1` or `smtps://…`. Raises NotSentError."""
    if not to.address:
        raise NotSentError(f"{to.key} has no mail address: set its address_env")
    message = written(told, way, to, now)
    try:
        with _connected(way) as server:
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused:
        raise NotSentError(f"{way.key}: the server refuses the address of {to.key}") from None
    except smtplib.SMTPAuthenticationError:
        raise NotSentError(f"{way.key}: user and password are refused", channel_is_down=True) from None
    except smtplib.SMTPResponseException as refused:
        raise NotSentError(f"{way.key}: the server answers {refused.smtp_code}", channel_is_down=refused.smtp_code < 500) from None
    except (OSError, smtplib.SMTPException) as wrong:
        raise NotSentError(f"{way.key}: not reached ({type(wrong).__name__})", channel_is_down=True) from None


def written(told: Letter, way: Channel, to: Recipient, now: datetime) -> EmailMessage:
    """The mail itself."""
    domain = parseaddr(way.sender)[1].rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = way.sender, to.address, told.subject
    message["Date"], message["Message-ID"] = format_datetime(now), f"<{told.key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # no answering machine answers
    if told.level == "red":
        message["Importance"] = "high"
    links = [item.link for item in told.items if item.link]
    message.set_content("\n\n".join([*told.lines(), *dict.fromkeys(links)]) + "\n")
    return message


def _connected(way: Channel) -> smtplib.SMTP:
    address = urlsplit(way.url)
    if address.scheme not in _PORTS or not address.hostname:
        raise NotSentError(f"{way.key}: its url_env is no mail server: write smtp://host:25 or smtps://…", channel_is_down=True)
    port, seconds = address.port or _PORTS[address.scheme], way.timeout.total_seconds()
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(address.hostname, port, timeout=seconds, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(address.hostname, port, timeout=seconds)
    try:
        _introduce(server, address)
    except BaseException:
        server.close()
        raise
    return server


def _introduce(server: smtplib.SMTP, address: SplitResult) -> None:
    """Encrypt where asked to, then say who we are where the address holds a user."""
    if parse_qs(address.query).get("starttls") == ["1"]:
        server.starttls(context=ssl.create_default_context())
    if address.username:
        server.login(unquote(address.username), unquote(address.password or ""))
