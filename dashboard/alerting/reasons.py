"""Why an alert opened, moved or cleared, in one sentence with value, threshold and unit: in Chinese, then in English."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dashboard.alerting.machine import Rule, Transition
from dashboard.core.declare import Finding, Text

BETWEEN = " / "  # the two languages of a stored sentence
_SIGNS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}
_UNIT_WORDS = {
    "min": Text("分钟", "min"),
    "h": Text("小时", "h"),
    "s": Text("秒", "s"),
    "d": Text("天", "d"),
    "": Text("个周期", "cycles"),
}
_LENGTHS = ((86_400, Text("天", " d")), (3600, Text("小时", " h")), (60, Text("分钟", " min")))


def reason(change: Transition, rule: Rule, about: Text, unit: str, decimals: int, found: Finding | None = None) -> str:
    """The sentence stored with a transition. `about` names what is watched: 甲烷, 在线率, 无数据时长; `found`: what a judge found."""
    tellers = (_Teller(lang, about(lang), unit, decimals, _grounds(found, lang)) for lang in ("zh", "en"))
    return BETWEEN.join(teller.sentence(change, rule) + teller.corrected(change) for teller in tellers)


def _grounds(found: Finding | None, lang: str) -> str | None:
    """What a judge looked at, in one line; None for a rule that judges a number."""
    if found is None:
        return None
    said = [f"{what(lang)} {value}".strip() for what, value in found.because]
    stopped = [found.stopped(lang)] if found.stopped else []
    return Text("，", ", ")(lang).join(stopped + said).replace(BETWEEN, "/")


def in_language(stored: str, lang: str) -> str:
    """The half of a stored sentence that a screen shows; one without halves as it is."""
    zh, _, en = stored.partition(BETWEEN)
    return en if en and lang == "en" else zh


@dataclass(frozen=True)
class _Teller:
    """Tells transitions of one watched thing in one language."""

    lang: str
    about: str
    unit: str
    decimals: int
    grounds: str | None = None  # of a judged rule: what was looked at; empty when nothing is found any more

    def sentence(self, change: Transition, rule: Rule) -> str:
        match change.what:
            case "open" if change.value is None:
                return self._silent("按规则告警", "raised by the rule")
            case "open":
                return f"{self._against(change)}{self._kept(rule.hold)}"
            case "level":
                return self._moved(change)
            case "no_data":
                return self._silent("保持最后已知状态", "kept as last known")
            case "data_back":
                return (
                    f"{self.about}{self._say('恢复上报，', ' reports again, ')}{_number(change.value, self.decimals)} {self.unit}".rstrip()
                )
            case "clear" if change.value is None:
                return self._silent("按规则解除", "cleared by the rule")
            case "clear":
                return f"{self._within(change)}{self._kept(rule.clear_hold)}"

    def corrected(self, change: Transition) -> str:
        """That a reading was put right or came late, where that is why."""
        if change.afterwards == "late":
            return self._say("（迟到读数补入后）", " (after a reading came in late)")
        return self._say("（读数订正后）", " (after a reading was corrected)") if change.afterwards else ""

    def _say(self, zh: str, en: str) -> str:
        return en if self.lang == "en" else zh

    def _silent(self, zh: str, en: str) -> str:
        return self._say(f"{self.about}没有按时到来，{zh}", f"{self.about} did not come in time; {en}")

    def _moved(self, change: Transition) -> str:
        assert change.old is not None and change.new is not None
        old, new = change.old.words(self.lang), change.new.words(self.lang)
        if change.new.severity > change.old.severity:
            return self._say(f"由{old}升级为{new}：", f"up from {old} to {new}: ") + self._against(change)
        return self._say(f"由{old}降级为{new}：", f"down from {old} to {new}: ") + self._within(change)

    def _against(self, change: Transition) -> str:
        value, limit = self._with_unit(change.value, self.decimals), change.threshold
        if limit is not None and self.grounds is not None:
            level = limit.level.words(self.lang)
            return self._say(f"{self.about}，达到{level}：{self.grounds}", f"{self.about}, {level}: {self.grounds}")
        if limit is None:
            return f"{self.about} {value}"
        level = limit.level.words(self.lang)
        line = self._say(f"{level}限值", f"the {level} limit")
        return f"{self.about} {value} {_SIGNS[limit.op]} {line} {self._with_unit(limit.value, None)}"

    def _within(self, change: Transition) -> str:
        value = self._with_unit(change.value, self.decimals)
        if self.grounds is not None:
            return self._say(f"{self.about}：{self.grounds or '条件不再成立'}", f"{self.about}: {self.grounds or 'no longer so'}")
        if change.threshold is None:
            return f"{self.about} {value}{self._say('，数据恢复', ', data are back')}"
        clear = self._with_unit(change.threshold.clear, None)
        return self._say(f"{self.about}回到 {value}，已过恢复值 {clear}", f"{self.about} back at {value}, past the clear value {clear}")

    def _kept(self, hold: timedelta) -> str:
        return self._say(f"，已持续{length(hold, 'zh')}", f", for {length(hold, 'en')}") if hold else ""

    def _with_unit(self, value: float | None, decimals: int | None) -> str:
        known = _UNIT_WORDS.get(self.unit)
        return f"{_number(value, decimals)} {known(self.lang) if known else self.unit}"


def _number(value: float | None, decimals: int | None) -> str:
    if value is None:
        return "—"
    return f"{value:g}" if decimals is None else f"{value:.{decimals}f}"


def length(span: timedelta, lang: str) -> str:
    """A time span in words: 45秒, 18分钟, 3小时; 45 s, 18 min, 3 h."""
    seconds = round(span.total_seconds())
    for size, word in _LENGTHS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{word(lang)}"
    if seconds < 60:
        return f"{seconds}{Text('秒', ' s')(lang)}"
    return f"{seconds / 60:.1f}{Text('分钟', ' min')(lang)}"
