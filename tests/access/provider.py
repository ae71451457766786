"""A real OpenID provider as a process of its own: django-oauth-toolkit on a port, with its own store, keys and users.

    python tests/access/provider.py <port> <where people are sent back to> <where after signing out>

People sign in by their name alone: `/be?user=heads`. What only a test may do is below `/test/`.
"""

from __future__ import annotations

import sys
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

CLIENT, SECRET = "cockpit", "cockpit-secret-of-the-tests"
LASTS_S = 300
GROUPS: dict[str, list[str]] = {"head": ["桥梁处"], "desk": ["指挥中心", "桥梁处"], "stranger": ["食堂"], "nobody": []}


def new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def claims() -> type:
    """Tells the account's name and groups, in the ID token and at userinfo. Django must be set up before this can be imported."""
    from oauth2_provider.oauth2_validators import OAuth2Validator

    class Claims(OAuth2Validator):  # type: ignore[misc]
        oidc_claim_scope = OAuth2Validator.oidc_claim_scope | {"groups": "groups"}

        def get_additional_claims(self) -> dict[str, Any]:
            return {"preferred_username": lambda r: r.user.username, "groups": lambda r: GROUPS.get(r.user.username, [])}

    return Claims


def configure(port: int) -> None:
    scopes = {"openid": "who", "profile": "name", "groups": "groups"}
    settings.configure(
        SECRET_KEY="of the tests",
        DEBUG=False,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        LOGIN_URL="/be",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}/o",
            "OIDC_RSA_PRIVATE_KEY": new_key(),
            "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
            "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
            "SCOPES": scopes,
            "PKCE_REQUIRED": True,
            "ACCESS_TOKEN_EXPIRE_SECONDS": LASTS_S,
            "ROTATE_REFRESH_TOKEN": True,
            "ALLOWED_REDIRECT_URI_SCHEMES": ["http"],
        },
    )
    django.setup()


def be(request: HttpRequest) -> HttpResponse:
    """Sign in as somebody, and go on."""
    from django.contrib.auth import login
    from django.contrib.auth.models import User

    name = request.GET.get("user", "")
    if not name:
        return HttpResponse("who are you?", status=401)
    user, _ = User.objects.get_or_create(username=name)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(request.GET.get("next", "/"))


def regroup(request: HttpRequest) -> HttpResponse:
    """Move somebody to other groups."""
    GROUPS[request.GET["user"]] = [group for group in request.GET["groups"].split(",") if group]
    return HttpResponse("ok")


def revoke(_request: HttpRequest) -> HttpResponse:
    """Take every token back, as an administrator would."""
    from oauth2_provider.models import get_refresh_token_model

    for token in get_refresh_token_model().objects.all():
        token.revoke()
    return HttpResponse("ok")


def turn(_request: HttpRequest) -> HttpResponse:
    """Sign with another key from now on; the old one is no longer told."""
    from oauth2_provider.settings import oauth2_settings

    oauth2_settings.OIDC_RSA_PRIVATE_KEY = new_key()
    return HttpResponse("ok")


def urls() -> list[Any]:
    from django.urls import include, path

    mine = [path("be", be), path("test/groups", regroup), path("test/revoke", revoke), path("test/turn", turn)]
    return [*mine, path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]


class Quiet(WSGIRequestHandler):
    def log_message(self, *words: Any) -> None:
        pass


def main(port: int, back: str, after: str) -> None:
    global urlpatterns
    configure(port)
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from oauth2_provider.models import get_application_model
    from oauth2_provider.settings import oauth2_settings

    oauth2_settings.OAUTH2_VALIDATOR_CLASS = claims()
    call_command("migrate", verbosity=0)
    urlpatterns = urls()
    get_application_model().objects.create(
        client_id=CLIENT,
        client_secret=SECRET,
        hash_client_secret=False,  # a slow hash is for the outside
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=back,
        post_logout_redirect_uris=after,
        algorithm="RS256",
        skip_authorization=True,
        name="cockpit",
    )
    make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet).serve_forever()


urlpatterns: list[Any] = []

if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:4])
