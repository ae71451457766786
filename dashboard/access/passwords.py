"""Passwords: what one must be like, and the argon2id hash that is all we keep of it."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from dashboard.access.limits import Limits
from dashboard.core.declare import Text

LONGEST = 128  # hashing a novel would cost us, and protects nobody
_ALPHABET = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ2346789"  # read aloud without mistakes
_GENERATED = 20


class Passwords:
    """Hashes, compares and judges. Tests bring a cheaper hasher."""

    def __init__(self, limits: Limits, hasher: PasswordHasher | None = None) -> None:
        self._limits = limits
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """What is kept."""
        return self._hasher.hash(_plain(password))

    def fits(self, password: str, kept: str) -> bool:
        """Whether it is the password. For an account that is not there it takes as long, so that nobody learns which are."""
        try:
            matches = self._hasher.verify(kept or self._nobodys, _plain(password)[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
        return bool(kept) and matches and len(password) <= LONGEST

    def faults(self, password: str, name: str, past: Iterable[str] = ()) -> list[Text]:
        """What keeps it from being accepted for an account whose earlier passwords are given as kept."""
        rules, plain = self._limits, _plain(password)
        found = []
        if not rules.password_length <= len(plain) <= LONGEST:
            found.append(Text(f"须有{rules.password_length}至{LONGEST}个字符", f"{rules.password_length} to {LONGEST} characters"))
        if _classes(plain) < rules.password_classes:
            many = rules.password_classes
            found.append(Text(f"大写、小写、数字、其他字符中须有{many}类", f"{many} of: capitals, small letters, digits, others"))
        if name.casefold() in plain.casefold():
            found.append(Text("不得含账号名", "not the account's name"))
        if not found and any(self.fits(password, kept) for kept in past):
            found.append(Text(f"不得与最近{rules.password_past}个相同", f"none of the last {rules.password_past}"))
        return found

    def generated(self) -> str:
        """A password to be used once: all classes, no look-alikes."""
        while True:
            made = "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED))
            if _classes(made) >= self._limits.password_classes:
                return "-".join(made[at : at + 5] for at in range(0, _GENERATED, 5))


def _plain(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _classes(password: str) -> int:
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not (c.isupper() or c.islower() or c.isdigit()))
    return sum(any(kind(c) for c in password) for kind in kinds)
