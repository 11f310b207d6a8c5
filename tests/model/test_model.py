"""The protocol between instances, model-checked: what must hold does, and without any one rule it does not.

`WASMFIX_MODEL_STATES=20000000 pytest tests/model` looks at more states than fit into a short run.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from model.checker import Checker, Scenario, check
from model.protocol import RULES

STATES = int(os.environ.get("WASMFIX_MODEL_STATES", "0"))

W, WIDE, C = ("write",), ("write two",), ("checkpoint",)
R = ("begin", "read", "read", "end")
OPEN, CLOSE, TICK = ("open",), ("close",), ("tick",)
AHEAD = ("write ahead",)
EMPTY = ("truncate",)

WHOLE = [
    Scenario("two writers", (W, W), crashes=1),
    Scenario("two writers, two commits", (WIDE + W, W)),
    Scenario("a writer and a reader", (WIDE + W, R)),
    Scenario("a writer and a checkpointer", (WIDE + W, C + C), crashes=1),
    Scenario("a restart of the WAL", (C + W, W), frames=1),
    Scenario("a WAL is emptied", (EMPTY, R + W), frames=1),
    Scenario("a WAL is emptied, one is killed", (EMPTY, WIDE), frames=1, crashes=1),
    Scenario("cached read locks", (W + W, R + R), caching=(0, 1)),
    Scenario("WRITE ahead of a cached read lock", (("begin", "end", *AHEAD), W), caching=(0,), crashes=1),
    Scenario("WRITE ahead, not wanted", (("begin", "end", "begin ahead", "read", "end"), W), caching=(0,)),
    Scenario("cached read locks, a checkpoint", (W + R, R + C + R), caching=(0, 1), frames=1),
    Scenario(
        "two connections in an instance",
        (("begin", ("begin", 1), ("end", 1), "read", "end", "checkpoint"), WIDE),
        frames=1,
        caching=(0,),
    ),
    Scenario("one closes", (W + CLOSE, R + CLOSE)),
    Scenario("one closes, one opens", (W + CLOSE, OPEN + R)),
]
"""Every interleaving of every file operation is looked at, and that each state can come to an end."""

FIVE = (W, W, R, R, C)
BOUNDED = [
    Scenario("two writers, two readers, a checkpointer", FIVE, preemptions=1, frames=1),
    Scenario("the same, read locks cached", FIVE, preemptions=1, frames=1, caching=(0, 1, 2, 3, 4)),
    Scenario("the same, one is killed", FIVE, preemptions=0, frames=1, crashes=1),
    Scenario("a writer, a reader, a checkpointer", (W, R, C), frames=1, caching=(0, 1)),
    Scenario("a mark between two readers", (R + WIDE + R + C, R + TICK + R), frames=1, caching=(0, 1), preemptions=2),
    Scenario(
        "two take WRITE ahead, one checkpoints", (R + AHEAD + C, R + AHEAD + R), frames=1, caching=(0, 1), preemptions=2
    ),
    Scenario("a WAL is emptied, one is killed, one reads", (EMPTY + W, WIDE, R), frames=1, crashes=1, preemptions=1),
    Scenario("a WAL is emptied and begun", (EMPTY + W, W + R), frames=1, preemptions=2),
    Scenario("a restart between two readers", (C + W, R + R, C + W), frames=1, caching=(1,), preemptions=1),
]
"""More than can be seen to the end in a short run: breadth first up to a number of states, then random schedules."""

FAULTS: list[tuple[str, Scenario]] = [
    ("words first", Scenario("wal2 switches twice", (W + C + W + W, R), wal2=True, frames=2, preemptions=2)),
    ("pages first", Scenario("a commit", (W, R))),
    ("tail is flushed", Scenario("two commits", (WIDE, R))),
    ("tail of the other WAL", Scenario("wal2 switches", (W + W, R), wal2=True, frames=1)),
    ("head read again", Scenario("two writers", (W, W))),
    ("counter", Scenario("two writers", (W, W))),
    ("owner", Scenario("a row changes hands", ((*W, "leave"), W, OPEN), preemptions=3)),
    ("announce first", Scenario("two writers", (W, W))),
    ("refresh always", Scenario("a lock is there already", (W, R + R), caching=(1,))),
    ("look ahead", Scenario("a commit before WRITE ahead", (R + AHEAD, W), caching=(0,))),
    ("raised marks stay", Scenario("a slot is shared", (W + R, R + R), frames=1, caching=(0, 1))),
    (
        "not over an unused mark",
        Scenario(
            "a slot is unused",
            (("begin", ("begin", 1)), W + C + W),
            frames=2,
            words=(0, 1, 2),
            caching=(0,),
            preemptions=2,
        ),
    ),
    (
        "settle",
        Scenario("a checkpointer with a raised mark", (R + WIDE + R + C, R), frames=1, caching=(0,), preemptions=1),
    ),
    (
        "mark goes back",
        Scenario("a lock goes, its mark stays", (R + W + R + TICK + C, R), frames=1, caching=(0,), preemptions=2),
    ),
    ("cached is held", Scenario("a checkpoint while a lock is cached", (W + C, R + R), frames=1, caching=(1,))),
    ("refresh when exclusive", Scenario("two close", (W + CLOSE, R + CLOSE), preemptions=2)),
    ("first opener", Scenario("one opens after all have left", (W + CLOSE, OPEN + R))),
    (
        "all or nothing",
        Scenario("a reader in the second slot", (C + W + W, R), frames=2, words=(0, 1, 2), preemptions=2),
    ),
]

KILLED: list[tuple[str, Scenario]] = [
    (
        "recoveries counted",
        Scenario(
            "who empties a WAL is killed",
            (EMPTY, WIDE, R),
            frames=1,
            words=(1, 1, 99),
            crashes=1,
            mortal=(0,),
            preemptions=0,
        ),
    ),
    ("index before WAL", Scenario("a WAL is emptied", (EMPTY, R), frames=1, crashes=1, mortal=(0,), preemptions=0)),
]
"""Without these something breaks when an instance is killed."""

SECOND_LINE: list[tuple[str, Scenario]] = [
    (
        "recovery byte",
        Scenario(
            "a restart is half published", (W, W + R), crashes=1, mortal=(0,), preemptions=1, frames=1, words=(1, 1, 99)
        ),
    ),
    (
        "byte before row",
        Scenario(
            "the same, two others", (W, W, W + R), crashes=1, mortal=(0,), preemptions=1, frames=1, words=(1, 1, 99)
        ),
    ),
]


def both(scenarios: list[Scenario]) -> list[Scenario]:
    return [replace(s, wal2=wal2) for s in scenarios for wal2 in (False, True)]


def name(value: object) -> str:
    return f"{value.name}{', wal2' if value.wal2 else ''}" if isinstance(value, Scenario) else str(value)


@pytest.mark.parametrize("scenario", both(WHOLE), ids=name)
def test_in_every_interleaving_nothing_is_lost_and_snapshots_hold(scenario: Scenario) -> None:
    result = check(scenario, STATES or 400_000, progress=True)
    assert not result.fault, result
    assert result.complete


@pytest.mark.parametrize("scenario", both(BOUNDED), ids=name)
def test_nothing_is_lost_with_more_instances(scenario: Scenario) -> None:
    result = check(scenario, STATES or 150_000)
    assert not result.fault, result
    checker = Checker(replace(scenario, preemptions=None, crashes=1))
    for seed in range(100):
        walk = checker.walk(seed)
        assert not walk.fault, (seed, walk)


@pytest.mark.parametrize(("rule", "scenario"), FAULTS + KILLED, ids=name)
def test_without_a_rule_something_breaks(rule: str, scenario: Scenario) -> None:
    with_it = check(scenario, 150_000)
    without = check(replace(scenario, without=frozenset([rule])), 2_000_000)
    assert not with_it.fault, with_it
    assert without.fault
    assert len(without.trace) < 150


@pytest.mark.parametrize(("rule", "scenario"), SECOND_LINE, ids=name)
def test_recovery_is_needed_where_an_index_is_left_half_written(rule: str, scenario: Scenario) -> None:
    """As the index is published, each prefix of it is harmless; recovery saves it where that fails."""
    half = replace(scenario, without=frozenset(["words first"]))
    assert not check(half, 150_000).fault
    assert check(replace(half, without=half.without | {rule}), 400_000).fault


def test_each_rule_of_the_model_is_taken_out_once() -> None:
    assert {rule for rule, _ in FAULTS + KILLED + SECOND_LINE} == set(RULES)
