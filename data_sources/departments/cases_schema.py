"""The tables of the citizen-service databases: half Latin, half Chinese, local times, numbers typed into spreadsheets."""

from __future__ import annotations

import sqlalchemy as sa

book = sa.MetaData()


def _text(name: str, length: int = 32) -> sa.Column[str]:
    return sa.Column(name, sa.String(length))


def _changed() -> sa.Column[str]:
    return sa.Column("更新时间", sa.String(32), index=True)


community = sa.Table(
    "社区网格",
    book,
    sa.Column("SQ_CODE", sa.String(16), primary_key=True),
    _text("社区名称", 64),
    _text("STREET_CODE", 12),
    _text("网格数", 8),  # ' 11'
    sa.Column("LON", sa.Float),
    sa.Column("LAT", sa.Float),
)
session = sa.Table(
    "接待场次",
    book,
    sa.Column("场次编号", sa.String(32), primary_key=True),
    _text("SQ_CODE", 16),
    _text("STREET_CODE", 12),
    _text("接待日期"),
    _text("开始时间"),
    _text("结束时间"),
    _text("到场干部", 8),
    _text("接待人数", 8),
    sa.Column("STATUS", sa.Integer),
    _changed(),
)
matter = sa.Table(
    "接待事项",
    book,
    sa.Column("事项编号", sa.String(32), primary_key=True),
    _text("SQ_CODE", 16),
    _text("STREET_CODE", 12),
    _text("网格编码", 20),
    sa.Column("渠道", sa.Integer),
    sa.Column("类别", sa.Integer),
    sa.Column("办理方式", sa.Integer),
    sa.Column("STATUS", sa.Integer),
    _text("受理时间"),
    _text("办理期限"),
    _text("办结时间"),
    sa.Column("满意度", sa.Integer),
    _changed(),
)
place = sa.Table(
    "诉求地址",
    book,
    sa.Column("ADDR_ID", sa.String(16), primary_key=True),
    _text("地址名称", 64),
    sa.Column("地址类型", sa.Integer),
    _text("STREET_CODE", 12),
    sa.Column("LON", sa.Float),
    sa.Column("LAT", sa.Float),
)
case = sa.Table(
    "热线工单",
    book,
    sa.Column("CASE_NO", sa.String(32), primary_key=True),
    sa.Column("来源", sa.Integer),
    sa.Column("CATEGORY", sa.Integer),
    _text("ADDR_ID", 16),
    _text("STREET_CODE", 12),
    sa.Column("STATUS", sa.Integer),
    _text("时限工作日", 8),  # '7 '
    _text("受理时间"),
    _text("联系时限"),
    _text("首次联系时间"),
    _text("办理时限"),
    _text("办结时间"),
    _text("回访时间"),
    sa.Column("是否解决", sa.Integer),  # 1 yes, 2 no, 9 not reached
    sa.Column("是否满意", sa.Integer),  # 1 yes, 2 no, 9 no comment
    _text("热点编号"),
    _changed(),
)
hotspot = sa.Table(
    "热点并案",
    book,
    sa.Column("热点编号", sa.String(32), primary_key=True),
    _text("ADDR_ID", 16),
    _text("STREET_CODE", 12),
    sa.Column("CATEGORY", sa.Integer),
    sa.Column("STATUS", sa.Integer),
    _text("首次来电"),
    _text("解除时间"),
    _text("来电件数", 8),
    _changed(),
)
