"""How numbers, durations and moments are written on a screen: Chinese first, true minus, half-width digits, unknown is —."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from dashboard.core.declare import Text
from dashboard.core.sight import WITHHELD
from dashboard.core.times import CITY_ZONE

UNKNOWN = "—"
_GRADE_WORDS = {"good": Text("平稳", "Steady"), "fair": Text("偏弱", "Weak"), "poor": Text("告急", "Urgent")}
_WITHHELD = Text("数据不足", "No data")
_WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")
STATUS_WORDS = {
    "new": Text("待确认", "New"),
    "in_hand": Text("处置中", "In hand"),
    "closed": Text("已闭环", "Closed"),
}
LEVEL_WORDS = {
    "red": Text("红", "Red"),
    "orange": Text("橙", "Orange"),
    "yellow": Text("黄", "Yellow"),
    "blue": Text("蓝", "Blue"),
}
LEVEL_NAMES = {
    "red": Text("红色预警 Ⅰ级", "Red I"),
    "orange": Text("橙色预警 Ⅱ级", "Orange II"),
    "yellow": Text("黄色预警 Ⅲ级", "Yellow III"),
    "blue": Text("蓝色预警 Ⅳ级", "Blue IV"),
}
FRESH_WORDS = {
    "fresh": Text("正常", "Live"),
    "late": Text("迟到", "Late"),
    "silent": Text("源中断", "Silent"),
    "never": Text("未接入", "Not connected"),
}

_CONFIDENCE = {
    "verified": Text("已核对原文", "checked against the text"),
    "recalled": Text("凭记忆引用，未核对原文", "cited from memory, not checked"),
    "default": Text("设计缺省，无公开标准", "a default of ours; no public standard"),
}


def say(lang: str, zh: str, en: str) -> str:
    """Words in the language of a screen."""
    return en if lang == "en" else zh


def written(text: str, lang: str) -> str:
    """What somebody wrote; for who may not read it, that they did."""
    return say(lang, "已填写说明", "a note was written") if text == WITHHELD else text


def together(lang: str, parts: Iterable[str]) -> str:
    """Parts of a sentence, those that are empty left out: 近24小时，μg/m³."""
    return say(lang, "，", ", ").join(part for part in parts if part)


def listed(lang: str, names: Iterable[str]) -> str:
    """Names side by side: 朝天门、解放碑."""
    return say(lang, "、", ", ").join(names)


# Units the city counts in, as English screens write them; physical units are the same in both.
_ENGLISH_UNITS = {
    "分": "pts",
    "座": "",
    "套": "rooms",
    "件": "cases",
    "条": "",
    "家": "",
    "台": "",
    "段": "segments",
    "对": "pairs",
    "倍": "×",
    "所": "",
    "个": "",
    "处": "sites",
    "人": "people",
    "人次": "guests",
    "辆": "buses",
    "次": "times",
    "单": "bookings",
    "班": "trips",
    "艘": "ships",
    "类": "class",
    "级": "class",
    "起": "",
    "天": "days",
    "日": "d",
    "年": "yr",
    "时": "h",
}
_EACH = {"分": "min"}  # after a stroke 分 is minutes, not points


def unit_words(unit: str, lang: str) -> str:
    """A unit as a screen of this language writes it."""
    if lang != "en":
        return unit
    counted, stroke, each = unit.partition("/")
    amount = each.rstrip("".join(_ENGLISH_UNITS))
    spell = each[len(amount) :]
    per = f"{stroke}{amount}{_EACH.get(spell, _ENGLISH_UNITS.get(spell, spell))}" if stroke else ""
    return _ENGLISH_UNITS.get(counted, counted) + per


def number(value: float | None, decimals: int = 1) -> str:
    """`12,861`, `0.36`, `−3.0`; unknown is —."""
    if value is None:
        return UNKNOWN
    text = f"{value:,.{decimals}f}"
    return "0" if float(text.replace(",", "")) == 0 and decimals == 0 else text.replace("-", "−")


def signed(value: float | None, decimals: int = 0) -> str:
    """A difference with its sign; ±0 where it rounds to nothing."""
    if value is None:
        return UNKNOWN
    if round(value, decimals) == 0:
        return "±0"
    return ("+" if value > 0 else "−") + f"{abs(value):,.{decimals}f}"


def span(length: timedelta, lang: str) -> str:
    """45秒 / 18分 / 3时27分 / 2天3时, as the mocks write ages."""
    total = max(0, int(length.total_seconds()))
    days, hours, minutes = total // 86_400, total % 86_400 // 3600, total % 3600 // 60
    if total < 60:
        return say(lang, f"{total}秒", f"{total}s")
    if total < 3600:
        return say(lang, f"{minutes}分", f"{minutes} min")
    if days:
        return say(lang, f"{days}天{hours}时", f"{days} d {hours} h")
    return say(lang, f"{hours}时{minutes}分", f"{hours} h {minutes} min")


def clock_time(at: datetime | None) -> str:
    """14:06 in the city."""
    return at.astimezone(CITY_ZONE).strftime("%H:%M") if at else UNKNOWN


def date_line(at: datetime, lang: str) -> str:
    """6月18日 周三."""
    local = at.astimezone(CITY_ZONE)
    return say(lang, f"{local.month}月{local.day}日 周{_WEEKDAYS[local.weekday()]}", f"{local:%a %d %b}")


def moment(at: datetime | None, lang: str, now: datetime) -> str:
    """Today only the time, else with the date."""
    if at is None:
        return UNKNOWN
    local = at.astimezone(CITY_ZONE)
    if local.date() == now.astimezone(CITY_ZONE).date():
        return local.strftime("%H:%M")
    return say(lang, f"{local.month}月{local.day}日{local:%H:%M}", f"{local:%d %b %H:%M}")


def grade_word(grade: str | None, lang: str) -> str:
    """平稳, 偏弱, 告急: fixed words of the design guide for the grade of an index; 数据不足 where it is withheld."""
    return _GRADE_WORDS.get(grade or "", _WITHHELD)(lang)


def count_word(number_of: int, lang: str) -> str:
    """七 / Seven, for a verdict; digits beyond eight."""
    words = ("None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight") if lang == "en" else tuple("零一二三四五六七八")
    return words[number_of] if number_of < len(words) else str(number_of)


def sure(confidence: str, lang: str) -> str:
    """How sure we are of a number's source, in words."""
    return _CONFIDENCE[confidence](lang)
