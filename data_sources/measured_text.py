"""Numbers as laboratories and telemetry write them: text, blanks, dashes, and `0.025L` for below the detection limit."""

from __future__ import annotations

_NOTHING = frozenset({"", "-", "--", "—", "/", "未测", "缺测"})


def measured(raw: object) -> float | None:
    """The number meant; half the detection limit where the result lies below it; None where nothing was measured.

    Raises ValueError for text that is no number.
    """
    if raw is None or isinstance(raw, int | float):
        return None if raw is None or raw != raw else float(raw)
    text = str(raw).strip()
    if text in _NOTHING:
        return None
    try:
        return float(text[:-1]) / 2 if text[-1] in "Ll" else float(text)
    except ValueError:
        raise ValueError(f"{text!r} 不是测定值") from None
