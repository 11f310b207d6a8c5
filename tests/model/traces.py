"""Schedules of the model, written down so that replay.cjs can run the engine's own code by them."""

from __future__ import annotations

import random
from typing import Any

from model.checker import Checker, Scenario
from model.protocol import Connection, Files, Instance, InvariantError, Steps, program


class Traced(Instance):
    """Notes what SQLite calls, what it gets, and the mirror before and after it."""

    def note(self, name: str, slots: tuple[int, ...], steps: Steps) -> Steps:
        self.events.append(["call", name, list(slots), self.mirror()])
        result = yield from steps
        self.events.append(["return", result is not False, self.mirror()])
        return result

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.events: list[Any] = []

    def mirror(self) -> dict[str, Any]:
        return {"hdr": self.hdr, "words": self.words, "pages": self.pages}

    def take_shared(self, slot: int) -> Steps:
        return self.note("takeShared", (slot,), super().take_shared(slot))

    def release_shared(self, slot: int) -> Steps:
        return self.note("releaseShared", (slot,), super().release_shared(slot))

    def take_exclusive(self, slots: tuple[int, ...]) -> Steps:
        return self.note("takeExclusive", slots, super().take_exclusive(slots))

    def release_exclusive(self, slots: tuple[int, ...], ack: int = 0) -> Steps:
        return self.note("releaseExclusive", slots, super().release_exclusive(slots, ack))

    def take_ahead(self) -> Steps:
        return self.note("takeAhead", (), super().take_ahead())

    def drop_ahead(self) -> Steps:
        return self.note("dropAhead", (), super().drop_ahead())

    def before_empty(self) -> Steps:
        return self.note("mayEmpty", (), super().before_empty())

    def tick(self) -> Steps:
        return self.note("giveBack", (), super().tick())


def seen(files: Files) -> dict[str, Any]:
    """The files that are the engine's."""
    keys = ("words", "hdr", "tail", "rec", "recoveries", "shm")
    return {**{key: getattr(files, key) for key in keys}, "rows": [row.slots for row in files.rows]}


def record(scenario: Scenario, seed: int, begin: tuple[int, ...] = (), limit: int = 1500) -> dict[str, Any]:
    """One schedule: `begin` says who goes first, for so many steps; then chance does."""
    choose = random.Random(seed)
    files = scenario.files()
    first = seen(files)
    instances: list[Traced] = []
    steps: list[Steps] = []
    requests: list[Any] = []
    noted: list[dict[str, Any]] = []

    def events(who: int) -> list[Any]:
        found, instances[who].events = instances[who].events, []
        return found

    for who, script in enumerate(scenario.scripts):
        caching = who in scenario.caching
        instances.append(Traced(who, files, scenario.without, caching=caching, joined=True))
        steps.append(program(instances[who], (Connection(),), script))
        requests.append(next(steps[who]))
        noted.append({"who": who, "op": ["start"], "events": events(who)})
    crashes, who, turn = scenario.crashes, 0, 0
    while any(requests) and turn < limit:
        live = [i for i, request in enumerate(requests) if request]
        if turn < len(begin) and begin[turn] in live:
            who = begin[turn]
        elif who not in live or choose.random() < 0.3:
            who = choose.choice(live)
        turn += 1
        before = files
        if crashes and choose.random() < 0.02 and len(live) > 1:
            crashes -= 1
            requests[who] = None
            files = files._replace(alive=(*files.alive[:who], False, *files.alive[who + 1 :]))
            noted.append({"who": who, "op": ["crash"], "events": []})
            continue
        name, *arguments = request = requests[who]
        files, answer = getattr(files, f"do_{name}")(who, *arguments)
        files.check()
        try:
            requests[who] = steps[who].send(answer)
        except StopIteration:
            requests[who] = None
        step = {"who": who, "op": list(request), "answer": answer, "events": events(who)}
        if seen(files) != seen(before):
            step["files"] = seen(files)
        noted.append(step)
    title = f"{scenario.name}{', wal2' if scenario.wal2 else ''}, seed {seed}"
    return {
        "title": title,
        "wal2": scenario.wal2,
        "count": len(scenario.scripts),
        "caching": scenario.caching,
        "first": first,
        "steps": noted,
    }


def schedule(scenario: Scenario, rule: str) -> tuple[int, ...]:
    """Who does a step when, in the counterexample that there is without `rule`."""
    result = Checker(Scenario(**{**vars(scenario), "without": frozenset([rule])})).explore(2_000_000)
    if not result.fault:
        raise InvariantError(f"no counterexample without {rule}")
    return tuple(step.who for step in result.trace)
