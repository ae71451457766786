"""The tables of the tour ships' exhaust registry, as its supplier built them: codes are numbers, times local without offset."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
S = sa.String

ships = sa.Table(
    "游船台账",
    metadata,
    sa.Column("船号", S(8), primary_key=True),
    sa.Column("船名", S(40)),
    sa.Column("经营人", S(60)),
    sa.Column("治理批次", sa.Integer),
    sa.Column("验收日期", S(10)),  # a day or only a month: 2023-11-04, 2025-04
    sa.Column("所属街道", S(20)),
    sa.Column("lon", S(12)),
    sa.Column("lat", S(12)),
    sa.Column("航行状态", sa.Integer),  # 0 靠泊 1 航行
    sa.Column("航速", sa.Float),  # kn
    sa.Column("定位时间", S(19)),
)
engines = sa.Table(
    "机组台账",
    metadata,
    sa.Column("机号", S(12), primary_key=True),
    sa.Column("船号", S(8)),
    sa.Column("机组名称", S(40)),  # 长航朝天门左主机
    sa.Column("额定功率", S(12)),  # kW, as text with a thousands comma
    sa.Column("额定转速", sa.Integer),
    sa.Column("执行阶段", sa.Integer),  # IMO tier of the engine as built
    sa.Column("状态码", sa.Integer),  # 0 停机 1 预热 2 喷射 3 降效 4 旁通 5 故障
    sa.Column("更新时间", S(19)),
    sa.Column("数据性质", S(8)),  # 示例: engines are not published
)
telemetry = sa.Table(
    "排放监测",
    metadata,
    sa.Column("机号", S(12), primary_key=True),
    sa.Column("采集时间", S(19), primary_key=True),
    sa.Column("状态码", sa.Integer),
    sa.Column("功率", sa.Float),  # kW
    sa.Column("燃油", sa.Float),  # kg/h
    sa.Column("进口NOx", sa.Float),  # ppm, dry; 9999 while the analyser checks its zero
    sa.Column("出口NOx", sa.Float),
    sa.Column("氧含量", sa.Float),  # %, dry
    sa.Column("进口温度", sa.Float),  # °C
    sa.Column("尿素流量", sa.Float),  # L/h
    sa.Column("氨逃逸", sa.Float),  # ppm
    sa.Column("压差", sa.Float),  # kPa
    sa.Column("旁通阀", sa.Integer),  # 0 关 1 开
    sa.Column("入库时间", S(19), index=True),
)
tanks = sa.Table(
    "尿素箱",
    metadata,
    sa.Column("船号", S(8), primary_key=True),
    sa.Column("采集时间", S(19), primary_key=True),
    sa.Column("液位", sa.Float),  # %
    sa.Column("入库时间", S(19), index=True),
)
trips = sa.Table(
    "航次排放",
    metadata,
    sa.Column("航次号", S(28), primary_key=True),
    sa.Column("机号", S(12)),
    sa.Column("船号", S(8)),
    sa.Column("开航", S(19)),
    sa.Column("靠泊", S(19)),
    sa.Column("航次状态", sa.Integer),  # 1 航行中 2 已完成
    sa.Column("运行小时", sa.Float),
    sa.Column("平均负荷", sa.Float),  # share of rated power
    sa.Column("进口比排放", sa.Float),  # g/kWh before the catalyst
    sa.Column("脱硝率", sa.Float),  # %, weighted by NOx in, warming up included
    sa.Column("热态分钟", sa.Float),
    sa.Column("喷射分钟", sa.Float),
    sa.Column("尿素升", sa.Float),
    sa.Column("最大氨逃逸", sa.Float),
    sa.Column("更新时间", S(19), index=True),
)
