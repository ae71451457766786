"""`cockpit account …`: what the security administrator does on /accounts, from the machine's own shell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dashboard.access.desk import Desk
    from dashboard.settings import Settings


def accounts_of(open_desk: Callable[[], tuple[Desk, datetime]]) -> click.Group:
    """The group of commands, on whatever desk it is given."""

    @click.group()
    def account() -> None:
        """Who may come in."""

    @account.command("add")
    @click.argument("name")
    @click.option("--role", required=True, help="a role of data_sources/access/roles.toml")
    @click.option("--domain", "domains", multiple=True, help="only this domain; may be given several times")
    @click.option("--street", "streets", multiple=True, help="only this street (9 digits); may be given several times")
    def add(name: str, role: str, domains: tuple[str, ...], streets: tuple[str, ...]) -> None:
        """Make an account; its first password is told this once."""
        from dashboard.access.accounts import add_account
        from dashboard.access.desk import CONSOLE
        from dashboard.core.doors import Grant

        desk, now = open_desk()
        password = add_account(desk, CONSOLE, name, Grant(role=role, domains=domains, streets=streets), now)
        click.echo(f"{name}: first password {password}   (to be changed at the first sign-in)")

    @account.command("list")
    def list_all() -> None:
        """Every account."""
        from dashboard.access.accounts import all_accounts, told
        from dashboard.access.who import granted

        for row in all_accounts(open_desk()[0]):
            state = "locked" if row.locked else "password to change" if row.must_change else "active"
            click.echo(f"{row.name:32} {told(granted(row)):48} {state}")

    @account.command("lock")
    @click.argument("name")
    def lock_out(name: str) -> None:
        """Keep an account out, on every screen at once."""
        _locked(name, True)

    @account.command("unlock")
    @click.argument("name")
    def unlock(name: str) -> None:
        """Let an account in again; failed attempts are forgotten."""
        _locked(name, False)

    def _locked(name: str, locked: bool) -> None:
        from dashboard.access.accounts import account_named, lock
        from dashboard.access.desk import CONSOLE

        desk, now = open_desk()
        lock(desk, CONSOLE, account_named(desk, name).account_id, locked, now)
        click.echo(f"{name}: {'locked, and signed out everywhere' if locked else 'may sign in again'}")

    @account.command("reset")
    @click.argument("name")
    @click.option("--second", is_flag=True, help="forget the authenticator as well")
    def reset(name: str, second: bool) -> None:
        """Give an account another first password."""
        from dashboard.access.accounts import account_named, reset_password, reset_second
        from dashboard.access.desk import CONSOLE

        desk, now = open_desk()
        number = account_named(desk, name).account_id
        if second:
            reset_second(desk, CONSOLE, number, now)
        click.echo(f"{name}: first password {reset_password(desk, CONSOLE, number, now)}   (to be changed at the first sign-in)")

    @account.command("token")
    @click.argument("name")
    @click.argument("title")
    def token(name: str, title: str) -> None:
        """Give a program a token to act as an account; told this once."""
        from dashboard.access.accounts import account_named
        from dashboard.access.desk import CONSOLE
        from dashboard.access.devices import add_token

        desk, now = open_desk()
        made = add_token(desk, CONSOLE, account_named(desk, name).account_id, title, now)
        click.echo(f"{name}, {title}: Authorization: Bearer {made}   (for {desk.limits.token_days} days)")

    return account


def tell_first_account(settings: Settings, open_desk: Callable[[], tuple[Desk, datetime]]) -> None:
    """A deployment where people sign in begins with one administrator; the password is told this once."""
    from dashboard.access.accounts import FIRST, first_account

    if settings.access.open:
        return
    password = first_account(*open_desk())
    if password:
        click.echo(f"the first account is {FIRST}, its password {password}\nit is told this once and must be changed at the first sign-in")
