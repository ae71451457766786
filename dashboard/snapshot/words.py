"""How numbers, durations and moments are written on a screen: Chinese first, true minus, half-width digits, unknown is —."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.core.declare import Text
from dashboard.core.times import CITY_ZONE

UNKNOWN = "—"
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
    zh = lang != "en"
    if total < 60:
        return f"{total}秒" if zh else f"{total}s"
    if total < 3600:
        return f"{minutes}分" if zh else f"{minutes} min"
    if days:
        return f"{days}天{hours}时" if zh else f"{days} d {hours} h"
    return f"{hours}时{minutes}分" if zh else f"{hours} h {minutes} min"


def clock_time(at: datetime | None) -> str:
    """14:06 in the city."""
    return at.astimezone(CITY_ZONE).strftime("%H:%M") if at else UNKNOWN


def date_line(at: datetime, lang: str) -> str:
    """6月18日 周三."""
    local = at.astimezone(CITY_ZONE)
    return f"{local.month}月{local.day}日 周{_WEEKDAYS[local.weekday()]}" if lang != "en" else local.strftime("%a %d %b")


def moment(at: datetime | None, lang: str, now: datetime) -> str:
    """Today only the time, else with the date."""
    if at is None:
        return UNKNOWN
    local = at.astimezone(CITY_ZONE)
    if local.date() == now.astimezone(CITY_ZONE).date():
        return local.strftime("%H:%M")
    return f"{local.month}月{local.day}日{local:%H:%M}" if lang != "en" else local.strftime("%d %b %H:%M")


def grade_word(index: float | None, lang: str) -> str:
    """平稳 (≥ 75) 偏弱 (60-74) 告急 (< 60): fixed words of the design guide."""
    zh = lang != "en"
    if index is None:
        return "数据不足" if zh else "No data"
    if round(index) >= 75:
        return "平稳" if zh else "Steady"
    return ("偏弱" if zh else "Weak") if round(index) >= 60 else ("告急" if zh else "Urgent")


def count_word(number_of: int, lang: str) -> str:
    """七项 / Seven, for a verdict."""
    zh = "零一二三四五六七八"
    en = ("None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")
    return zh[number_of] if lang != "en" else en[number_of]
