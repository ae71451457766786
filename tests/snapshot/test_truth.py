"""What is missing is never shown as live, the weakest is never hidden, and every panel counts the same."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from dashboard.core.places import streets
from dashboard.core.scope import Scope
from dashboard.kpi.index import IndexRules
from dashboard.snapshot.alerts import AlertCard, card
from dashboard.snapshot.chart import chart
from dashboard.snapshot.feed import alert_list, feed, fitting, foremost, listed_alerts
from dashboard.snapshot.figures import cell, index_cell, shown_kpis
from dashboard.snapshot.fold import lines
from dashboard.snapshot.maps import Sheet, map_body
from dashboard.snapshot.overview import foot, matrix
from dashboard.snapshot.readings import readings
from dashboard.snapshot.sources import pull_detail, sources
from dashboard.snapshot.strip import strip
from dashboard.snapshot.verdict import verdict
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import tabs, vitals
from dashboard.store.engine import writing
from dashboard.store.schema import alert, handling, kpi_h1, kpi_latest, kpi_turn, pull_state, quarantine
from dashboard.store.topics import bump
from tests.whole_city import EAST, MIDDLE, NOON, WEST, Town, asset_id

QUIET = streets()[1]  # nothing happens there
SHEET = Sheet(ident="t", aspect=1.8, font_share=0.02)
ONLY_EAST, BOTH = View(scope=Scope((EAST.code,))), View(scope=Scope(tuple(sorted((MIDDLE.code, WEST.code)))))


def put(town: Town, key: str, value: float | None, scope: str = "district", **more: object) -> None:
    """A number as the worker leaves it."""
    with writing(town.engine).begin() as conn:
        values = {"value": value, "grade": IndexRules().grade(value), "freshness": "fresh", "computed_at": NOON, **more}
        conn.execute(sa.update(kpi_latest).where(kpi_latest.c.kpi == key, kpi_latest.c.scope == scope).values(**values))
        bump(conn, ["kpi:test"], NOON)


# ---- the verdict
def test_the_verdict_counts_the_steady_and_names_the_weakest(own: Town) -> None:
    for vital, value in (("breath", 91), ("circulation", 88), ("skeleton", 80), ("metabolism", 75), ("immunity", 62), ("nerves", 41)):
        put(own, f"vital.{vital}", value)
    assert verdict(own.picture(), View())["headline"] == "四项平稳，神经、免疫告急"
    assert verdict(own.picture(), View(lang="en"))["headline"] == "Four steady, Nerves, Immunity urgent"


def test_a_high_index_that_may_be_low_is_not_called_steady(own: Town) -> None:
    for vital in own.catalog.vitals:
        put(own, f"vital.{vital}", 91.0)
    put(own, "vital.nerves", 93.0, low=62.0, grade="fair")
    body = next(v for v in tabs(own.picture(), View()) if v.key == "nerves")
    assert (body.index, body.word, body.weak) == ("93", "偏弱", True)
    assert verdict(own.picture(), View())["headline"].endswith("神经偏弱")


def test_the_verdict_says_who_is_on_the_worst_alert_and_what_is_not_connected(town: Town) -> None:
    said = verdict(town.picture(), View())["sentence"]
    first = town.picture().alerts[0]
    assert first.asset_name in said and "待确认" in said
    assert "活力、气质未接入" in said or len(said) > 60


def test_without_any_number_the_verdict_waits_instead_of_guessing(own: Town) -> None:
    for vital in own.catalog.vitals:
        put(own, f"vital.{vital}", None)
    body = verdict(own.picture(), View())
    assert body["headline"] == "正在取数"


# ---- what is missing
def known_kpi(town: Town, domain: str) -> str:
    """A KPI of a domain that has a value."""
    figures, keys = town.picture().figures, [f"{domain}.{k.key}" for k in town.catalog.domains[domain].kpis]
    return next(key for key in keys if figures[key, "district"].value is not None)


def test_a_late_figure_keeps_its_value_and_says_that_it_is_late(town: Town) -> None:
    shown = cell(town.picture(NOON + timedelta(minutes=20)), known_kpi(town, "bridges"), Scope(), "zh")
    assert shown.fresh.state == "late" and shown.value != "—"


def test_a_silent_figure_is_a_dash_with_its_last_value_beside_it(town: Town) -> None:
    key = known_kpi(town, "bridges")
    before = cell(town.picture(), key, Scope(), "zh")
    after = cell(town.picture(NOON + timedelta(hours=3)), key, Scope(), "zh")
    assert (after.value, after.fresh.state, after.level) == ("—", "silent", "")
    assert after.note == f"上次 {before.value}"


def test_an_index_whose_inputs_fell_silent_is_not_shown_as_fresh(own: Town) -> None:
    put(own, "vital.skeleton", None, freshness="silent")
    shown = index_cell(own.picture(NOON + timedelta(hours=3)), "vital.skeleton", Scope(), "zh", "骨骼指数")
    assert shown.value == "—" and shown.fresh.state == "silent"


def test_a_channel_that_stopped_has_no_value_in_the_table(town: Town) -> None:
    rows = readings(town.picture(NOON + timedelta(days=2)), View(), "skeleton")["rows"]
    assert rows and {r["value"] for r in rows} == {"—"} and {r["state_word"] for r in rows} == {"数据中断"}


def test_a_system_without_a_department_shows_published_figures_as_published(town: Town) -> None:
    spirit = next(v for v in vitals(town.picture(), View())["vitals"] if v.key == "spirit")
    assert spirit.unlinked and spirit.word == "未接入" and spirit.index == "—"
    assert all(k.note.startswith("公报值") and k.fresh.state == "never" for k in spirit.lines)


def test_a_late_cell_of_the_matrix_is_hatched_and_not_a_number(own: Town) -> None:
    put(own, "vital.breath", 40.0, QUIET.code, freshness="late")
    row = next(r for r in matrix(own.picture(), View())["rows"] if r["title"] == own.catalog.vitals["breath"].title.zh)
    there = row["cells"][QUIET.order]
    assert there["late"] and not there["text"]


def test_the_footer_and_the_sources_page_name_what_is_late(own: Town) -> None:
    own.heard(NOON - timedelta(minutes=15), "bridges")
    picture = own.picture()
    assert any("迟到" in t["text"] for t in foot(picture, View())["troubles"])
    assert sources(picture, View())["late"] == sum(p.into.startswith("bridges.") for p in own.settings.pulls.values())


# ---- the same numbers everywhere
def test_feed_map_matrix_and_strip_number_and_count_the_same_alerts(town: Town) -> None:
    picture, view = town.picture(), View()
    opened = {a.alert_id: a.number for a in picture.alerts if a.is_open}
    in_feed, in_list = feed(picture, view), alert_list(picture, view)
    cards = [*in_feed["cards"], *in_feed["lines"]]
    on_lines = {line.lead.alert_id: line.lead.number for line in lines(picture.alerts)}
    assert on_lines == {m.alert_id: m.number for m in map_body(picture, view, SHEET)["marks"]}
    assert {c.alert_id: c.number for c in cards}.items() <= opened.items()
    assert all(opened[c["alert"]] == c["number"] for row in matrix(picture, view)["rows"] for c in row["cells"] if c["alert"])
    assert sum(c.count for c in cards) + in_feed["more"] == len(opened)
    assert len(opened) == strip(picture, view)["open"] == sum(c["number"] for c in in_list["counts"])
    assert foremost(picture, view)["open"] == len(opened)


def test_numbers_run_from_one_without_a_gap_matters_of_life_first_and_lists_are_worst_first(town: Town) -> None:
    opened = [a for a in town.picture().alerts if a.is_open]
    leads = [line.lead for line in lines(opened)]
    assert [a.number for a in leads] == list(range(1, len(leads) + 1)) and {a.number for a in opened} == {a.number for a in leads}
    assert [a.life_safety for a in leads] == sorted((a.life_safety for a in leads), reverse=True), "matters of life first"
    assert [a.level for a in opened] == sorted((a.level for a in opened), key=["red", "orange", "yellow", "blue"].index)


def test_a_street_filter_narrows_every_panel_and_never_renumbers(town: Town) -> None:
    picture = town.picture()
    everywhere = {a.alert_id: a.number for a in picture.alerts}
    narrowed = picture.open_in(BOTH)
    assert 0 < len(narrowed) < len(picture.open_in(View()))
    assert all(a.number == everywhere[a.alert_id] and a.street in BOTH.scope.streets for a in narrowed)
    assert {m.alert_id for m in map_body(picture, BOTH, SHEET)["marks"]} == {line.lead.alert_id for line in lines(narrowed)}
    assert strip(picture, BOTH)["open"] == len(narrowed) == sum(c["number"] for c in feed(picture, BOTH)["counts"])
    assert len(readings(picture, ONLY_EAST, "skeleton")["rows"]) < len(readings(picture, View(), "skeleton")["rows"])


def test_an_alert_of_the_whole_district_is_not_put_into_a_street(town: Town) -> None:
    picture = town.picture()
    assert all(a.street == EAST.code for a in picture.alerts_in(ONLY_EAST))


def test_a_scope_that_holds_nothing_shows_nothing(town: Town) -> None:
    picture, nowhere = town.picture(), View(scope=Scope(("none",)))
    assert not feed(picture, nowhere)["cards"] and not readings(picture, nowhere, "skeleton")["rows"]
    assert all(v.value is None for v in tabs(picture, nowhere))


def test_filters_of_level_and_state_work_together(town: Town) -> None:
    picture = town.picture()
    assert {a.level for a in picture.alerts_in(View(levels=("red",), states=("new",)))} == {"red"}
    assert picture.alerts_in(View(states=("closed",))) == [a for a in picture.alerts if a.state == "closed"]
    assert {a.vital for a in picture.alerts_in(View(system="skeleton"))} == {"skeleton"}


# ---- several streets together
def test_two_streets_together_are_computed_from_their_parts_and_drawn_hour_by_hour(own: Town) -> None:
    hour = int(NOON.timestamp()) // 3600
    rows = [(MIDDLE.code, 60.0, hour - 2), (WEST.code, 80.0, hour - 2), ("district", 10.0, hour - 2)]
    with writing(own.engine).begin() as conn:
        for scope, value, at in rows:
            row = {"kpi": "vital.skeleton", "scope": scope, "hour": at, "mean": value, "low": value, "high": value, "last": value, "n": 1}
            conn.execute(sa.delete(kpi_h1).where(*(kpi_h1.c[k] == row[k] for k in ("kpi", "scope", "hour"))))
            conn.execute(sa.insert(kpi_h1).values(**row))
    picture = own.picture()
    assert picture.line("vital.skeleton", BOTH.scope)[-3] == 70.0
    assert picture.line("vital.skeleton", Scope())[-3] == 10.0
    assert picture.band("vital.skeleton", BOTH.scope) == []


# ---- lines
def test_lines_show_the_past_as_soon_as_it_is_filled_in(own: Town) -> None:
    reader = own.reader
    assert reader.picture(NOON, View()).line("vital.skeleton", Scope())[:-2] == [None] * 22
    hour = int(NOON.timestamp()) // 3600
    with writing(own.engine).begin() as conn:
        for back in range(5, 20):
            conn.execute(sa.insert(kpi_h1).values(kpi="vital.skeleton", scope="district", hour=hour - back, mean=71.5, n=1))
        conn.execute(sa.update(kpi_turn).where(kpi_turn.c.kpi == "district.index").values(filled_to=hour))
        bump(conn, ["kpi:skeleton"], NOON)
    assert reader.picture(NOON, View()).line("vital.skeleton", Scope()).count(71.5) == 15


def test_a_line_ends_with_the_number_that_is_shown(town: Town) -> None:
    picture = town.picture()
    assert picture.line("district.index", Scope())[-1] == picture.figures["district.index", "district"].value


def test_the_chart_shows_the_reading_behind_the_worst_alert_and_then_the_picked_asset(town: Town) -> None:
    picture = town.picture()
    worst = picture.open_in(View(), "skeleton")[0]
    assert chart(picture, View(), "skeleton")["title"].startswith(worst.asset_name)
    picked = chart(picture, View(asset=f"bridges/{asset_id('bridges', 2)}"), "skeleton")
    assert picked["title"].startswith(asset_id("bridges", 2)) and len(picked["points"]) == 13


def test_a_window_on_the_strip_is_the_chart_s_window(town: Town) -> None:
    view = View(asset=f"bridges/{asset_id('bridges', 2)}", t0=NOON - timedelta(hours=1), t1=NOON)
    body = chart(town.picture(), view, "skeleton")
    assert body["window"] == (view.t0, view.t1) and len(body["points"]) == 7 and body["subtitle"].endswith("11:00–12:00")


# ---- replay
def test_a_replay_shows_what_was_shown_then(own: Town) -> None:
    then = NOON + timedelta(seconds=1)
    before = verdict(own.picture(then), View())
    counted = strip(own.picture(then), View())["open"]
    for i in range(1, 4):
        later = NOON + i * timedelta(minutes=10)
        own.read("bridges", "capacity_used", [(asset_id("bridges", 0), EAST.code, later, 1.0)], later)
        own.heard(later)
        own.turn(later)
    now = NOON + timedelta(minutes=31)
    replay = View(as_of=then)
    again = verdict(own.picture(now, replay), replay)
    assert (again["index"], again["headline"]) == (before["index"], before["headline"])
    assert strip(own.picture(now, replay), replay)["open"] == counted
    assert strip(own.picture(now, replay), replay)["replay"]


def test_a_replay_of_tomorrow_shows_now(town: Town) -> None:
    assert town.picture(NOON, View(as_of=NOON + timedelta(days=1))).at == NOON


# ---- a pull at the side
def test_a_pull_tells_where_it_resumes_in_the_citys_time_and_what_it_set_aside_in_words(own: Town) -> None:
    name = next(iter(own.settings.pulls))
    aside = {
        "pull": name,
        "source_key": "A1",
        "row_hash": "x",
        "reason_code": "type",
        "reason": "height: 'abc' is not a number",
        "row": "{}",
    }
    with writing(own.engine).begin() as conn:
        at = '{"of":"q","at":{"t":"str","v":"2025-06-18 08:05:00"}}'
        conn.execute(sa.update(pull_state).where(pull_state.c.pull == name).values(watermark=at))
        conn.execute(sa.insert(quarantine).values(**aside, first_seen_at=NOON, last_seen_at=NOON, times=1, state="open"))
    body = pull_detail(own.picture(), View(), name)
    assert dict(body["facts"])["断点"].endswith("08:05")
    assert body["quarantine"] == [["A1", "类型不符：height: 'abc' is not a number", 1]]
    assert pull_detail(own.picture(), View(lang="en"), name)["quarantine"][0][1] == "height: 'abc' is not a number"
    for kept, shown in (('{"t":"int","v":4711}', "4711"), ('{"files":{"a.csv":[1,2]}}', "已读1个文件")):
        with writing(own.engine).begin() as conn:
            conn.execute(sa.update(pull_state).where(pull_state.c.pull == name).values(watermark=f'{{"of":"q","at":{kept}}}'))
        assert dict(pull_detail(own.picture(), View(), name)["facts"])["断点"] == shown


# ---- what fits
def height(cards: int, second_lines: int, lines: int, more: bool) -> float:
    return cards * 6.45 + second_lines * 1.9 + lines * 2.375 + (2.1 if more else 0)


def test_the_feed_never_needs_more_room_than_it_has(town: Town) -> None:
    picture = town.picture()
    some = card(picture.alerts[0], town.catalog, "zh", NOON)
    for long in range(6):
        cards: list[AlertCard] = [replace(some, title="长" * 14 if i < long else "短") for i in range(17)]
        for total in range(60):
            full, lines = fitting(cards[: min(total, 17)], total)
            assert height(full, min(long, full), lines, full + lines < total) <= 41.0
            assert full + lines <= total and (full >= 1 or total == 0)


def test_paths_are_drawn_inside_their_box(town: Town) -> None:
    drawn = strip(town.picture(), View())
    ys = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", drawn["line"].line)]
    assert all(0 <= y <= 45.1 for y in ys)


def test_the_most_telling_figures_are_those_past_a_line(town: Town) -> None:
    picture = town.picture()
    keys = shown_kpis(picture, "skeleton", Scope())
    past = [cell(picture, k, Scope(), "zh", with_line=False).level != "" for k in keys]
    assert past == sorted(past, reverse=True)


def test_a_matter_whose_reading_is_back_is_no_alarm_any_more_but_still_open(own: Town) -> None:
    before = own.picture()
    first = next(a for a in before.alerts if a.stands and a.lon is not None)
    with writing(own.engine).begin() as conn:
        mine = alert.c.alert_id == first.alert_id
        conn.execute(sa.update(alert).where(mine).values(state="clear", cleared_at=NOON - timedelta(minutes=20), open_key=None))
        conn.execute(sa.delete(handling).where(handling.c.alert_id == first.alert_id))
        conn.execute(sa.insert(handling).values(alert_id=first.alert_id, stage="dispatched", since=NOON, acknowledged_at=NOON))
        bump(conn, ["alerts"], NOON)
    picture = own.picture()
    last = [a for a in picture.alerts if a.is_open][-1]
    assert (last.alert_id, last.stands, last.state) == (first.alert_id, False, "in_hand")
    assert card(last, own.catalog, "zh", NOON).grounds == "11:40恢复正常，待闭环"
    assert first.alert_id not in {m.alert_id for m in map_body(picture, View(), SHEET)["marks"]}
    assert first.alert_id in {a.alert_id for line in lines(listed_alerts(picture, View())) for a in line.alerts}
