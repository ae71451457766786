"""`cockpit playbook`: the declared playbooks, a dry run of one, a drill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dashboard.core.catalog import Catalog
    from dashboard.settings import Settings

Means = Callable[[], "tuple[sa.Engine, Catalog, Settings, datetime]"]


def playbook_commands(means: Means) -> click.Group:
    """The group; `means` opens the store only when a command needs it."""

    @click.group("playbook")
    def playbook() -> None:
        """Linkages across departments: what is declared, what one would do, drills."""

    @playbook.command("list")
    def listed() -> None:
        """Every playbook with its steps and their limits."""
        _, catalog, settings, _ = means()
        for key, book in catalog.playbooks.items():
            click.echo(f"{key}  {book.title.zh}  {', '.join(book.on)}  {'/'.join(book.levels)}")
            for step in book.steps:
                box = settings.outboxes.get(step.to)
                where = "" if step.kind != "order" else f" → {step.to}" + ("" if box else " (no outbox configured)")
                click.echo(f"  {step.key:10} {step.kind:8} {step.title.zh}，{step.by.zh}{where}")

    @playbook.command("try")
    @click.argument("key")
    @click.option("--alert", "number", default="", help="its number or id; without one, the newest of the playbook's rules")
    @click.option("--as-of", "as_of", default="", help="2026-05-20T12:00+08:00; without it, now")
    def tried(key: str, number: str, as_of: str) -> None:
        """What a playbook would do for an alert. Writes nothing."""
        from dashboard.casework.linkage.trial import try_playbook
        from dashboard.core.times import CITY_ZONE

        engine, catalog, settings, now = means()
        at = datetime.fromisoformat(as_of) if as_of else now
        with engine.connect() as conn:
            told = try_playbook(conn, catalog, settings, key, number, at if at.tzinfo else at.replace(tzinfo=CITY_ZONE))
        click.echo(f"{told.number} {told.level}，只推演，不下单 (nothing is written)")
        for one in told.steps:
            due = f"，限 {one.due.astimezone(CITY_ZONE):%H:%M}" if one.due else ""
            click.echo(f"  {one.at.astimezone(CITY_ZONE):%H:%M} {one.step.title.zh}（{one.step.by.zh}{due}）{one.told}")
        for name, lines in (("待条件", told.waits), ("停止规则成立", told.stops), ("收件箱未配置", told.unsent)):
            for line in lines:
                click.echo(f"  {name}：{line}")

    @playbook.command("drill")
    @click.argument("key")
    @click.option("--asset", required=True, help="the asset it is about")
    @click.option("--level", default="", help="red, orange, yellow or blue; without it, the playbook's worst")
    @click.option("--actor", default="operator", show_default=True)
    def drilled(key: str, asset: str, level: str, actor: str) -> None:
        """Begin a drill: every order and notice is marked 演练, nothing of it is counted."""
        from dashboard.casework.linkage.drill import begin_drill

        engine, catalog, _, now = means()
        click.echo(f"alert {begin_drill(engine, catalog, key, asset, actor, now, level)}")

    return playbook
