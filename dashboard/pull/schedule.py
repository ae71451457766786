"""When each pull is due: at its interval while all is well, ever later while its source fails."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard.settings import PullConfig, Settings
from dashboard.store.schema import pull_state

_LONGEST = timedelta(minutes=30)
_SPREAD = 0.2  # a fifth either way, so that pulls which failed together do not come back together


def delay(pull: PullConfig, failures: int) -> timedelta:
    """How long until the next turn: the interval, doubled with every failure in a row up to half an hour."""
    if failures == 0:
        return pull.interval
    longest = max(pull.interval, _LONGEST)
    wait = min(pull.interval * 2.0 ** min(failures - 1, 20), longest)
    chance = zlib.crc32(f"{pull.key}:{failures}".encode()) / 0xFFFFFFFF
    return wait * (1 + _SPREAD * (2 * chance - 1))


def next_due(conn: sa.Connection, settings: Settings, now: datetime) -> list[tuple[str, datetime]]:
    """Every configured pull with the moment it is due, earliest first; one that never ran is due now.

    Among those due together, the ones that never ran come first: registers, which are asked seldom and are short, then what
    streams in, then what reaches back, least first: a picture soon, history behind it.
    """
    known = {row.pull: row.next_due_at for row in conn.execute(sa.select(pull_state.c.pull, pull_state.c.next_due_at))}
    dues = [(key, known.get(key) or now) for key in settings.pulls]
    return sorted(dues, key=lambda due: (max(due[1], now), *_patience(settings.pulls[due[0]], due[0] in known)))


def _patience(pull: PullConfig, known: bool) -> tuple[bool, float, float]:
    reach = pull.backfill.total_seconds() if pull.backfill else 0.0
    return known, reach, -pull.interval.total_seconds()
