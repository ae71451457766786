"""What a mistake in cockpit.toml or cockpit.d says: the file, the key, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.checking import findings
from dashboard.core.catalog import load_catalog
from dashboard.core.errors import ConfigurationError, NotFoundError
from dashboard.settings import Settings, load_settings
from dashboard.snapshot.view import View

SOURCE = '[source.tanks]\nkind = "sql"\ntitle = "池"\ndepartment = "局"\nurl = "sqlite:///var/tanks.db"\n'
PULL = '[pull.tanks]\nsource = "tanks"\ninto = "septic_tanks.tanks"\ntable = "池"\nfields = { asset_id = "号" }\n'


class NoPages:
    """A house without pages."""

    def content(self, panel: str, view: View, now: datetime) -> dict[str, Any]:
        raise NotFoundError(panel)

    def topics(self, panel: str) -> frozenset[str]:
        raise NotFoundError(panel)

    def panels_of(self, path: str, surface: str) -> list[str]:
        return []

    def parse(self, query: Mapping[str, str]) -> View:
        raise NotImplementedError


def load(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> Settings:
    (tmp_path / "cockpit.toml").touch()
    (tmp_path / "cockpit.d").mkdir(exist_ok=True)
    (tmp_path / "cockpit.d" / "tanks.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(str(tmp_path / "cockpit.toml"), {"COCKPIT_TOKEN_KEY": "k"} | (environ or {}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SOURCE + PULL + "key = 5", "cockpit.d/tanks.toml: pull.tanks.key: 5 is not a column"),
        (SOURCE + PULL + 'batch = "many"', "pull.tanks.batch: 'many' is not a number of rows"),
        (SOURCE + PULL + 'interval = "0s"', "pull.tanks.interval: must be longer than nothing"),
        (SOURCE + PULL + 'interval = "often"', "pull.tanks.interval: 'often' is not a duration"),
        (SOURCE + PULL + 'tabel = "x"', "pull.tanks.tabel: unknown key"),
        (SOURCE + PULL + 'codes = { state = "on" }', "pull.tanks.codes.state: is not a table of codes"),
        (SOURCE + PULL.replace('"号"', "3"), "pull.tanks.fields.asset_id: 3 is not a text"),
        (SOURCE + PULL.replace('{ asset_id = "号" }', '"号"'), "pull.tanks.fields: '号' is not a table"),
        (SOURCE + "[pull]\ntanks = 3", "pull.tanks: 3 is not a table"),
        ("source = 5", "cockpit.d/tanks.toml: source: is not a table"),
        (SOURCE + "[pull.tanks", "cockpit.d/tanks.toml: -: not valid TOML"),
        ('x = "中"'.encode("gbk"), "cockpit.d/tanks.toml: -: not UTF-8 at byte 5"),
        (SOURCE.replace('url = "sqlite:///var/tanks.db"', ""), "source.tanks.url_env: no address"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_its_key(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        load(tmp_path, text)
    assert says in str(told.value)


def test_comparing_keys_has_an_interval_or_is_off(tmp_path: Path) -> None:
    said = [load(tmp_path, SOURCE + PULL + line).pulls["tanks"].reconcile for line in ("", 'reconcile = "1h"', 'reconcile = "off"')]
    assert said == [None, timedelta(hours=1), timedelta(0)]


def test_a_key_used_by_two_files_is_refused_rather_than_one_of_them_lost(tmp_path: Path) -> None:
    load(tmp_path, SOURCE + PULL)
    (tmp_path / "cockpit.d" / "zebra.toml").write_text(SOURCE, "utf-8")
    with pytest.raises(ConfigurationError, match=r"zebra\.toml: source\.tanks: is already in cockpit\.d/tanks\.toml"):
        load(tmp_path, SOURCE + PULL)


def test_a_port_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'abc' is not a port"):
        load(tmp_path, SOURCE, {"PORT": "abc"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SOURCE + PULL.replace("septic_tanks.tanks", "septic.tanks"), "cockpit.d/tanks.toml: pull.tanks.into: no feed 'septic.tanks'"),
        (SOURCE.replace('"sql"', '"oracle"') + PULL, "cockpit.d/tanks.toml: source.tanks.kind: 'oracle' is not known"),
        (SOURCE.replace("sqlite:", "sqlit:") + PULL, "cockpit.d/tanks.toml: source.tanks.url: no such database or driver"),
        (SOURCE + PULL + 'codes.colour = { "1" = "red" }', "pull.tanks.codes.colour: nothing is mapped to that field"),
        (SOURCE + PULL + 'units = { depth = "cm->m" }', "pull.tanks.units.depth: nothing is mapped to that field"),
    ],
)
def test_check_names_the_department_s_own_file(tmp_path: Path, text: str, says: str) -> None:
    found = findings(load(tmp_path, text), load_catalog(), NoPages(), [])
    assert len(found) == 1
    assert says in found[0]


def test_an_address_that_was_not_set_is_told_by_check_and_stops_nothing_else(tmp_path: Path) -> None:
    unset = SOURCE.replace('url = "sqlite:///var/tanks.db"', 'url_env = "COCKPIT_TANKS_URL"')
    settings = load(tmp_path, unset + PULL)
    assert (settings.sources["tanks"].url, settings.sources["tanks"].unset) == ("", "COCKPIT_TANKS_URL")
    (found,) = findings(settings, load_catalog(), NoPages(), [])
    assert "cockpit.d/tanks.toml: source.tanks.url_env: no address: COCKPIT_TANKS_URL is not set" in found
    now_set = load(tmp_path, unset + PULL, {"COCKPIT_TANKS_URL": "sqlite:///var/tanks.db"})
    assert now_set.sources["tanks"].unset == "" and findings(now_set, load_catalog(), NoPages(), []) == []


def test_proxies_are_addresses_or_networks(tmp_path: Path) -> None:
    known = load(tmp_path, SOURCE, {"COCKPIT_PROXIES": "127.0.0.1, 10.1.0.0/16"}).proxies
    assert [str(network) for network in known] == ["127.0.0.1/32", "10.1.0.0/16"]
    with pytest.raises(ConfigurationError, match=r"web\.proxies: 'nginx' does not appear to be"):
        load(tmp_path, SOURCE, {"COCKPIT_PROXIES": "nginx"})


def test_processes_that_start_at_once_on_a_new_home_have_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as several:
        keys = {(s.token_key, s.audit_key) for s in several.map(lambda _: load(tmp_path, SOURCE, {"COCKPIT_TOKEN_KEY": ""}), range(8))}
    assert len(keys) == 1 and all(len(key) == 32 for key in keys.pop())
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "var").iterdir()} == {0o600}
