"""Drills stand apart: what counts, colours, publishes or learns from alerts asks for real ones."""

from __future__ import annotations

from dashboard.store.schema import alert

REAL = alert.c.drill.is_(False)  # beside any other condition on alerts
