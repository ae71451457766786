"""What leaves the house is what each receiver expects: its form, its signature, its limits; checked by receivers of that kind."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from click.testing import CliRunner

from dashboard.__main__ import main
from dashboard.notify.outbox import Sent, send
from dashboard.notify.route import route
from tests.notify.office import WEBHOOK, Office, Post, Receiver, notify_of

ROBOT = """
web = "https://cockpit.example"
[channel.robot]
kind = "{kind}"
url_env = "URL"
secret_env = "SECRET"
[recipient.desk]
title = ["值班室", "Duty desk"]
channels = ["robot"]
[route.all]
to = ["desk"]
"""
MAIL = """
[channel.mail]
kind = "mail"
url_env = "SMTP"
sender = "城市生命体 <cockpit@yuzhong.example>"
[recipient.desk]
title = ["值班室", "Duty desk"]
channels = ["mail"]
address_env = "DESK_MAIL"
lang = "{lang}"
[route.all]
to = ["desk"]
"""


def turn(office: Office, channel: str) -> Sent:
    route(office.engine, office.settings, office.city.now)
    return send(office.engine, office.city.catalog, office.settings, channel, office.city.now)


# ---- webhook


def test_a_webhook_proves_whose_it_is_and_when(hooked: Office, receiver: Receiver) -> None:
    hooked.raised("red")
    turn(hooked, "hook")
    (post,) = receiver.came
    stamp = post.headers["x-cockpit-timestamp"]
    proof = hmac.new(b"s3cret", stamp.encode() + b"." + post.body, hashlib.sha256).hexdigest()
    assert post.headers["x-cockpit-signature"] == f"sha256={proof}"
    assert int(stamp) == hooked.city.now.timestamp()
    said = post.json()
    assert said["key"] == post.headers["idempotency-key"]
    assert said["exercise"] is True
    (item,) = said["items"]
    assert (item["number"], item["event"], item["level"], item["at"]) == ("YZ-LI-260520-0001", "open", "red", "2026-05-20T04:00:00Z")


def test_what_people_wrote_stays_in_the_house(hooked: Office, receiver: Receiver) -> None:
    hooked.notify = notify_of(WEBHOOK + 'events = ["settle"]\n', HOOK_URL=receiver.url, HOOK_SECRET="x")
    (one,) = hooked.raised("red")
    hooked.moved(one, "settle")
    turn(hooked, "hook")
    (item,) = receiver.came[0].json()["items"]
    assert (item["event"], item["why"]) == ("settle", "")


# ---- robots


def wecom(post: Post) -> tuple[int, bytes]:
    """A WeCom robot: markdown of at most 4096 bytes, or an errcode."""
    said = post.json()
    if set(said) != {"msgtype", "markdown"} or said["msgtype"] != "markdown" or not said["markdown"]["content"]:
        return 200, b'{"errcode": 40008, "errmsg": "invalid message type"}'
    if len(said["markdown"]["content"].encode()) > 4096:
        return 200, b'{"errcode": 40058, "errmsg": "markdown.content exceed max length 4096"}'
    return 200, b'{"errcode": 0, "errmsg": "ok"}'


def dingtalk(post: Post) -> tuple[int, bytes]:
    """A DingTalk robot with 加签: checks timestamp and sign as its documentation computes them."""
    query = {name: values[0] for name, values in parse_qs(post.query).items()}
    digest = hmac.new(b"SECx", f"{query.get('timestamp')}\nSECx".encode(), hashlib.sha256).digest()
    if query.get("sign") != base64.b64encode(digest).decode() or query.get("access_token") != "t":
        return 200, b'{"errcode": 310000, "errmsg": "sign not match"}'
    said = post.json()
    if said["msgtype"] != "markdown" or not said["markdown"]["title"] or not said["markdown"]["text"]:
        return 200, b'{"errcode": 40035, "errmsg": "\xe7\xbc\xba\xe5\xb0\x91\xe5\x8f\x82\xe6\x95\xb0"}'
    return 200, b'{"errcode": 0, "errmsg": "ok"}'


def test_a_wecom_robot_gets_markdown_it_takes(office: Office, receiver: Receiver) -> None:
    office.notify = notify_of(ROBOT.format(kind="wecom"), URL=f"{receiver.url}/cgi-bin/webhook/send?key=k", SECRET="-")
    receiver.answer = wecom
    office.raised("red")
    assert turn(office, "robot") == Sent(1)
    text = receiver.came[0].json()["markdown"]["content"]
    assert text.startswith("### 【演练】红色预警发生：")
    assert "灯温 61.5 °C ≥ 黄色限值 60 °C" in text
    assert "[查看](https://cockpit.example/alerts?drawer=alert:1)" in text
    assert receiver.came[0].query == "key=k"


def test_a_message_too_long_for_a_robot_is_cut_at_a_line_and_says_how_many_are_left(office: Office, receiver: Receiver) -> None:
    office.notify = notify_of(ROBOT.format(kind="wecom"), URL=receiver.url, SECRET="-")
    receiver.answer = wecom
    office.raised("orange", count=200)
    assert turn(office, "robot") == Sent(1)
    text = receiver.came[0].json()["markdown"]["content"]
    shown = text.count("\n- ") - 1
    assert f"另有 {200 - shown} 条" in text
    assert text.startswith("### 【演练】200 条预警动态，最高橙色")


def test_a_dingtalk_robot_finds_the_signature_right(office: Office, receiver: Receiver) -> None:
    office.notify = notify_of(ROBOT.format(kind="dingtalk"), URL=f"{receiver.url}/robot/send?access_token=t", SECRET="SECx")
    receiver.answer = dingtalk
    office.raised("orange")
    assert turn(office, "robot") == Sent(1)
    office.notify = notify_of(ROBOT.format(kind="dingtalk"), URL=f"{receiver.url}/robot/send?access_token=t", SECRET="SECy")
    office.raised("orange")
    assert turn(office, "robot") == Sent(0, 1, "robot: refused with 310000: sign not match")


@pytest.mark.parametrize(("kind", "code"), [("wecom", 45009), ("dingtalk", 130101)])
def test_a_robot_that_says_too_often_is_left_alone_for_a_minute(office: Office, receiver: Receiver, kind: str, code: int) -> None:
    office.notify = notify_of(ROBOT.format(kind=kind), URL=receiver.url, SECRET="-")
    receiver.answer = lambda post: (200, b'{"errcode": %d, "errmsg": "too many"}' % code)
    office.raised("orange")
    assert "too many messages in a minute" in turn(office, "robot").error
    receiver.answer = lambda post: (200, b'{"errcode": 0}')
    office.later(seconds=50)
    assert turn(office, "robot").sent == 0
    office.later(seconds=15)
    assert turn(office, "robot").sent == 1


def test_words_of_a_department_are_not_taken_for_markdown(office: Office, receiver: Receiver) -> None:
    import sqlalchemy as sa

    from dashboard.store.engine import writing
    from dashboard.store.schema import alert

    office.notify = notify_of(ROBOT.format(kind="wecom"), URL=receiver.url, SECRET="-")
    office.raised("red")
    with writing(office.engine).begin() as conn:
        conn.execute(sa.update(alert).values(asset_name="[免费](http://example) *灯*"))
    turn(office, "robot")
    assert r"\[免费\](http://example) \*灯\*" in receiver.came[0].json()["markdown"]["content"]


# ---- mail


class Box:
    """A mail server's box; refuses whom it is told to."""

    def __init__(self) -> None:
        self.came: list[EmailMessage] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        if address in self.refused:
            return "550 no such box"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.came.append(message)
        return "250 OK"


