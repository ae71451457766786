"""The tables of the minibus operator, as it keeps them: everything it can is text, times are local without offset."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments.orders import inbox_columns, receipt_columns

metadata = sa.MetaData()
S = sa.String

lines = sa.Table(
    "线路",
    metadata,
    sa.Column("线路编号", S(8), primary_key=True),
    sa.Column("线路名称", S(60)),
    sa.Column("线路类别", S(8)),  # 小巷 就医 通学 观光
    sa.Column("首站街道", S(20)),
    sa.Column("里程", S(8)),  # km
    sa.Column("发车间隔", S(12)),  # '12-17', minutes
    sa.Column("日计划圈次", sa.Integer),
    sa.Column("数据性质", S(8)),  # 公开 示例
    sa.Column("更新时间", S(19)),
)
stops = sa.Table(
    "站点",
    metadata,
    sa.Column("站点编号", S(16), primary_key=True),
    sa.Column("线路编号", S(8)),
    sa.Column("站序", sa.Integer),
    sa.Column("站名", S(40)),
    sa.Column("lon", S(12)),
    sa.Column("lat", S(12)),
    sa.Column("所属街道", S(20)),
    sa.Column("是否计时点", sa.Integer),
    sa.Column("更新时间", S(19)),
)
trips = sa.Table(
    "班次档案",  # written every half hour from what the on-board units kept
    metadata,
    sa.Column("班次编号", S(32), primary_key=True),  # the GTFS trip and its date: 3200-0-001/20260301
    sa.Column("线路编号", S(8)),
    sa.Column("方向", S(2)),  # 0 上行 1 下行
    sa.Column("车牌", S(16)),
    sa.Column("计划发车", S(19)),
    sa.Column("计划到达", S(19)),
    sa.Column("实际发车", S(19)),
    sa.Column("实际到达", S(19)),
    sa.Column("客流", sa.Integer),  # boardings
    sa.Column("状态", S(2)),  # 2 完成 3 取消 4 中断
    sa.Column("归档时间", S(19), index=True),
)
visits = sa.Table(
    "到站档案",
    metadata,
    sa.Column("到站编号", S(48), primary_key=True),
    sa.Column("线路编号", S(8)),
    sa.Column("方向", S(2)),
    sa.Column("站点编号", S(16)),
    sa.Column("计划到站", S(19)),
    sa.Column("到站时间", S(19)),
    sa.Column("归档时间", S(19), index=True),
)
daily = sa.Table(
    "线路日报",
    metadata,
    sa.Column("日报编号", S(20), primary_key=True),
    sa.Column("线路编号", S(8)),
    sa.Column("日期", S(10)),
    sa.Column("计划圈次", sa.Integer),
    sa.Column("完成圈次", sa.Integer),
    sa.Column("客流", sa.Integer),
    sa.Column("更新时间", S(19), index=True),
)
places = sa.Table(
    "服务场所",
    metadata,
    sa.Column("场所编号", S(8), primary_key=True),
    sa.Column("类别", S(8)),  # 社区 医院 学校
    sa.Column("名称", S(40)),
    sa.Column("lon", S(12)),
    sa.Column("lat", S(12)),
    sa.Column("所属街道", S(20)),
    sa.Column("路径长度", sa.Integer),  # m to the nearest minibus stop
    sa.Column("爬升", sa.Integer),  # m, steps and slopes
    sa.Column("数据性质", S(8)),
    sa.Column("更新时间", S(19)),
)
links = sa.Table(
    "可通行道路",
    metadata,
    sa.Column("路段号", S(8), primary_key=True),
    sa.Column("所属街道", S(20)),
    sa.Column("lon", S(12)),
    sa.Column("lat", S(12)),
    sa.Column("长度", sa.Float),
    sa.Column("公交线路数", sa.Integer),
    sa.Column("更新时间", S(19)),
)
cells = sa.Table(
    "人口网格",
    metadata,
    sa.Column("网格号", S(8), primary_key=True),
    sa.Column("所属街道", S(20)),
    sa.Column("lon", S(12)),
    sa.Column("lat", S(12)),
    sa.Column("人口", sa.Integer),
    sa.Column("路径长度", sa.Integer),
    sa.Column("爬升", sa.Integer),
    sa.Column("更新时间", S(19)),
)
INBOX = {
    **{"order_no": "指令编号", "kind": "指令类型", "asset_id": "对象编号", "place": "地点", "instruction": "指令内容"},
    **{"priority": "优先级", "issued_at": "下发时间", "due_at": "完成时限", "drill": "演练", "playbook": "预案"},
    **{"alert_no": "告警编号", "watermark": "水印", "found_at": "签收时间"},
}
# Others may write to this table; 签收时间 is filled by the dispatchers. 对象编号 is a line or a stop.
inbox = sa.Table("调度指令", metadata, *inbox_columns(INBOX))
receipts = sa.Table(
    "指令回复",
    metadata,
    *receipt_columns("回复编号", "指令编号", "对象编号", "状态", "回复时间", "回复单位", "回复内容", "结果", "演练"),
)  # 1 接单 2 发车 3 完成 4 退单
