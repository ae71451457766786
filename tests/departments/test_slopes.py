"""Slopes of the demo city: rain soaks them and they follow, warnings run their course, and nothing depends on when one asks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from data_sources.departments import slopes_life as slopes
from data_sources.departments import slopes_rows
from data_sources.departments.sensors_shapes import DAY, HOUR
from data_sources.departments.slopes_life import MINUTE
from tests.demo_city import NOW, SEED

AT = NOW.timestamp()
WORLD = slopes.world(SEED, AT)


def test_slopes_answer_rain_hours_later() -> None:
    """The rates of the most sensitive slope follow a day's rain, best some hours after it, and hardly before it."""
    who = int(np.argmax(slopes.sensitivity(SEED)))
    rain, rate = WORLD.rain_hour[-8000:], WORLD.rate[who][-8000:]
    after = [float(np.corrcoef(rain[: len(rain) - lag], rate[lag:])[0, 1]) for lag in range(49)]
    before = float(np.corrcoef(rain[24:], rate[:-24])[0, 1])
    assert 4 <= int(np.argmax(after)) <= 30
    assert max(after) > before + 0.2


def test_displacement_is_the_sum_of_what_was_moved() -> None:
    at = AT - np.arange(0, 20 * DAY, HOUR)[::-1]
    for who in (0, 8, 13):
        moved = slopes.slope_values(SEED, np.full(len(at), who), at)["累计位移"]
        span = WORLD.hours.searchsorted(at[0]), WORLD.hours.searchsorted(at[-1])
        expected = WORLD.rate[who][span[0] : span[1]].sum() / 24
        assert abs((moved[-1] - moved[0]) - expected) < 1.5


def test_a_reading_is_the_same_whoever_asks_for_it_and_in_what_company() -> None:
    who, at = np.repeat(np.arange(15), 20), np.tile(AT - np.arange(20) * 300.0, 15)
    whole = slopes.slope_values(SEED, who, at)
    for i in range(0, len(at), 41):
        one = slopes.slope_values(SEED, who[i : i + 1], at[i : i + 1])
        assert all(round(float(one[name][0]), 6) == round(float(whole[name][i]), 6) for name in whole)


def test_a_year_has_warnings_of_every_size_and_the_worst_are_rare() -> None:
    year = [w for w in slopes.warned(SEED, AT) if w.issued > AT - 365 * DAY]
    worst = [w.level(AT) for w in year]
    assert worst.count(slopes.BLUE) > 3 * worst.count(slopes.ORANGE) > 0
    assert 100 < len(year) < 900


def test_each_warning_runs_its_course_in_order() -> None:
    for w in slopes.warned(SEED, AT):
        assert w.issued < w.called < w.answered < w.observing < w.lifted or w.observing == np.inf
        if w.to_move:
            assert w.answered < w.moving < w.moved <= w.observing
            assert 0 <= w.staying < w.to_move <= w.people


def test_rows_written_in_steps_are_those_written_at_once() -> None:
    storm = max((w for w in slopes.warned(SEED, AT) if w.to_move and w.lifted < AT), key=lambda w: w.issued)
    edges = np.array([-30, 0, 3, 4, 17, 60, 61, 240, 900]) * MINUTE + storm.issued
    for rows in (slopes_rows.warning_rows, slopes_rows.call_rows, slopes_rows.patrol_rows):
        at_once = {row[0]: row for row in rows(SEED, float(edges[0]), float(edges[-1]))}
        stepped = {row[0]: row for a, b in pairwise(edges.tolist()) for row in rows(SEED, a, b)}
        assert stepped == at_once
        assert at_once or rows is slopes_rows.patrol_rows


def test_a_warning_has_its_stages_one_after_the_other() -> None:
    w = max((w for w in slopes.warned(SEED, AT) if w.to_move and w.lifted < AT), key=lambda w: w.issued)
    moments = (w.issued, w.called, w.answered, w.moving, w.moved, w.observing, w.lifted)
    rows = [next(row for row in slopes_rows.warning_rows(SEED, w.issued - 1, at) if row[0] == w.number) for at in moments]
    assert [row[4] for row in rows][:3] == [1, 2, 3]
    assert [row[4] for row in rows][3:5] == [4, 5]
    assert rows[-1][4] == 7
    gone = [row[14] for row in rows]
    assert gone == sorted(gone)
    assert gone[0] == 0
    assert gone[-1] == w.to_move - w.staying


def test_points_are_walked_before_during_and_after_each_spell_of_rain() -> None:
    rows = slopes_rows.patrol_rows(SEED, AT - 60 * DAY, AT)
    spells = [s for s in slopes.spells(SEED, AT) if s.begin > AT - 50 * DAY and s.end < AT - DAY]
    assert spells
    assert len(rows) >= len(spells) * 45
    late = sum(row[6] > row[5] for row in rows if row[6])
    assert 0 < late < 0.15 * len(rows)
