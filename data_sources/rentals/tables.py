"""What is kept of rentals: buildings, coded rooms and their status, check-ins, lock events, warnings, incidents, complaints, listings."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard import city

building = city.asset_table("rentals_building", sa.Column("rooms", sa.Integer))
room = city.asset_table(
    "rentals_room",
    sa.Column("building", sa.String(96), index=True),
    sa.Column("community", sa.String(12)),
    sa.Column("operator", sa.String(32)),
    sa.Column("beds", sa.Integer),
    sa.Column("smart_lock", sa.Integer, nullable=False),
    sa.Column("points", sa.Integer),
    sa.Column("colour", sa.String(8)),
    sa.Column("coded_at", city.UtcDateTime),
)
# What changes with every guest stands apart from the register, so that the register keeps its past and this does not.
status = city.asset_table(
    "rentals_status",
    sa.Column("guests", sa.Integer, nullable=False),
    sa.Column("battery", sa.Integer),
)
stay = city.case_table(
    "rentals_stay",
    sa.Column("building", sa.String(96)),
    sa.Column("guest", sa.String(64)),  # a token: the identity number itself is never stored
    sa.Column("party", sa.Integer, nullable=False),
    sa.Column("credentials", sa.Integer),
    sa.Column("registered_at", city.UtcDateTime),
    sa.Column("verified", sa.Integer),
    sa.Column("room_points", sa.Integer),
    sa.Column("accurate", sa.Integer, nullable=False),
)
lock_event = city.case_table(
    "rentals_lock_event",
    sa.Column("stay", sa.String(96)),
    sa.Column("night", sa.Integer, nullable=False),
)
warning = city.case_table(
    "rentals_warning",
    sa.Column("checked_at", city.UtcDateTime),
    sa.Column("effective", sa.Integer),
)
incident = city.case_table("rentals_incident")
complaint = city.case_table("rentals_complaint")
listing = city.case_table("rentals_listing")
