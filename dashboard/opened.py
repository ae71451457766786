"""`cockpit kpi explain`: an opened number as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dashboard.kpi.explain import Explanation, FeedAge, Rows, StreetPart

SHOWN = 12  # rows of each kind; the drawer on screen shows more


def explanation_text(told: Explanation) -> str:
    """All that is known of a number, most important first."""
    lines = [f"{told.key} · {told.title.zh} {told.title.en} · {told.scope}", _value(told)]
    lines.append(f"formula: {told.formula.zh} / {told.formula.en}")
    if told.target:
        lines.append(f"target: good {told.target.good:g}, poor {told.target.poor:g} ({told.target.ref}; {told.target.confidence})")
    if told.window:
        lines.append(f"window: {told.window}")
    lines += [*_feeds(told.feeds), *_streets(told.streets, told.unit)]
    lines += [*_rows("rows that cost points", told.lost), *_rows("rows counted", told.counted)]
    if told.contributions:
        lines += [f"{name}: {value}" for name, value in told.contributions.items()]
    return "\n".join(lines)


def _value(told: Explanation) -> str:
    if told.row is None:
        return "not computed yet"
    again = "the rows give the same" if told.agrees else f"THE ROWS GIVE {told.recomputed}"
    value = "—" if told.row.value is None else f"{told.row.value:.{told.decimals}f} {told.unit}".rstrip()
    return f"value: {value} · as of {told.row.as_of or '—'} · completeness {told.row.completeness:.0%} · {again}"


def _feeds(feeds: Iterable[FeedAge]) -> Iterator[str]:
    for feed in feeds:
        newest = feed.newest_event_at or "—"
        yield f"  feed {feed.feed} ({feed.title.zh}): {feed.state}, newest {newest}, pull {feed.pull} from {feed.source}"


def _streets(streets: Iterable[StreetPart], unit: str) -> Iterator[str]:
    for street in streets:
        value = "—" if street.value is None else f"{street.value:g} {unit}".rstrip()
        yield f"  {street.street or '(no street)':12} {street.title.zh:8} {value}  parts {list(street.parts)}"


def _rows(title: str, found: Rows) -> Iterator[str]:
    if not found.total:
        return
    yield f"{title}: {found.total}"
    yield "  " + " | ".join(found.columns)
    for row in found.rows[:SHOWN]:
        yield "  " + " | ".join("" if cell is None else str(cell) for cell in row)
