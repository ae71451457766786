"""A small department to pull from: posts (a register), their gauges (readings), calls (cases); and our side of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Domain, Feed, Metric, Text, Vital
from dashboard.core.tables import metadata
from dashboard.pull.run import PullOutcome, run_pull
from dashboard.settings import PullConfig, Settings, SourceConfig
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import channel, pull_state, quarantine, reading_cold, reading_hot

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)  # 12:00 in the city

POST_TABLE = (
    "CREATE TABLE 灯杆 (编号 varchar(40) PRIMARY KEY, 名称 varchar(80), 经度 varchar(40), 纬度 varchar(40), 高 varchar(4000), "
    "管护人 varchar(40), 更新时间 varchar(40))"
)
GAUGE_TABLE = (
    "CREATE TABLE 监测 (序号 integer PRIMARY KEY, 测点 varchar(40), 项目 varchar(40), 时间 varchar(40), 数值 varchar(40), 入库 varchar(40))"
)
POST_COLUMNS = "编号, 名称, 经度, 纬度, 高, 管护人, 更新时间"
GAUGE_COLUMNS = "序号, 测点, 项目, 时间, 数值, 入库"

post = city.asset_table("pulltest_post", sa.Column("height", sa.Float), sa.Column("keeper", sa.String(64)), sa.Column("lamps", sa.Integer))
call = city.case_table("pulltest_call")


def words(text: str) -> Text:
    """The same words in both languages."""
    return Text(text, text)


POSTS = Feed(key="posts", title=words("杆"), table=post, personal=("keeper",))
GAUGES = Feed(
    key="gauges",
    title=words("测点"),
    metrics=(
        Metric(key="heat", title=words("温度"), unit="°C", low=-40, high=90),
        Metric(key="gas", title=words("气体"), unit="%LEL", low=0, high=100),
    ),
)
CALLS = Feed(key="calls", title=words("来电"), table=call)
DOMAIN = Domain(key="pulltest", title=words("杆"), department=words("杆处"), vital="nerves", feeds=(POSTS, GAUGES, CALLS))
VITAL = Vital(key="nerves", seal="神", title=words("神经"), subtitle=words("神经"), path="/nerves", css="nerve")
CATALOG = Catalog({DOMAIN.key: DOMAIN}, {"nerves": VITAL})


@dataclass
class Desk:
    """Our store, a department's database, and the mapping between them."""

    store: sa.Engine
    source: SourceConfig
    pulls: dict[str, PullConfig] = field(default_factory=dict)
    catalog: Catalog = CATALOG
    now: datetime = NOON

    @property
    def settings(self) -> Settings:
        """A deployment with this one source."""
        return Settings(
            file="cockpit.toml", home=Path("."), store_url=str(self.store.url), port=0, host="127.0.0.1", city={}, index={},
            sources={self.source.key: self.source}, pulls=self.pulls, token_key=b"secret",
        )  # fmt: skip

    def maps(self, key: str, **values: Any) -> None:
        """Configure a pull."""
        defaults: dict[str, Any] = {"source": self.source.key, "into": f"pulltest.{key}", "lookback": timedelta(minutes=10)}
        self.pulls[key] = PullConfig(key=key, **(defaults | values))

    def remaps(self, key: str, **values: Any) -> None:
        """Change a pull's configuration."""
        self.pulls[key] = replace(self.pulls[key], **values)

    def pull(self, key: str, **more: Any) -> PullOutcome:
        """Take one turn."""
        return run_pull(self.store, self.catalog, self.settings, key, self.now, **more)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def rows(self, table: sa.Table) -> list[Any]:
        """All rows of one of our tables, by key."""
        with self.store.connect() as conn:
            return list(conn.execute(sa.select(table).order_by(*table.primary_key)))

    def readings(self) -> dict[tuple[str, str, int], tuple[float, int]]:
        """All readings: (asset, metric, microseconds) → (value, quality)."""
        found: dict[tuple[str, str, int], tuple[float, int]] = {}
        with self.store.connect() as conn:
            for table in (reading_hot, reading_cold):
                joined = sa.select(channel.c.asset_id, channel.c.metric, table.c.ts, table.c.value, table.c.quality)
                for asset, metric, ts, value, quality in conn.execute(joined.where(channel.c.channel_id == table.c.channel_id)):
                    assert (asset, metric, ts) not in found, "a reading is stored twice"
                    found[asset, metric, ts] = (value, quality)
        return found

    def aside(self) -> list[Any]:
        """The quarantine, oldest first."""
        with self.store.connect() as conn:
            return list(conn.execute(sa.select(quarantine).order_by(quarantine.c.quarantine_id)))

    def state(self, key: str) -> Any:
        """What is kept about a pull."""
        with self.store.connect() as conn:
            return conn.execute(sa.select(pull_state).where(pull_state.c.pull == key)).one()


class Department:
    """A department's database, with what its own programs do to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)

    def does(self, *statements: str) -> None:
        """Run their SQL."""
        with self.engine.begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    def has(self, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
        """Write rows."""
        mark = "?" if self.engine.dialect.name == "sqlite" else "%s"
        with self.engine.begin() as conn:
            marks = ", ".join([mark] * len(rows[0]))
            conn.exec_driver_sql(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


_EMPTY: dict[str, bytes] = {}


def _empty_store(path: Path) -> None:
    """A migrated store, made once and copied from then on."""
    if not _EMPTY:
        engine = open_store(f"sqlite:///{path}")
        migrate(engine, metadata)
        with engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        _EMPTY["store"] = path.read_bytes()
    path.write_bytes(_EMPTY["store"])


def open_desk(path: Path, url: str, **source: Any) -> Desk:
    """A fresh store beside a source."""
    _empty_store(path)
    engine = open_store(f"sqlite:///{path}")
    values: dict[str, Any] = {"kind": "sql", "title": "杆库", "department": "杆处", "url": url, "datum": "WGS84"}
    return Desk(engine, SourceConfig(key="bureau", **(values | source)))


def mapped(desk: Desk) -> Desk:
    """Posts and gauges, as the department has them."""
    fields = {
        "asset_id": "编号",
        "name": "名称",
        "lon": "经度",
        "lat": "纬度",
        "height": "高",
        "keeper": "管护人",
        "observed_at": "更新时间",
    }
    desk.maps("posts", table="灯杆", key_fields=("编号",), watermark="更新时间", fields=fields)
    readings = {"asset_id": "测点", "metric": "项目", "observed_at": "时间", "value": "数值"}
    desk.maps(
        "gauges", table="监测", key_fields=("序号",), watermark="入库", fields=readings, codes={"metric": {"温度": "heat", "气体": "gas"}}
    )
    return desk


def a_post(key: str, at: str, height: Any = "7.5", keeper: str = "张三") -> tuple[Any, ...]:
    """A row of the department's register."""
    return (key, f"灯杆{key}", "106.572", "29.5585", height, keeper, at)
