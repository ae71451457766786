"""What we build on, looked at: every pin has hashes and is what is installed, and, where the service answers, no advisory tells of it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
KNOWN_BAD = "pip==24.0"  # a release with advisories: who tells of none for it tells of none at all
_PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--disable-pip")
_PIN = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[[\w,]+\])?==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\\n]+?))?\s*(?P<rest>\\?\n(?:\s+.*\n?)*)", re.M
)


def findings(lock: str) -> Iterator[str]:
    """What is wrong with a lock file as it stands here."""
    pins = list(_PIN.finditer(lock if lock.endswith("\n") else lock + "\n"))
    if not pins:
        yield "no pins were found"
    for pin in pins:
        name, wanted = canonicalize_name(pin["name"]), pin["version"]
        if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", pin["rest"]):
            yield f"{name} {wanted} has no hash"
        if pin["marker"] and not Marker(pin["marker"]).evaluate():
            continue
        try:
            there = version(name)
        except PackageNotFoundError:
            yield f"{name} {wanted} is not installed"
            continue
        if Version(there) != Version(wanted):
            yield f"{name} {wanted} is locked, {there} is installed"


def answers() -> bool:
    """Whether advisories can be asked for from here. A mirror of packages answers too, and knows of none: that is no all-clear."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as asked:
        asked.write(KNOWN_BAD)
        asked.flush()
        told = subprocess.run([*_PIP_AUDIT, "--no-deps", "-r", asked.name], check=False, capture_output=True, text=True)
    return re.search(r"Found [1-9]\d* known vulnerabilit", told.stderr) is not None


def advisories(lock: Path) -> int:
    """pip-audit's own verdict; said, and no failure, where nobody answers: a machine without a network must be able to check itself."""
    if not answers():
        print(f"advisories not looked up: nobody tells of any from here, not even for {KNOWN_BAD}")
        return 0
    return subprocess.run([*_PIP_AUDIT, "--require-hashes", "--strict", "-r", str(lock)], check=False).returncode


def main() -> int:
    """Look at the lock of the product and its tests."""
    lock = ROOT / "requirements-dev.lock"
    wrong = list(findings(lock.read_text("utf-8")))
    for line in wrong:
        print(line)
    if not wrong:
        print(f"{lock.name}: every pin has its hashes and is what is installed")
    return 1 if wrong else advisories(lock)


if __name__ == "__main__":
    sys.exit(main())
