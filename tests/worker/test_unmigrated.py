"""On a store that was not migrated every command says so in a sentence, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard.__main__ import main
from dashboard.app import open_app
from dashboard.core.errors import ConfigurationError
from dashboard.settings import load_settings

TANKS = """
[source.tanks]
kind = "sql"
title = "池"
department = "局"
url = "sqlite:///var/tanks.db"

[pull.tanks]
source = "tanks"
into = "septic_tanks.tanks"
table = "池"
fields = { asset_id = "号" }
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A deployment whose store is still to be made."""
    (tmp_path / "cockpit.toml").write_text(TANKS, "utf-8")
    return {"COCKPIT_CONFIG": str(tmp_path / "cockpit.toml"), "COCKPIT_TOKEN_KEY": "k", "COCKPIT_STORE_URL": "sqlite:///store.db"}


@pytest.mark.parametrize("words", ["pull tanks", "kpi list", "kpi explain district.index", "work", "geo drop roads"])
def test_a_command_says_to_migrate_instead_of_stumbling(environ: dict[str, str], words: str) -> None:
    said = CliRunner().invoke(main, words.split(), env=environ)
    assert said.exit_code == 1
    assert "store.db: nothing has been set up in it (run cockpit migrate)" in said.output
    assert "Traceback" not in said.output and isinstance(said.exception, SystemExit)


def test_the_web_server_does_not_start_on_it(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="run cockpit migrate"):
        open_app(load_settings(environ=environ))


def test_after_migrating_they_work(environ: dict[str, str]) -> None:
    assert CliRunner().invoke(main, ["migrate"], env=environ).exit_code == 0
    said = CliRunner().invoke(main, ["kpi", "list"], env=environ)
    assert (said.exit_code, said.output) == (0, "")


def test_a_store_that_does_not_answer_is_told_without_its_password(environ: dict[str, str]) -> None:
    away = environ | {"COCKPIT_STORE_URL": "postgresql+psycopg://cockpit:geheim@127.0.0.1:1/cockpit"}
    said = CliRunner().invoke(main, ["kpi", "list"], env=away)
    assert said.exit_code == 1 and isinstance(said.exception, SystemExit)
    assert "postgresql+psycopg://cockpit:***@127.0.0.1:1/cockpit" in said.output and "geheim" not in said.output
