"""Behind nginx as deploy/nginx.conf has it: TLS, pages, API, the live channel, and who a request is from."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect

from dashboard.access.sealed import kept
from dashboard.core.catalog import load_catalog
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.schema import audit
from dashboard.store.schema_access import account, api_token

ROOT = Path(__file__).resolve().parents[2]
TOKEN = {"authorization": "Bearer a-program-of-the-tests"}
ELSEWHERE = "127.9.8.7"  # an address of this machine that is not the proxy's
WAIT_S = 60


def nginx() -> str:
    """Its program; absent, the test is skipped with the reason, and fails in CI."""
    found = os.environ.get("NGINX") or shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not found:
        why = "nginx is not installed (apt-get install nginx-light, or set NGINX to its path)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    return str(found)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def certificate(place: Path) -> None:
    """A certificate for localhost, signed by itself."""
    key, name, now = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
        datetime.now(UTC),
    )
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    (place / "cockpit.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (place / "cockpit.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))


def configured(place: Path, plain: int, tls: int, inner: int) -> Path:
    """The example with this test's ports and paths, inside the least an nginx needs."""
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for old, new in (
        ("127.0.0.1:8050", f"127.0.0.1:{inner}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{tls} ssl;"),
        ("cockpit.example.gov.cn", "localhost"),
        ("/etc/nginx/tls/", f"{place}/"),
    ):
        assert old in text
        text = text.replace(old, new)
    temporary = "".join(f"{kind}_temp_path {place}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = (
        f"daemon off; master_process off; pid {place}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; {temporary}\n{text}\n}}\n"
    )
    (place / "nginx.conf").write_text(whole, "utf-8")
    return place / "nginx.conf"


@dataclass
class Reached:
    """Where it is reached."""

    plain: int
    tls: int
    store: sa.Engine
    trust: ssl.SSLContext

    def get(self, path: str, **options: str) -> httpx.Response:
        with httpx.Client(verify=self.trust, transport=httpx.HTTPTransport(verify=self.trust, local_address=ELSEWHERE)) as client:
            return client.get(f"https://localhost:{self.tls}{path}", headers=options)


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    program, place = nginx(), tmp_path_factory.mktemp("behind")
    plain, tls, inner = (free_port() for _ in range(3))
    certificate(place)
    load_catalog()
    (place / "cockpit.toml").write_text("", "utf-8")
    store = open_store(f"sqlite:///{place / 'store.db'}")
    migrate(store)
    _somebody(store)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COCKPIT_")} | {
        "COCKPIT_CONFIG": str(place / "cockpit.toml"),
        "COCKPIT_STORE_URL": f"sqlite:///{place / 'store.db'}",
        "COCKPIT_ACCESS": "accounts",
        "COCKPIT_ADDRESS": f"https://localhost:{tls}",
        "COCKPIT_PROXIES": "127.0.0.1",
        "PORT": str(inner),
        "PYTHONPATH": str(ROOT),
    }
    with (place / "said").open("wb") as said:
        processes = [
            subprocess.Popen([sys.executable, "-m", "dashboard", "serve"], cwd=place, env=environment, stdout=said, stderr=said),
            subprocess.Popen([program, "-p", str(place), "-c", str(configured(place, plain, tls, inner))], stdout=said, stderr=said),
        ]
        try:
            trust = ssl.create_default_context(cafile=str(place / "cockpit.pem"))
            _until_ready(f"https://localhost:{tls}/healthz", trust, place / "said")
            yield Reached(plain, tls, store, trust)
        finally:
            for process in processes:
                process.terminate()
                process.wait(10)
            store.dispose()


def _somebody(store: sa.Engine) -> None:
    """An account that may look, and a program of its own."""
    now = datetime.now(UTC)
    with writing(store).begin() as conn:
        number = conn.execute(sa.insert(account).values(name="viewer", role="viewer", password_at=now, created_at=now)).inserted_primary_key
        token = kept(TOKEN["authorization"].removeprefix("Bearer "))
        row = {
            "account_id": number[0] if number else 1,
            "title": "test",
            "token": token,
            "made_at": now,
            "ends_at": now + timedelta(days=1),
        }
        conn.execute(sa.insert(api_token).values(row))


def _until_ready(address: str, trust: ssl.SSLContext, said: Path) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        try:
            if httpx.get(address, verify=trust).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(said.read_text("utf-8", "replace"))


def test_plain_http_leads_to_tls(reached: Reached) -> None:
    answer = httpx.get(f"http://127.0.0.1:{reached.plain}/alerts?scope=500103003", headers={"host": "localhost"})
    assert (answer.status_code, answer.headers["location"]) == (308, "https://localhost/alerts?scope=500103003")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_older_than_1_2_is_refused(reached: Reached) -> None:
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")  # we would speak it
    client.minimum_version, client.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", reached.tls), 5) as plain, pytest.raises(ssl.SSLError, match="alert protocol version"):
        client.wrap_socket(plain)


def test_a_stranger_is_led_to_the_sign_in_with_cookies_that_insist_on_tls(reached: Reached) -> None:
    answer = reached.get("/alerts")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Falerts")
    form = reached.get("/sign-in")
    assert form.status_code == 200 and "max-age" in form.headers["strict-transport-security"]
    cookies = form.headers.get_list("set-cookie")
    assert cookies and all(re.match(r"__Host-cockpit_\w+=", c) and "; Secure" in c and "; Path=/" in c for c in cookies)
    assert "nginx/" not in form.headers["server"]  # no version


def test_pages_and_api_answer_to_who_may_see_them(reached: Reached) -> None:
    page = reached.get("/", **TOKEN)
    assert page.status_code == 200 and "<!DOCTYPE html>" in page.text
    assert reached.get("/api/v1/kpis", **TOKEN).json() == {"items": [], "next": None}
    assert reached.get("/api/v1/kpis").status_code == 401
    assert reached.get("/metrics", **TOKEN).status_code == 403


def test_frames_arrive_over_the_live_channel(reached: Reached) -> None:
    async def watch() -> dict[str, object]:
        address = f"wss://localhost:{reached.tls}/live"
        async with connect(address, ssl=reached.trust, additional_headers=TOKEN, compression=None, proxy=None) as screen:
            await screen.send(json.dumps({"panels": ["alerts"], "query": ""}))
            while True:
                message = await asyncio.wait_for(screen.recv(), 20)
                if isinstance(message, bytes):
                    return dict(json.loads(gzip.decompress(message)))

    assert "alerts" in json.dumps(asyncio.run(watch()))


def test_the_audit_log_has_the_clients_address_not_the_proxys_nor_a_made_up_one(reached: Reached) -> None:
    assert reached.get("/export/alerts.csv", **TOKEN, **{"x-forwarded-for": "198.51.100.1"}).status_code == 403
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with reached.store.connect() as conn:
            denied = conn.execute(sa.select(audit.c.actor, audit.c.client, audit.c.outcome).where(audit.c.outcome == "denied")).all()
        if denied:
            break
        time.sleep(0.05)
    assert ("viewer", "127.9.8.x", "denied") in denied
