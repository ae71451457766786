"""Everything of this room put together for one deployment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from dashboard.access.desk import Desk
from dashboard.access.limits import load_limits
from dashboard.access.oidc import Provider
from dashboard.access.passwords import Passwords
from dashboard.access.sealed import Seal
from dashboard.access.sso import Sso
from dashboard.access.who import Doorman, check_access
from dashboard.core.catalog import Catalog
from dashboard.settings import Settings

BACK = "/oidc/back"  # where the provider sends people back to


@dataclass(frozen=True)
class Lodge:
    """Where people are recognised."""

    desk: Desk
    doorman: Doorman
    sso: Sso | None = None


def open_lodge(settings: Settings, catalog: Catalog, engine: sa.Engine, day: date, passwords: Passwords | None = None) -> Lodge:
    """The lodge of a deployment. Raises ConfigurationError for roles and domains that are not declared."""
    access, limits = settings.access, load_limits(day)
    check_access(access, catalog.roles, catalog.domains)
    desk = Desk(engine, catalog, limits, passwords or Passwords(limits), Seal(settings.token_key))
    sso = Sso(desk, Provider(access.oidc, access.address + BACK)) if access.oidc else None
    return Lodge(desk, Doorman(engine, access, catalog.roles, limits, sso.renew if sso else None), sso)
