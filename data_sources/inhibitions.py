"""Which alerts only follow from others, ending in `INHIBITIONS`: while the cause stands they are shown under it and tell nobody."""

from __future__ import annotations

from dashboard.city import Inhibition, Text, Where


def _follows(key: str, cause: str, consequences: str, where: Where, zh: str, en: str) -> Inhibition:
    """Cause and consequences by rule; several consequences of the cause's own domain are named without it."""
    domain = cause.split(".")[0]
    named = tuple(name if "." in name else f"{domain}.{name}" for name in consequences.split())
    return Inhibition(key=key, cause=cause, consequences=named, where=where, why=Text(zh, en))


_DEAD_LINE = ("终端断线，读数自然不动", "With the line dead the readings stand still")

INHIBITIONS = (
    _follows("tank_line", "septic_tanks.silent", "gas_stuck level_stuck fault", "asset", *_DEAD_LINE),
    _follows("slope_line", "slopes.silent", "displacement_stuck crack_stuck", "asset", *_DEAD_LINE),
    _follows("bridge_line", "bridges.silent", "strain_stuck joint_stuck temperature_stuck deflection_stuck", "asset", *_DEAD_LINE),
    _follows("tunnel_line", "tunnels.silent", "co_stuck smoke_stuck", "asset", *_DEAD_LINE),
    _follows("gauge_line", "flood.gauge_silent", "gauge_stuck", "asset", *_DEAD_LINE),
    _follows("station_line", "air.station_silent", "dust_stuck", "asset", *_DEAD_LINE),
    _follows("water_line", "water.silent", "stuck_ph stuck_do stuck_codmn stuck_nh3n stuck_tp", "asset", *_DEAD_LINE),
    _follows(
        "sensing_platform",
        "bridges.silent",
        "tunnels.silent slopes.silent septic_tanks.silent",
        "source",
        "同一感知平台断数，各类测点一起中断",
        "The sensing platform itself is silent, and all its instruments with it",
    ),
    _follows(
        "loop_positions",
        "loop.silent",
        "fixes_low error_high slow_arc",
        "asset",
        "弧段没有定位，可用率、误差、车速都无从谈起",
        "Without positions an arc has no availability, error or speed",
    ),
    _follows(
        "bus_positions",
        "minibuses.vehicle_silent",
        "not_started gap_open gap_out gap_back bunched_out bunched_back",
        "feed",
        "全部车辆没有定位，发车与间隔看不见",
        "With no positions at all, departures and headways cannot be seen",
    ),
    _follows(
        "road_under_water",
        "flood.ponding",
        "minibuses.gap_open minibuses.gap_out minibuses.gap_back minibuses.bunched_out minibuses.bunched_back",
        "street",
        "道路积水，车辆绕行或停驶，沿线各站班距被拉散",
        "The road is under water; buses go round or stop, and headways spread at every stop",
    ),
    _follows(
        "stays_unseen",
        "rentals.stays_silent",
        "unlock_unregistered over_party",
        "domain",
        "入住登记没有来数，登记与否看不见",
        "Stays are not coming in; whether anybody registered cannot be seen",
    ),
    _follows("locks_unseen", "rentals.locks_silent", "lock_offline", "domain", "门锁平台断数，各锁一起离线", "The lock platform is silent"),
    _follows(
        "hotline_unseen",
        "hotline.silent",
        "overdue on_time_low",
        "domain",
        "热线没有来数，办结情况停在断数之前",
        "The hotline is silent; what was settled since cannot be seen",
    ),
    _follows("trips_unseen", "road_cleaning.trips_silent", "trips_short", "domain", "作业班次没有来数", "Cleaning trips are not coming in"),
    _follows("worse_class", "water.inferior", "short", "asset", "劣Ⅴ类必然劣于目标", "Worse than class V is below any target"),
    _follows("past_warning", "flood.warning_level", "soon", "asset", "已达警戒，不必再报即将达到", "At warning level, nothing is to come"),
    _follows(
        "past_guarantee", "flood.guarantee_level", "warning_level", "asset", "已逼近保证水位，警戒在其中", "Guarantee level is beyond it"
    ),
    _follows("harder_rain", "flood.rain_6h", "rain_12h", "asset", "6小时雨量已达更高一级", "The six-hour rain is a level above"),
)
