"""The tables of the loop's positioning and parking platform: chainages in metres, errors in centimetres, times local without offset."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
S = sa.String

arcs = sa.Table(
    "环道弧段",
    metadata,
    sa.Column("弧段号", S(8), primary_key=True),
    sa.Column("弧段名称", S(60)),
    sa.Column("类别", sa.Integer),  # 1 主环 2 连接道
    sa.Column("起点桩号", S(12)),  # K0+300
    sa.Column("长度", sa.Float),
    sa.Column("自由流车速", sa.Float),  # km/h
    sa.Column("lon", S(12)),
    sa.Column("lat", S(12)),
    sa.Column("所属街道", S(20)),
    sa.Column("数据性质", S(8)),  # 公开 示例
    sa.Column("更新时间", S(19)),
)
minutes = sa.Table(
    "弧段分钟统计",
    metadata,
    sa.Column("弧段号", S(8), primary_key=True),
    sa.Column("统计时间", S(19), primary_key=True),
    sa.Column("应有定位", sa.Integer),  # one per vehicle and two seconds
    sa.Column("实有定位", sa.Integer),
    sa.Column("误差P95", sa.Integer),  # cm
    sa.Column("平均车速", sa.Float),
    sa.Column("通过时间", sa.Float),  # s, main ring only
    sa.Column("最长停车", sa.Integer),  # s, main ring only
    sa.Column("入库时间", S(19), index=True),
)
garages = sa.Table(
    "接入车库",
    metadata,
    sa.Column("车库号", S(8), primary_key=True),
    sa.Column("车库名称", S(40)),
    sa.Column("泊位数", sa.Integer),
    sa.Column("在场车辆", sa.Integer),
    sa.Column("状态码", sa.Integer),  # 1 开放 2 满位 9 失联
    sa.Column("接入桩号", sa.Float),
    sa.Column("lon", S(12)),
    sa.Column("lat", S(12)),
    sa.Column("所属街道", S(20)),
    sa.Column("数据性质", S(8)),
    sa.Column("更新时间", S(19)),
)
counts = sa.Table(
    "车库在场统计",
    metadata,
    sa.Column("车库号", S(8), primary_key=True),
    sa.Column("统计时间", S(19), primary_key=True),
    sa.Column("在场车辆", sa.Integer),  # counters drift: a few below zero in small hours
    sa.Column("入库时间", S(19), index=True),
)
events = sa.Table(
    "环道事件",
    metadata,
    sa.Column("事件号", S(24), primary_key=True),
    sa.Column("事件类型", sa.Integer),  # 1 停车 2 逆行
    sa.Column("设备号", S(24)),  # the platform's own number of a terminal
    sa.Column("起点桩号", sa.Float),
    sa.Column("终点桩号", sa.Float),
    sa.Column("开始时间", S(19)),
    sa.Column("结束时间", S(19)),
    sa.Column("历时", sa.Integer),  # s
    sa.Column("更新时间", S(19), index=True),
)
guidance = sa.Table(
    "车库诱导小时",
    metadata,
    sa.Column("记录号", S(20), primary_key=True),  # CK01-2026030812
    sa.Column("车库号", S(8)),
    sa.Column("小时", S(19)),
    sa.Column("诱导次数", sa.Integer),
    sa.Column("到达次数", sa.Integer),
    sa.Column("更新时间", S(19), index=True),
)
