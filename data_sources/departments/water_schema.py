"""The water platform's own database: Chinese names, local times as text, levels each with the datum they were taken in."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def _place() -> list[sa.Column[Any]]:
    return [sa.Column("所属街道", sa.String(32)), sa.Column("经度", sa.Float), sa.Column("纬度", sa.Float)]


def _changed() -> sa.Column[Any]:
    return sa.Column("更新时间", sa.String(19), nullable=False, index=True)


def _text(name: str, length: int = 19) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length))


def _readings(name: str, asset: str, *values: sa.Column[Any]) -> sa.Table:
    """Asset and time make a row; it is read by when it came in, and a corrected row comes in again."""
    return sa.Table(
        name,
        metadata,
        sa.Column(asset, sa.String(16), primary_key=True),
        sa.Column("观测时间", sa.String(19), primary_key=True),
        *values,
        sa.Column("入库时间", sa.String(19), nullable=False, index=True),
    )


gauges = sa.Table(
    "水位站",
    metadata,
    sa.Column("站码", sa.String(16), primary_key=True),
    sa.Column("站名", sa.String(32), nullable=False),
    sa.Column("河流", sa.String(16)),
    sa.Column("基面", sa.String(8)),  # 吴淞 | 黄海 | 通报 (as reported in 2020, the datum not named)
    sa.Column("警戒水位", sa.Float),
    sa.Column("保证水位", sa.Float),
    sa.Column("历史最高", sa.Float),
    *_place(),
    _changed(),
)
levels = _readings(
    "河道水情",
    "站码",
    sa.Column("水位", sa.String(10)),  # text; 999.99 where telemetry failed
    sa.Column("基面", sa.String(8)),
)
rain_gauges = sa.Table(
    "雨量站", metadata, sa.Column("站码", sa.String(16), primary_key=True), sa.Column("站名", sa.String(32)), *_place(), _changed()
)
rain = _readings("雨情", "站码", *(sa.Column(f"近{hours}小时", sa.Float) for hours in (1, 2, 3, 6, 12)))
spots = sa.Table(
    "易涝点",
    metadata,
    sa.Column("点位编号", sa.String(16), primary_key=True),
    sa.Column("点位名称", sa.String(64), nullable=False),
    sa.Column("点位类型", sa.SmallInteger),  # 1 下穿 2 低洼路段 3 滨江路 4 小区
    *_place(),
    sa.Column("资料来源", sa.String(8)),  # 公开 | 模拟
    _changed(),
)
depths = _readings("积水监测", "点位编号", sa.Column("水深", sa.Integer))  # mm
ponding = sa.Table(
    "积水事件",
    metadata,
    sa.Column("事件号", sa.String(32), primary_key=True),
    sa.Column("点位编号", sa.String(16), nullable=False),
    sa.Column("发现方式", sa.SmallInteger),  # 1 传感器 2 视频
    _text("发现时间"),
    _text("到场时间"),
    _text("消退时间"),
    sa.Column("最大深度", sa.Integer),  # mm
    sa.Column("进度", sa.SmallInteger),  # 1 发现 2 到场 3 消退
    _changed(),
)
warnings = sa.Table(
    "防汛预警",
    metadata,
    sa.Column("预警号", sa.String(32), primary_key=True),
    sa.Column("类别", sa.SmallInteger),  # 1 暴雨 2 内涝 3 洪水 9 演练
    sa.Column("等级", sa.SmallInteger),  # 1 红 2 橙 3 黄 4 蓝: one is worst
    _text("发布时间"),
    _text("解除时间"),
    _changed(),
)
responders = sa.Table(
    "叫应对象",
    metadata,
    sa.Column("对象编号", sa.String(16), primary_key=True),
    sa.Column("对象名称", sa.String(32), nullable=False),
    sa.Column("对象类型", sa.SmallInteger),  # 1 部门 2 街道
    *_place(),
    _text("值班电话", 16),
    _changed(),
)
callouts = sa.Table(
    "叫应记录",
    metadata,
    sa.Column("记录号", sa.String(40), primary_key=True),
    sa.Column("预警号", sa.String(32), nullable=False, index=True),
    sa.Column("对象编号", sa.String(16), nullable=False),
    _text("叫应时间"),
    _text("应答时限"),
    _text("应答时间"),
    _text("接听人", 8),
    _changed(),
)
patrols = sa.Table(
    "雨前巡查",
    metadata,
    sa.Column("任务号", sa.String(40), primary_key=True),
    sa.Column("预警号", sa.String(32), nullable=False, index=True),
    sa.Column("点位编号", sa.String(16), nullable=False),
    _text("下达时间"),
    _text("应完成时间"),
    _text("完成时间"),
    sa.Column("结果", sa.SmallInteger),  # 0 未巡 1 正常 2 已清掏
    _changed(),
)
sections = sa.Table(
    "水质断面",
    metadata,
    sa.Column("断面编号", sa.String(16), primary_key=True),
    sa.Column("断面名称", sa.String(32), nullable=False),
    sa.Column("水体", sa.String(16)),
    sa.Column("水体类型", sa.String(4)),  # 河流 | 湖库
    sa.Column("目标类别", sa.String(4)),
    sa.Column("自动站", sa.String(2)),  # 是 | 否
    *_place(),
    sa.Column("资料来源", sa.String(8)),
    _changed(),
)
automatic = _readings(
    "水质自动监测",
    "断面编号",
    *(sa.Column(name, sa.Float) for name in ("水温", "酸碱度", "溶解氧", "高锰酸盐指数", "氨氮", "总磷", "总氮", "浊度")),
    sa.Column("自报类别", sa.String(4)),  # as the station's own software says, total nitrogen counted in
)
samples = sa.Table(
    "水质手工监测",
    metadata,
    sa.Column("样品编号", sa.String(24), primary_key=True),
    sa.Column("断面编号", sa.String(16), nullable=False),
    _text("采样时间"),
    *(  # text: the laboratory writes 0.01L where a result lies below its detection limit
        sa.Column(name, sa.String(10))
        for name in ("酸碱度", "溶解氧", "高锰酸盐指数", "化学需氧量", "五日生化需氧量", "氨氮", "总磷", "总氮", "石油类", "氟化物")
    ),
    _changed(),
)
outfalls = sa.Table(
    "入河排口",
    metadata,
    sa.Column("排口编号", sa.String(16), primary_key=True),
    sa.Column("排口名称", sa.String(64), nullable=False),
    sa.Column("排口类型", sa.SmallInteger),  # 1 雨洪 2 合流溢流 3 污水处理厂
    *_place(),
    _text("最近巡查"),
    sa.Column("资料来源", sa.String(8)),
    _changed(),
)
outfall_checks = sa.Table(
    "排口巡查",
    metadata,
    sa.Column("记录号", sa.String(32), primary_key=True),
    sa.Column("排口编号", sa.String(16), nullable=False),
    _text("巡查时间"),
    sa.Column("问题", sa.SmallInteger),  # 0 无 1 晴天排水 2 水色异常 3 异味 4 堵塞
    _text("整改期限"),
    _text("整改完成"),
    _changed(),
)
