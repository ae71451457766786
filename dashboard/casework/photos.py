"""Photographs of the site: made small, freed of what the camera noted, kept under the hash of what they show."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError

from dashboard.casework.handling import Doing, carry, find
from dashboard.casework.life import Event, step
from dashboard.core.catalog import Catalog
from dashboard.core.errors import NotNowError
from dashboard.core.times import to_micros
from dashboard.store import bulk
from dashboard.store.audit_log import NOWHERE, Origin, note_action
from dashboard.store.engine import writing
from dashboard.store.schema import photo
from dashboard.store.topics import bump

LARGEST = 12_000_000  # bytes as they come from a phone
MOST_PIXELS = 60_000_000  # a picture may be small in bytes and huge unpacked
LONGEST_SIDE = 1600
MOST_PHOTOS = 20  # of one alert
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 82


@dataclass(frozen=True)
class Photo:
    """A photograph as it is kept: a JPEG without any notes."""

    photo_id: str
    width: int
    height: int
    body: bytes


def add_photo(
    engine: sa.Engine, catalog: Catalog, alert_id: int, given: bytes, actor: str, now: datetime, origin: Origin = NOWHERE
) -> Photo:
    """Keep a photograph with an alert. Raises NotNowError for what is no picture or one too many, NotFoundError for no alert."""
    made = cleaned(given)
    with writing(engine).begin() as conn:
        case = find(conn, catalog, alert_id, now)
        known = conn.scalar(sa.select(sa.func.count()).where(photo.c.alert_id == alert_id)) or 0
        if known >= MOST_PHOTOS:
            raise NotNowError(f"每条预警最多{MOST_PHOTOS}张照片 (an alert has at most {MOST_PHOTOS} photographs)")
        names = ("photo_id", "alert_id", "at", "actor", "width", "height", "body")
        row = (made.photo_id, alert_id, to_micros(now), actor, made.width, made.height, made.body)
        if bulk.insert(conn, photo, names, [row]):
            after = step(case.life, Event.PHOTO, now, case.plan)
            carry(conn, case, after, Doing(event=Event.PHOTO, actor=actor, code=made.photo_id[:32]), now)
            told = {"action": "alert.photo", "about": case.row.number, "detail": made.photo_id}
            note_action(conn, actor=actor, **told, now=now, origin=origin)
            bump(conn, ["alerts"], now)
    return made


def cleaned(given: bytes) -> Photo:
    """The picture alone: upright, no longer than 1,600 pixels, as JPEG without EXIF, profile or comment."""
    try:
        with Image.open(io.BytesIO(given), formats=_FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is unpacked no larger than needed
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except Image.DecompressionBombError as huge:
        raise NotNowError("照片像素过大，请缩小后再传 (too many pixels; make it smaller)") from huge
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as wrong:
        raise NotNowError("不是可识别的照片，请用JPEG、PNG或WebP (not a picture we can read; use JPEG, PNG or WebP)") from wrong
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=_QUALITY, optimize=True)
    body = out.getvalue()
    return Photo(hashlib.sha256(body).hexdigest(), bare.width, bare.height, body)


def one_photo(conn: sa.Connection, alert_id: int, photo_id: str) -> bytes | None:
    """A photograph's bytes, or None."""
    body = conn.scalar(sa.select(photo.c.body).where(photo.c.alert_id == alert_id, photo.c.photo_id == photo_id))
    return None if body is None else bytes(body)
