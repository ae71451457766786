"""Pseudonyms: a personal field becomes a keyed token before anything is stored, logged or shown."""

from __future__ import annotations

import hmac
import unicodedata

_LENGTH = 24  # hex digits: 96 bits, so two people never share a token by chance


def token(secret: bytes, value: object) -> str | None:
    """The same person under the same secret always gets the same token; without the secret nobody can go back.

    Spaces, dashes, case and full-width forms do not make another person. Nothing in, nothing out.
    """
    text = "" if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    plain = text.upper() if text.isascii() and text.isalnum() else _plain(text)
    if not plain:
        return None
    return hmac.digest(secret, plain.encode("utf-8", "replace"), "sha256").hex()[:_LENGTH]


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isalnum())
