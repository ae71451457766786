"""Bodies into HTML: one Jinja environment, autoescaped, strict about what it was not given."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboard.snapshot.words import LEVEL_NAMES, LEVEL_WORDS, STATUS_WORDS

_environment = Environment(
    loader=PackageLoader("dashboard.panels", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals.update(level_words=LEVEL_WORDS, level_names=LEVEL_NAMES, status_words=STATUS_WORDS)


def html(template: str, lang: str, **values: Any) -> str:
    """A template filled in, in one language."""
    return _environment.get_template(f"{template}.html").render(lang=lang, t=lambda zh, en: en if lang == "en" else zh, **values)


def macro(template: str, name: str, lang: str, value: Any) -> str:
    """One macro of a template, called with a value."""
    module = _environment.get_template(template).make_module({"lang": lang, "t": lambda zh, en: en if lang == "en" else zh})
    return str(getattr(module, name)(value))
