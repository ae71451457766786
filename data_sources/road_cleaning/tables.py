"""Road cleaning's tables: stretches of road, trips, calls of sweepers because of bad air, and dust measured three ways."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard import city

road_segment = city.asset_table(
    "road_segment",
    *(sa.Column("road_grade", sa.Integer), sa.Column("length_m", sa.Float), sa.Column("area_m2", sa.Float)),
    *(sa.Column("mechanisable", sa.Boolean), sa.Column("mechanised", sa.Boolean), sa.Column("made_up", sa.Boolean)),
)
clean_trip = city.case_table(
    "clean_trip",
    *(sa.Column("vehicle", sa.String(16)), sa.Column("cause", sa.String(16)), sa.Column("started_at", city.UtcDateTime)),
    sa.Column("linkage", sa.String(32)),  # the call it was made for; empty: in the plan
    *(sa.Column("covered", sa.Float), sa.Column("km", sa.Float), sa.Column("water_m3", sa.Float)),
)
linkage = city.case_table(  # a call of sweepers because of bad air, about the station (asset_id) that asked; category: its level
    "linkage",
    *(sa.Column(name, city.UtcDateTime) for name in ("dispatched_at", "acked_at", "departed_at")),
    sa.Column("pm10_then", sa.Float),
)
dust_sample = city.case_table("dust_sample", *(sa.Column(name, sa.Float) for name in ("mass_g", "area_m2", "dust", "allowed")))
silt_run = city.case_table("silt_run", sa.Column("length_m", sa.Float), sa.Column("load", sa.Float))
dust_score = city.case_table("dust_score", sa.Column("score", sa.Float))
litter_check = city.case_table(
    "litter_check",
    *(sa.Column(name, sa.Float) for name in ("area_m2", "pieces", "density", "pieces_allowed", "dust", "dust_allowed", "stain", "score")),
    sa.Column("dwell_min", sa.Integer),
)
