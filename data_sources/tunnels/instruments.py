"""What is read in a tunnel."""

from __future__ import annotations

from datetime import timedelta

from dashboard.city import Metric, Text

CADENCE = timedelta(minutes=2)  # delivered every minute

METRICS = (
    Metric(key="co", title=Text("一氧化碳", "CO"), unit="ppm", low=0, high=1000, cadence=CADENCE),
    Metric(key="smoke", title=Text("烟尘消光系数", "Smoke coefficient"), unit="m⁻¹", low=0, high=0.1, decimals=4, cadence=CADENCE),
    Metric(key="no2", title=Text("二氧化氮", "NO₂"), unit="ppm", low=0, high=50, decimals=2, cadence=CADENCE),
    Metric(key="water_depth", title=Text("路面积水", "Water on the road"), unit="cm", low=0, high=400, cadence=CADENCE),
    Metric(key="speed", title=Text("平均车速", "Mean speed"), unit="km/h", low=0, high=160, decimals=0, cadence=CADENCE),
    Metric(key="fans_running", title=Text("运行风机", "Fans running"), unit="台", low=0, high=200, decimals=0, cadence=CADENCE),
    Metric(key="convergence", title=Text("衬砌收敛", "Lining convergence"), unit="mm", low=-200, high=200, decimals=2, cadence=CADENCE),
)
