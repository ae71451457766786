"""The sensor platform's own database as the bureau's contractor left it: Chinese names, GCJ-02, local times as text, area codes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def place() -> list[sa.Column[Any]]:
    """Street by name, and where it stands."""
    return [sa.Column("所属街道", sa.String(32)), sa.Column("经度", sa.Float), sa.Column("纬度", sa.Float)]


def reading(*values: sa.Column[Any]) -> list[sa.Column[Any]]:
    """Platform time, asset, device time, area code, values. Platform time first: the table is read by when rows came in."""
    return [
        sa.Column("入库时间", sa.String(19), primary_key=True),
        sa.Column("设施编号", sa.String(24), primary_key=True),
        sa.Column("采集时间", sa.String(19), nullable=False),
        sa.Column("片区", sa.SmallInteger),  # 1–11, the bureau's own numbering of the streets
        *values,
    ]


# No key on the register's own number: somebody typed one bridge in twice, and the table allowed it.
structures = sa.Table(
    "桥隧台账",
    metadata,
    sa.Column("序号", sa.Integer, primary_key=True),
    sa.Column("设施编号", sa.String(24), nullable=False, index=True),
    sa.Column("设施名称", sa.String(64), nullable=False),
    sa.Column("设施类型", sa.SmallInteger),  # 1 跨江大桥 2 高架 3 匝道 4 跨线桥 5 人行天桥 6 地通道 7 隧道 8 地下环道
    sa.Column("管养性质", sa.String(8)),  # 直管 | 街道 | 社会
    sa.Column("养护类别", sa.String(4)),
    sa.Column("结构形式", sa.String(32)),
    sa.Column("全长", sa.String(16)),  # text, as exported from a spreadsheet: "1,208.00 "
    sa.Column("主跨", sa.String(16)),
    sa.Column("建成年份", sa.String(8)),
    sa.Column("技术状况指数", sa.String(8)),
    sa.Column("评定结论", sa.String(8)),  # 合格 | 不合格 for class I, else A–E
    sa.Column("评定日期", sa.String(10)),
    *place(),
    sa.Column("物联感知", sa.String(2)),  # 是 | 否
    sa.Column("视频感知", sa.String(2)),
    sa.Column("视频在线", sa.SmallInteger),
    sa.Column("运行状态", sa.SmallInteger),  # 1 正常 2 限行 3 检修 4 封闭
    sa.Column("应变限值", sa.Float),  # µε; bridges with strain gauges
    sa.Column("风机台数", sa.Integer),  # tunnels
    sa.Column("资料来源", sa.String(8)),  # 公开 | 模拟
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
bridge_data = sa.Table(
    "桥梁监测数据",
    metadata,
    *reading(sa.Column("测项", sa.String(12), primary_key=True), sa.Column("数值", sa.Float), sa.Column("测点状态", sa.SmallInteger)),
)  # 0 正常 1 标定中
tunnel_data = sa.Table(
    "隧道环境数据",
    metadata,
    *reading(
        *(sa.Column(name, sa.String(12)) for name in ("一氧化碳", "烟尘系数", "二氧化氮", "积水深度", "平均车速", "衬砌收敛", "风机运行"))
    ),
)
