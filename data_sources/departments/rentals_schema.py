"""The rentals platform's own tables, as the police keep them: Chinese names, BD-09 points, times in two manners."""

from __future__ import annotations

import sqlalchemy as sa

book = sa.MetaData()


def _text(name: str, length: int = 32) -> sa.Column[str]:
    return sa.Column(name, sa.String(length))


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), primary_key=True)


building = sa.Table(
    "楼栋",
    book,
    _key("楼栋编号"),
    _text("楼栋名称", 64),
    _text("所属街道"),
    sa.Column("房间数", sa.Integer),
    sa.Column("百度经度", sa.Float),
    sa.Column("百度纬度", sa.Float),
)
room = sa.Table(
    "网约房登记",
    book,
    _key("房屋编码"),
    _text("房源名称", 64),
    _text("楼栋编号"),
    _text("所属街道"),
    _text("社区编码"),
    _text("经营者编号"),
    sa.Column("户型", sa.Integer),
    _text("床位数", 8),  # typed by hand: '2 ', '两张'
    _text("智能门锁", 4),  # 是 / 否
    sa.Column("积分", sa.Integer),
    sa.Column("积分颜色", sa.Integer),
    sa.Column("状态码", sa.Integer),
    _text("赋码时间"),
    sa.Column("百度经度", sa.Float),
    sa.Column("百度纬度", sa.Float),
    sa.Column("更新时间", sa.String(32), index=True),
)
status = sa.Table(
    "房态",
    book,
    _key("房屋编码"),
    _text("房源名称", 64),
    _text("所属街道"),
    sa.Column("在住人数", sa.Integer),
    sa.Column("门锁状态", sa.Integer),
    _text("电量", 8),  # '87%'
    sa.Column("更新时间", sa.BigInteger, index=True),
)
stay = sa.Table(
    "入住登记",
    book,
    _key("入住单号"),
    _text("房屋编码"),
    _text("楼栋编号"),
    _text("所属街道"),
    _text("客人姓名"),
    _text("证件号码"),
    _text("手机号码"),
    sa.Column("入住人数", sa.Integer),
    sa.Column("凭证数", sa.Integer),
    sa.Column("入住时间", sa.BigInteger),  # milliseconds since 1970, like every time in this table
    sa.Column("登记时间", sa.BigInteger),
    sa.Column("预离时间", sa.BigInteger),
    sa.Column("退房时间", sa.BigInteger),
    sa.Column("核验结果", sa.Integer),
    sa.Column("登记方式", sa.Integer),
    sa.Column("房屋积分", sa.Integer),
    sa.Column("更新时间", sa.BigInteger, index=True),
)
lock_event = sa.Table(
    "门锁事件",
    book,
    sa.Column("事件编号", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("房屋编码"),
    _text("所属街道"),
    sa.Column("事件类型", sa.Integer),
    _text("发生时间"),
    _text("入住单号"),
    sa.Column("更新时间", sa.String(32), index=True),
)
warning = sa.Table(
    "风险预警",
    book,
    _key("预警编号"),
    _text("房屋编码"),
    _text("所属街道"),
    sa.Column("预警类型", sa.Integer),
    sa.Column("处置状态", sa.Integer),
    _text("产生时间"),
    _text("核查时限"),
    _text("核查时间"),
    _text("消除时间"),
    sa.Column("是否属实", sa.Integer),
    sa.Column("更新时间", sa.String(32), index=True),
)


def _happening(name: str, number: str) -> sa.Table:
    return sa.Table(
        name,
        book,
        _key(number),
        _text("房屋编码"),
        _text("楼栋编号"),
        _text("所属街道"),
        sa.Column("类别", sa.Integer),
        sa.Column("状态", sa.Integer),
        _text("发生时间"),
        _text("办结时间"),
        sa.Column("更新时间", sa.String(32), index=True),
    )


incident = _happening("涉房警情", "警情编号")
complaint = _happening("消费投诉", "投诉编号")
listing = _happening("无码线索", "线索编号")
