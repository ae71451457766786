"""The small city with a playbook for hot lamps, and a lamp yard that takes orders in a database of its own and answers them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.linkage.run import run_playbooks
from dashboard.casework.tend import tend
from dashboard.core.configured import Parameter, Plan
from dashboard.core.declare import Level, Text
from dashboard.core.playbooks import ORDER_FIELDS, AssetState, Cleared, Condition, Outbox, Playbook, Reading, Step, Stop
from dashboard.core.receipts import order_receipt
from dashboard.notify.orders import send_orders
from dashboard.store.schema import alert, alert_transition
from dashboard.store.schema_linkage import playbook_run, playbook_step, work_order
from tests.small_city import CATALOG, EAST, MINUTE, SmallCity

CREW, DESK = Text("灯具班组", "Lamp crew"), Text("照明值班台", "Lighting desk")
COOL = Playbook(
    key="cool",
    title=Text("过热断电检修", "Cool a hot lamp"),
    on=("lighting.too_hot",),
    levels=(Level.YELLOW, Level.ORANGE),
    steps=(
        Step(
            key="cut",
            title=Text("断电", "Cut power"),
            kind="order",
            by=CREW,
            to="lamps",
            action="cut",
            instruction=Text("{street}{asset}{level}{value}{unit}：断电", "{asset} {level} {value}: cut power"),
            tries=2,
            instead="visit",
        ),
        Step(
            key="repair",
            title=Text("检修", "Repair"),
            kind="order",
            by=CREW,
            to="lamps",
            action="repair",
            instruction=Text("{asset}：检修", "{asset}: repair"),
            after=("cut",),
            levels=(Level.ORANGE,),
            needs=(
                Condition(
                    said=Text("灯温低于50满2分钟", "Below 50 for 2 minutes"),
                    seen=Reading(metric="lighting.heat", op="<", limit="safe"),
                    held="held",
                ),
            ),
            instead="visit",
        ),
        Step(
            key="visit",
            title=Text("到场", "Visit"),
            kind="order",
            by=CREW,
            to="lamps",
            action="visit",
            instruction=Text("{asset}：到场", "{asset}: visit"),
            standby=True,
        ),
        Step(
            key="verify",
            title=Text("核验降温", "Check it is cool"),
            kind="check",
            by=DESK,
            after=("cut", "repair"),
            holds=Condition(said=Text("恢复正常", "Back to normal"), seen=Cleared()),
        ),
    ),
    stops=(
        Stop(
            key="dark",
            when=Condition(said=Text("灯已停用", "The lamp is out of use"), seen=AssetState(states=("off",))),
            steps=("cut", "repair"),
            instead="visit",
        ),
    ),
)


def _number(name: str, value: float) -> Parameter:
    return Parameter(rule="playbook.cool", name=name, value=value, unit="", ref="测试", confidence="default")


NUMBERS = (
    *(_number("cut.accept", 5), _number("cut.arrive", 20), _number("cut.due", 40), _number("repair.due", 60), _number("visit.due", 30)),
    *(_number("verify.due", 90), _number("safe", 50), _number("held", 2), _number("fresh", 60)),
)
LIMITS = {"acknowledge": 30.0, "dispatch": 30.0, "arrive": 60.0, "settle": 240.0, "verify": 60.0, "close": 60.0}
PLANS = (
    Plan(level=Level.ORANGE, limits=LIMITS, ref="测试", confidence="default", photos=0, escalate_to="区应急管理局"),
    Plan(level=Level.YELLOW, limits=LIMITS, ref="测试", confidence="default", escalate_to="区城运中心"),
)
INBOX = "工单收件箱"
COLUMNS = {
    "order_no": "工单号",
    "kind": "类别",
    "asset_id": "对象",
    "place": "地点",
    "instruction": "内容",
    "issued_at": "下达时间",
    "due_at": "时限",
    "drill": "演练",
    "watermark": "水印",
}


class Yard:
    """The city, its worker by hand, and the yard."""

    minute = MINUTE

    def __init__(self, town: SmallCity, home: Path, outbox: Outbox | None = None, playbook: Playbook = COOL) -> None:
        self.town, self.engine = town, town.engine
        town.catalog = replace(CATALOG, plans=PLANS, parameters=NUMBERS, playbooks={playbook.key: playbook})
        self.url = f"sqlite:///{home / 'yard.db'}"
        self.theirs = sa.create_engine(self.url)
        made = ", ".join(f'"{column}" TEXT' + (" PRIMARY KEY" if ours == "order_no" else "") for ours, column in COLUMNS.items())
        with self.theirs.begin() as conn:
            conn.exec_driver_sql(f'CREATE TABLE IF NOT EXISTS "{INBOX}" ({made})')
            conn.exec_driver_sql('CREATE TABLE IF NOT EXISTS "灯具台账" ("编号" TEXT)')
        box = outbox or Outbox(key="lamps", kind="sql", source="bureau", table=INBOX, fields=COLUMNS, url=self.url)
        self.settings = town.settings = replace(town.settings, outboxes={"lamps": box})
        town.lamps({"a": (EAST, "lit")})

    @property
    def now(self) -> datetime:
        return self.town.now

    def turn(self) -> None:
        """One turn of the worker, and of the outbox."""
        evaluate(self.engine, self.town.catalog, self.settings, self.now)
        tend(self.engine, self.town.catalog, self.now)
        run_playbooks(self.engine, self.town.catalog, self.now)
        send_orders(self.engine, self.settings, "lamps", self.now)

    def minutes(self, *values: float) -> None:
        """A reading a minute, a turn after each."""
        for value in values:
            self.town.clock.step(MINUTE)
            self.town.heat(("a", self.now, value))
            self.turn()

    def wait(self, minutes: float, every: float = 1) -> None:
        """Time goes by, with nothing new."""
        end = self.now + timedelta(minutes=minutes)
        while self.now < end:
            self.town.clock.step(timedelta(minutes=every))
            self.turn()

    def answers(self, state: str, order_no: str = "", note: str = "") -> None:
        """The yard's receipt, and a turn."""
        self.tell(state, order_no, note)
        self.turn()

    def tell(self, state: str, order_no: str = "", note: str = "") -> None:
        """The yard's receipt, as its pull brings it; for the newest order unless told otherwise."""
        number = order_no or self.orders()[-1]["order_no"]
        row = {"case_id": f"{number}-{state}-{self.now.timestamp()}", "order_no": number, "state": state, "opened_at": self.now}
        self.town.rows("receipts", order_receipt, [{**row, "by_unit": "灯具一班", "note": note, "asset_id": "a"}])

    def inbox(self) -> list[dict[str, Any]]:
        """What came to the yard, in our words."""
        with self.theirs.connect() as conn:
            rows = conn.exec_driver_sql(f'SELECT * FROM "{INBOX}" ORDER BY rowid').mappings().all()
        ours = {column: name for name, column in COLUMNS.items()}
        return [{ours[column]: value for column, value in row.items()} for row in rows]

    def orders(self) -> list[dict[str, Any]]:
        """Our orders, oldest first, without those that call back."""
        with self.engine.connect() as conn:
            query = sa.select(work_order).where(work_order.c.kind != "withdraw").order_by(work_order.c.issued_at, work_order.c.order_no)
            return [dict(row._mapping) for row in conn.execute(query)]

    def steps(self) -> dict[str, str]:
        """How far each step is, of the newest run."""
        with self.engine.connect() as conn:
            newest = conn.scalar(sa.select(sa.func.max(playbook_run.c.run_id)))
            query = sa.select(playbook_step.c.step, playbook_step.c.state).where(playbook_step.c.run_id == newest)
            return {row.step: row.state for row in conn.execute(query)}

    def run(self) -> Any:
        with self.engine.connect() as conn:
            return conn.execute(sa.select(playbook_run).order_by(playbook_run.c.run_id.desc())).first()

    def alert(self) -> Any:
        with self.engine.connect() as conn:
            return conn.execute(sa.select(alert).where(alert.c.rule == "lighting.too_hot").order_by(alert.c.alert_id.desc())).first()

    def life(self) -> list[tuple[str, str, str | None]]:
        """What happened to the newest alert: (what, actor, unit)."""
        with self.engine.connect() as conn:
            mine = sa.select(alert_transition).where(alert_transition.c.alert_id == self.alert().alert_id)
            return [(row.what, row.actor, row.unit) for row in conn.execute(mine.order_by(alert_transition.c.transition_id))]


__all__ = ["COLUMNS", "COOL", "CREW", "INBOX", "ORDER_FIELDS", "Yard"]
