"""What departments do together when a rule rings: bad air, gas in a septic tank, a rock in the rain, a gap between buses."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.city import AssetState, Cleared, Condition, Fallen, JudgeStops, Level, Playbook, Reading, Step, Stop, Text

_ALL = (Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED)
_FROM_YELLOW, _FROM_ORANGE = _ALL[1:], _ALL[2:]
_BACK = Condition(said=Text("预警恢复正常", "The alert is back to normal"), seen=Cleared())

# ---- air warning → road cleaning
_SANITATION = Text("区环卫事务中心", "Sanitation centre")
_BUREAU = Text("区城市管理局", "District Urban Management Bureau")
DUST = Playbook(
    key="dust",
    title=Text("空气预警联动清扫", "Sweepers called by bad air"),
    on=("road_cleaning.dust",),
    levels=_ALL,
    steps=(
        Step(
            key="sweep",
            title=Text("上风向路段加派洗扫", "Wash and sweep upwind"),
            kind="order",
            by=_SANITATION,
            to="cleaning",
            action="sweep",
            instruction=Text(
                "{asset}触发{level}联动：对上风向1.5公里内路段和全部一级路{measures}；监测点周边100米内不得喷洒",
                "{asset} called at level {level}: on stretches upwind within 1.5 km and all first-grade roads, {measures}; "
                "no spraying within 100 m of a monitoring station",
            ),
            measures={
                Level.BLUE: Text("加一遍洗扫、一遍洒水", "one more wash-and-sweep and one more sprinkling"),
                Level.YELLOW: Text("每4小时洗扫一遍，主干路雾炮", "wash and sweep every 4 h, mist on main roads"),
                Level.ORANGE: Text("每2小时洗扫一遍，夜间冲洗", "wash and sweep every 2 h, flush at night"),
                Level.RED: Text("不间断湿化", "keep wet without a break"),
            },
            tries=2,
        ),
        Step(
            key="works",
            title=Text("查停扬尘作业", "Stop dusty works"),
            kind="decision",
            by=_BUREAU,
            instruction=Text(
                "{street}{asset}{level}联动：是否要求周边工地停止扬尘作业并巡查出口",
                "{asset}, {street}, level {level}: shall works nearby stop what raises dust, and their exits be patrolled?",
            ),
            levels=_FROM_ORANGE,
        ),
        Step(key="effect", title=Text("复核降尘效果", "Check the effect"), kind="check", by=_BUREAU, after=("sweep", "works"), holds=_BACK),
    ),
    stops=(
        Stop(key="judge", when=Condition(said=Text("联动停止规则", "Stop rule of the linkage"), seen=JudgeStops())),
        Stop(
            key="gone",
            when=Condition(said=Text("接单前已恢复正常", "Back to normal before anybody set out"), seen=Cleared()),
            steps=("sweep", "works"),
            only="unanswered",
        ),
    ),
)

# ---- septic gas → ventilate, pump, verify
_TANKS = Text("化粪池运维班组", "Septic tank crew")
_GAS_LOW = Reading(metric="septic_tanks.ch4", op="<", limit="safe")
GAS = Playbook(
    key="gas",
    title=Text("化粪池气体处置", "Gas in a septic tank"),
    on=("septic_tanks.gas",),
    levels=_ALL,
    steps=(
        Step(
            key="ventilate",
            title=Text("强制通风", "Ventilate"),
            kind="order",
            by=_TANKS,
            to="tanks",
            action="ventilate",
            instruction=Text(
                "{street}{asset}甲烷{value} {unit}（{level}）：立即强制通风，至低于10 %LEL并保持；严禁明火，不得下池",
                "{asset}, {street}: methane {value} {unit} ({level}). Ventilate until steadily below 10 %LEL; no flame, nobody enters",
            ),
            levels=(Level.BLUE, Level.YELLOW, Level.ORANGE),
            tries=2,
            instead="crew",
        ),
        Step(
            key="pump",
            title=Text("抽排", "Pump"),
            kind="order",
            by=_TANKS,
            to="tanks",
            action="pump",
            instruction=Text(
                "{street}{asset}：通风后抽排至40 %停泵，最长30分钟；甲烷达25 %LEL、井盖开启或挂检修牌时不得送电",
                "{asset}, {street}: pump down to 40 %, 30 minutes at most; no power at 25 %LEL, with the lid open or a tag set",
            ),
            levels=(Level.ORANGE,),
            after=("ventilate",),
            needs=(Condition(said=Text("甲烷低于10 %LEL满3分钟", "Methane below 10 %LEL for 3 minutes"), seen=_GAS_LOW, held="aired_min"),),
            instead="crew",
        ),
        Step(
            key="crew",
            title=Text("人工到场处置", "Send a crew"),
            kind="order",
            by=_TANKS,
            to="tanks",
            action="crew",
            instruction=Text(
                "{street}{asset}甲烷{value} {unit}（{level}）：30分钟内到场，设警戒、疏散周边人员，携带检测仪处置",
                "{asset}, {street}: methane {value} {unit} ({level}). On site within 30 minutes, cordon off, bring detectors",
            ),
            levels=(Level.RED,),
            tries=2,
        ),
        Step(
            key="drained",
            title=Text("核验液位下降", "Check the level has fallen"),
            kind="check",
            by=_BUREAU,
            levels=(Level.ORANGE,),
            after=("pump",),
            holds=Condition(
                said=Text("液位比处置前下降不少于10个百分点", "The level at least 10 points lower than before"),
                seen=Fallen(metric="septic_tanks.level", limit="drop"),
            ),
        ),
        Step(
            key="verify",
            title=Text("核验气体复位", "Check the gas is gone"),
            kind="check",
            by=_BUREAU,
            after=("ventilate", "pump", "crew"),
            holds=Condition(
                said=Text("甲烷低于10 %LEL并保持10分钟", "Methane below 10 %LEL for 10 minutes"), seen=_GAS_LOW, held="verify_min"
            ),
        ),
    ),
    stops=(
        Stop(
            key="locked",
            when=Condition(
                said=Text("井盖开启或挂检修牌，自动设备闭锁", "Lid open or tag set: machines are locked"),
                seen=AssetState(states=("maintenance",)),
            ),
            steps=("ventilate", "pump"),
            instead="crew",
        ),
        Stop(
            key="blind",
            when=Condition(
                said=Text("探头故障或终端失联，读数不可信", "Detector faulty or terminal lost: readings cannot be trusted"),
                seen=AssetState(states=("sensor_fault", "offline")),
            ),
            steps=("ventilate", "pump"),
            instead="crew",
        ),
        Stop(
            key="explosive",
            when=Condition(
                said=Text("抽排中甲烷达25 %LEL，停泵", "Methane at 25 %LEL while pumping: pump off"),
                seen=Reading(metric="septic_tanks.ch4", op=">=", limit="explosive"),
            ),
            steps=("pump",),
            only="begun",
            instead="crew",
        ),
    ),
)

# ---- dangerous rock and rain → call, respond, evacuate
_EMERGENCY = Text("区应急管理局", "District Emergency Management Bureau")
_GRID = Text("地灾四重网格", "Four-fold grid for geohazards")
ROCK = Playbook(
    key="rock",
    title=Text("危岩降雨叫应转移", "Dangerous rock in the rain"),
    on=("slopes.rain_coupled",),
    levels=_FROM_YELLOW,
    steps=(
        Step(
            key="call",
            title=Text("叫应", "Call"),
            kind="order",
            by=_GRID,
            to="slopes",
            action="call",
            instruction=Text(
                "{street}{asset}雨、湿、动叠加（{level}）：叫应群测群防员、片区负责人、驻守地质员、区县技术员，逐人应答",
                "{asset}, {street}: rain, wet ground and movement together ({level}). Call observer, leader, geologist, technician",
            ),
            tries=3,
        ),
        Step(
            key="respond",
            title=Text("到点响应", "Respond on site"),
            kind="order",
            by=_GRID,
            to="slopes",
            action="respond",
            instruction=Text(
                "{street}{asset}：到点值守，设警戒线，封闭崖下通道，每10分钟报一次",
                "{asset}, {street}: watch on site, cordon off, close the path below, report every 10 minutes",
            ),
            after=("call",),
            tries=2,
        ),
        Step(
            key="decide",
            title=Text("研判是否转移", "Decide on evacuation"),
            kind="decision",
            by=_EMERGENCY,
            instruction=Text(
                "{street}{asset}{level}：是否转移受威胁群众", "{asset}, {street}, {level}: shall the people threatened leave?"
            ),
            levels=(Level.ORANGE,),
            after=("call",),
        ),
        Step(
            key="evacuate",
            title=Text("转移群众", "Evacuate"),
            kind="order",
            by=_EMERGENCY,
            to="slopes",
            action="evacuate",
            instruction=Text(
                "{street}{asset}{level}：按预案转移受威胁群众，逐户清点，报转移人数",
                "{asset}, {street}, {level}: move all people threatened, household by household, report how many",
            ),
            levels=_FROM_ORANGE,
            after=("call", "decide"),
            tries=2,
        ),
        Step(
            key="safe",
            title=Text("观察解除", "Observe, then lift"),
            kind="check",
            by=_EMERGENCY,
            after=("respond", "evacuate"),
            holds=_BACK,
        ),
    ),
    stops=(
        Stop(
            key="gone",
            when=Condition(said=Text("到点前已恢复正常", "Back to normal before anybody set out"), seen=Cleared()),
            steps=("respond", "decide", "evacuate"),
            only="unanswered",
        ),
    ),
)

# ---- bus gap → spare minibus
_BUSES = Text("小巷公交调度室", "Minibus dispatchers")
GAP = Playbook(
    key="gap",
    title=Text("公交大间隔加派备车", "A spare bus for a gap"),
    on=("minibuses.gap_open",),
    levels=_FROM_YELLOW,
    steps=(
        Step(
            key="spare",
            title=Text("加派备车", "Send a spare bus"),
            kind="order",
            by=_BUSES,
            to="minibuses",
            action="spare_bus",
            instruction=Text(
                "{asset}{rule}，已等计划间隔的{value}倍：就近加派备车一班",
                "{asset}, {rule}: {value} times the scheduled headway by now. Send one spare bus from nearby",
            ),
            tries=2,
        ),
        Step(key="closed", title=Text("复核间隔恢复", "Check the headway"), kind="check", by=_BUSES, after=("spare",), holds=_BACK),
    ),
    stops=(
        Stop(
            key="gone",
            when=Condition(said=Text("派车前间隔已恢复", "The gap closed before a bus was sent"), seen=Cleared()),
            steps=("spare",),
            only="unanswered",
        ),
    ),
)

PLAYBOOKS: Sequence[Playbook] = (DUST, GAS, ROCK, GAP)
