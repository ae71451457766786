"""The worker beside real files: killed, cut off from a department, fed nonsense. Nothing is lost, doubled or hidden."""

from __future__ import annotations

import random
import signal
import time
from datetime import UTC, datetime, timedelta
from functools import partial

from dashboard.core.catalog import load_catalog
from dashboard.core.times import CITY_ZONE
from dashboard.kpi.compute import compute
from dashboard.store.engine import open_store
from dashboard.store.freshness import feeds_freshness
from dashboard.web import reads
from dashboard.web.models import SourceOut
from dashboard.web.told import Standing, source_out
from tests.outage.town import Town, until

TANKS, MOMENTS, SLOPES = 20, 120, 2_000
READINGS = "SELECT ts, channel_id, value FROM reading_hot UNION ALL SELECT ts, channel_id, value FROM reading_cold"


def local(ago_s: float = 0) -> str:
    """A moment as the departments write it."""
    return f"{datetime.now(CITY_ZONE) - timedelta(seconds=ago_s):%Y-%m-%d %H:%M:%S}"


def has_slopes(town: Town, first: int, last: int, people: str = "12") -> None:
    rows = [(f"DZ{i}", f"隐患点{i}", "106.5600", "29.5500", people, local()) for i in range(first, last)]
    town.does("posts", "INSERT OR REPLACE INTO 隐患点 VALUES (?,?,?,?,?,?)", rows)


def has_readings(town: Town, first: int, last: int) -> None:
    rows = [(f"HFC{t}", local(7200 - m * 10), m % 9 + 0.5, 40.0 + t, local()) for m in range(first, last) for t in range(TANKS)]
    town.does("gauges", "INSERT INTO 监测 VALUES (?,?,?,?,?)", rows)


def slopes(town: Town) -> list[tuple[object, ...]]:
    return town.read("store", "SELECT asset_id, name, threatened FROM slope ORDER BY asset_id")


def count(town: Town, what: str) -> int:
    return int(town.read("store", f"SELECT count(*) FROM ({what})")[0][0])


def standing(town: Town) -> dict[str, SourceOut]:
    """The data sources as the API tells of them now."""
    settings, now = town.settings, datetime.now(UTC)
    engine = town.engines.setdefault("store", open_store(settings.store_url))
    with engine.connect() as conn:
        found = Standing(reads.sources(conn), reads.pulls(conn), feeds_freshness(conn, now), now)
    return {key: source_out(config, settings, found) for key, config in settings.sources.items()}


def trouble(town: Town) -> str | None:
    return standing(town)["posts"].error_kind


def has_another_worker(town: Town, before: list[tuple[object, ...]]) -> bool:
    return town.read("store", "SELECT fence FROM lease") != before


