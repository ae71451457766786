"""The sources page: each department's feeds with freshness, rows, quarantine and the last error; and one pull in detail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.declare import Text
from dashboard.core.errors import NotFoundError
from dashboard.pull.cursor import instant
from dashboard.pull.gone import Held
from dashboard.pull.reconcile import every
from dashboard.settings import PullConfig, SourceConfig
from dashboard.snapshot.picture import Fresh, Picture, fresh
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, say, span, together
from dashboard.store.freshness import FeedFreshness, pulls_freshness
from dashboard.store.schema import lease, pull_run, pull_state, quarantine

_ERROR_WORDS = {  # the worst first
    "down": Text("连不上", "down"),
    "slow": Text("应答超时", "too slow"),
    "changed": Text("结构已变", "schema changed"),
    "error": Text("出错", "error"),
}
_FAULT_WORDS = {
    "missing": "缺必填项",
    "type": "类型不符",
    "range": "超出范围",
    "date": "时间有误",
    "place": "坐标有误",
    "duplicate": "主键重复",
    "code": "代码未知",
    "too_big": "内容过长",
    "clean": "未通过校核",
}
_KIND_WORDS = {"sql": "SQL", "gtfs": "GTFS", "gtfs_rt": "GTFS-Realtime", "open311": "Open311", "cap": "CAP", "folder": "CSV/XLSX"}
_QUIET = timedelta(seconds=15)  # a worker that says nothing for longer is worth a word
_RUNS, _ASIDE = 8, 12
_HOURS_FROM = 50  # minutes from which a clock is said to be off in hours


@dataclass(frozen=True)
class State:
    """What the store knows of all pulls."""

    rows: Mapping[str, Any]  # pull → its row of pull_state
    ages: Mapping[str, FeedFreshness]
    waiting: int
    beat: datetime | None


def sources(picture: Picture, view: View) -> dict[str, Any]:
    """All departments, feed by feed."""
    state = _state(picture)
    ages = [f.state.value for f in state.ages.values()]
    return {
        "total": len(picture.settings.pulls),
        "fresh": ages.count("fresh"),
        "late": ages.count("late"),
        "silent": ages.count("silent"),
        "rows": f"{sum(row.rows_total for row in state.rows.values()):,}",
        "quarantined": f"{state.waiting:,}",
        "worker": _heartbeat(picture, state.beat, view.lang),
        "departments": [_department(picture, view, key, state) for key in picture.settings.sources],
    }


def _state(picture: Picture) -> State:
    with picture.reading() as conn:
        rows = {row.pull: row for row in conn.execute(sa.select(pull_state))}
        waiting = conn.scalar(sa.select(sa.func.count()).where(quarantine.c.state == "open")) or 0
        return State(rows, pulls_freshness(conn, picture.now), waiting, conn.scalar(sa.select(sa.func.max(lease.c.beat_at))))


def _heartbeat(picture: Picture, beat: datetime | None, lang: str) -> str:
    if beat is None:
        return UNKNOWN
    quiet = picture.now - beat
    return span(quiet, lang) if quiet > _QUIET else say(lang, "正常", "well")


def _department(picture: Picture, view: View, key: str, state: State) -> dict[str, Any]:
    source = picture.settings.sources[key]
    names = [name for name, p in picture.settings.pulls.items() if p.source == key]
    pulls = [_pull(picture, view, name, state) for name in names]
    errors = {state.rows[name].error_kind for name in names if name in state.rows}
    return {
        "department": source.department,
        "title": source.title,
        "kind": f"{_KIND_WORDS.get(source.kind, source.kind)} · {source.datum} · {source.timezone}",
        "error": next((word(view.lang) for kind, word in _ERROR_WORDS.items() if kind in errors), ""),
        "pulls": pulls,
        "well": all(p["fresh"].state == "fresh" for p in pulls),
    }


def _pull(picture: Picture, view: View, name: str, state: State) -> dict[str, Any]:
    config, row, age = picture.settings.pulls[name], state.rows.get(name), state.ages.get(name)
    return {
        "key": name,
        "title": _title(picture, config, view.lang),
        "fresh": fresh(age, picture.now) if age else Fresh("never", ""),
        "cadence": span(config.late_after or config.interval, view.lang),
        "rows": f"{row.rows_total:,}" if row is not None else "0",
        "quarantined": f"{row.quarantined_total:,}" if row is not None else "0",
        "last_ok": moment(row.last_ok_at, view.lang, picture.now) if row is not None else UNKNOWN,
        "error": together(view.lang, (_error(row, view.lang), *_doubts(row, view.lang))),
    }


def _error(row: Any, lang: str) -> str:
    if row is None or not row.error_kind:
        return ""
    kind = _ERROR_WORDS.get(row.error_kind, _ERROR_WORDS["error"])(lang)
    return kind + (say(lang, "：", ": ") + _refusal(row.last_error, lang) if row.last_error else "")


def _refusal(said: str, lang: str) -> str:
    """What a source refused, kept as `source: 中文 / English`: on an English screen without the Chinese."""
    source, _, rest = said.partition(": ")
    chinese, both, english = rest.partition(" / ")
    return f"{source}: {english}" if lang == "en" and both and any("一" <= c <= "鿿" for c in chinese) else said


def _doubts(row: Any, lang: str) -> list[str]:
    """What else is not as it should be: their clock, and what of ours they no longer have."""
    if row is None:
        return []
    return ([clock_words(row.clock_skew_s, lang)] if row.clock_skew_s else []) + _vanished(row, lang)


def _vanished(row: Any, lang: str) -> list[str]:
    """Rows missed at the source and not yet taken away, and rows taken away."""
    held = Held.read(json.loads(row.comparing).get("held")) if row.comparing else None
    missed = say(lang, f"来源少了{held.rows}行，待复核", f"{held.rows} rows fewer at the source, to be looked at") if held else ""
    gone = say(lang, f"已随来源删除{row.gone_total}行", f"{row.gone_total} rows removed with the source") if row.gone_total else ""
    return [said for said in (missed, gone) if said]


def clock_words(skew_s: int, lang: str) -> str:
    """来源时钟快约1小时; one that is behind may also be a delay that never changes."""
    minutes = round(abs(skew_s) / 60)
    about = f"{round(minutes / 30) / 2:g}" if minutes >= _HOURS_FROM else str(minutes)
    zh, en = ("小时", "h") if minutes >= _HOURS_FROM else ("分钟", "min")
    if skew_s > 0:
        return say(lang, f"来源时钟快约{about}{zh}", f"their clock is about {about} {en} ahead")
    return say(lang, f"来源时钟慢约{about}{zh}，或每次都迟这么久", f"their clock is about {about} {en} behind, or all comes that late")


def _title(picture: Picture, config: PullConfig, lang: str) -> str:
    feed = picture.catalog.feeds.get(config.into)
    return words(feed[1].title if feed else None, lang, config.key)


# ---- one pull
def pull_detail(picture: Picture, view: View, name: str) -> dict[str, Any]:
    """One pull: where it reads, its latest turns, what it set aside and why. Raises NotFoundError."""
    config = picture.settings.pulls.get(name)
    if config is None:
        raise NotFoundError(f"no pull {name!r}")
    source, lang = picture.settings.sources[config.source], view.lang
    mine = sa.and_(quarantine.c.pull == name, quarantine.c.state == "open")
    with picture.reading() as conn:
        state = conn.execute(sa.select(pull_state).where(pull_state.c.pull == name)).first()
        runs = conn.execute(sa.select(pull_run).where(pull_run.c.pull == name).order_by(pull_run.c.run_id.desc()).limit(_RUNS)).all()
        aside = conn.execute(sa.select(quarantine).where(mine).order_by(quarantine.c.quarantine_id.desc()).limit(_ASIDE)).all()
        waiting = conn.scalar(sa.select(sa.func.count()).select_from(quarantine).where(mine)) or 0
    return {
        "title": _title(picture, config, lang),
        "source": together(lang, (source.department, source.title)),
        "facts": _facts(config, source, state, view, picture.now),
        "runs": [_run(r, moment(r.started_at, lang, picture.now), lang) for r in runs],
        "quarantine": [[q.source_key, _aside_because(q, lang), q.times] for q in aside],
        "quarantine_note": say(lang, f"共{waiting}行待核", f"{waiting} waiting") if waiting else "",
    }


def _run(r: Any, started: str, lang: str) -> list[Any]:
    return [started, r.rows_read, r.rows_new, r.rows_changed, r.rows_gone, r.rows_quarantined, _outcome(r.outcome, lang)]


def _outcome(kind: str, lang: str) -> str:
    return _ERROR_WORDS[kind](lang) if kind in _ERROR_WORDS else say(lang, "正常", "ok")


def _aside_because(q: Any, lang: str) -> str:
    """In a Chinese view the kind of fault is said in Chinese, before the sentence that names field and value."""
    kind = _FAULT_WORDS.get(q.reason_code)
    return f"{kind}：{q.reason_zh or q.reason}" if kind and lang == "zh" else str(q.reason)


def _facts(config: PullConfig, source: SourceConfig, state: Any, view: View, now: datetime) -> list[tuple[str, str]]:
    lang = view.lang
    facts = [
        (say(lang, "采集项", "Pull"), config.key),
        (say(lang, "进入", "Fills"), config.into),
        (say(lang, "读取", "Reads"), config.table or config.query[:120]),
        (say(lang, "增量列", "Watermark"), config.watermark or say(lang, "每次全读", "reads all each time")),
        (say(lang, "间隔", "Every"), span(config.interval, lang)),
    ]
    if state is None:
        return facts
    facts.append((say(lang, "断点", "At"), _resumes_at(state.watermark, ZoneInfo(config.timezone or source.timezone), lang, now)))
    facts.append((say(lang, "最近错误", "Last error"), _refusal(state.last_error, lang) if state.last_error else say(lang, "无", "none")))
    if state.clock_skew_s:
        facts.append((say(lang, "对方时钟", "Their clock"), clock_words(state.clock_skew_s, lang)))
    facts.append((say(lang, "核对删除", "Deletions"), _compares(config, state, view, now)))
    return facts


def _compares(config: PullConfig, state: Any, view: View, now: datetime) -> str:
    """How it is found out that rows vanished, and how many did."""
    lang, interval = view.lang, every(config)
    if not config.watermark:
        how = say(lang, "每次全读时核对", "with every whole read")
    elif interval is None:
        how = say(lang, "不核对", "not looked for")
    else:
        how = say(lang, f"每{span(interval, lang)}核对一次主键", f"keys compared every {span(interval, lang)}")
    last = say(lang, f"上次{moment(state.compared_at, lang, now)}", f"last at {moment(state.compared_at, lang, now)}")
    return together(lang, (how, last if state.compared_at else "", *_vanished(state, lang)))


def _resumes_at(stored: str | None, zone: ZoneInfo, lang: str, now: datetime) -> str:
    """Where the next turn goes on: a moment in the city's time, a number as it is, how many files are done with."""
    at = json.loads(stored).get("at") if stored else None
    if not at:
        return UNKNOWN
    if "files" in at:
        return say(lang, f"已读{len(at['files'])}个文件", f"{len(at['files'])} files read")
    value = at.get("v", at.get("until", at.get("seen", UNKNOWN)))
    when = instant(value, zone)
    return moment(when, lang, now) if when else str(value)
