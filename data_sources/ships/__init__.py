"""Tour ships' exhaust: what each engine's catalyst takes away, whether it is dosed when it should be, and the tonnes of a year."""

from __future__ import annotations

from dashboard import city
from dashboard.city import Text
from data_sources.ships.feeds import FEEDS, STEADY
from data_sources.ships.kpis import KPIS
from data_sources.ships.rules import RULES
from data_sources.ships.tables import engine

DOMAIN = city.Domain(
    key="ships",
    title=Text("游船尾气", "Tour ships"),
    department=Text("区交通局（海事）", "Transport bureau, maritime office"),
    vital="breath",
    feeds=FEEDS,
    part_of=(engine.c.ship,),
    kpis=KPIS,
    rules=RULES,
    derived=(STEADY,),
    asset_kinds={"ship": Text("游船", "Tour ship"), "engine": Text("主机", "Main engine")},
    states={
        "moored": Text("靠泊", "Moored"),
        "sailing": Text("航行", "Under way"),
        "off": Text("停机", "Off"),
        "warmup": Text("预热", "Warming up"),
        "dosing": Text("喷射", "Dosing"),
        "derated": Text("降效", "Derated"),
        "bypass": Text("旁通", "Bypassed"),
        "fault": Text("故障", "Faulty"),
        "under_way": Text("航行中", "Under way"),
        "done": Text("已完成", "Completed"),
    },
    resting_states=("off",),
    category_words={"sailing": Text("航次", "Sailing")},
)
