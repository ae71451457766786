"""`make` on a machine that lacks something says what, and how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "grep", "sed", "expand", "touch", "echo", "rm")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone's Makefile and a PATH with no Python on it."""
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def make(place: Path, *verbs: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL")} | {"PATH": str(place / "bin")}
    tool = shutil.which("make")
    assert tool
    return subprocess.run([tool, *verbs], cwd=place, env=environment, capture_output=True, text=True, timeout=30)


def python(place: Path, name: str, script: str) -> None:
    program = place / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("verb", ["run", "test"])
def test_without_python_it_says_which_one_is_needed(bare: Path, verb: str) -> None:
    done = make(bare, verb)
    assert done.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr


def test_with_an_old_python_it_says_what_it_found(bare: Path) -> None:
    python(bare, "python3", 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    assert "found: Python 3.9.2" in make(bare, "run").stderr


def test_with_a_python_that_cannot_make_environments_it_names_the_package_to_install(bare: Path) -> None:
    python(bare, "python3.12", 'case "$2" in *"(3, 11)"*) exit 0;; *print*) echo python3.12-venv;; *) exit 1;; esac')
    assert "apt-get install python3.12-venv" in make(bare, "run").stderr


def test_the_verbs_are_listed(bare: Path) -> None:
    shown = make(bare).stdout
    assert [verb for verb in ("run", "test", "check", "demo") if verb not in shown] == []


def test_ci_runs_what_a_person_is_told_to_run() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert [line for line in script.splitlines() if line.startswith("make ")] == ["make check", "make test"]
