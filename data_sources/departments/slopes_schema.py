"""Slopes, dangerous rocks and rain in the sensor platform's database: registers, readings, warnings, who was called, patrols round rain."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments.orders import inbox_columns, receipt_columns
from data_sources.departments.sensors_schema import metadata, place, reading

hazards = sa.Table(
    "地质隐患点",
    metadata,
    sa.Column("隐患点编号", sa.String(24), primary_key=True),
    sa.Column("隐患点名称", sa.String(64), nullable=False),
    sa.Column("灾害类型", sa.String(8)),  # 危岩 | 滑坡 | 斜坡
    *place(),
    sa.Column("威胁人数", sa.Integer),
    sa.Column("预警等级", sa.SmallInteger),  # 0 正常 4 蓝 3 黄 2 橙 1 红: one is worst
    sa.Column("最近巡查", sa.String(19)),
    sa.Column("资料来源", sa.String(8)),
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
gauges = sa.Table(
    "雨量站",
    metadata,
    sa.Column("站号", sa.String(24), primary_key=True),
    sa.Column("站名", sa.String(64), nullable=False),
    *place(),
    sa.Column("更新时间", sa.String(19), nullable=False),
)
# What instruments read, not how fast it changes: mm, mm, °, mg, %. 振动峰值 on rocks only. -9999: the GNSS receiver had no fix.
slope_data = sa.Table(
    "边坡监测数据",
    metadata,
    *reading(*(sa.Column(name, sa.Float) for name in ("累计位移", "裂缝宽度", "倾角", "振动峰值", "含水率"))),
)
rain_data = sa.Table("雨量数据", metadata, *reading(sa.Column("小时雨量", sa.Float), sa.Column("日雨量", sa.Float)))
warnings = sa.Table(
    "地灾预警",
    metadata,
    sa.Column("预警编号", sa.String(40), primary_key=True),
    sa.Column("隐患点编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("等级", sa.SmallInteger),  # 4 蓝 3 黄 2 橙 1 红: the worst it has been
    sa.Column("状态", sa.SmallInteger),  # 1 预警 2 已叫应 3 已响应 4 转移中 5 已安置 6 观察 7 解除
    *(sa.Column(name, sa.String(19)) for name in ("发布时间", "叫应时间", "响应时间", "转移开始", "转移完成", "观察开始", "解除时间")),
    *(sa.Column(name, sa.Integer) for name in ("威胁人数", "应转移人数", "已转移人数")),
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
calls = sa.Table(
    "四重网格叫应",
    metadata,
    sa.Column("叫应编号", sa.String(40), primary_key=True),
    sa.Column("预警编号", sa.String(40), nullable=False),
    sa.Column("隐患点编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("角色", sa.SmallInteger),  # 1 群测群防员 2 片区负责人 3 驻守地质员 4 区县技术员
    *(sa.Column(name, sa.String(19)) for name in ("叫应时间", "应答时限", "应答时间")),
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
patrols = sa.Table(
    "雨期巡查",
    metadata,
    sa.Column("任务号", sa.String(40), primary_key=True),
    sa.Column("隐患点编号", sa.String(24), nullable=False),
    sa.Column("片区", sa.SmallInteger),
    sa.Column("时段", sa.SmallInteger),  # 1 雨前 2 雨中 3 雨后
    *(sa.Column(name, sa.String(19)) for name in ("下达时间", "应完成时间", "完成时间")),
    sa.Column("是否正常", sa.SmallInteger),  # 1 正常 0 异常, empty until walked
    sa.Column("更新时间", sa.String(19), nullable=False, index=True),
)
INBOX = {
    **{"order_no": "调度单号", "kind": "调度事项", "asset_id": "隐患点编号", "place": "位置", "instruction": "调度内容"},
    **{"priority": "紧急程度", "issued_at": "下达时间", "due_at": "办结时限", "drill": "是否演练", "playbook": "预案编号"},
    **{"alert_no": "预警单号", "watermark": "水印", "found_at": "签收时间"},
}
# Others may write to this table; 签收时间 is filled by the desk.
inbox = sa.Table("地灾调度单", metadata, *inbox_columns(INBOX))
receipts = sa.Table(
    "地灾调度反馈",
    metadata,
    *receipt_columns("反馈编号", "调度单号", "隐患点编号", "办理状态", "反馈时间", "反馈单位", "反馈内容", "结果", "是否演练"),
)  # 已接收 已到位 已办结 退回
