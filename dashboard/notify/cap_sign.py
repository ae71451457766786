"""The signature under our CAP messages (XML-DSig, enveloped, RSA-SHA256), and the key it is made with."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.signer import XMLSigner

from dashboard.core.errors import ConfigurationError

_VALID_FROM, _YEARS = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=365 * 30)


@dataclass(frozen=True)
class SigningKey:
    """A private key with its certificate, which receivers are given beforehand."""

    key: Any
    certificate: x509.Certificate


def signed(document: Any, with_key: SigningKey) -> bytes:
    """The document with its signature as last child of the root."""
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm="rsa-sha256",
        digest_algorithm="sha256",
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    done = signer.sign(document, key=with_key.key, cert=[with_key.certificate])
    return bytes(etree.tostring(done, xml_declaration=True, encoding="UTF-8"))


@cache
def signing_key(home: Path, given: str) -> SigningKey:
    """The key in a PEM file that the deployment names, else one of this machine's own. Raises ConfigurationError."""
    path = Path(given) if given else _own_key(home)
    try:
        pem = path.read_bytes()
        return SigningKey(load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem))
    except (OSError, ValueError, TypeError) as wrong:
        advice = "give a PEM file with an unencrypted RSA key and its certificate, or set no key_env"
        raise ConfigurationError("cockpit.toml", "notify.cap.key_env", f"no usable key ({type(wrong).__name__})", advice) from None


def _own_key(home: Path) -> Path:
    """Made once, readable by its owner only. Of two processes that make one at once, the first one's stays."""
    path = home / "var" / "cap.pem"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(_made())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path


def _made() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "City Organism CAP feed")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_FROM + _YEARS)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
