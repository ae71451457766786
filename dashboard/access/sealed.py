"""Secrets: random tokens, the hashes kept of them, values sealed under the deployment's key, marks only we can make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def fresh_token() -> str:
    """256 random bits, fit for a cookie or a header."""
    return secrets.token_urlsafe(32)


def kept(token: str) -> str:
    """What is stored of a random token: enough to know it again, nothing to come in with."""
    return hashlib.sha256(token.encode()).hexdigest()


class Seal:
    """Sealing and marking under one key; each purpose has a key of its own made from it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def close(self, text: str, purpose: str) -> str:
        """The text, readable only with our key and for that purpose."""
        nonce = os.urandom(_NONCE)
        return base64.urlsafe_b64encode(nonce + AESGCM(self._of(purpose)).encrypt(nonce, text.encode(), None)).decode()

    def open(self, sealed: str, purpose: str) -> str | None:
        """What was sealed; None when it was not by us, not for that, or changed on its way."""
        try:
            raw = base64.b64decode(sealed, altchars=b"-_", validate=True)
            return AESGCM(self._of(purpose)).decrypt(raw[:_NONCE], raw[_NONCE:], None).decode()
        except (ValueError, InvalidTag):
            return None

    def mark(self, text: str, purpose: str) -> str:
        """A mark of the text nobody else can make."""
        return hmac.digest(self._of(purpose), text.encode(), "sha256").hex()

    def marked(self, text: str, mark: str, purpose: str) -> bool:
        """Whether the mark is ours."""
        return hmac.compare_digest(self.mark(text, purpose).encode(), mark.encode())

    def _of(self, purpose: str) -> bytes:
        return hmac.digest(self._key, b"access:" + purpose.encode(), "sha256")
