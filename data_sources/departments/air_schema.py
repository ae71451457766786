"""The tables of the environment and sanitation department, as it keeps them: numbers as text, local time without offset."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments.orders import inbox_columns, receipt_columns

metadata = sa.MetaData()
S = sa.String

stations = sa.Table(
    "监测站点",
    metadata,
    sa.Column("站点编码", S(16), primary_key=True),
    sa.Column("站点名称", S(40)),
    sa.Column("站点类型", S(8)),  # 国控 市控 微站
    sa.Column("经度", sa.Float),  # WGS84
    sa.Column("纬度", sa.Float),
    sa.Column("所属街道", S(20)),
    sa.Column("采样口高度", S(8)),  # '18.0m'
)


def _concentrations() -> list[sa.Column[str]]:
    """µg/m³ as text; empty or a dash where there is none. CO is in µg/m³ here and in mg/m³ in the daily report."""
    return [sa.Column(name, S(10)) for name in ("pm2_5", "pm10", "so2", "no2", "co", "o3")]


hours = sa.Table(
    "小时数据",
    metadata,
    sa.Column("记录号", S(32), primary_key=True),
    sa.Column("站点编码", S(16)),
    sa.Column("监测时间", S(19)),  # end of the hour
    *_concentrations(),
    sa.Column("标识", S(2)),  # N 有效 B 低于检出限 D 缺测 C 校准 M 维护 L 超限待审
    sa.Column("更新时间", S(19), index=True),
)
current = sa.Table(
    "实时数据",
    metadata,
    sa.Column("站点编码", S(16), primary_key=True),
    sa.Column("监测时间", S(19)),
    *_concentrations(),
    sa.Column("标识", S(2)),
    sa.Column("更新时间", S(19)),
)
days = sa.Table(
    "日报数据",
    metadata,
    sa.Column("记录号", S(32), primary_key=True),
    sa.Column("站点编码", S(16)),
    sa.Column("日期", S(10)),
    *_concentrations()[:5],
    sa.Column("o3_8h", S(10)),
    sa.Column("有效小时数", sa.Integer),
    sa.Column("更新时间", S(19), index=True),
)
five_minutes = sa.Table(
    "微站五分钟",
    metadata,
    sa.Column("站点编码", S(16), primary_key=True),
    sa.Column("时间", S(19), primary_key=True, index=True),
    sa.Column("pm2_5", sa.Float),
    sa.Column("pm10", sa.Float),
    sa.Column("温度", sa.Float),
    sa.Column("湿度", sa.Float),
)
weather = sa.Table(
    "站点气象",
    metadata,
    sa.Column("站点编码", S(16), primary_key=True),
    sa.Column("时间", S(19), primary_key=True, index=True),
    sa.Column("雨量_毫米", sa.Float),  # of the five minutes
    sa.Column("风速", sa.Float),  # m/s
    sa.Column("风向", sa.Integer),  # degrees, where it comes from
)
warnings = sa.Table(
    "预警发布",
    metadata,
    sa.Column("预警编号", S(32), primary_key=True),
    sa.Column("预警类型", S(16)),  # 重污染天气 道路结冰
    sa.Column("级别", S(8)),  # 黄色 橙色 红色
    sa.Column("响应级别", S(8)),  # Ⅲ级 Ⅱ级 Ⅰ级
    sa.Column("发布原因", S(80)),
    sa.Column("发布时间", S(19)),
    sa.Column("解除时间", S(19)),
    sa.Column("状态", S(8)),  # 生效 解除
    sa.Column("更新时间", S(19), index=True),
)
calls = sa.Table(
    "联动工单",
    metadata,
    sa.Column("工单编号", S(32), primary_key=True),
    sa.Column("站点编码", S(16)),
    sa.Column("级别", S(4)),  # L1 … L4
    sa.Column("触发小时", S(19)),  # end of the hour
    sa.Column("触发浓度", S(10)),
    sa.Column("派单时间", S(19)),
    sa.Column("接单时间", S(19)),
    sa.Column("出车时间", S(19)),
    sa.Column("完成时间", S(19)),
    sa.Column("状态", S(8)),  # 已触发 已派单 已接单 作业中 办结 未办结 低温中止 降雨中止 误触发 漏派
    sa.Column("更新时间", S(19), index=True),
)
segments = sa.Table(
    "道路路段",
    metadata,
    sa.Column("路段编号", S(16), primary_key=True),
    sa.Column("道路名称", S(60)),
    sa.Column("保洁等级", sa.Integer),  # 1-4
    sa.Column("道路类别", S(8)),  # 主干 次干 支路 背街 步行街
    sa.Column("长度_米", S(12)),  # '1,240'
    sa.Column("宽度_米", S(8)),
    sa.Column("面积_平方米", S(14)),
    sa.Column("可机扫", sa.Integer),
    sa.Column("所属街道", S(20)),
    sa.Column("经度", sa.Float),
    sa.Column("纬度", sa.Float),
    sa.Column("数据性质", S(8)),  # 示例: drawn up for the demo
    sa.Column("更新时间", S(19)),
)
plans = sa.Table(
    "作业计划",
    metadata,
    sa.Column("计划编号", S(24), primary_key=True),
    sa.Column("路段编号", S(16), index=True),
    sa.Column("作业方式", S(8)),  # 机扫 洗扫 冲洗 洒水 雾炮 普扫 人工保洁
    sa.Column("每日次数", sa.Float),
    sa.Column("作业时段", S(40)),
)
trips = sa.Table(
    "作业班次",
    metadata,
    sa.Column("班次编号", S(40), primary_key=True),
    sa.Column("路段编号", S(16)),
    sa.Column("作业方式", S(8)),
    sa.Column("车辆编号", S(16)),
    sa.Column("任务来源", S(8)),  # 计划 联动
    sa.Column("工单编号", S(32)),
    sa.Column("计划开始", S(19)),
    sa.Column("实际开始", S(19)),
    sa.Column("实际结束", S(19)),
    sa.Column("轨迹覆盖率", S(8)),  # '97.3%'
    sa.Column("里程_公里", sa.Float),
    sa.Column("用水_立方米", sa.Float),
    sa.Column("状态", S(2)),  # 0 待执行 1 作业中 2 完成 3 未达标 4 天气取消
    sa.Column("更新时间", S(19), index=True),
)
dust = sa.Table(
    "尘土抽检",
    metadata,
    sa.Column("抽检编号", S(32), primary_key=True),
    sa.Column("路段编号", S(16)),
    sa.Column("抽检时间", S(19)),
    sa.Column("点位类型", S(8)),  # 车行道 人行道
    sa.Column("尘重_克", S(10)),
    sa.Column("取样面积_平方米", S(8)),
    sa.Column("限值", sa.Float),  # g/m²
    sa.Column("更新时间", S(19), index=True),
)
silt = sa.Table(
    "走航积尘",
    metadata,
    sa.Column("走航编号", S(32), primary_key=True),
    sa.Column("路段编号", S(16)),
    sa.Column("走航时间", S(19)),
    sa.Column("里程_米", sa.Float),
    sa.Column("积尘负荷", sa.Float),  # g/m²
    sa.Column("更新时间", S(19), index=True),
)
scores = sa.Table(
    "积尘评分",
    metadata,
    sa.Column("评分编号", S(24), primary_key=True),
    sa.Column("街道", S(20)),
    sa.Column("月份", S(7)),
    sa.Column("得分", sa.Float),
    sa.Column("更新时间", S(19)),
)
checks = sa.Table(
    "保洁检查",
    metadata,
    sa.Column("检查编号", S(32), primary_key=True),
    sa.Column("路段编号", S(16)),
    sa.Column("检查时间", S(19)),
    sa.Column("检查面积", sa.Float),  # m²
    sa.Column("果皮", sa.Integer),
    sa.Column("纸屑塑膜", sa.Integer),
    sa.Column("烟蒂", sa.Integer),
    sa.Column("痰迹", sa.Integer),
    sa.Column("积水", sa.Float),
    sa.Column("其他", sa.Integer),
    sa.Column("件数限值", sa.Float),  # pieces per 1000 m² for the road's grade
    sa.Column("尘土", sa.Float),  # g/m²
    sa.Column("尘土限值", sa.Float),
    sa.Column("污渍占比", sa.Float),  # %
    sa.Column("停留分钟", sa.Integer),
    sa.Column("更新时间", S(19), index=True),
)

INBOX = {
    **{"order_no": "工单号", "kind": "作业方式", "asset_id": "站点编码", "place": "作业地点", "instruction": "任务内容"},
    **{"priority": "紧急程度", "issued_at": "下达时间", "due_at": "要求完成时间", "drill": "演练标志", "playbook": "预案"},
    **{"alert_no": "告警编号", "watermark": "水印", "found_at": "收件时间"},
}
# Others may write to this table and to no other here; 收件时间 is filled by whoever takes the order.
inbox = sa.Table("工单收件箱", metadata, *inbox_columns(INBOX))
receipts = sa.Table(
    "工单回执",
    metadata,
    *receipt_columns("回执号", "工单号", "站点编码", "回执", "回执时间", "车组", "说明", "结果", "演练标志"),  # 接单 到场 完成 拒单
)
