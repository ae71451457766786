"""docs/add-a-domain.md is followed to the letter: street lights in one file, one page and one department, up to the screen."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.house.test_docs import BLOCK, ROOT, run

TEXT = (ROOT / "docs" / "add-a-domain.md").read_text("utf-8")
TURN = """
from datetime import UTC, datetime
from dashboard.core.catalog import load_catalog
from dashboard.kpi.compute import compute
from dashboard.pull.run import run_pull
from dashboard.settings import load_settings
from dashboard.store.engine import open_store
from dashboard.store.kpi_reads import latest_figures

catalog, settings, now = load_catalog(), load_settings(), datetime.now(UTC)
store = open_store(settings.store_url)
run_pull(store, catalog, settings, "street_lights", now)
compute(store, catalog, settings, now)
with store.connect() as conn:
    print(latest_figures(conn)["street_lights.lit", "district"].value)
"""
ASK = """
import json, sys
from starlette.testclient import TestClient
from dashboard.asgi import application

with TestClient(application, base_url="http://127.0.0.1:8050", client=("127.0.0.1", 50000)) as client:
    print(json.dumps([[answer.status_code, answer.text] for answer in map(client.get, sys.argv[1:])]))
"""


def written(text: str, place: Path) -> list[str]:
    """Write every file the text shows; the commands it shows."""
    for room in ("dashboard", "data_sources", "pages", "assets"):
        shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cockpit.toml", place)
    (place / "cockpit.d").mkdir()
    blocks = list(BLOCK.finditer(text))
    for block in blocks:
        if block["file"]:
            assert not (place / block["file"]).exists(), "the text changes a file that is there"
            (place / block["file"]).write_text(block["body"], "utf-8")
    return [block["body"] for block in blocks if block["kind"] == "sh"]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkout in which somebody did what the text says."""
    place = tmp_path_factory.mktemp("street-lights")
    for commands in written(TEXT, place):
        done = run(commands, place)
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        assert "all fit" in done.stdout
    yield place


def script(text: str, place: Path, *arguments: str) -> str:
    """What a few lines of Python say in the checkout."""
    (place / "script.py").write_text(text, "utf-8")
    done = run(" ".join(["python script.py", *arguments]), place)
    assert done.returncode == 0, done.stderr
    return done.stdout


def lit(place: Path) -> float:
    """The number after one turn of a worker."""
    return float(script(TURN, place))


def theirs(place: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place / "var" / "demo" / "street_lights.db")) as bureau, bureau:
        return bureau.execute(query).fetchall()


def test_it_takes_one_file_one_page_one_department_and_their_configuration() -> None:
    files = sorted(block["file"] for block in BLOCK.finditer(TEXT) if block["file"])
    assert files == [
        "cockpit.d/street_lights.toml",
        "data_sources/departments/street_lights.py",
        "data_sources/street_lights.py",
        "data_sources/thresholds/street_lights.toml",
        "pages/street_lights.py",
    ]


def test_its_page_is_served_with_the_number_of_the_departments_own_rows(followed: Path) -> None:
    (((whole, burning),)) = theirs(followed, "select count(*), sum(状态 = '1') from 路灯")
    share = 100 * float(str(burning)) / float(str(whole))
    assert 90 < share < 100
    assert lit(followed) == pytest.approx(share)
    (page, _), (panel, body) = json.loads(script(ASK, followed, "/street-lights", "/panels/sheet:street_lights/latest"))
    assert (page, panel) == (200, 200)
    assert "亮灯率" in body and "失明路灯" in body and f"{burning}/{whole}" in body


def test_lamps_that_go_dark_at_the_bureau_change_the_number_by_just_that(followed: Path) -> None:
    theirs(followed, "update 路灯 set 状态 = case when 灯杆号 <= 'L0330' then '1' else '0' end")
    assert lit(followed) == 75.0
    theirs(followed, "update 路灯 set 状态 = '0' where 灯杆号 <= 'L0011'")
    assert lit(followed) == 72.5


def test_the_department_lives_on_the_same_in_steps_or_at_once(followed: Path) -> None:
    lived = """
from datetime import UTC, datetime, timedelta
import sqlalchemy as sa
from data_sources.departments.street_lights import DEPARTMENT, register
start, found = datetime(2026, 3, 1, tzinfo=UTC), []
for step in (1, 96):
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    DEPARTMENT.build(engine, start, 7)
    for hour in range(0, 96, step):
        DEPARTMENT.live(engine, start + timedelta(hours=hour), start + timedelta(hours=hour + step), 7)
    found.append(engine.connect().execute(sa.select(register).order_by(register.c.灯杆号)).all())
assert found[0] == found[1] and {row[5] for row in found[0]} == {"0", "1"}
"""
    script(lived, followed)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('rule = "street_lights.dark"', 'rule = "street_lights.drak"', "street_lights.drak"),
        ('Host("sheet:street_lights"', 'Host("sheets:street_lights"', "sheets:street_lights"),
    ],
)
def test_a_slip_in_the_text_would_be_found(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    assert right in TEXT
    written(TEXT.replace(right, wrong), tmp_path)
    done = run("cockpit check", tmp_path)
    assert done.returncode != 0
    assert told in done.stdout + done.stderr
