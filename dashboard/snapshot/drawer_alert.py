"""An alert's story at the side: grounds, rule and standard, the reading, every step with its reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.reasons import in_language
from dashboard.casework.handling import SYSTEM
from dashboard.casework.life import EVENT_WORDS, REASONS, Event
from dashboard.core.configured import Threshold
from dashboard.core.declare import Domain, Judged, KpiValues, Metric, Text
from dashboard.core.errors import NotFoundError
from dashboard.core.readings import latest
from dashboard.core.times import CITY_ZONE, city_day
from dashboard.snapshot.alerts import Alert, card, grounds, one_alert
from dashboard.snapshot.drawer_situation import noise_of
from dashboard.snapshot.figures import thresholds_of_metric
from dashboard.snapshot.handling import handling, took_words
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.rule_standing import blind_while, raised_under, work_while
from dashboard.snapshot.shapes import path, scale_of
from dashboard.snapshot.timed_steps import of_alert
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, say, sure, together, unit_words, written
from dashboard.store import alert_reads, series
from dashboard.store.findings import findings

_BEFORE, _AFTER, _SPAN = timedelta(hours=6), timedelta(hours=2), timedelta(hours=24)
_WHAT = {
    "open": Text("触发", "Raised"),
    "level": Text("等级变化", "Level changed"),
    "no_data": Text("数据中断", "Data lost"),
    "data_back": Text("数据恢复", "Data back"),
    "clear": Text("恢复正常", "Back to normal"),
    "resume": Text("恢复通知", "Told after all"),
}


def alert(picture: Picture, view: View, alert_id: str) -> dict[str, Any]:
    """One alert. Raises NotFoundError."""
    a, lang = _find(picture, alert_id), view.lang
    c = card(a, picture.catalog, lang, picture.at)
    rule = picture.catalog.rules.get(a.rule)
    return {
        "alert": c,
        "summary": together(lang, (grounds(a, lang), c.street)),
        "rule": f"{rule[1].title(lang)}（{a.rule}）" if rule else a.rule,
        "rule_key": a.rule if rule else "",
        "noted": _noted(picture, a, lang),
        "raised_under": _raised_under(picture, a, lang),
        "reference": _reference(picture, a, lang),
        "grounds": _grounds(picture, a, lang),
        "steps": _steps(picture, a, lang),
        **_plot(picture, a, lang),
        "linkage": [] if picture.replay else of_alert(picture, a.alert_id, lang),
        "drill": a.drill,
        "handling": None if picture.replay else handling(picture, a.alert_id, lang),
        "noise": noise_of(picture, a, lang),
        "replay": picture.replay,
        "note": say(lang, "回放中，不能处置", "Replay: actions are off") if picture.replay else "",
    }


def _find(picture: Picture, alert_id: str) -> Alert:
    """From the picture, or an older one from the store."""
    for a in picture.alerts:
        if str(a.alert_id) == alert_id:
            return a
    with picture.reading() as conn:
        found = one_alert(conn, picture.catalog, alert_id, picture.at)
    if found is None:
        raise NotFoundError(f"no alert {alert_id}")
    return found


def _raised_under(picture: Picture, a: Alert, lang: str) -> str:
    with picture.reading() as conn:
        return raised_under(picture, alert_reads.one_alert(conn, a.alert_id), lang)


def _noted(picture: Picture, a: Alert, lang: str) -> list[str]:
    """When its rule was not judged in its life, and why."""
    until = a.closed or picture.at
    return blind_while(picture, a.rule, a.opened, until, lang) + work_while(picture, a.rule, a.asset_id, a.opened, until, lang)


def _reference(picture: Picture, a: Alert, lang: str) -> str:
    """The standard behind the line it crossed, and how sure we are of it."""
    limits = picture.catalog.rule_thresholds(a.rule, city_day(a.opened).isoformat())
    limit = next((t for t in limits if t.level.value == a.level), None)
    return f"{limit.ref}，{say(lang, '依据可信度', 'confidence')}：{sure(limit.confidence, lang)}" if limit else UNKNOWN


def _grounds(picture: Picture, a: Alert, lang: str) -> list[dict[str, Any]]:
    """What a judged rule looked at about this asset when it was last found, stop rules too; nothing for a rule over one number."""
    rule = picture.catalog.rules.get(a.rule)
    if rule is None or not isinstance(rule[1].watches, Judged):
        return []
    with picture.reading() as conn:
        found = findings(conn, [a.rule], a.opened, min(picture.at, a.closed or picture.at), a.asset_id)
    if not found:
        return []
    stopped = [{"what": say(lang, "停止规则", "Stop rule"), "said": found[0].stopped(lang), "stops": True}] if found[0].stopped else []
    return stopped + [{"what": what(lang), "said": said, "stops": False} for what, said in found[0].because]


_TOOK = Text("接单", "Took the order")


def _steps(picture: Picture, a: Alert, lang: str) -> list[dict[str, str]]:
    with picture.reading() as conn:
        told = alert_reads.alert_timeline(conn, a.alert_id, picture.at)
    return [_step(moment(s.at, lang, picture.now), s, lang) for s in told]


def _step(time: str, step: alert_reads.TransitionRow, lang: str) -> dict[str, str]:
    """The machine's grounds in the screen's language; what a person noted stays as it was written."""
    if step.what in _WHAT:
        return {"time": time, "what": _WHAT[step.what](lang), "took": "", "who": "", "reason": in_language(step.reason, lang)}
    actor = say(lang, "系统", "System") if step.actor == SYSTEM else step.actor
    took_it = step.what == Event.ASSIGN and step.unit == step.actor  # a crew, by its receipt
    return {
        "time": time,
        "what": _TOOK(lang) if took_it else EVENT_WORDS[Event(step.what)](lang),
        "took": took_words(step.took_s, step.limit_s, lang),
        "who": together(lang, (actor, "" if took_it else step.unit or "", _coded(step, lang))),
        "reason": in_language(step.reason, lang) if step.actor == SYSTEM else written(step.reason, lang),
    }


def _coded(step: alert_reads.TransitionRow, lang: str) -> str:
    """Why it was a false alarm."""
    return REASONS[step.code](lang) if step.code and step.code in REASONS else ""


# ---- the reading around it
def _plot(picture: Picture, a: Alert, lang: str) -> dict[str, Any]:
    """The watched reading around the alert, with its thresholds; nothing for a rule over an aggregate."""
    nothing: dict[str, Any] = {"plot": None, "limits": [], "metric": ""}
    watched = _watched(picture, a)
    if watched is None:
        return nothing
    domain, metric, channel_id = watched
    end = min(picture.at, (a.closed or picture.at) + _AFTER) + timedelta(seconds=1)
    start = min(a.opened - _BEFORE, end - _SPAN)
    with picture.reading() as conn:
        points = [(p.ts, p.mean) for p in series.series(conn, channel_id, start, end)]
    if len(points) < 2:
        return nothing
    drawn = _drawn(points, thresholds_of_metric(picture, domain, metric.key), start, end)
    about = together(lang, (f"{metric.title(lang)} {unit_words(metric.unit, lang)}", f"{start.astimezone(CITY_ZONE):%H:%M} →"))
    return drawn | {"metric": about}


def _watched(picture: Picture, a: Alert) -> tuple[Domain, Metric, int] | None:
    """The channel the alert's rule watches."""
    rule = picture.catalog.rules.get(a.rule)
    if rule is None or isinstance(rule[1].watches, KpiValues):
        return None
    metric = picture.catalog.metrics.get((rule[0].key, getattr(rule[1].watches, "metric", None) or ""))
    if metric is None:
        return None
    c = latest.c
    query = sa.select(c.channel_id).where(c.domain == rule[0].key, c.metric == metric.key, c.asset_id == a.asset_id)
    with picture.reading() as conn:
        channel_id = conn.scalar(query)
    return None if channel_id is None else (rule[0], metric, channel_id)


def _drawn(points: list[tuple[datetime, float]], limits: tuple[Threshold, ...], start: datetime, end: datetime) -> dict[str, Any]:
    scale = scale_of([value for _, value in points] + [t.value for t in limits[-2:]])
    long = (end - start).total_seconds()
    line = path([(100 * (at - start).total_seconds() / long, scale.y(value)) for at, value in points])
    marks = [{"level": t.level.value, "y": f"{scale.y(t.value):.1f}"} for t in limits if scale.low <= t.value <= scale.high]
    return {"plot": {"line": line, "band": ""}, "limits": marks}
