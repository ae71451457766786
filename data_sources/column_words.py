"""What the columns of registers and records are called on a screen, with their units; a column not named here is not shown as a fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.city import Text


@dataclass(frozen=True)
class Column:
    """A column in words."""

    title: Text
    unit: str = ""
    decimals: int = 0
    yes_no: bool = False  # 1 and 0 stand for yes and no
    only_yes: bool = False  # a no goes without saying


def _said(zh: str, en: str, unit: str = "", decimals: int = 0) -> Column:
    return Column(Text(zh, en), unit, decimals)


def _whether(zh: str, en: str) -> Column:
    return Column(Text(zh, en), yes_no=True)


_MADE_UP = Column(Text("演示城市补足", "Made up for the demo"), yes_no=True, only_yes=True)

# By column name; `table.column` where one name means different things.
COLUMNS: Mapping[str, Column] = {
    # bridges, tunnels, slopes
    "managed": _whether("纳入管养", "In care"),
    "care_class": _said("养护等级", "Care class"),
    "structure": _said("结构形式", "Structure"),
    "length_m": _said("长度", "Length", "m"),
    "main_span_m": _said("主跨", "Main span", "m"),
    "built": _said("建成", "Built"),
    "strain_limit": _said("应变限值", "Strain limit", "με"),
    "fans": _said("风机", "Fans", "台"),
    "bci": _said("技术状况指数BCI", "BCI", decimals=1),
    "bci_on": _said("评定日期", "Assessed on"),
    "iot": _whether("物联监测", "Sensors"),
    "video": _whether("视频监控", "Video"),
    "video_online": _whether("视频在线", "Video online"),
    "threatened": _said("威胁人数", "People threatened", "人"),
    "patrolled_at": _said("最近巡查", "Last patrol"),
    "synthetic": _MADE_UP,
    "made_up": _MADE_UP,
    # septic tanks, water, flood
    "owner": _said("权属", "Held by"),
    "compound": _said("小区", "Compound"),
    "volume_m3": _said("容积", "Volume", "m³", 1),
    "depth_m": _said("池深", "Depth", "m", 1),
    "risk": _said("风险因素", "Risk"),
    "layers": _said("渣泥占水深", "Scum and sludge of depth", decimals=2),
    "scum_cm": _said("浮渣层", "Scum", "cm"),
    "sludge_cm": _said("污泥层", "Sludge", "cm"),
    "water_m": _said("有效水深", "Effective depth", "m", 2),
    "level_before": _said("抽前液位", "Level before", "%"),
    "level_after": _said("抽后液位", "Level after", "%"),
    "ch4_before": _said("抽前甲烷", "Methane before", "%LEL", 1),
    "ch4_after": _said("抽后甲烷", "Methane after", "%LEL", 1),
    "pump_run.volume_m3": _said("抽出", "Pumped", "m³", 1),
    "arrived_at": _said("到场", "Arrived"),
    "tank_callout.value": _said("报警值", "Value at alarm", decimals=1),
    "river": _said("河流", "River"),
    "datum": _said("高程基准", "Height datum"),
    "warning_m": _said("警戒水位", "Warning level", "m", 2),
    "guarantee_m": _said("保证水位", "Guarantee level", "m", 2),
    "record_m": _said("历史最高水位", "Highest on record", "m", 2),
    "deepest_cm": _said("最深", "Deepest", "cm"),
    "seen_by": _said("发现方式", "Seen by"),
    "water": _said("水体", "Water body"),
    "target": _said("目标类别", "Target class"),
    "class_number": _said("评价类别", "Class"),
    "worst_factors": _said("定类因子", "Worst factor"),
    "automatic": _whether("自动站", "Automatic"),
    "checked_at": _said("最近检查", "Last check"),
    "codmn": _said("高锰酸盐指数", "CODMn", "mg/L", 1),
    "cod": _said("化学需氧量", "COD", "mg/L", 1),
    "bod5": _said("五日生化需氧量", "BOD5", "mg/L", 1),
    "nh3n": _said("氨氮", "NH3-N", "mg/L", 2),
    "tp": _said("总磷", "Total P", "mg/L", 2),
    "petroleum": _said("石油类", "Petroleum", "mg/L", 2),
    "fluoride": _said("氟化物", "Fluoride", "mg/L", 2),
    "do": _said("溶解氧", "Dissolved O₂", "mg/L", 1),
    "ph": _said("pH", "pH", decimals=1),
    # air, road cleaning, ships
    "pm25": _said("PM2.5", "PM2.5", "μg/m³"),
    "pm10": _said("PM10", "PM10", "μg/m³"),
    "so2": _said("二氧化硫", "SO₂", "μg/m³"),
    "no2": _said("二氧化氮", "NO₂", "μg/m³"),
    "co": _said("一氧化碳", "CO", "mg/m³", 1),
    "o3": _said("臭氧", "O₃", "μg/m³"),
    "o3_8h": _said("臭氧8小时", "O₃ 8 h", "μg/m³"),
    "aqi": _said("AQI", "AQI"),
    "grade": _said("级别", "Grade"),
    "primary_pollutant": _said("首要污染物", "Primary pollutant"),
    "valid_hours": _said("有效小时", "Valid hours", "h"),
    "flag": _said("数据标记", "Data flag"),
    "road_grade": _said("保洁等级", "Cleaning grade"),
    "area_m2": _said("面积", "Area", "m²"),
    "mechanisable": _whether("可机扫", "Can be swept by machine"),
    "mechanised": _whether("已机扫", "Swept by machine"),
    "vehicle": _said("车辆", "Vehicle"),
    "cause": _said("起因", "Because of"),
    "started_at": _said("开始", "Began"),
    "covered": _said("覆盖", "Covered", "%"),
    "km": _said("里程", "Distance", "km", 1),
    "water_m3": _said("用水", "Water", "m³", 1),
    "mass_g": _said("尘量", "Dust mass", "g", 1),
    "dust": _said("积尘", "Dust", "g/m²", 1),
    "allowed": _said("限值", "Allowed", "g/m²", 1),
    "dust_allowed": _said("积尘限值", "Dust allowed", "g/m²", 1),
    "load": _said("负荷", "Load", decimals=2),
    "score": _said("得分", "Score", "分", 1),
    "pieces": _said("废弃物", "Litter", "个"),
    "pieces_allowed": _said("废弃物限值", "Litter allowed", "个"),
    "stain": _said("污渍", "Stains", decimals=1),
    "dwell_min": _said("滞留", "Left for", "min"),
    "operator": _said("运营单位", "Operator"),
    "batch": _said("改造批次", "Refit batch"),
    "accepted": _whether("已验收", "Accepted"),
    "speed": _said("航速", "Speed", "km/h", 1),
    "minibus_vehicle.speed": _said("车速", "Speed", "km/h", 1),
    "ship": _said("所属船舶", "Ship"),
    "under_way": _whether("航行中", "Under way"),
    "rated_kw": _said("额定功率", "Rated power", "kW"),
    "rated_rpm": _said("额定转速", "Rated speed", "r/min"),
    "tier": _said("排放等级", "Tier"),
    "limit_own": _said("本级限值", "Own limit", "g/kWh", 1),
    "limit_iii": _said("Ⅲ级限值", "Tier III limit", "g/kWh", 1),
    "hours": _said("时长", "Hours", "h", 1),
    "specific_in": _said("处理前排放", "Before treatment", "g/kWh", 1),
    "removal": _said("脱除率", "Removal", "%", 1),
    "made_kg": _said("产生量", "Made", "kg", 1),
    "abated_kg": _said("减排量", "Abated", "kg", 1),
    "tier_iii_share": _said("达Ⅲ级时间", "Time within Tier III", "%"),
    "hot_min": _said("可喷时间", "Hot enough", "min"),
    "dosed_min": _said("喷射时间", "Dosed", "min"),
    "urea_l": _said("尿素用量", "Urea", "L"),
    "slip_max": _said("最大氨逃逸", "Highest slip", "ppm", 1),
    # minibuses, loop
    "line": _said("线路", "Line"),
    "timing_point": _whether("时间控制点", "Timing point"),
    "trip": _said("当前班次", "Trip"),
    "minibus_vehicle.occupancy": _said("拥挤度", "Occupancy", "级"),
    "load_pct": _said("满载率", "Load", "%"),
    "riders": _said("客流", "Riders", "人次"),
    "planned": _said("计划", "Planned", "班"),
    "done": _said("完成", "Run", "班"),
    "planned_min": _said("计划间隔", "Planned headway", "min", 1),
    "actual_min": _said("实际间隔", "Actual headway", "min", 1),
    "walk_m": _said("步行至站", "Walk to a stop", "m"),
    "bus_lines": _said("公交线路", "Bus lines", "条"),
    "people": _said("人口", "People", "人"),
    "from_chainage": _said("起点桩号", "From chainage", "m"),
    "chainage_m": _said("桩号", "Chainage", "m"),
    "chainage_end_m": _said("终点桩号", "To chainage", "m"),
    "free_speed": _said("自由流速度", "Free speed", "km/h"),
    "spaces": _said("车位", "Spaces", "个"),
    "occupied": _said("已停", "Occupied", "个"),
    "moved_m": _said("移动", "Moved", "m"),
    "seconds": _said("持续", "Lasted", "s"),
    "guided": _said("诱导", "Guided", "辆"),
    "arrived": _said("到达", "Arrived", "辆"),
    # rentals, grid, hotline
    "rooms": _said("房间", "Rooms", "套"),
    "building": _said("楼栋", "Building"),
    "community": _said("社区", "Community"),
    "beds": _said("床位", "Beds", "个"),
    "smart_lock": _whether("智能门锁", "Smart lock"),
    "points": _said("积分", "Points", "分"),
    "colour": _said("赋码", "Code colour"),
    "coded_at": _said("赋码时间", "Coded at"),
    "guests": _said("在住", "Guests", "人"),
    "battery": _said("门锁电量", "Lock battery", "%"),
    "grids": _said("网格", "Grids", "个"),
}

# Codes that no domain words: what a cell of a register says where it is a code.
CODES: Mapping[str, Text] = {
    "owner.compound": Text("老旧小区", "Old compound"),
    "owner.managed": Text("有主管护", "Managed"),
    "owner.ownerless": Text("无主", "Ownerless"),
    "grade.passed": Text("合格", "Passed"),
    "grade.failed": Text("不合格", "Failed"),
    "risk.crowd": Text("人员密集", "Crowds"),
    "risk.fire": Text("近明火", "Near open fire"),
    "risk.school": Text("邻近学校", "Near a school"),
}
