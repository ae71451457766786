"""Septic tanks in the sensor platform's database: register, readings, controllers' steps, pump runs, crews called, clean-out orders."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments.orders import inbox_columns, receipt_columns
from data_sources.departments.sensors_schema import metadata, place, reading

tanks = sa.Table(
    "化粪池台账",
    metadata,
    sa.Column("池编号", sa.String(24), primary_key=True),
    sa.Column("池名称", sa.String(64), nullable=False),
    sa.Column("权属", sa.String(8)),  # 老旧小区 | 直管 | 无主
    sa.Column("小区名称", sa.String(64)),
    *place(),
    sa.Column("容积", sa.String(12)),
    sa.Column("池深", sa.Float),
    sa.Column("风险类型", sa.String(8)),
    sa.Column("状态码", sa.SmallInteger),  # 0 正常 1 预警 2 报警 3 抽排 4 通风 5 核验 6 仪表故障 7 检修 8 人工处置 9 失联
    sa.Column("浮渣厚", sa.Float),  # cm, measured by rod every four weeks
    sa.Column("污泥厚", sa.Float),
    sa.Column("资料来源", sa.String(8)),
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
# 硫化氢 in ppm, the other toxic gases in mg/m³. 留痕 1: kept as evidence of a pump run when older readings are thinned.
tank_data = sa.Table(
    "化粪池监测数据",
    metadata,
    *reading(*(sa.Column(name, sa.Float) for name in ("甲烷", "硫化氢", "一氧化碳", "氨气", "二氧化碳", "氧气", "液位"))),
    sa.Column("留痕", sa.SmallInteger, nullable=False),
)
control_steps = sa.Table(
    "控制状态记录",
    metadata,
    sa.Column("记录号", sa.String(40), primary_key=True),
    sa.Column("池编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("原状态", sa.SmallInteger),
    sa.Column("现状态", sa.SmallInteger),
    sa.Column("原因", sa.String(16)),
    sa.Column("发生时间", sa.String(19)),
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
pump_runs = sa.Table(
    "抽排记录",
    metadata,
    sa.Column("记录号", sa.String(40), primary_key=True),
    sa.Column("池编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("触发方式", sa.SmallInteger),  # 1 报警自动 2 人工 3 定时自动
    sa.Column("开始时间", sa.String(19)),
    sa.Column("结束时间", sa.String(19)),  # empty while running
    sa.Column("抽排量", sa.String(12)),
    sa.Column("抽前液位", sa.Float),
    sa.Column("抽后液位", sa.Float),
    sa.Column("抽前甲烷", sa.Float),
    sa.Column("抽后甲烷", sa.Float),
    # 1 到停泵液位 2 满30分钟 3 无流量 4 低低液位 5 甲烷超限 6 开盖 7 检修挂牌 8 失联 9 仪表故障 10 人工抽完
    sa.Column("停机原因", sa.SmallInteger),
    sa.Column("核验结果", sa.SmallInteger),  # 0 未核验 1 通过 2 未过
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
callouts = sa.Table(
    "报警处置单",
    metadata,
    sa.Column("单号", sa.String(40), primary_key=True),
    sa.Column("池编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("报警类型", sa.SmallInteger),  # 1 气体 2 液位 3 自动处置失败
    sa.Column("报警值", sa.Float),
    sa.Column("报警时间", sa.String(19)),
    sa.Column("通知时间", sa.String(19)),
    sa.Column("应到时间", sa.String(19)),
    sa.Column("到场时间", sa.String(19)),
    sa.Column("降限时间", sa.String(19)),  # gas or level under its alarm line again
    sa.Column("办结时间", sa.String(19)),
    sa.Column("进度", sa.SmallInteger),  # 1 派单 2 到场 3 办结
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
clean_orders = sa.Table(
    "清掏工单",
    metadata,
    sa.Column("工单号", sa.String(40), primary_key=True),
    sa.Column("池编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("浮渣厚", sa.Float),
    sa.Column("污泥厚", sa.Float),
    sa.Column("有效水深", sa.Float),
    sa.Column("下单时间", sa.String(19)),
    sa.Column("应完成时间", sa.String(19)),
    sa.Column("完成时间", sa.String(19)),
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
INBOX = {
    **{"order_no": "指令号", "kind": "指令", "asset_id": "池编号", "place": "地点", "instruction": "要求"},
    **{"priority": "等级", "issued_at": "发令时间", "due_at": "时限", "drill": "演练", "playbook": "预案"},
    **{"alert_no": "告警号", "watermark": "水印", "found_at": "接令时间"},
}
# Others may write to this table; 接令时间 is filled by the control room.
inbox = sa.Table("化粪池指令箱", metadata, *inbox_columns(INBOX))
receipts = sa.Table(
    "化粪池指令回执",
    metadata,
    *receipt_columns("回执编号", "指令号", "池编号", "状态", "时间", "执行单位", "说明", "结果", "演练"),  # 1 接收 2 执行 3 完成 9 拒绝
)