def test_a_worker_killed_again_and_again_ends_row_for_row_like_its_departments(town: Town) -> None:
    dice = random.Random(3)
    for round_ in range(3):
        has_slopes(town, round_ * 500, SLOPES, people=str(round_))  # later ones are corrected in every round
        has_readings(town, round_ * MOMENTS // 3, (round_ + 1) * MOMENTS // 3)
        before = town.read("store", "SELECT fence FROM lease")
        town.works()
        until(partial(has_another_worker, town, before), "the worker did not start")
        time.sleep(dice.uniform(0, 0.6))  # the moment of death is the point here
        town.ends()
    town.works()
    until(lambda: count(town, READINGS) >= TANKS * MOMENTS * 2 and count(town, "SELECT 1 FROM slope WHERE threatened = 2") >= SLOPES - 1000,
          "the worker did not catch up")  # fmt: skip
    town.ends(signal.SIGTERM)

    theirs = [(a, n, int(p)) for a, n, p in town.read("posts", "SELECT 编号, 名称, 威胁人数 FROM 隐患点 ORDER BY 编号")]
    assert slopes(town) == theirs
    per_tank = town.read("gauges", "SELECT 编号, count(*), sum(甲烷), sum(液位) FROM 监测 GROUP BY 编号 ORDER BY 编号")
    by_metric = "sum(CASE WHEN c.metric = '{0}' THEN r.value END)"
    ours = town.read(
        "store",
        f"SELECT c.asset_id, count(DISTINCT r.ts), {by_metric.format('ch4')}, {by_metric.format('level')} "
        f"FROM ({READINGS}) r JOIN channel c ON c.channel_id = r.channel_id GROUP BY c.asset_id ORDER BY c.asset_id",
    )
    assert ours == per_tank
    assert count(town, READINGS) == TANKS * MOMENTS * 2
    assert town.read("store", "SELECT sum(rows_new) FROM pull_run WHERE pull = 'tanks'") == [(TANKS * MOMENTS * 2,)]
    assert count(town, "SELECT 1 FROM quarantine") == 0


def test_a_department_that_is_away_changed_or_stuck_is_named_so_while_the_other_goes_on(town: Town) -> None:
    has_slopes(town, 0, 5)
    has_readings(town, 0, 2)
    town.works()
    until(lambda: len(slopes(town)) == 5 and count(town, READINGS) == 2 * 2 * TANKS, "the worker did not start")

    town.away("posts")
    until(lambda: trouble(town) == "down", "a missing database was not noticed")
    has_readings(town, 2, 4)
    until(lambda: count(town, READINGS) == 4 * 2 * TANKS, "the other department was held up")
    assert standing(town)["gauges"].error_kind is None and len(slopes(town)) == 5
    town.back("posts")
    until(lambda: trouble(town) is None, "a database that is back was not noticed")

    town.does("posts", "ALTER TABLE 隐患点 RENAME COLUMN 威胁人数 TO 人数")
    until(lambda: trouble(town) == "changed", "a renamed column was not noticed")
    told = standing(town)["posts"].last_error
    assert told and "威胁人数" in told
    town.does("posts", "ALTER TABLE 隐患点 RENAME COLUMN 人数 TO 威胁人数")
    until(lambda: trouble(town) is None, "a schema put right was not noticed")

    town.does("posts", "ALTER TABLE 隐患点 RENAME TO 台账")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 台账.* FROM 台账, n WHERE n.i < 0"
    town.does("posts", f"CREATE VIEW 隐患点 AS {endless}")
    until(lambda: trouble(town) == "slow", "a query that never ends was not noticed")
    has_readings(town, 4, 6)
    until(lambda: count(town, READINGS) == 6 * 2 * TANKS, "the other department was held up")
    town.does("posts", "DROP VIEW 隐患点")
    town.does("posts", "ALTER TABLE 台账 RENAME TO 隐患点")
    has_slopes(town, 5, 8)
    until(lambda: len(slopes(town)) == 8 and trouble(town) is None, "what came meanwhile was not fetched")


def test_rows_of_nonsense_wait_in_quarantine_with_their_reason_until_they_are_put_right(town: Town) -> None:
    has_slopes(town, 0, 3)
    has_slopes(town, 3, 4, people="很多")
    town.does("posts", f"INSERT INTO 隐患点 VALUES ('DZ4', '东倒西歪', '东经一百零六', '29.55', '1', '{local()}')")
    town.does("posts", "INSERT INTO 隐患点 VALUES ('DZ5', '没有日子', '106.56', '29.55', '1', '0000-00-00 00:00:00')")
    town.works()
    aside = "SELECT source_key, reason_code FROM quarantine WHERE state = 'open' ORDER BY source_key"
    until(lambda: len(town.read("store", aside)) == 3, "nonsense was not put aside")
    assert town.read("store", aside) == [("DZ3", "type"), ("DZ4", "type"), ("DZ5", "date")]
    assert [row[0] for row in slopes(town)] == ["DZ0", "DZ1", "DZ2"]
    assert standing(town)["posts"].quarantined == 3 and trouble(town) is None
    has_slopes(town, 3, 6)
    until(lambda: town.read("store", aside) == [] and len(slopes(town)) == 6, "rows put right were not taken in")


def test_an_index_whose_department_fell_silent_widens_and_does_not_improve(town: Town) -> None:
    for minute in range(3):
        rows = [(f"HFC{t}", local(60 * minute), 2.0, 40.0, local()) for t in range(TANKS)]
        town.does("gauges", "INSERT INTO 监测 VALUES (?,?,?,?,?)", rows)
    town.works()
    until(lambda: count(town, READINGS) == 3 * 2 * TANKS, "the worker did not start")
    town.ends(signal.SIGTERM)

    def metabolism(now: datetime) -> tuple[float, float, float]:
        engine = town.engines.setdefault("store", open_store(town.settings.store_url))
        compute(engine, load_catalog(), town.settings, now)
        query = "SELECT low, high, completeness FROM kpi_latest WHERE kpi = 'vital.metabolism' AND scope = 'district'"
        low, high, complete = town.read("store", query)[0]
        return float(low), float(high), float(complete)

    now = datetime.now(UTC)
    low, high, complete = metabolism(now)
    later_low, later_high, later_complete = metabolism(now + timedelta(hours=1))
    assert later_high - later_low > high - low
    assert later_low <= low and later_complete < complete
