"""CAP messages (1.0 to 1.2) out of a document: a message, an Atom or RSS index, an EDXL-DE envelope; taken whole or refused with why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

Row: TypeAlias = dict[str, Any]
_CAP = {f"urn:oasis:names:tc:emergency:cap:1.{n}" for n in (1, 2)} | {
    "http://www.incident.com/cap/1.0",
    "http://www.incident.com/cap/1.1",
    "urn:oasis:names:tc:emergency:cap:1.0",
}
_ATOM, _EDXL = "http://www.w3.org/2005/Atom", "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
_ATOM_WORDS = "author category contributor generator icon id link logo rights subtitle title updated entry"
_WORDS = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
_ENUMERATIONS = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_VERY_LIKELY = "Very Likely"  # 1.0 only
_OF_ALERT = ("identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "note", "references", "incidents")
_OF_INFO = (
    *("language", "event", "urgency", "severity", "certainty", "audience", "effective", "onset", "expires"),
    *("senderName", "headline", "description", "instruction", "web", "contact"),
)
_PAIRS = ("eventCode", "parameter")
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
_NAME = re.compile(r"^[^\s,<&]+$")
FIELDS = (*_OF_ALERT, *_OF_INFO, "category", "responseType", "areaDesc", "polygon", "circle", "lat", "lon", "part")


class CapRefusedError(ValueError):
    """Not a document we take, and why."""


@dataclass
class CapDocument:
    """What a document holds: messages as rows (one for each info and area), and links to more."""

    rows: list[Row] = field(default_factory=list)
    messages: int = 0
    links: dict[str, str] = field(default_factory=dict)  # address → when it was last changed, as the index says


def read_document(raw: bytes) -> CapDocument:
    """All a document holds. Raises CapRefusedError: one wrong message in an envelope refuses the whole of it."""
    try:
        root = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException as trap:
        raise CapRefusedError(
            f"it declares a document type or entities, which could fetch or unpack anything: {type(trap).__name__}"
        ) from None
    except (ParseError, ValueError, LookupError) as broken:
        raise CapRefusedError(f"it is not XML: {broken}") from None
    space, name = _split(root.tag)
    if name == "alert":
        return _document([root])
    if (space, name) == (_ATOM, "feed"):
        return _atom(root)
    if (space, name) == ("", "rss"):
        return _rss(root)
    if (space, name) == (_EDXL, "EDXLDistribution"):
        return _envelope(root)
    raise CapRefusedError(f"<{name}> is neither a CAP message nor an Atom, RSS or EDXL-DE document")


def _split(tag: Any) -> tuple[str, str]:
    space, _, name = str(tag).rpartition("}")
    return space.removeprefix("{"), name


def _document(alerts: list[Element], links: dict[str, str] | None = None) -> CapDocument:
    return CapDocument([row for found in alerts for row in _message(found)], len(alerts), links or {})


# ---- indexes and envelopes


def _atom(feed: Element) -> CapDocument:
    """Elements of other namespaces are somebody's additions and none of our business; unknown ones of Atom's own are mistakes."""
    _needs(feed, _ATOM, "feed", ("id", "title", "updated"))
    for child in feed:
        space, name = _split(child.tag)
        if space == _ATOM and name not in _ATOM_WORDS.split():
            raise CapRefusedError(f"<{name}> is no element of an Atom feed")
    alerts: list[Element] = []
    links: dict[str, str] = {}
    for entry in feed.findall(f"{{{_ATOM}}}entry"):
        _needs(entry, _ATOM, "entry", ("id", "title", "updated"))
        content = entry.find(f"{{{_ATOM}}}content")
        inside = [child for child in content if _split(child.tag)[1] == "alert"] if content is not None else []
        found = _best_link(entry)
        if not inside and not found:
            raise CapRefusedError("an entry holds no message and no link to one")
        alerts += inside
        if found and not inside:
            links[found] = _text(entry, f"{{{_ATOM}}}updated")
    return _document(alerts, links)


def _best_link(entry: Element) -> str:
    """The link that says it is CAP, else the first."""
    found = [link for link in entry.findall(f"{{{_ATOM}}}link") if link.get("href")]
    named = [link for link in found if link.get("type") == "application/cap+xml"]
    return str((named or found)[0].get("href")) if found else ""


def _rss(root: Element) -> CapDocument:
    channel = root.find("channel")
    if channel is None:
        raise CapRefusedError("the RSS document has no channel")
    _needs(channel, "", "channel", ("title", "link", "description"))
    links = {}
    for item in channel.findall("item"):
        _needs(item, "", "item", ("link",))
        links[_text(item, "link")] = _text(item, "pubDate")
    return _document([], links)


def _envelope(root: Element) -> CapDocument:
    inside = [part for part in root.iter(f"{{{_EDXL}}}embeddedXMLContent")]
    if any(len(part) == 0 for part in inside):
        raise CapRefusedError("a content object of the envelope is empty")
    alerts = [child for part in inside for child in part if _split(child.tag)[1] == "alert"]
    if not alerts:
        raise CapRefusedError("the envelope holds no CAP message")
    return _document(alerts)


def _needs(element: Element, space: str, what: str, names: tuple[str, ...]) -> None:
    prefix = f"{{{space}}}" if space else ""
    for name in names:
        if not _text(element, prefix + name):
            raise CapRefusedError(f"<{name}> of the {what} is missing or empty")


def _text(element: Element, name: str) -> str:
    return " ".join((element.findtext(name) or "").split())


# ---- messages


def _message(root: Element) -> Iterator[Row]:
    """The rows of a message, once all of it has been found right."""
    space, _ = _split(root.tag)
    if space not in _CAP:
        raise CapRefusedError(f"{space or 'no namespace'!r} is no version of CAP")
    of = _Part(root, space)
    alert = {name: of.text(name) for name in _OF_ALERT}
    first = space.endswith("1.0")
    for name in ("identifier", "sender"):
        of.wants(name, bool(_NAME.match(alert[name])), "is missing, or holds spaces, commas, < or &")
    of.time("sent", needed=True)
    of.word("status")
    of.word("msgType")
    of.word("scope", needed=not first)
    of.wants("restriction", alert["scope"] != "Restricted" or bool(alert["restriction"]), "is missing from a message of restricted scope")
    of.wants("addresses", alert["scope"] != "Private" or bool(of.text("addresses")), "is missing from a private message")
    _references(of, alert, first)
    rows = [row for info in of.children("info") for row in _info(_Part(info, space), first)]
    for number, row in enumerate(rows or [{}]):
        yield dict.fromkeys(FIELDS) | {k: v or None for k, v in alert.items()} | row | {"part": number}


def _references(of: _Part, alert: Row, first: bool) -> None:
    given = alert["references"].split()
    if alert["msgType"] in ("Update", "Cancel"):
        of.wants("references", bool(given), f"names no earlier message, as one that is an {alert['msgType']} must")
    if not first:
        of.wants("references", all(one.count(",") >= 2 for one in given), "is not made of sender,identifier,sent")


def _info(of: _Part, first: bool) -> Iterator[Row]:
    row: Row = {name: of.text(name) or None for name in _OF_INFO}
    of.wants("category", first or bool(of.children("category")), "is missing")
    of.wants("event", bool(row["event"]), "is missing")
    for name in ("category", "responseType"):
        words = [" ".join((child.text or "").split()) for child in of.children(name)]
        for word in words:
            of.wants(name, word in _ENUMERATIONS[name], f"{word!r} is none of the standard's words")
        row[name] = ",".join(words) or None
    for name in ("urgency", "severity"):
        of.word(name)
    if not (first and row["certainty"] == _VERY_LIKELY):
        of.word("certainty")
    for name in ("effective", "onset", "expires"):
        of.time(name)
    row |= {key: value for name in _PAIRS for key, value in of.pairs(name)}
    areas = of.children("area")
    for area in areas:
        yield row | _area(_Part(area, of.space))
    if not areas:
        yield row


def _area(of: _Part) -> Row:
    of.wants("areaDesc", bool(of.text("areaDesc")), "is missing")
    polygons = [_polygon(of, child.text or "") for child in of.children("polygon")]
    circles = [_circle(of, child.text or "") for child in of.children("circle")]
    lat, lon = circles[0][:2] if circles else _middle(polygons[0]) if polygons else (None, None)
    texts = [" ".join((child.text or "").split()) for name in ("polygon", "circle") for child in of.children(name)]
    told = {"areaDesc": of.text("areaDesc"), "lat": lat, "lon": lon, **dict(of.pairs("geocode"))}
    return told | {"polygon": texts[0] if polygons else None, "circle": texts[len(polygons)] if circles else None}


def _point(of: _Part, name: str, text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise CapRefusedError(f"<{name}>: {text!r} is not a latitude and a longitude") from None
    of.wants(name, -90 <= lat <= 90 and -180 <= lon <= 180, f"{text!r} is nowhere on earth")
    return lat, lon


def _polygon(of: _Part, text: str) -> list[tuple[float, float]]:
    points = [_point(of, "polygon", point) for point in text.split()]
    of.wants("polygon", len(points) >= 4 and points[0] == points[-1], "is not a closed ring of four points or more")
    return points


def _circle(of: _Part, text: str) -> tuple[float, float, float]:
    place, _, radius = " ".join(text.split()).partition(" ")
    try:
        reach = float(radius)
    except ValueError:
        raise CapRefusedError(f"<circle>: {text!r} is not a point and a radius") from None
    return (*_point(of, "circle", place), reach)


def _middle(points: list[tuple[float, float]]) -> tuple[float, float]:
    corners = points[:-1]
    return sum(lat for lat, _ in corners) / len(corners), sum(lon for _, lon in corners) / len(corners)


@dataclass(frozen=True)
class _Part:
    """An element of a message and the namespace its children are in."""

    element: Element
    space: str

    def children(self, name: str) -> list[Element]:
        return self.element.findall(f"{{{self.space}}}{name}")

    def text(self, name: str) -> str:
        return _text(self.element, f"{{{self.space}}}{name}")

    def wants(self, name: str, fine: bool, problem: str) -> None:
        if not fine:
            raise CapRefusedError(f"<{name}>: {problem}")

    def word(self, name: str, needed: bool = True) -> None:
        said = self.text(name)
        if said or needed:
            self.wants(name, said in _ENUMERATIONS[name], f"{said!r} is none of the standard's words" if said else "is missing")

    def time(self, name: str, needed: bool = False) -> None:
        """A moment with its offset; nothing else tells when it was."""
        said = self.text(name)
        if not said and not needed:
            return
        self.wants(name, bool(_TIME.match(said)), f"{said!r} is not a moment with its offset from UTC" if said else "is missing")
        try:
            datetime.fromisoformat(said)
        except ValueError:
            raise CapRefusedError(f"<{name}>: {said!r} is no date there is") from None

    def pairs(self, name: str) -> Iterator[tuple[str, str | None]]:
        """Named values, as `geocode.UGC`; 1.0 wrote them as name=value."""
        for child in self.children(name):
            inner = _Part(child, self.space)
            key, value = inner.text("valueName"), inner.text("value")
            if not key and child.text and "=" in child.text:
                key, _, value = child.text.strip().partition("=")
            self.wants(name, bool(key), "has no valueName")
            yield f"{name}.{key}", value or None
