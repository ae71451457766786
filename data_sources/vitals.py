"""The eight vital systems of the city, in the order every screen shows them."""

from dashboard.city import Text, Vital

VITALS = (
    Vital(
        key="breath",
        seal="呼",
        title=Text("呼吸", "Breath"),
        subtitle=Text("空气·保洁·船舶", "Air · streets · ships"),
        path="/breath",
        css="breath",
    ),
    Vital(
        key="circulation",
        seal="脉",
        title=Text("血脉", "Circulation"),
        subtitle=Text("公交·地下环道", "Buses · underground ring"),
        path="/circulation",
        css="circ",
    ),
    Vital(
        key="skeleton",
        seal="骨",
        title=Text("骨骼", "Skeleton"),
        subtitle=Text("桥梁·隧道·边坡", "Bridges · tunnels · slopes"),
        path="/skeleton",
        css="bone",
    ),
    Vital(
        key="metabolism",
        seal="代",
        title=Text("代谢", "Metabolism"),
        subtitle=Text("化粪池·水环境", "Septic tanks · water"),
        path="/metabolism",
        css="metab",
    ),
    Vital(
        key="immunity",
        seal="免",
        title=Text("免疫", "Immunity"),
        subtitle=Text("网约房·治安·执法", "Rentals · safety · enforcement"),
        path="/immunity",
        css="immune",
    ),
    Vital(
        key="nerves",
        seal="神",
        title=Text("神经", "Nerves"),
        subtitle=Text("网格·热线·社区", "Grid · hotline · communities"),
        path="/nerves",
        css="nerve",
    ),
    Vital(
        key="vigour",
        seal="活",
        title=Text("活力", "Vigour"),
        subtitle=Text("楼宇·更新·生活圈", "Buildings · renewal · life circle"),
        path="/vigour",
        css="vigour",
    ),
    Vital(
        key="spirit",
        seal="质",
        title=Text("气质", "Spirit"),
        subtitle=Text("文明·思政·统战", "Civility · education · heritage"),
        path="/spirit",
        css="spirit",
    ),
)
