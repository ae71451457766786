"""One rule's observations through the machine: where it stands for each asset, and the changes worth storing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.alerting.looking import Looking, Replay, Sightings
from dashboard.alerting.machine import Observation, Rule, Standing, Transition, between, paused, step
from dashboard.alerting.record import Change, Standings
from dashboard.alerting.subjects import about
from dashboard.core.declare import Finding
from dashboard.core.times import city_day, to_micros


def judge(at_hand: Looking, found: Sightings, standings: Standings) -> list[Change]:
    """Every asset's observations through the machine. Standings to keep go into `standings`; changes worth storing are returned."""
    changes = []
    words = about(at_hand.catalog, at_hand.domain, at_hand.rule)
    grounds = _grounds(found, at_hand.now)
    for asset in dict.fromkeys([*found.by_asset, *found.again]):
        observations = found.by_asset.get(asset, [])
        told_of = [o for o in observations if not at_hand.pauses.hold(asset, o.at)]
        begun, put_right = _put_right(at_hand, asset, found.again.get(asset))
        after, told, machine = _through(at_hand, asset, begun, observations)
        known = [*(found.again[asset].observations if asset in found.again else ()), *told_of]
        last = next((o for o in reversed(known) if o.value is not None), None)
        kept = at_hand.kept.get(asset)
        value = last.value if last else kept.value if kept else None
        standings[at_hand.key, asset] = (after, found.seen.get(asset) or (kept.seen if kept else None), value)
        if put_right or told or (after.level and (kept is None or value != kept.value)):
            found_so, again = grounds and grounds(asset), _again(at_hand, told)
            changes.append(Change(at_hand.key, asset, after, put_right + told, last, machine, words, found_so, again))
    for asset, seen_at in found.seen.items():
        kept = at_hand.kept.get(asset)
        standings.setdefault((at_hand.key, asset), (at_hand.standing(asset), seen_at, kept.value if kept else None))
    return changes


def _grounds(found: Sightings, now: datetime) -> Callable[[str], Finding] | None:
    """What the judge found about an asset: nothing any more for one it does not name. None: the rule judges numbers."""
    if found.findings is None:
        return None
    named = {one.asset: one for one in found.findings}
    return lambda asset: named.get(asset) or Finding(asset=asset, at=now, value=0.0, because=())


def _put_right(at_hand: Looking, asset: str, replay: Replay | None) -> tuple[Standing, list[Transition]]:
    """Where the rule stands once corrected readings are gone through again, and the one step from what was told to what is so.

    What was told stays told: an alert that came and went by a reading since corrected is not undone.
    """
    before = at_hand.standing(asset)
    if replay is None:
        return before, []
    after, _, machine = _through(at_hand, asset, replay.standing, replay.observations)
    after = replace(after, no_data=before.no_data, by_silence=before.by_silence)
    seen = Observation(at_hand.now, replay.observations[-1].value if replay.observations else None)
    return after, [replace(told, afterwards=replay.why) for told in between(before, after, seen, machine)]


def _again(at_hand: Looking, told: list[Transition]) -> timedelta:
    """How soon after closing the plan for a level takes an alert raised again for the same matter."""
    level = next((one.new for one in told if one.what == "open"), None)
    plan = at_hand.catalog.plan(at_hand.domain.key, level, city_day(at_hand.now).isoformat()) if level else None
    return timedelta(minutes=plan.again_min) if plan else timedelta(0)


def _through(at_hand: Looking, asset: str, standing: Standing, observations: list[Observation]) -> tuple[Standing, list[Transition], Rule]:
    told: list[Transition] = []
    machine = machine_of(at_hand, observations[-1].at if observations else at_hand.now)
    for observation in observations:
        if at_hand.pauses.hold(asset, observation.at):
            standing = paused(standing)
            continue
        machine = machine_of(at_hand, observation.at)
        standing, more = step(standing, observation, machine)
        told += more
    return standing, told, machine


def machine_of(at_hand: Looking, at: datetime) -> Rule:
    rule = at_hand.rule
    return Rule(at_hand.thresholds(to_micros(at)), rule.hold, rule.clear_hold, rule.no_data)
