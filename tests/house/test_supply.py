"""What we build on: locked, hashed, installed as locked; and no secret is kept with the code."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def loaded() -> Callable[[str], ModuleType]:
    """A script of the checks as a module."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="module")
def audit(loaded: Callable[[str], ModuleType]) -> ModuleType:
    return loaded("audit")


def test_everything_locked_has_hashes_and_is_installed_as_locked(audit: ModuleType) -> None:
    lock = (ROOT / "requirements-dev.lock").read_text("utf-8")
    assert len(audit._PIN.findall(lock)) == len(re.findall(r"^[\w.-]+(?:\[[\w,]+\])?==", lock, re.M)) > 100
    assert list(audit.findings(lock)) == []


@pytest.mark.parametrize(
    ("lock", "found"),
    [
        ("click==0.0.1 \\\n    --hash=sha256:" + "a" * 64 + "\n", "click 0.0.1 is locked, "),
        ("no-such-thing==1.0 \\\n    --hash=sha256:" + "a" * 64 + "\n", "no-such-thing 1.0 is not installed"),
        ("click==0.0.1\n", "click 0.0.1 has no hash"),
        ("# nothing\n", "no pins were found"),
    ],
)
def test_a_lock_that_is_not_what_runs_is_found(audit: ModuleType, lock: str, found: str) -> None:
    assert next(audit.findings(lock)).startswith(found)


def test_a_pin_for_another_system_need_not_be_installed(audit: ModuleType) -> None:
    assert list(audit.findings("no-such-thing==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:" + "a" * 64 + "\n")) == []


def test_advisories_that_cannot_be_asked_for_are_said_not_to_have_been(
    audit: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody is there
    assert audit.advisories(ROOT / "requirements-dev.lock") == 0
    assert "advisories not looked up" in capsys.readouterr().out


def test_a_secret_put_into_the_code_is_found(loaded: Callable[[str], ModuleType], tmp_path: Path) -> None:
    made_up = "".join(["AKIA", "QYLPMN5HFIQR7XYA"])
    (tmp_path / "cockpit.toml").write_text(f'[store]\nkey = "{made_up}"\n', "utf-8")
    (tmp_path / "plain.toml").write_text('[store]\nkey_env = "COCKPIT_KEY"\n', "utf-8")
    assert loaded("no_secrets").found_beyond(tmp_path, ["cockpit.toml", "plain.toml"]) == ["cockpit.toml:2: AWS Access Key"]


def test_what_looks_like_a_secret_and_is_none_was_looked_at() -> None:
    """Each known finding was judged by a person, and `make secrets` finds no others."""
    known = json.loads((ROOT / ".secrets.baseline").read_text("utf-8"))["results"]
    assert [file for file, found in known.items() if not all(one.get("is_secret") is False for one in found)] == []
    assert "secrets" in (ROOT / "Makefile").read_text("utf-8").split("check:")[1].split("##")[0]
