"""Links between lines that experts of these fields look for; how closely they went together is worked out from the readings."""

from __future__ import annotations

from datetime import timedelta

from dashboard.city import Cause, Text

_HOUR = timedelta(hours=1)

CAUSES = (
    Cause(
        key="rain_soil",
        title=Text("降雨与坡体含水", "Rain and soil moisture"),
        driver="slopes.rain_1h",
        effect="slopes.soil_moisture",
        lag=12 * _HOUR,
        why=Text("雨水入渗，坡体变湿变重", "Rain soaks in; the slope gets wetter and heavier"),
    ),
    Cause(
        key="rain_slope",
        title=Text("降雨与坡体位移", "Rain and slope movement"),
        driver="slopes.rain_24h",
        effect="slopes.displacement_rate",
        lag=24 * _HOUR,
        why=Text("入渗后孔隙水压升高，抗滑力下降，位移加快", "Pore pressure rises after rain, resistance drops, movement quickens"),
    ),
    Cause(
        key="rain_ponding",
        title=Text("降雨与道路积水", "Rain and ponding"),
        driver="flood.rain_1h",
        effect="flood.depth",
        lag=3 * _HOUR,
        why=Text("雨强超过排水能力，低洼处积水", "Rain beyond what the drains take stands in low places"),
    ),
    Cause(
        key="rain_river",
        title=Text("降雨与江河涨率", "Rain and the rivers' rise"),
        driver="flood.rain_12h",
        effect="flood.rise",
        lag=48 * _HOUR,
        why=Text("上游与区间来水汇入，水位先涨后平", "Water from the catchment arrives; the level climbs, then settles"),
    ),
    Cause(
        key="rain_turbidity",
        title=Text("降雨与浊度", "Rain and turbidity"),
        driver="flood.rain_12h",
        effect="water.turbidity",
        lag=24 * _HOUR,
        why=Text("径流把泥沙和路面污物带入水体", "Run-off carries silt and street dirt into the water"),
    ),
    Cause(
        key="rain_bus",
        title=Text("降雨与公交超额候车", "Rain and excess waiting for buses"),
        driver="flood.rain_1h",
        effect="minibuses.excess_wait",
        lag=3 * _HOUR,
        why=Text("雨天车速下降、上下客变慢，班距被拉散", "Rain slows traffic and boarding; headways spread"),
    ),
    Cause(
        key="rain_loop",
        title=Text("降雨与环道车速", "Rain and speed on the loop"),
        driver="flood.rain_1h",
        effect="loop.speed",
        lag=2 * _HOUR,
        falls=True,
        why=Text("雨天开车的人多，进出车库排队，环道车速下降", "More people drive in rain and queue for the garages"),
    ),
    Cause(
        key="traffic_strain",
        title=Text("交通与桥梁应变", "Traffic and bridge strain"),
        driver="tunnels.speed",
        effect="bridges.strain",
        lag=1 * _HOUR,
        falls=True,
        why=Text(
            "车多则慢，桥上荷载随车流增减；以隧道车速代表交通",
            "More vehicles are slower ones; load on bridges follows. Tunnel speed stands for traffic",
        ),
    ),
    Cause(
        key="traffic_co",
        title=Text("交通与隧道一氧化碳", "Traffic and CO in tunnels"),
        driver="tunnels.speed",
        effect="tunnels.co",
        lag=1 * _HOUR,
        falls=True,
        why=Text("车行越慢，隧道内积累的尾气越多", "The slower the traffic, the more exhaust gathers"),
    ),
    Cause(
        key="temperature_joint",
        title=Text("结构温度与伸缩缝位移", "Structure temperature and joint displacement"),
        driver="bridges.structure_temperature",
        effect="bridges.joint_displacement",
        lag=3 * _HOUR,
        why=Text("梁体热胀冷缩，伸缩缝随温度开合", "The deck lengthens with heat; the joints move with it"),
    ),
    Cause(
        key="temperature_ozone",
        title=Text("气温与臭氧", "Temperature and ozone"),
        driver="air.temp",
        effect="air.o3",
        lag=3 * _HOUR,
        why=Text("日照强、气温高，光化学反应快", "Sun and heat speed photochemistry"),
    ),
    Cause(
        key="traffic_no2",
        title=Text("交通与二氧化氮", "Traffic and NO₂"),
        driver="tunnels.speed",
        effect="air.no2",
        lag=2 * _HOUR,
        falls=True,
        why=Text("车多且慢，尾气中氮氧化物增多；以隧道车速代表交通", "Slow, dense traffic gives more NOx. Tunnel speed stands for traffic"),
    ),
    Cause(
        key="rain_dust",
        title=Text("降雨与PM10", "Rain and PM10"),
        driver="flood.rain_1h",
        effect="air.pm10",
        lag=3 * _HOUR,
        falls=True,
        why=Text("雨水冲刷颗粒物，也压住道路扬尘", "Rain washes particles out and keeps road dust down"),
    ),
    Cause(
        key="dust_sweeping",
        title=Text("PM10与联动清扫", "PM10 and sweepers called out"),
        driver="air.pm10",
        effect="road_cleaning.linked_today",
        lag=6 * _HOUR,
        why=Text("扬尘升高触发加密清扫与洒水", "High dust calls for more sweeping and spraying"),
    ),
    Cause(
        key="sweeping_dust",
        title=Text("联动清扫与PM10", "Sweepers called out and PM10"),
        driver="road_cleaning.linked_today",
        effect="air.pm10_now",
        lag=6 * _HOUR,
        falls=True,
        why=Text("道路积尘减少，二次扬尘下降", "Less dust on the road, less of it in the air"),
    ),
    Cause(
        key="exhaust_removal",
        title=Text("排温与脱硝率", "Exhaust temperature and NOx removal"),
        driver="ships.t_in",
        effect="ships.removal_mean",
        lag=timedelta(0),
        why=Text("催化剂要够热才起作用", "The catalyst works only when hot enough"),
    ),
)