@contextmanager
def mail_server(box: Box, **options: Any) -> Iterator[str]:
    """A real SMTP server on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        controller.stop()


def mailing(lang: str, place: str) -> Any:
    return notify_of(MAIL.format(lang=lang), SMTP=f"smtp://{place}", DESK_MAIL="desk@yuzhong.example")


def test_mail_arrives_with_a_subject_a_text_and_a_message_id_that_a_repeat_shares(office: Office) -> None:
    box = Box()
    with mail_server(box) as place:
        office.notify = mailing("zh", place)
        office.raised("red")
        assert turn(office, "mail") == Sent(1)
    (mail,) = box.came
    assert mail["subject"] == "【演练】红色预警发生：朝天门1号灯 灯体过热" or mail["subject"].startswith("【演练】红色预警发生：")
    assert mail["to"] == "desk@yuzhong.example"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["importance"] == "high"
    assert mail["message-id"].endswith("@yuzhong.example>")
    assert "灯温 61.5 °C ≥ 黄色限值 60 °C" in mail.get_content()


def test_mail_in_english_for_who_reads_english(office: Office) -> None:
    box = Box()
    with mail_server(box) as place:
        office.notify = mailing("en", place)
        office.raised("orange")
        turn(office, "mail")
    (mail,) = box.came
    assert mail["subject"] == "[EXERCISE] Orange alert raised: Lamp too hot, 1号灯"
    assert "Heat 61.5 °C ≥ the yellow limit 60 °C" in mail.get_content()


def test_a_box_that_is_refused_is_named_by_its_post_and_a_server_that_is_away_by_its_channel(office: Office) -> None:
    box = Box()
    box.refused = {"desk@yuzhong.example"}
    with mail_server(box) as place:
        office.notify = mailing("zh", place)
        office.raised("red")
        assert turn(office, "mail").error == "mail: the server refuses the address of desk"
    office.later(minutes=5)
    assert turn(office, "mail").error.startswith("mail: not reached (")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_mail_signs_in_where_the_server_wants_it_and_a_wrong_password_is_told_without_it(office: Office) -> None:
    def right(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=(given.login, given.password) == (b"cockpit", b"p@ss"), handled=False)

    box = Box()
    with mail_server(box, authenticator=right, auth_required=True, auth_require_tls=False) as place:
        office.notify = mailing("zh", f"cockpit:p%40ss@{place}")
        office.raised("red")
        assert turn(office, "mail") == Sent(1)
        office.notify = mailing("zh", f"cockpit:wrong@{place}")
        office.raised("red")
        assert turn(office, "mail").error == "mail: user and password are refused"


# ---- the command


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment's files, and a command line that runs in them."""
    (tmp_path / "cockpit.d").mkdir()
    monkeypatch.setenv("COCKPIT_CONFIG", str(tmp_path / "cockpit.toml"))
    return tmp_path


