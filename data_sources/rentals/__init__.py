"""Short-term rentals (网约房): one room, one code; who stays where, told by smart locks; risks found and removed."""

from dashboard import city
from dashboard.city import Text
from data_sources.rentals.feeds import FEEDS
from data_sources.rentals.kpis import KPIS
from data_sources.rentals.rules import RULES

DOMAIN = city.Domain(
    key="rentals",
    title=Text("网约房", "Short-term rentals"),
    department=Text("渝中区公安分局", "Yuzhong Public Security Branch"),
    vital="immunity",
    feeds=FEEDS,
    kpis=KPIS,
    rules=RULES,
    asset_kinds={
        "building": Text("楼栋", "Building"),
        "flat": Text("整套公寓", "Whole flat"),
        "studio": Text("单间公寓", "Studio"),
        "loft": Text("复式", "Loft"),
        "homestay": Text("民宿", "Homestay"),
    },
    states={
        "operating": Text("营业", "Operating"),
        "warned": Text("警示", "Warned"),
        "rectifying": Text("整改", "Rectifying"),
        "suspended": Text("暂停", "Suspended"),
        "revoked": Text("注销", "Revoked"),
        "exited": Text("退出", "Left"),
        "none": Text("无智能锁", "No smart lock"),
        "online": Text("在线", "Online"),
        "offline": Text("离线", "Offline"),
        "low_battery": Text("低电量", "Low battery"),
        "staying": Text("在住", "Staying"),
        "left": Text("已退房", "Checked out"),
        "raised": Text("待核查", "To be checked"),
        "confirmed": Text("属实待消除", "Confirmed"),
        "eliminated": Text("已消除", "Eliminated"),
        "false": Text("误报", "False alarm"),
        "open": Text("待处置", "Open"),
        "coded": Text("已补码", "Coded"),
        "delisted": Text("已下架", "Taken down"),
        "closed": Text("办结", "Closed"),
    },
    category_words={
        "unlock": Text("开锁", "Unlocked"),
        "offline_24h": Text("离线超24小时", "Offline over 24 h"),
        "low_battery": Text("低电量", "Low battery"),
        "tamper": Text("撬动", "Tampered"),
        "over_party": Text("超员入住", "Too many guests"),
        "unregistered": Text("未登记入住", "Stay not registered"),
        "night_traffic": Text("夜间异常出入", "Odd traffic at night"),
        "uncoded": Text("无码经营", "Let without code"),
        "long_stay": Text("隐性长租", "Hidden tenancy"),
        "fire_safety": Text("消防隐患", "Fire hazard"),
        "noise": Text("噪声扰民", "Noise"),
        "theft": Text("盗窃", "Theft"),
        "fraud": Text("诈骗", "Fraud"),
        "dispute": Text("纠纷", "Dispute"),
        "vice": Text("涉黄赌毒", "Vice"),
        "refund": Text("退订退款", "Refund"),
        "mismatch": Text("图实不符", "Not as pictured"),
        "hygiene": Text("卫生", "Hygiene"),
        "price": Text("价格", "Price"),
        "safety": Text("安全", "Safety"),
    },
)
