"""The auditor's page: who did what and how it went, newest first, and whether the log is as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from dashboard.casework.life import EVENT_WORDS, Event
from dashboard.core.declare import Text
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import query_of
from dashboard.snapshot.words import moment, number, say
from dashboard.store.audit_check import KEPT
from dashboard.store.audit_log import Outcome, read_head
from dashboard.store.schema import audit
from dashboard.store.schema_audit import audit_check

_SHOWN = 200
_LOOKS = 5
_OUTCOMES = {
    Outcome.DONE: Text("完成", "done"),
    Outcome.DENIED: Text("拒绝", "denied"),
    Outcome.FAILED: Text("失败", "failed"),
}
GROUPS: Mapping[str, Text] = {  # what an action's name begins with
    "alert": Text("预警处置", "Alerts"),
    "silence": Text("静默", "Silences"),
    "situation": Text("事件归并", "Situations"),
    "playbook": Text("联动", "Linkages"),
    "session": Text("登录", "Sign-ins"),
    "account": Text("账号", "Accounts"),
    "wall": Text("大屏登记", "Walls"),
    "token": Text("程序令牌", "Programs"),
    "export": Text("导出", "Exports"),
    "geo": Text("地图", "Map"),
    "store": Text("备份恢复", "Restores"),
    "audit": Text("审计日志", "Audit log"),
}
_REACHED = Text("越权访问", "Out of reach")  # everything else: what was asked for in vain
_ACTIONS: Mapping[str, Text] = {
    "silence.make": Text("设静默", "silence"),
    "silence.end": Text("结束静默", "end a silence"),
    "silence.expire": Text("静默到期", "a silence ran out"),
    "situation.leave": Text("移出事件", "take out of a situation"),
    "situation.rejoin": Text("归入事件", "put into a situation"),
    "playbook.drill": Text("发起演练", "begin a drill"),
    "playbook.answer": Text("答复联动步骤", "answer a step of a linkage"),
    "session.begin": Text("登录", "sign in"),
    "session.code": Text("输入验证码", "give a code"),
    "session.end": Text("退出", "sign out"),
    "account.add": Text("新建账号", "add an account"),
    "account.lock": Text("锁定账号", "lock an account"),
    "account.unlock": Text("解锁账号", "unlock an account"),
    "account.password": Text("修改口令", "change a password"),
    "account.reset": Text("重置口令", "reset a password"),
    "account.role": Text("变更角色", "change a role"),
    "account.second": Text("绑定验证器", "bind an authenticator"),
    "account.second.reset": Text("解除验证器", "forget an authenticator"),
    "wall.offer": Text("发登记码", "offer a code"),
    "wall.enrol": Text("登记大屏", "enrol a wall"),
    "wall.end": Text("停用大屏", "end a wall"),
    "token.add": Text("发程序令牌", "make a token"),
    "token.end": Text("停用程序令牌", "end a token"),
    "export": Text("导出清单", "export a list"),
    "geo.import": Text("导入图层", "import a layer"),
    "geo.drop": Text("撤下图层", "drop a layer"),
    "store.restore": Text("恢复备份", "restore a backup"),
    "audit.thin": Text("清理到期记录", "let old rows go"),
    "audit.tampered": Text("发现被改动", "found tampered with"),
    "route": Text("访问未授权地址", "ask for an address not granted"),
    "panel": Text("查看未授权面板", "ask for a panel not granted"),
    "beyond": Text("请求范围之外", "ask beyond one's part"),
    "nothing": Text("请求不在范围内的内容", "ask for what is not in one's part"),
}


# ---- the rows
def log(picture: Picture, view: View) -> dict[str, Any]:
    """The newest rows that fit the address: an outcome or a kind, an actor, a stretch of time."""
    with picture.reading() as conn:
        wanted = sa.select(audit).where(*_fits(picture, view)).order_by(audit.c.audit_id.desc()).limit(_SHOWN + 1)
        rows = conn.execute(wanted).all()
    return {
        "choices": _choices(view),
        "who": view.who,
        "all": _address(view, view.kind, ""),
        "rows": [_row(row, view) for row in rows[:_SHOWN]],
        "more": say(view.lang, f"只列最近{_SHOWN}条", f"the newest {_SHOWN} only") if len(rows) > _SHOWN else "",
    }


def _fits(picture: Picture, view: View) -> list[sa.ColumnElement[bool]]:
    t0, t1 = view.window or (None, picture.at if picture.replay else None)
    found = [audit.c.at >= t0] if t0 else []
    found += [audit.c.at <= t1] if t1 else []
    found += [audit.c.actor == view.who] if view.who else []
    if view.kind in _OUTCOMES:
        found.append(audit.c.outcome == view.kind)
    elif view.kind:
        found.append(sa.or_(audit.c.action == view.kind, audit.c.action.startswith(f"{view.kind}.", autoescape=True)))
    return found


def _choices(view: View) -> list[dict[str, Any]]:
    kinds = {
        "": Text("全部", "All"),
        **{outcome.value: words for outcome, words in _OUTCOMES.items() if outcome is not Outcome.DONE},
        **GROUPS,
    }
    return [{"words": words(view.lang), "href": _address(view, kind, view.who), "on": view.kind == kind} for kind, words in kinds.items()]


def _address(view: View, kind: str, who: str) -> str:
    kept = query_of(view)
    for name, value in (("kind", kind), ("who", quote(who, safe=""))):
        kept += f"{'&' if kept else '?'}{name}={value}" if value else ""
    return f"/audit{kept}"


def _row(row: Any, view: View) -> dict[str, Any]:
    lang, group = view.lang, row.action.partition(".")[0]
    return {
        "seq": row.audit_id,
        "at": f"{row.at.astimezone(CITY_ZONE):%m-%d %H:%M:%S}",
        "actor": row.actor,
        "only": _address(view, view.kind, row.actor),
        "role": row.role,
        "session": row.session,
        "client": row.client,
        "group": GROUPS.get(group, _REACHED)(lang),
        "action": words_of(row.action)(lang),
        "object": row.object,
        "detail": row.detail,
        "outcome": row.outcome,
        "outcome_words": _OUTCOMES[Outcome(row.outcome)](lang),
    }


def words_of(action: str) -> Text:
    """An action in words; one nobody has words for is shown by its name."""
    group, _, what = action.partition(".")
    if group == "alert" and what in set(Event) and Event(what) in EVENT_WORDS:
        return EVENT_WORDS[Event(what)]
    return _ACTIONS.get(action, Text(action, action))


# ---- whether it is whole
def check(picture: Picture, view: View) -> dict[str, Any]:
    """What the last looks through the whole log came to."""
    with picture.reading() as conn:
        looks = conn.execute(sa.select(audit_check).order_by(audit_check.c.at.desc()).limit(_LOOKS)).all()
        head = read_head(conn)
    rows = [_look(look, picture, view.lang) for look in looks]
    return {
        "last": rows[0] if rows else None,
        "earlier": rows[1:],
        "told": looks[0].told.splitlines() if looks else [],
        "kept": number(KEPT.days, 0),
        "first": number(head[0].first, 0) if head else "",
        "head": number(head[0].seq, 0) if head else "",
    }


def _look(look: Any, picture: Picture, lang: str) -> dict[str, Any]:
    return {
        "at": moment(look.at, lang, picture.now),
        "looked": number(look.looked, 0),
        "problems": look.problems,
        "whole": look.problems == 0,
    }
