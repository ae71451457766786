"""`cockpit audit` and `cockpit backup` as an operator types them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboard.__main__ import main
from dashboard.settings import load_settings
from dashboard.store.audit_log import note_action
from dashboard.store.engine import open_store, writing

NOW = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)


class Operator:
    """Somebody at the shell of a deployment."""

    def __init__(self, home: Path) -> None:
        (home / "cockpit.toml").write_text("", "utf-8")
        self.home, self.environ = home, {"COCKPIT_CONFIG": str(home / "cockpit.toml"), "COCKPIT_HOME": str(home)}

    def types(self, *words: str) -> Result:
        return CliRunner().invoke(main, words, env=self.environ)

    def notes(self, *what: str) -> None:
        settings = load_settings(environ=self.environ)
        engine = open_store(settings.store_url, settings.audit_key)
        with writing(engine).begin() as conn:
            for detail in what:
                note_action(conn, actor="值班台", action="alert.settle", about="A-7", detail=detail, now=NOW)
        engine.dispose()

    def tampers(self, statement: str) -> None:
        with closing(sqlite3.connect(self.home / "var" / "store.db")) as raw, raw:
            raw.executescript(f"DROP TRIGGER audit_keeps; DROP TRIGGER audit_stays; {statement}")


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path)
    assert made.types("migrate").exit_code == 0
    made.notes("一", "二", "三")
    return made


def test_a_whole_log_is_said_to_be_whole_and_given_out_line_by_line(operator: Operator) -> None:
    said = operator.types("audit", "verify")
    assert (said.exit_code, said.output) == (0, "the audit log is whole: 3 rows, 1 to 3\n")
    lines = [json.loads(line) for line in operator.types("audit", "export", "--from", "2").output.splitlines()]
    assert [line["detail"] for line in lines] == ["二", "三"]


def test_a_log_that_was_changed_ends_with_a_code_and_names_the_row(operator: Operator) -> None:
    operator.tampers("UPDATE audit SET detail = '零' WHERE audit_id = 2")
    said = operator.types("audit", "verify")
    assert said.exit_code == 1 and "row 2 was changed" in said.output and "1 findings" in said.output
    assert operator.types("audit", "verify", "--from", "3").exit_code == 0


def test_a_backup_taken_and_brought_back_by_hand(operator: Operator) -> None:
    said = operator.types("backup")
    assert said.exit_code == 0 and "rows in" in said.output
    (file,) = (operator.home / "var" / "backups").glob("*.tar")
    refused = operator.types("restore", str(file))
    assert refused.exit_code == 1 and "is not empty" in refused.output and "Traceback" not in refused.output
    for left in (operator.home / "var").glob("store.db*"):
        left.unlink()
    assert operator.types("restore", str(file)).exit_code == 0
    assert "4 rows, 1 to 4" in operator.types("audit", "verify").output  # and one tells of the restoring
