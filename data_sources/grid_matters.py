"""Grid reception days (网格接待日): each third Wednesday every community hears its people; was it settled?"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text

community = city.asset_table("grid_matters_community", sa.Column("grids", sa.Integer, nullable=False))
session = city.case_table(
    "grid_matters_session",
    sa.Column("officials", sa.Integer),
    sa.Column("received", sa.Integer),
)
matter = city.case_table(
    "grid_matters_matter",
    sa.Column("grid", sa.String(16)),
    sa.Column("channel", sa.String(16)),
    sa.Column("outcome", sa.String(16)),
    sa.Column("satisfaction", sa.Integer),  # 3 satisfied, 2 fairly, 1 not; empty: not asked or no comment
)
SETTLED = matter.c.closed_at.is_not(None)
QUARTER = city.Window(days=92)

accepted = city.Kpi(
    key="accepted",
    title=Text("受理事项", "Matters accepted"),
    unit="件",
    table=matter,
    measure=city.count(),
    formula=Text("接待日受理的群众问题事项累计", "Matters accepted on reception days, cumulative"),
    weight=0,
    decimals=0,
)
settled = city.Kpi(
    key="settled",
    title=Text("事项办结率", "Matters settled"),
    unit="%",
    table=matter,
    measure=city.share(SETTLED),
    formula=Text("已办结事项÷受理事项（累计）", "Matters settled over matters accepted, cumulative"),
    weight=2,
    decimals=2,
)
open_matters = city.Kpi(
    key="open_matters",
    title=Text("在办事项", "Matters in hand"),
    unit="件",
    table=matter,
    measure=city.count(matter.c.closed_at.is_(None)),
    formula=Text("已受理、未办结的事项", "Accepted and not yet settled"),
    weight=0,
    decimals=0,
)
overdue = city.Kpi(
    key="overdue",
    title=Text("超期事项", "Matters overdue"),
    unit="件",
    table=matter,
    measure=city.count(sa.and_(matter.c.closed_at.is_(None), matter.c.due_at < city.ago())),
    formula=Text("过了办理期限仍未办结的事项", "Not settled past their limit"),
    weight=0,
    decimals=0,
)
on_the_spot = city.Kpi(
    key="on_the_spot",
    title=Text("当场办结率", "Settled on the spot"),
    unit="%",
    table=matter,
    measure=city.share(matter.c.outcome == "on_the_spot"),
    formula=Text("近92日受理事项中当场办结的比例", "Of matters accepted in 92 days, those settled on the spot"),
    at=matter.c.opened_at,
    over=QUARTER,
    weight=0,
)
in_time = city.Kpi(
    key="in_time",
    title=Text("按期办结率", "Settled in time"),
    unit="%",
    table=matter,
    measure=city.share(matter.c.closed_at <= matter.c.due_at, matter.c.due_at.is_not(None)),
    formula=Text("近92日办结事项中在期限内的比例", "Of matters settled in 92 days, those within their limit"),
    at=matter.c.closed_at,
    over=QUARTER,
)
satisfied = city.Kpi(
    key="satisfied",
    title=Text("群众满意率", "Satisfied"),
    unit="%",
    table=matter,
    measure=city.share(matter.c.satisfaction >= 2, matter.c.satisfaction.is_not(None)),
    formula=Text("近92日办结并评价的事项中满意和基本满意的比例", "Satisfied or fairly so, over matters settled and rated in 92 days"),
    at=matter.c.closed_at,
    over=QUARTER,
)
communities_held = city.Kpi(
    key="communities_held",
    title=Text("开展接待率", "Communities that held it"),
    unit="%",
    table=session,
    measure=city.share(session.c.state == "held"),
    formula=Text("近35日应开展接待的社区中已开展的比例", "Of communities due a reception day in 35 days, those that held it"),
    at=session.c.due_at,
    over=city.Window(days=35),
)
communities = city.Kpi(
    key="communities",
    title=Text("覆盖社区", "Communities"),
    unit="个",
    table=community,
    measure=city.count(),
    formula=Text("开展网格接待日的社区数", "Communities with reception days"),
    weight=0,
    decimals=0,
)
grids = city.Kpi(
    key="grids",
    title=Text("覆盖网格", "Grids"),
    unit="个",
    table=community,
    measure=city.total(community.c.grids),
    formula=Text("各社区网格数之和", "Sum of grids over communities"),
    weight=0,
    decimals=0,
)

DOMAIN = city.Domain(
    key="grid_matters",
    title=Text("网格接待日", "Grid reception day"),
    department=Text("渝中区委政法委", "Yuzhong Political and Legal Affairs Commission"),
    vital="nerves",
    feeds=(
        city.Feed(
            key="communities",
            title=Text("社区与网格", "Communities"),
            table=community,
            required=("asset_id", "name"),
            late_after=timedelta(days=1),
        ),
        city.Feed(
            key="sessions",
            title=Text("接待场次", "Sessions"),
            table=session,
            required=("case_id", "opened_at", "state"),
            late_after=timedelta(days=36),
        ),
        city.Feed(
            key="matters", title=Text("接待事项", "Matters"), table=matter, required=("case_id", "opened_at"), late_after=timedelta(days=36)
        ),
    ),
    kpis=(settled, in_time, satisfied, communities_held, accepted, open_matters, overdue, on_the_spot, communities, grids),
    rules=(
        city.AlertRule(
            key="overdue",
            title=Text("接待事项超期", "Matters overdue"),
            watches=city.KpiValues(kpi=overdue, each_street=True),
            hold=timedelta(minutes=10),
            clear_hold=timedelta(minutes=10),
            unit="件",
        ),
        city.AlertRule(
            key="dissatisfied",
            title=Text("接待满意率偏低", "Few satisfied"),
            watches=city.KpiValues(kpi=satisfied),
            hold=timedelta(minutes=30),
            unit="%",
        ),
    ),
    asset_kinds={"community": Text("社区", "Community")},
    states={
        "accepted": Text("受理", "Accepted"),
        "handling": Text("办理中", "In hand"),
        "settled": Text("办结", "Settled"),
        "planned": Text("未开展", "Planned"),
        "held": Text("已开展", "Held"),
    },
    category_words={
        "legal": Text("法律咨询", "Legal advice"),
        "mediation": Text("矛盾调解", "Mediation"),
        "petition": Text("信访", "Petition"),
        "property": Text("物业管理", "Property management"),
        "livelihood": Text("民生保障", "Livelihood"),
        "environment": Text("环境卫生", "Environment"),
        "safety": Text("公共安全", "Public safety"),
    },
)
