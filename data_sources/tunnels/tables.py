"""What is kept of tunnels: the register."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.city import asset_table

tunnel = asset_table(
    "tunnel",
    sa.Column("managed", sa.String(16)),  # direct | street | other
    sa.Column("length_m", sa.Float),
    sa.Column("built", sa.Integer),
    sa.Column("fans", sa.Integer),  # jet fans it has
    sa.Column("iot", sa.SmallInteger),
    sa.Column("video", sa.SmallInteger),
    sa.Column("video_online", sa.SmallInteger),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
