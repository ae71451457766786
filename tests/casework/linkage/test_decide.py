"""Every step state with every event; whole playbooks by random weather, crews and clocks: nothing lost, no step ordered twice at once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.casework.linkage.decide import Answer, Facts, Holding, Move, Run, decide, limits_of
from dashboard.casework.linkage.machine import TABLE, Event, Limits, Now, State, allows, react
from dashboard.core.catalog import load_catalog
from dashboard.core.declare import Level, Text
from dashboard.core.playbooks import Cleared, Condition, Playbook, Step, StepKind, Stop

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMITS = Limits(60 * MINUTE, 5 * MINUTE, 30 * MINUTE)
WORDS = Text("甲", "A")
SEEN = Condition(said=WORDS, seen=Cleared())
ORANGE = Level.ORANGE
CATALOG = load_catalog()


def step(key: str, kind: StepKind = "order", **more: object) -> Step:
    return Step(key=key, title=WORDS, kind=kind, by=WORDS, **more)  # type: ignore[arg-type]


# What each kind of step makes of each event; what is not here is refused.
ROWS = {
    "order": """
        idle     wait>waiting begin>open stop>stopped
        waiting  begin>open lapse>waiting fail>failed stop>stopped
        open     accepted>accepted arrived>arrived done>done refused>refused lapse>open again>open fail>failed stop>stopped
        accepted arrived>arrived done>done refused>refused lapse>accepted stop>stopped
        arrived  done>done refused>refused lapse>arrived stop>stopped
    """,
    "decision": """
        idle     wait>waiting begin>open stop>stopped
        waiting  begin>open lapse>waiting fail>failed stop>stopped
        open     done>done refused>refused lapse>open fail>failed stop>stopped
    """,
    "check": """
        idle     wait>waiting begin>open stop>stopped
        waiting  begin>open lapse>waiting fail>failed stop>stopped
        open     hold>done lapse>open fail>failed stop>stopped
    """,
}
EXPECTED = {
    (kind, state, event): to
    for kind, text in ROWS.items()
    for state, *leads in (line.split() for line in text.strip().splitlines())
    for event, to in (lead.split(">") for lead in leads)
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_state_with_every_event_is_as_the_table_here_says(kind: StepKind, state: State, event: Event) -> None:
    expected = EXPECTED.get((kind, state.value, event.value))
    assert allows(kind, state, event) is (expected is not None)
    if expected:
        after = react(step("a", kind), Now(state, NOON, begun=NOON, due=NOON), event, NOON + MINUTE, LIMITS)
        assert after.state == expected
        assert (after.ended is not None, after.due is None) == ((True, True) if after.state.is_over else (False, False))


def test_the_table_names_every_state_of_every_kind() -> None:
    assert all(set(states) == set(State) for states in TABLE.values())


def fresh(playbook: Playbook, level: Level = ORANGE) -> Run:
    return Run(level, {one.key: Now(State.IDLE, NOON) for one in playbook.steps})


def book(*steps: Step, stops: tuple[Stop, ...] = ()) -> Playbook:
    return Playbook(key="t", title=WORDS, on=("a.b",), levels=tuple(Level), steps=steps, stops=stops)


NUMBERS = {"a.due": 60.0, "a.accept": 5.0, "a.arrive": 30.0, "b.due": 20.0, "c.due": 10.0, "d.due": 15.0, "v.due": 30.0}
TWO = book(step("a", tries=2, instead="b"), step("b", standby=True), step("v", "check", after=("a",), holds=SEEN))


def told(moves: list[Move]) -> list[str]:
    return [f"{move.what} {move.step}" for move in moves]


def states(run: Run) -> dict[str, str]:
    return {key: now.state.value for key, now in run.steps.items()}


def test_an_order_is_accepted_arrives_is_done_and_what_comes_after_is_looked_for() -> None:
    run, moves = decide(TWO, NUMBERS, fresh(TWO), Facts(), NOON)
    assert told(moves) == ["order a"]
    assert run.steps["a"].due == NOON + 5 * MINUTE
    run, _ = decide(TWO, NUMBERS, run, Facts({"a": [Answer("accepted", NOON + MINUTE)]}), NOON + MINUTE)
    assert run.steps["a"].due == NOON + 30 * MINUTE, "limits count from the order"
    answers = [Answer("accepted", NOON + MINUTE), Answer("arrived", NOON + 9 * MINUTE), Answer("done", NOON + 20 * MINUTE)]
    run, moves = decide(TWO, NUMBERS, run, Facts({"a": answers}), NOON + 21 * MINUTE)
    assert told(moves) == ["answered a", "answered a", "ask v"]
    assert run.state == "running"
    run, moves = decide(TWO, NUMBERS, run, Facts(holds={"v": Holding(True, "低 / low")}), NOON + 22 * MINUTE)
    assert (run.state, told(moves)) == ("done", ["verified v"])


def test_an_order_nobody_takes_goes_out_again_then_another_step_does_it() -> None:
    run, _ = decide(TWO, NUMBERS, fresh(TWO), Facts(), NOON)
    run, moves = decide(TWO, NUMBERS, run, Facts(), NOON + 5 * MINUTE)
    assert told(moves) == ["escalate a", "withdraw a", "order a"]
    run, moves = decide(TWO, NUMBERS, run, Facts(), NOON + 10 * MINUTE)
    assert told(moves)[0] == "escalate a"
    assert states(run) == {"a": "failed", "b": "open", "v": "idle"}
    run, _ = decide(TWO, NUMBERS, run, Facts({"b": [Answer("done", NOON + 12 * MINUTE)]}), NOON + 12 * MINUTE)
    assert states(run)["v"] == "open", "what comes after the step begins after the one in its place"


def test_a_refused_order_is_done_by_another_and_without_one_the_playbook_has_failed() -> None:
    refused = Facts({"a": [Answer("refused", NOON, note="车辆故障")]})
    run, moves = decide(TWO, NUMBERS, decide(TWO, NUMBERS, fresh(TWO), Facts(), NOON)[0], refused, NOON)
    assert told(moves) == ["answered a", "order b"]
    alone = book(step("a"), step("v", "check", after=("a",), holds=SEEN))
    run, moves = decide(alone, NUMBERS, decide(alone, NUMBERS, fresh(alone), Facts(), NOON)[0], refused, NOON)
    assert (run.state, run.reason) == ("failed", "车辆故障")
    assert "escalate a" in told(moves)


def test_what_is_late_tells_somebody_three_times_and_no_more() -> None:
    one = book(step("c"))
    run, _ = decide(one, NUMBERS, fresh(one), Facts(), NOON)
    count = 0
    for minute in range(100):
        run, moves = decide(one, NUMBERS, run, Facts(), NOON + minute * MINUTE)
        count += len([move for move in moves if move.what == "escalate"])
    assert (count, run.steps["c"].late) == (3, True)


STOP_AFTER = Stop(key="s", when=SEEN, steps=("a",), only="begun", instead="b")


@pytest.mark.parametrize(
    ("only", "before", "stopped"),
    [
        ("any", "idle", True),
        ("any", "accepted", True),
        ("unanswered", "open", True),
        ("unanswered", "accepted", False),
        ("begun", "waiting", False),
        ("begun", "open", True),
        ("begun", "arrived", True),
        ("any", "done", False),
    ],
)
def test_a_stop_rule_stops_what_it_is_for(only: str, before: str, stopped: bool) -> None:
    need = {"needs": (SEEN,)} if before == "waiting" else {}
    playbook = book(step("a", **need), stops=(Stop(key="s", when=SEEN, steps=("a",), only=only),))  # type: ignore[arg-type]
    run = Run(ORANGE, {"a": Now(State(before), NOON, begun=NOON, due=NOON + MINUTE, order_no="x.1")})
    after, moves = decide(playbook, NUMBERS, run, Facts(holds={"s": Holding(True, "冷 / cold")}), NOON)
    assert (after.steps["a"].state is State.STOPPED) is stopped
    assert ("withdraw a" in told(moves)) is stopped, "the department hears of it"
    assert not stopped or after.steps["a"].reason == "甲：冷 / A: cold"


def test_a_stop_rule_for_all_ends_the_playbook_and_says_why() -> None:
    playbook = book(step("a"), step("c"), stops=(Stop(key="s", when=SEEN),))
    run, _ = decide(playbook, NUMBERS, fresh(playbook), Facts(), NOON)
    run, moves = decide(playbook, NUMBERS, run, Facts(holds={"s": Holding(True, "雨 / rain")}), NOON + MINUTE)
    assert (run.state, run.reason, set(states(run).values())) == ("stopped", "甲：雨 / A: rain", {"stopped"})
    assert told(moves) == ["stop a", "stop c"]


def test_an_interlock_is_waited_for_and_its_time_is_limited() -> None:
    playbook = book(step("a", needs=(SEEN,), instead="b"), step("b", standby=True))
    run, moves = decide(playbook, NUMBERS, fresh(playbook), Facts(), NOON)
    assert (states(run)["a"], moves) == ("waiting", [])
    held, moves = decide(playbook, NUMBERS, run, Facts(holds={"a.needs": Holding(True)}), NOON + MINUTE)
    assert (states(held)["a"], told(moves)) == ("open", ["order a"])
    late, moves = decide(playbook, NUMBERS, run, Facts(), NOON + 60 * MINUTE)
    assert (states(late), told(moves)) == ({"a": "failed", "b": "open"}, ["escalate a", "order b"])


def test_a_decision_answered_no_makes_what_comes_after_it_needless() -> None:
    playbook = book(step("d", "decision"), step("a", after=("d",)), step("v", "check", after=("a",), holds=SEEN))
    run, moves = decide(playbook, NUMBERS, fresh(playbook), Facts(), NOON)
    assert told(moves) == ["ask d"]
    run, moves = decide(playbook, NUMBERS, run, Facts({"d": [Answer("refused", NOON)]}, {"v": Holding(True)}), NOON)
    assert (states(run), run.state) == ({"d": "refused", "a": "idle", "v": "done"}, "done")


@pytest.mark.parametrize("level", Level)
def test_steps_are_for_their_levels_and_a_worse_level_brings_more_of_them(level: Level) -> None:
    gas = CATALOG.playbooks["gas"]
    run, moves = decide(gas, {}, fresh(gas, level), Facts(), NOON)
    assert (
        told(moves) == (["order crew"] if level is Level.RED else [] if level is Level.YELLOW else ["order ventilate"])
        or level is Level.YELLOW
    )
    worse, moves = decide(gas, {}, Run(Level.RED, run.steps), Facts(), NOON)
    assert State.OPEN is worse.steps["crew"].state


def test_limits_are_the_levels_own() -> None:
    numbers = CATALOG.rule_parameters("playbook.dust", "2026-05-20")
    sweep = CATALOG.playbooks["dust"].step("sweep")
    promised = {
        level: tuple(span // MINUTE for span in (x.accept, x.arrive, x.due) if span)
        for level in Level
        for x in [limits_of(sweep, numbers, level)]
    }
    assert promised == {Level.BLUE: (15, 45, 180), Level.YELLOW: (10, 30, 120), Level.ORANGE: (5, 20, 90), Level.RED: (5, 15, 60)}


# ---- whatever comes
CREWS = ("accepted", "arrived", "done", "refused")


class Life:
    """One playbook through random weather, crews and clocks, with what the runner would keep beside it."""

    def __init__(self, playbook: Playbook, dice: random.Random) -> None:
        self.playbook, self.dice, self.now, self.orders = playbook, dice, NOON, dict[str, str]()
        self.answers: dict[str, list[Answer]] = {}
        self.run = fresh(playbook, dice.choice(list(Level)))
        self.count = 0

    def turn(self) -> None:
        dice = self.dice
        self.now += MINUTE * dice.choice((0, 1, 4, 40, 300))
        for key, now in self.run.steps.items():
            if now.state in (State.OPEN, State.ACCEPTED, State.ARRIVED) and dice.random() < 0.8:
                self.answers.setdefault(key, []).append(Answer(dice.choice(CREWS), self.now))
        names = [
            *(stop.key for stop in self.playbook.stops),
            *(s.key for s in self.playbook.steps),
            *(f"{s.key}.needs" for s in self.playbook.steps),
        ]
        holds = {name: Holding(dice.random() < (0.4 if name != "judge" else 0.05)) for name in names}
        facts = Facts(self.answers, holds)
        before = self.run
        self.run, moves = decide(self.playbook, {}, before, facts, self.now)
        self.carry_out(moves)
        assert all(self.run.steps[key] == now for key, now in before.steps.items() if now.state.is_over), "what is over stays over"

    def carry_out(self, moves: list[Move]) -> None:
        for move in moves:
            if move.what == "order":
                self.count += 1
                assert move.step not in self.orders, "never two orders alive for one step"
                self.orders[move.step] = number = f"n.{self.count}"
                self.answers.pop(move.step, None)
                steps = dict(self.run.steps)
                steps[move.step] = Now(**{**steps[move.step].__dict__, "order_no": number})
                self.run = Run(self.run.level, steps, self.run.state, self.run.reason)
            elif move.what == "withdraw":
                assert self.orders.pop(move.step)
            elif move.what == "answered" and move.answer and move.answer.state in ("done", "refused"):
                self.orders.pop(move.step, None)


def test_whatever_comes_no_step_is_lost_or_ordered_twice_at_once() -> None:
    """10^5 random lives of the declared playbooks and of one that has everything."""
    everything = book(
        step("a", tries=2, instead="b", needs=(SEEN,)),
        step("b", standby=True),
        step("d", "decision", after=("a",)),
        step("c", after=("d",)),
        step("v", "check", after=("a", "c"), holds=SEEN),
        stops=(STOP_AFTER,),
    )
    playbooks = [*CATALOG.playbooks.values(), *[everything] * 4, *[TWO] * 20]
    ends = dict.fromkeys(("running", "done", "failed", "stopped"), 0)
    dice = random.Random(20260520)
    for _ in range(100_000):
        life = Life(dice.choice(playbooks), dice)
        for _turn in range(dice.randrange(1, 6)):
            life.turn()
            if life.run.state != "running":
                break
        lost = life.run.state == "running" and not any(now.state.is_under_way for now in life.run.steps.values())
        assert not lost, states(life.run)
        alive = {key for key, now in life.run.steps.items() if now.state in (State.OPEN, State.ACCEPTED, State.ARRIVED)}
        assert {key for key in alive if life.playbook.step(key).kind == "order"} == set(life.orders)
        ends[life.run.state] += 1
    assert min(ends.values()) > 100, ends


def test_the_same_facts_again_change_nothing() -> None:
    dice = random.Random(7)
    for _ in range(500):
        life = Life(CATALOG.playbooks[dice.choice(("dust", "gas", "rock", "gap"))], dice)
        for _turn in range(4):
            life.turn()
        again, moves = decide(life.playbook, {}, life.run, Facts(), life.now)
        settled, later = decide(life.playbook, {}, again, Facts(), life.now)
        assert (settled.steps, later) == (again.steps, [])
        assert life.run.state != "running" or [m for m in moves if m.what == "order"] == []
