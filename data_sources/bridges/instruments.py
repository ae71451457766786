"""What is read on a bridge."""

from __future__ import annotations

from datetime import timedelta

from dashboard.city import Metric, Text

SLOW, FAST = timedelta(minutes=12), timedelta(minutes=2)  # delivered every ten minutes, every minute

METRICS = (
    Metric(key="structure_temperature", title=Text("结构温度（顶板）", "Temperature, deck"), unit="°C", low=-30, high=80, cadence=SLOW),
    Metric(key="web_temperature", title=Text("结构温度（腹板）", "Temperature, web"), unit="°C", low=-30, high=80, cadence=SLOW),
    Metric(key="soffit_temperature", title=Text("结构温度（底板）", "Temperature, soffit"), unit="°C", low=-30, high=80, cadence=SLOW),
    Metric(
        key="joint_displacement", title=Text("伸缩缝位移", "Joint displacement"), unit="mm", low=-500, high=500, decimals=2, cadence=SLOW
    ),
    Metric(key="strain", title=Text("应变", "Strain"), unit="µε", low=-3000, high=3000, cadence=FAST),
    Metric(key="deflection", title=Text("跨中挠度", "Midspan deflection"), unit="mm", low=-1000, high=1000, decimals=2, cadence=FAST),
    Metric(key="bearing_reaction", title=Text("支座反力", "Bearing reaction"), unit="kN", low=0, high=50000, decimals=0, cadence=SLOW),
    Metric(key="modal_frequency", title=Text("一阶频率", "First modal frequency"), unit="Hz", low=0.01, high=50, decimals=3, cadence=SLOW),
    Metric(key="crack_width", title=Text("裂缝宽度", "Crack width"), unit="mm", low=0, high=20, decimals=3, cadence=SLOW),
    Metric(key="wind", title=Text("桥面风速", "Wind on deck"), unit="m/s", low=0, high=70, cadence=FAST),
    Metric(key="cable_force", title=Text("拉吊索力", "Cable force"), unit="kN", low=0, high=20000, decimals=0, cadence=FAST),
    Metric(key="vehicle_load", title=Text("最大车重", "Heaviest vehicle"), unit="t", low=0, high=500, cadence=SLOW),
)