def configured(home: Path, text: str) -> None:
    """`[notify]` in cockpit.toml."""
    import re

    (home / "cockpit.toml").write_text(re.sub(r"(?m)^(\[+)", r"\1notify.", text), "utf-8")


def test_a_test_notice_goes_out_at_once_and_says_that_it_is_one(
    deployed: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(deployed, WEBHOOK)
    monkeypatch.setenv("HOOK_URL", receiver.url)
    monkeypatch.setenv("HOOK_SECRET", "x")
    done = CliRunner().invoke(main, ["notify", "test", "hook"])
    assert done.output == "hook: a test notice for desk was delivered\n"
    assert receiver.came[0].json()["subject"] == "【演练】蓝色预警发生：驾驶舱 通知测试"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["hook"], "HOOK_URL is not set (put it in the environment)"),
        (["pigeon"], "no such channel (known: hook)"),
        (["hook", "--to", "mayor"], "recipient 'mayor' with 'hook' in its channels is wanted"),
        ([], "hook  webhook → desk · HOOK_URL is not set"),
    ],
)
def test_what_stands_in_the_way_of_a_test_notice_is_said_with_what_to_do(deployed: Path, arguments: list[str], says: str) -> None:
    configured(deployed, WEBHOOK)
    assert says in CliRunner().invoke(main, ["notify", "test", *arguments]).output


def test_a_test_notice_that_nobody_took_says_so(deployed: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(deployed, WEBHOOK)
    monkeypatch.setenv("HOOK_URL", receiver.url)
    monkeypatch.setenv("HOOK_SECRET", "x")
    receiver.answer = lambda post: (401, b"")
    done = CliRunner().invoke(main, ["notify", "test", "hook"])
    assert done.exit_code == 1
    assert "answered 401: are address and secret those of the receiver?" in done.output
