"""Assets at rest: their own register says that they are in a state in which their instruments are meant to be silent."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.declare import Domain
from dashboard.core.readings import latest


def resting_assets(conn: sa.Connection, domain: Domain) -> dict[str, str]:
    """The assets of a domain that rest now, each with its state."""
    found: dict[str, str] = {}
    for register in registers(domain):
        resting = sa.select(register.c.asset_id, register.c.state).where(register.c.state.in_(domain.resting_states))
        found |= {asset: state for asset, state in conn.execute(resting)}
    return found


def of_resting(domain: Domain) -> sa.ColumnElement[bool]:
    """The newest readings of assets that rest."""
    resting = [sa.select(r.c.asset_id).where(r.c.state.in_(domain.resting_states)) for r in registers(domain)]
    return sa.or_(sa.false(), *(latest.c.asset_id.in_(assets) for assets in resting))


def registers(domain: Domain) -> list[sa.Table]:
    """The tables of assets with a state; none where nothing of the domain ever rests."""
    tables = [feed.table for feed in domain.feeds if feed.table is not None and domain.resting_states]
    return [t for t in tables if "state" in t.c and "asset_id" in t.c and t.c.asset_id.primary_key]
