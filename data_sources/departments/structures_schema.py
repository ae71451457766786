"""Bridges and tunnels at the sensor platform: patrols and inspections, and warnings as the duty room dealt with them."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments.sensors_schema import metadata

inspections = sa.Table(
    "桥隧巡检",
    metadata,
    sa.Column("巡检编号", sa.String(32), primary_key=True),
    sa.Column("设施编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("巡检类型", sa.SmallInteger),  # 1 日常 2 常规 3 结构 4 特殊
    sa.Column("计划时间", sa.String(19)),
    sa.Column("应完成时间", sa.String(19)),
    sa.Column("完成时间", sa.String(19)),  # empty until done
    sa.Column("病害数", sa.Integer),
    sa.Column("进度", sa.SmallInteger),  # 1 待巡检 2 已完成
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
warnings = sa.Table(
    "桥隧预警处置",
    metadata,
    sa.Column("预警编号", sa.String(32), primary_key=True),
    sa.Column("设施编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("预警项", sa.String(16)),
    sa.Column("预警时间", sa.String(19)),
    sa.Column("应确认时间", sa.String(19)),
    sa.Column("确认时间", sa.String(19)),
    sa.Column("到场时间", sa.String(19)),
    sa.Column("办结时间", sa.String(19)),
    sa.Column("进度", sa.SmallInteger),  # 1 待确认 2 已确认 3 已到场 4 已办结
    sa.Column("结论", sa.SmallInteger),  # 1 维修 2 重新标定 3 无需处置; empty until closed
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
