"""What is kept of tour ships: the ships, their engines, and every engine's part in a sailing."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard import city
from data_sources.ships.minutes import SHARES

ship = city.asset_table(  # state: moored | sailing
    "ship",
    sa.Column("operator", sa.String(96)),
    sa.Column("batch", sa.Integer),
    sa.Column("accepted", sa.String(16)),
    sa.Column("speed", sa.Float),  # kn
)
engine = city.asset_table(  # state: off → warmup → dosing → derated | bypass | fault → off
    "ship_engine",
    sa.Column("ship", sa.String(96)),
    sa.Column("under_way", sa.Integer),
    sa.Column("rated_kw", sa.Float),
    sa.Column("rated_rpm", sa.Float),
    sa.Column("tier", sa.Integer),  # as built
    sa.Column("limit_own", sa.Float),  # g/kWh
    sa.Column("limit_iii", sa.Float),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
trip = city.case_table(  # one engine on one sailing; state: under_way | done
    "ship_trip",
    *(sa.Column(name, sa.Float) for name in ("rated_kw", "rated_rpm", "hours", "load", "specific_in", "removal")),
    *(sa.Column(name, sa.Float) for name in ("made_kg", "abated_kg", *SHARES.values())),
    *(sa.Column(name, sa.Float) for name in ("hot_min", "dosed_min", "urea_l", "slip_max")),
)
