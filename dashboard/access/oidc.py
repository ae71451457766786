"""An OpenID provider as we talk to it: found by its issuer, its keys read anew when they turn, its tokens believed only when all fits."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from dashboard.core.doors import Oidc
from dashboard.core.errors import CockpitError, NotAllowedError
from dashboard.core.times import to_micros

_ALGORITHMS = ("RS256", "PS256", "ES256")  # what may sign for the provider; never a secret we share with it
_TIMEOUT = httpx.Timeout(5.0)
_LEEWAY_S = 60
_FOUND_FOR = timedelta(hours=1)
_KEYS_AT_MOST = timedelta(seconds=60)  # a stranger's key number must not make us ask more often
_OUT = "http://schemas.openid.net/event/backchannel-logout"


class ProviderAwayError(CockpitError):
    """The provider does not answer, or not as one."""


@dataclass(frozen=True)
class Asked:
    """What must come back with somebody we sent to the provider."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Told:
    """What the provider told of somebody."""

    claims: Mapping[str, Any]
    id_token: str
    refresh_token: str
    lasts: timedelta | None  # until it is to be asked again; None: it cannot be


class Provider:
    """One OpenID provider. Tests bring their own transport."""

    def __init__(self, config: Oidc, back: str, transport: httpx.BaseTransport | None = None) -> None:
        self.config, self._back = config, back
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=False, transport=transport)
        self._found: tuple[dict[str, Any], datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None

    # ---- there and back

    def away(self, now: datetime) -> tuple[str, Asked]:
        """Where to send somebody to be recognised, and what must come back."""
        asked = Asked(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        words = {
            "redirect_uri": self._back,
            "scope": " ".join(self.config.scopes),
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": create_s256_code_challenge(asked.verifier),
            "code_challenge_method": "S256",
        }
        address = prepare_grant_uri(self._document(now)["authorization_endpoint"], self.config.client_id, "code", **words)
        return str(address), asked

    def back(self, given: Mapping[str, str], asked: Asked, now: datetime) -> Told:
        """Exchange what somebody came back with. Raises NotAllowedError for anything that does not fit together."""
        if not secrets.compare_digest(given.get("state", ""), asked.state):
            raise NotAllowedError("the state is not the one we sent")
        if given.get("iss", self.config.issuer) != self.config.issuer:  # RFC 9207
            raise NotAllowedError("the answer is another issuer's")
        if "code" not in given:
            raise NotAllowedError(f"the provider refused: {given.get('error', 'no code')[:80]}")
        grant = {"grant_type": "authorization_code", "code": given["code"], "redirect_uri": self._back, "code_verifier": asked.verifier}
        told = self._tokens(grant, now)
        if not secrets.compare_digest(str(told.claims.get("nonce", "")), asked.nonce):
            raise NotAllowedError("the nonce is not the one we sent")
        return told

    def again(self, refresh_token: str, id_token: str, now: datetime) -> Told:
        """Ask whether somebody still stands as told. Raises NotAllowedError when refused."""
        told = self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token}, now)
        return Told(told.claims, told.id_token or id_token, told.refresh_token or refresh_token, told.lasts)

    def out(self, id_token: str, home: str, now: datetime) -> str:
        """Where to send somebody who signs out here, so that they are out there too; home where the provider has no such place."""
        place = self._document(now).get("end_session_endpoint")
        if not place:
            return home
        query = {"client_id": self.config.client_id, "post_logout_redirect_uri": home} | ({"id_token_hint": id_token} if id_token else {})
        return str(httpx.URL(place).copy_merge_params(query))

    def ended(self, logout_token: str, now: datetime) -> str:
        """Whose sessions the provider ended (its subject). Raises NotAllowedError for a token that is not one."""
        claims = self._claims(logout_token, now, {"iat": {"essential": True}, "sub": {"essential": True}})
        if _OUT not in (claims.get("events") or {}) or "nonce" in claims:
            raise NotAllowedError("that is no logout token")
        return str(claims["sub"])

    # ---- what it says

    def _tokens(self, grant: Mapping[str, str], now: datetime) -> Told:
        document, basic = self._document(now), None
        fields = {**grant, "client_id": self.config.client_id}
        if self.config.client_secret:
            basic = httpx.BasicAuth(self.config.client_id, self.config.client_secret)
        answer = self._send("POST", document["token_endpoint"], data=fields, auth=basic)
        id_token = str(answer.get("id_token", ""))
        if not id_token and grant["grant_type"] == "authorization_code":
            raise NotAllowedError("the provider gave no ID token: is openid among the scopes?")
        claims = self._claims(id_token, now, {"exp": {"essential": True}, "sub": {"essential": True}}) if id_token else {}
        claims = {**claims, **self._more(document, str(answer.get("access_token", "")), claims)}
        refresh = str(answer.get("refresh_token", ""))
        return Told(claims, id_token, refresh, timedelta(seconds=max(30, int(answer.get("expires_in", 300)) - 30)) if refresh else None)

    def _more(self, document: Mapping[str, Any], access_token: str, claims: Mapping[str, Any]) -> dict[str, Any]:
        """What the ID token leaves to the userinfo address."""
        wanted = {"sub", self.config.groups_claim, self.config.name_claim}
        if wanted <= claims.keys() or "userinfo_endpoint" not in document or not access_token:
            return {}
        told = self._send("GET", document["userinfo_endpoint"], headers={"authorization": f"Bearer {access_token}"})
        if claims and told.get("sub") != claims["sub"]:
            raise NotAllowedError("userinfo is about somebody else")
        return told

    def _claims(self, token: str, now: datetime, wanted: dict[str, Any]) -> dict[str, Any]:
        """What a token claims, once its signature, issuer, audience and times are right."""
        rules: dict[str, Any] = {
            "iss": {"essential": True, "value": self.config.issuer},
            "aud": {"essential": True, "value": self.config.client_id},
        }
        registry = jwt.JWTClaimsRegistry(now=to_micros(now) // 1_000_000, leeway=_LEEWAY_S, **rules, **wanted)
        try:
            decoded = self._decoded(token, now)
            registry.validate(decoded.claims)
        except (JoseError, ValueError) as wrong:
            raise NotAllowedError(f"the provider's token does not hold: {wrong}") from wrong
        return dict(decoded.claims)

    def _decoded(self, token: str, now: datetime) -> jwt.Token:
        try:
            return jwt.decode(token, self._key_set(now, anew=False), algorithms=_ALGORITHMS)
        except InvalidKeyIdError:  # its keys have turned
            return jwt.decode(token, self._key_set(now, anew=True), algorithms=_ALGORITHMS)

    # ---- where it is

    def _document(self, now: datetime) -> dict[str, Any]:
        if self._found is None or now - self._found[1] > _FOUND_FOR:
            document = self._get(self.config.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if document.get("issuer") != self.config.issuer:
                raise ProviderAwayError(f"{self.config.issuer} says it is {document.get('issuer')!r}")
            self._found = (document, now)
        return self._found[0]

    def _key_set(self, now: datetime, anew: bool) -> KeySet:
        old = self._keys
        if old is None or (anew and now - old[1] >= _KEYS_AT_MOST):
            old = self._keys = (KeySet.import_key_set(self._get(self._document(now)["jwks_uri"])), now)  # type: ignore[arg-type]
        return old[0]

    def _get(self, address: str) -> dict[str, Any]:
        try:
            return self._send("GET", address)
        except NotAllowedError as refused:
            raise ProviderAwayError(f"{address}: {refused}") from refused

    def _send(self, method: str, address: str, **words: Any) -> dict[str, Any]:
        """An answer in JSON. Raises NotAllowedError when refused, ProviderAwayError when there is none."""
        try:
            answer = self._http.request(method, address, **words)
            document = answer.json()
        except (httpx.HTTPError, ValueError) as wrong:
            raise ProviderAwayError(f"{address} did not answer: {wrong}") from wrong
        if 400 <= answer.status_code < 500:
            told = document.get("error", answer.status_code) if isinstance(document, dict) else answer.status_code
            raise NotAllowedError(f"the provider refused: {told}")
        if answer.status_code != 200 or not isinstance(document, dict):
            raise ProviderAwayError(f"{address} answered {answer.status_code}")
        return document
