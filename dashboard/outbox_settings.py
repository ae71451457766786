"""`[outbox.<department>]` of cockpit.d, checked: where a department takes work orders, and with which credential they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashboard.core.errors import ConfigurationError
from dashboard.core.playbooks import NEEDED_FIELDS, ORDER_FIELDS, Outbox

_KINDS = ("sql", "webhook", "none")
_KEYS = ("kind", "source", "table", "fields", "codes", "url", "url_env", "secret_env")


def load_outbox(key: str, raw: Mapping[str, Any], file: str, timezones: Mapping[str, str], environ: Mapping[str, str]) -> Outbox:
    """One outbox. `timezones` are those of the sources there are. Raises ConfigurationError naming file and key."""
    where = f"outbox.{key}"
    for name in raw:
        if name not in _KEYS:
            raise ConfigurationError(file, f"{where}.{name}", "unknown key", "known: " + ", ".join(_KEYS))
    kind = raw.get("kind", "sql")
    if kind not in _KINDS:
        raise ConfigurationError(file, f"{where}.kind", f"{kind!r} is not known", "write one of " + ", ".join(_KINDS))
    if kind == "none":
        return Outbox(key=key, kind="none", source="", file=file)
    secret, unsigned = _secret(raw, "secret_env", environ)
    address, unset = _secret(raw, "url_env", environ)
    url = address or str(raw.get("url", ""))
    if not url and not unset:
        raise ConfigurationError(file, f"{where}.url_env", "no address", "name the environment variable that holds the write credential")
    made = Outbox(key=key, kind=kind, source=str(raw.get("source", "")), url=url, unset=("" if url else unset) or unsigned, secret=secret)
    return _of_table(made, raw, file, where, timezones) if kind == "sql" else replace(made, file=file)


def _of_table(made: Outbox, raw: Mapping[str, Any], file: str, where: str, timezones: Mapping[str, str]) -> Outbox:
    if made.source not in timezones:
        raise ConfigurationError(file, f"{where}.source", f"no source {made.source!r}", "known: " + ", ".join(sorted(timezones)))
    table, fields, codes = raw.get("table"), raw.get("fields", {}), raw.get("codes", {})
    if not isinstance(table, str) or not table:
        raise ConfigurationError(file, f"{where}.table", "missing", "name the one table that takes orders")
    if not isinstance(fields, dict) or not all(isinstance(column, str) for column in fields.values()):
        raise ConfigurationError(file, f"{where}.fields", "is not a table", 'write fields = { order_no = "工单号", … }')
    for name in (*fields, *codes):
        if name not in ORDER_FIELDS:
            raise ConfigurationError(file, f"{where}.fields.{name}", "is not said by an order", "known: " + ", ".join(ORDER_FIELDS))
    if lacking := [name for name in NEEDED_FIELDS if name not in fields]:
        raise ConfigurationError(file, f"{where}.fields", f"lacks {', '.join(lacking)}", "an order without them cannot be carried out")
    return replace(made, table=table, fields=fields, codes=codes, timezone=timezones[made.source], file=file)


def _secret(raw: Mapping[str, Any], key: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """What an environment variable holds, and the variable's name where it holds nothing."""
    variable = str(raw.get(key, ""))
    value = environ.get(variable, "") if variable else ""
    return value, variable if variable and not value else ""
