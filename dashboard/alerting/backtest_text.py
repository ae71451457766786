"""A rule's trial over the past in words: what it would have done, beside what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dashboard.alerting.backtest import Episode, Trial
from dashboard.core.configured import Threshold
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError
from dashboard.core.times import CITY_ZONE

_SHOWN = 20


def moved(thresholds: Sequence[Threshold], values: Iterable[str]) -> tuple[Threshold, ...]:
    """Thresholds with values to try, `level=value` each; the clearing value moves along in proportion.

    Raises NotFoundError for a level the rule does not have or a value that is no number.
    """
    wanted = dict(_parsed(value) for value in values)
    known = {t.level for t in thresholds}
    if missing := sorted(level.value for level in wanted.keys() - known):
        raise NotFoundError(f"the rule has no level {', '.join(missing)}; it has {', '.join(sorted(level.value for level in known))}")
    return tuple(_at(t, wanted[t.level]) if t.level in wanted else t for t in thresholds)


def _parsed(text: str) -> tuple[Level, float]:
    level, _, value = text.partition("=")
    try:
        return Level(level), float(value)
    except ValueError:
        raise NotFoundError(f"{text!r} is no level=value, such as orange=72.5") from None


def _at(limit: Threshold, value: float) -> Threshold:
    return replace(limit, value=value, clear=limit.clear * value / limit.value if limit.value else value)


def trial_text(trial: Trial) -> Iterator[str]:
    """The lines `cockpit rule test` prints."""
    days = (trial.t1 - trial.t0).total_seconds() / 86_400
    levels = "，".join(f"{level.words.zh}{n}" for level, n in trial.by_level().items())
    assets = len({one.asset for one in trial.episodes})
    yield f"{trial.rule}，近{days:g}天  (last {days:g} days)"
    yield f"会触发 would raise     {len(trial.episodes)}  {levels}".rstrip()
    yield f"对象 assets            {assets}"
    yield f"时长 hours             {trial.hours(trial.episodes):.1f}"
    yield f"实际记录 on record     {len(trial.recorded)}，{trial.hours(trial.recorded):.1f} h"
    yield f"其中已确认 confirmed   {len(trial.confirmed)}，与之重合 met {trial.met}"
    for one in trial.episodes[-_SHOWN:]:
        yield "  " + _line(one)
    if len(trial.episodes) > _SHOWN:
        yield f"  … 另{len(trial.episodes) - _SHOWN}次 earlier"


def _line(one: Episode) -> str:
    opened, cleared = one.opened.astimezone(CITY_ZONE), one.cleared.astimezone(CITY_ZONE) if one.cleared else None
    until = f"{cleared:%m-%d %H:%M}" if cleared else "仍在 open"
    return f"{opened:%m-%d %H:%M} → {until}  {one.worst.words.zh}  {one.asset}"
