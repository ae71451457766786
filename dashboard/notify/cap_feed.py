"""The Atom index of our CAP messages, for readers that poll."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lxml import etree

from dashboard.core.catalog import Catalog
from dashboard.core.times import iso
from dashboard.notify.cap import CapMessage
from dashboard.settings import Settings

ATOM = "http://www.w3.org/2005/Atom"
PATH = "/api/v1/cap"


def index(messages: Sequence[CapMessage], catalog: Catalog, settings: Settings, now: datetime) -> bytes:
    """Each message as an entry that leads to its signed XML."""
    feed, sender = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM}), settings.notify.cap.sender
    newest = max((told.sent for told in messages), default=now)
    _put(feed, "id", f"urn:cap:{sender}")
    _put(feed, "title", "城市生命体 CAP 1.2" + ("" if settings.notify.cap.status == "Actual" else f" ({settings.notify.cap.status})"))
    _put(feed, "updated", iso(newest))
    _put(_put(feed, "author", ""), "name", sender)
    _put(feed, "link", "", rel="self", type="application/atom+xml", href=PATH)
    for told in messages:
        entry = _put(feed, "entry", "")
        _put(entry, "id", f"urn:cap:{sender}:{told.identifier}")
        _put(entry, "title", told.headline(catalog, "zh"))
        _put(entry, "updated", iso(told.sent))
        _put(entry, "summary", told.headline(catalog, "en"))
        _put(entry, "category", "", term=told.kind)
        _put(entry, "link", "", rel="alternate", type="application/cap+xml", href=f"{PATH}/{told.identifier}")
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="UTF-8"))


def _put(parent: Any, name: str, text: str, **attributes: str) -> Any:
    child = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    child.text = "".join(c for c in text if ord(c) >= 32) or None
    return child
