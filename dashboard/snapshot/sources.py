"""The sources page: each department's feeds with freshness, rows, quarantine and the last error; and one pull in detail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.errors import NotFoundError
from dashboard.snapshot.picture import Fresh, Picture, fresh
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, span
from dashboard.store.freshness import pulls_freshness
from dashboard.store.schema import lease, pull_run, pull_state, quarantine

_ERROR_WORDS = {
    "down": ("连不上", "down"),
    "slow": ("应答超时", "too slow"),
    "changed": ("结构已变", "schema changed"),
    "error": ("出错", "error"),
}
_KIND_WORDS = {"sql": "SQL", "gtfs": "GTFS", "gtfs_rt": "GTFS-Realtime", "open311": "Open311", "folder": "CSV/XLSX"}


def sources(picture: Picture, view: View) -> dict[str, Any]:
    """All departments, feed by feed."""
    with picture.reader.engine.connect() as conn:
        states = {row.pull: row for row in conn.execute(sa.select(pull_state))}
        ages = pulls_freshness(conn, picture.now)
        waiting = conn.scalar(sa.select(sa.func.count()).where(quarantine.c.state == "open")) or 0
        beat = conn.scalar(sa.select(sa.func.max(lease.c.beat_at)))
    words = [f.state.value for f in ages.values()]
    departments = [_department(picture, view, key, states, ages) for key in picture.settings.sources]
    return {
        "total": len(picture.settings.pulls),
        "fresh": words.count("fresh"),
        "late": words.count("late"),
        "silent": words.count("silent"),
        "rows": f"{sum(row.rows_total for row in states.values()):,}",
        "quarantined": f"{waiting:,}",
        "worker": span(picture.now - beat, view.lang)
        if beat and picture.now - beat > timedelta(seconds=15)
        else (("正常" if view.lang != "en" else "well") if beat else UNKNOWN),
        "departments": departments,
    }


def _department(picture: Picture, view: View, key: str, states: dict[str, Any], ages: dict[str, Any]) -> dict[str, Any]:
    source = picture.settings.sources[key]
    pulls = [_pull(picture, view, name, states.get(name), ages) for name, p in picture.settings.pulls.items() if p.source == key]
    errors = {
        states[name].error_kind
        for name, p in picture.settings.pulls.items()
        if p.source == key and name in states and states[name].error_kind
    }
    word = next((_ERROR_WORDS[e] for e in ("down", "slow", "changed", "error") if e in errors), None)
    return {
        "department": source.department,
        "title": source.title,
        "kind": f"{_KIND_WORDS.get(source.kind, source.kind)} · {source.datum} · {source.timezone}",
        "error": word[0 if view.lang != "en" else 1] if word else "",
        "pulls": pulls,
        "well": all(p["fresh"].state == "fresh" for p in pulls),
    }


def _pull(picture: Picture, view: View, name: str, row: Any, ages: dict[str, Any]) -> dict[str, Any]:
    config = picture.settings.pulls[name]
    feed = picture.catalog.feeds.get(config.into)
    age = ages.get(name)
    error = row.error_kind if row is not None else None
    return {
        "key": name,
        "title": feed[1].title(view.lang) if feed else name,
        "fresh": fresh(age, picture.now) if age else Fresh("never", ""),
        "cadence": span(config.late_after or config.interval, view.lang),
        "rows": f"{row.rows_total:,}" if row is not None else "0",
        "quarantined": f"{row.quarantined_total:,}" if row is not None else "0",
        "last_ok": moment(row.last_ok_at, view.lang, picture.now) if row is not None else UNKNOWN,
        "error": f"{_ERROR_WORDS.get(error, ('出错', 'error'))[0 if view.lang != 'en' else 1]}：{row.last_error}"
        if row is not None and error
        else "",
    }


def pull_detail(picture: Picture, view: View, name: str) -> dict[str, Any]:
    """One pull: where it reads, its latest turns, what it set aside and why."""
    config = picture.settings.pulls.get(name)
    if config is None:
        raise NotFoundError(f"no pull {name!r}")
    zh = view.lang != "en"
    with picture.reader.engine.connect() as conn:
        state = conn.execute(sa.select(pull_state).where(pull_state.c.pull == name)).first()
        runs = conn.execute(sa.select(pull_run).where(pull_run.c.pull == name).order_by(pull_run.c.run_id.desc()).limit(8)).all()
        aside = conn.execute(
            sa.select(quarantine)
            .where(quarantine.c.pull == name, quarantine.c.state == "open")
            .order_by(quarantine.c.quarantine_id.desc())
            .limit(12)
        ).all()
        waiting = conn.scalar(sa.select(sa.func.count()).where(quarantine.c.pull == name, quarantine.c.state == "open")) or 0
    source = picture.settings.sources[config.source]
    feed = picture.catalog.feeds.get(config.into)
    facts = [
        ("采集项" if zh else "Pull", name),
        ("进入" if zh else "Fills", config.into),
        ("读取" if zh else "Reads", config.table or config.query[:120]),
        ("增量列" if zh else "Watermark", config.watermark or ("每次全读" if zh else "reads all each time")),
        ("间隔" if zh else "Every", span(config.interval, view.lang)),
    ]
    if state is not None:
        facts += [
            ("断点" if zh else "At", state.watermark or UNKNOWN),
            ("最近错误" if zh else "Last error", state.last_error or ("无" if zh else "none")),
        ]
        if state.clock_skew_s:
            facts.append(
                ("对方时钟" if zh else "Their clock", f"快{state.clock_skew_s // 60}分" if zh else f"{state.clock_skew_s // 60} min ahead")
            )
    return {
        "title": feed[1].title(view.lang) if feed else name,
        "source": f"{source.department}，{source.title}" if zh else f"{source.department}, {source.title}",
        "facts": facts,
        "runs": [
            [moment(r.started_at, view.lang, picture.now), r.rows_read, r.rows_new, r.rows_changed, r.rows_quarantined, r.outcome]
            for r in runs
        ],
        "quarantine": [[q.source_key, q.reason, q.times] for q in aside],
        "quarantine_note": (f"共{waiting}行待核" if zh else f"{waiting} waiting") if waiting else "",
    }
