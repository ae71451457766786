"""Linkages as screens tell them: the unit on the wall, timed steps in the drawer, the page of playbooks, the mark of a drill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.casework.handling import Doing, act
from dashboard.casework.life import Event
from dashboard.casework.linkage.drill import begin_drill
from dashboard.casework.linkage.kept import keep_fault
from dashboard.panels.screens import CityPanels
from dashboard.snapshot.view import View
from dashboard.store.topics import versions
from tests.casework.linkage.yard import Yard
from tests.small_city import SmallCity

HOT, COLD = (65.0, 65.0, 65.0), (40.0, 40.0, 40.0)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(SmallCity(f"sqlite:///{tmp_path / 'store.db'}", tmp_path), tmp_path)
    yield made
    made.town.leave()


def shown(yard: Yard, panel: str, lang: str = "zh") -> str:
    """A panel's words."""
    panels = CityPanels(yard.settings, yard.town.catalog, yard.engine)
    html = panels.content(panel, View(lang="en" if lang == "en" else "zh"), yard.now)["html"]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def topic(yard: Yard) -> int:
    with yard.engine.connect() as conn:
        return versions(conn)["alerts"]


def test_the_unit_that_took_it_is_on_the_feed_with_the_same_bump_of_the_topic(yard: Yard) -> None:
    yard.minutes(*HOT)
    assert "照明管理处" in shown(yard, "feed")
    before = topic(yard)
    yard.answers("accepted")
    assert topic(yard) > before
    assert "灯具一班" in shown(yard, "feed")


def test_the_unit_a_person_gives_it_to_is_on_the_feed_too(yard: Yard) -> None:
    yard.minutes(*HOT)
    before = topic(yard)
    act(yard.engine, yard.town.catalog, yard.alert().alert_id, Doing(event=Event.ASSIGN, actor="值班台", unit="灯具二班"), yard.now)
    assert (topic(yard), "灯具二班" in shown(yard, "feed")) == (before + 1, True)


def test_the_drawer_has_each_step_with_unit_state_time_and_limit(yard: Yard) -> None:
    yard.minutes(*HOT)
    drawer = shown(yard, f"alert:{yard.alert().alert_id}")
    assert "过热断电检修 执行中" in drawer
    assert "断电 待接单 灯具班组，限40分钟" in drawer
    assert "核验降温 未到" in drawer
    yard.town.clock.step(4 * yard.minute)
    yard.answers("accepted")
    yard.town.clock.step(6 * yard.minute)
    yard.answers("done", note="已断电")
    drawer = shown(yard, f"alert:{yard.alert().alert_id}")
    assert "断电 完成 灯具一班，10分，限40分钟" in drawer
    assert "已断电" in drawer
    assert "须恢复正常" in drawer
    yard.minutes(*COLD)
    assert "核验通过" in shown(yard, f"alert:{yard.alert().alert_id}")


def test_what_is_late_stopped_or_not_delivered_is_said(yard: Yard) -> None:
    yard.settings = yard.town.settings = type(yard.settings)(**{**yard.settings.__dict__, "outboxes": {}})
    yard.minutes(*HOT)
    drawer = shown(yard, f"alert:{yard.alert().alert_id}")
    assert "未配置收件箱，请当面或电话下达" in drawer
    assert "已完成" in drawer, "a person says what became of it"
    yard.wait(5)
    assert "已超时" in shown(yard, f"alert:{yard.alert().alert_id}")
    yard.town.lamps({"a": ("500103003", "off")})
    yard.turn()
    assert "灯已停用" in shown(yard, f"alert:{yard.alert().alert_id}")


def test_a_department_that_takes_no_orders_is_told_on_every_desk_until_it_does(yard: Yard) -> None:
    boxes = yard.settings.outboxes
    broken = {"lamps": type(boxes["lamps"])(**{**boxes["lamps"].__dict__, "url": "sqlite:////nowhere/at/all.db"})}
    yard.settings = type(yard.settings)(**{**yard.settings.__dict__, "outboxes": broken})
    yard.minutes(*HOT)
    assert "1张工单未送达" in shown(yard, "notices")
    assert "未送达" in shown(yard, f"alert:{yard.alert().alert_id}")
    yard.settings = type(yard.settings)(**{**yard.settings.__dict__, "outboxes": boxes})
    yard.wait(1)
    assert "未送达" not in shown(yard, "notices")


def test_the_page_shows_the_track_what_is_under_way_and_how_thirty_days_went(yard: Yard) -> None:
    yard.minutes(*HOT)
    page = shown(yard, "linkages")
    assert "过热断电检修 灯体过热" in page
    assert "断电 待接单 灯具班组，限40分钟" in page
    yard.answers("accepted")
    yard.town.clock.step(8 * yard.minute)
    yard.answers("done")
    yard.minutes(*COLD)
    page = shown(yard, "linkages")
    assert "断电 工单，灯具班组 限 40分钟 中位 8分 按时 100%" in page
    assert "1 次，近30天 1 已办结 100% 按时 0 停止：灯已停用" in page


def test_a_stop_rule_that_acted_is_counted(yard: Yard) -> None:
    yard.minutes(*HOT)
    yard.town.lamps({"a": ("500103003", "off")})
    yard.turn()
    assert "1 停止：灯已停用" in shown(yard, "linkages")


def test_a_run_that_cannot_go_on_says_so_in_both_languages(yard: Yard) -> None:
    yard.minutes(*HOT)
    with yard.engine.begin() as conn:
        keep_fault(conn, yard.run().run_id, "ValueError: no such column")
    assert "本次联动处理出错，每轮重试：ValueError: no such column" in shown(yard, "linkages")
    assert "This run cannot go on, tried every turn: ValueError: no such column" in shown(yard, "linkages", "en")


def test_a_drill_bears_its_watermark_and_is_in_no_list_of_alerts(yard: Yard) -> None:
    number = begin_drill(yard.engine, yard.town.catalog, "cool", "a", "值班长", yard.now)
    yard.turn()
    assert shown(yard, f"alert:{number}").count("演练") > 20
    assert "演练 a号灯" in shown(yard, "linkages")
    assert "1 次，近30天" not in shown(yard, "linkages"), "a drill is not counted"
    assert "a号灯" not in shown(yard, "feed") + shown(yard, "alerts")
    assert "EXERCISE" in shown(yard, f"alert:{number}", "en")


@pytest.mark.parametrize("state", ["accepted", "done", "refused"])
def test_english_panels_are_english(yard: Yard, state: str) -> None:
    yard.minutes(*HOT)
    yard.answers(state)
    yard.wait(12)
    names = re.compile("a号灯|照明|灯具班组|灯具一班|照明管理处|区城运中心|测试|照明值班岗")
    for panel in ("linkages", "drill:cool"):
        left = re.findall(r"\S*[\u4e00-\u9fff]\S*", names.sub("", shown(yard, panel, "en")))
        assert left == [], panel
