"""What a database's refusal means and what to do about it, said before the driver's own words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dashboard.core.declare import Text


@dataclass(frozen=True)
class _Known:
    """A trouble that is common enough to have advice: by the driver's number, by SQLSTATE, or by its words."""

    advice: Text
    words: str
    numbers: frozenset[int] = field(default_factory=frozenset)
    states: tuple[str, ...] = ()


_KNOWN = (  # the first that fits: a time-out while connecting also says that it could not connect
    _Known(
        Text("证书不被接受，请核对对方证书与TLS设置", "the certificate is not accepted; check theirs and the TLS settings"),
        r"certificate|ssl error|\btls\b",
        frozenset({2026}),
    ),
    _Known(
        Text("没有读取权限，请对方授予 SELECT", "no right to read; ask the department for SELECT"),
        r"permission denied for|command denied",
        frozenset({1142, 1143, 1370}),
        ("42501",),
    ),
    _Known(
        Text("账号或口令被拒绝，请核对地址里的用户名和口令", "user or password refused; check both in the address"),
        r"access denied|authentication failed|no pg_hba\.conf entry|role \".*\" does not exist",
        frozenset({1044, 1045, 1698}),
        ("28000", "28P01"),
    ),
    _Known(
        Text("没有这个数据库，请核对库名", "no such database; check its name"),
        r"unknown database|database \".*\" does not exist",
        frozenset({1049}),
        ("3D000",),
    ),
    _Known(
        Text("等待超时，请核对网络，或放宽 statement_timeout", "no answer in time; check the network, or raise statement_timeout"),
        r"timed? ?out|timeout|canceling statement",
        frozenset({1205, 1969, 3024}),
        ("57014", "55P03"),
    ),
    _Known(
        Text("找不到主机，请核对地址", "host not found; check the address"),
        r"name or service not known|could not translate host|nodename nor servname|failed to resolve|temporary failure in name resolution",
        frozenset({2005}),
    ),
    _Known(
        Text("连接被拒绝，请核对地址和端口，数据库是否在运行", "connection refused; check address and port, and that it is running"),
        r"connection refused|can't connect",
        frozenset({2003}),
    ),
    _Known(
        Text("连接中断，稍后重试", "the line was cut; it is tried again"),
        r"lost connection|server closed the connection|connection reset|gone away",
        frozenset({2006, 2013}),
        ("57P01",),
    ),
    _Known(
        Text("没有这张表，请核对映射里的表名", "no such table; check it in the mapping"),
        r"no such table|relation \".*\" does not exist",
        frozenset({1146}),
        ("42P01",),
    ),
    _Known(
        Text("没有这一列，请核对映射里的列名", "no such column; check it in the mapping"),
        r"no such column|column .* does not exist",
        frozenset({1054}),
        ("42703",),
    ),
    _Known(Text("数据库正忙（被锁），稍后重试", "the database is locked; it is tried again"), r"is locked"),
)


def driver_words(wrong: BaseException) -> str:
    """What a driver says, as a sentence where it says it as number and text."""
    match wrong.args:
        case (int() as number, str() as words, *_):
            return f"{words} ({number})"
    return str(wrong)


def advised(wrong: BaseException, words: str) -> str:
    """A driver's words after what they mean, in Chinese and English; alone where they are not known here."""
    found = next((known.advice for known in _KNOWN if _fits(known, wrong)), None)
    return f"{found.zh} / {found.en}: {words}" if found else words


def _fits(known: _Known, wrong: BaseException) -> bool:
    state = getattr(wrong, "sqlstate", None)
    number = wrong.args[0] if wrong.args and isinstance(wrong.args[0], int) else 0
    return state in known.states or number in known.numbers or bool(re.search(known.words, str(wrong), re.I))
