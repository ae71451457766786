"""Why an alert opened, moved or cleared, in one sentence with value, threshold and unit."""

from __future__ import annotations

from datetime import timedelta

from dashboard.alerting.machine import Rule, Transition
from dashboard.core.declare import Level

LEVEL_WORDS = {Level.RED: "红色", Level.ORANGE: "橙色", Level.YELLOW: "黄色", Level.BLUE: "蓝色"}
_SIGNS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}
_UNIT_WORDS = {"min": "分钟", "h": "小时", "s": "秒", "d": "天", "": "个周期"}


def reason(change: Transition, rule: Rule, about: str, unit: str, decimals: int) -> str:
    """The sentence stored with a transition. `about` names what is watched: 甲烷, 在线率, 无数据时长."""
    match change.what:
        case "open" if change.value is None:
            return f"{about}没有按时到来，按规则告警"
        case "open":
            return f"{_against(change, about, unit, decimals)}{_kept(rule.hold)}"
        case "level":
            return _moved(change, about, unit, decimals)
        case "no_data":
            return f"{about}没有按时到来，保持最后已知状态"
        case "data_back":
            return f"{about}恢复上报，{_number(change.value, decimals)} {unit}".rstrip()
        case "clear" if change.value is None:
            return f"{about}没有按时到来，按规则解除"
        case "clear":
            return f"{_within(change, about, unit, decimals)}{_kept(rule.clear_hold)}"


def _moved(change: Transition, about: str, unit: str, decimals: int) -> str:
    assert change.old is not None and change.new is not None
    rises = change.new.severity > change.old.severity
    why = _against(change, about, unit, decimals) if rises else _within(change, about, unit, decimals)
    return f"由{LEVEL_WORDS[change.old]}{'升级' if rises else '降级'}为{LEVEL_WORDS[change.new]}：{why}"


def _against(change: Transition, about: str, unit: str, decimals: int) -> str:
    value = _with_unit(change.value, unit, decimals)
    if change.threshold is None:
        return f"{about} {value}"
    limit = change.threshold
    return f"{about} {value} {_SIGNS[limit.op]} {LEVEL_WORDS[limit.level]}限值 {_with_unit(limit.value, unit, None)}"


def _within(change: Transition, about: str, unit: str, decimals: int) -> str:
    value = _with_unit(change.value, unit, decimals)
    if change.threshold is None:
        return f"{about} {value}，数据恢复"
    return f"{about}回到 {value}，已过恢复值 {_with_unit(change.threshold.clear, unit, None)}"


def _kept(hold: timedelta) -> str:
    return f"，已持续{length(hold)}" if hold else ""


def _with_unit(value: float | None, unit: str, decimals: int | None) -> str:
    return f"{_number(value, decimals)} {_UNIT_WORDS.get(unit, unit)}"


def _number(value: float | None, decimals: int | None) -> str:
    if value is None:
        return "—"
    return f"{value:g}" if decimals is None else f"{value:.{decimals}f}"


def length(span: timedelta) -> str:
    """A time span in words: 45秒, 18分钟, 3小时."""
    seconds = round(span.total_seconds())
    for size, word in ((86_400, "天"), (3600, "小时"), (60, "分钟")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{word}"
    return f"{seconds}秒" if seconds < 60 else f"{seconds / 60:.1f}分钟"
