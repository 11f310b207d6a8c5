"""A small explicit-state checker: breadth first over all interleavings of instances, which may crash at any step.

Instances are generators (protocol.py). A generator cannot be copied, but what it does next follows from where it is:
the lines of its frames, their local variables, and the instance's attributes. That *signature* names a local state; a
local state and an answer lead to the next one, once and for all. So each piece of an instance's program runs once, and
exploring is looking up numbers. (A `for` loop must run over what follows from the local variables.)

A state of the whole is the number of the files' state and one number for each instance.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from model.protocol import (
    EXCLUSIVE,
    MARKS,
    NOT_USED,
    NOTHING,
    OPENED,
    WRITE,
    Connection,
    Files,
    Instance,
    InvariantError,
    Op,
    Request,
    Row,
    program,
)

DONE, DEAD, WRONG = "done", "dead", "wrong"
BITS = 21


@dataclass(frozen=True)
class Scenario:
    """Programs of instances (at most one connection works at a time in each), and what may happen."""

    name: str
    scripts: tuple[tuple[Op, ...], ...]
    wal2: bool = False
    crashes: int = 0
    """How many instances may be killed, each between any two steps."""
    mortal: tuple[int, ...] = tuple(range(9))
    """Who may be killed."""
    caching: tuple[int, ...] = ()
    """Which instances keep read locks."""
    preemptions: int | None = None
    """How often an instance may be interrupted that could go on; None: always."""
    frames: int = 0
    """Commits in the WAL at the beginning."""
    words: tuple[int, int, int] | None = None
    """nBackfill and read marks at the beginning."""
    without: frozenset[str] = frozenset()
    """Rules that are taken out."""

    def files(self) -> Files:
        opened = [script[:1] != ("open",) for script in self.scripts]
        rows = tuple(Row(i, OPENED, 0) if joined else Row(-1, NOTHING, 0) for i, joined in enumerate(opened))
        files = first_files(self.wal2, rows, self.frames, any(opened))
        return files if self.words is None else files._replace(words=self.words, db=(self.words[0], 0))


def first_files(wal2: bool, rows: tuple[Row, ...], frames: int, opened: bool) -> Files:
    """A database with `frames` commits in its WAL, which the index knows."""
    from model.protocol import Frame, Hdr, Wal

    done = tuple(Frame(0, 0, n, True) for n in range(1, frames + 1))
    wals = (Wal(0, 0, done) if frames else None, None)
    hdr = Hdr(0, (frames, 0), 0, frames) if opened else None
    words = (0, frames, NOT_USED) if opened and not wal2 else (0, 0, 0)
    shm = ((0,) * frames if opened else (), ())
    tail = (frames if opened else 0, ())
    return Files(
        wal2, words, hdr, tail, False, rows, shm, wals, (0, 0), (True,) * len(rows), -1, frames, (0,) * (frames + 1)
    )


class Local(NamedTuple):
    """A local state: what the instance asks for next, and what invariants need."""

    request: Request | None
    """None: it has ended."""
    end: str
    holds_write: bool
    marks: tuple[tuple[int, int], ...]
    """Of open snapshots: place of the mark, mxFrame."""


class Automaton:
    """The local states of one instance, made as they are reached."""

    def __init__(self, scenario: Scenario, me: int) -> None:
        self.scenario, self.me = scenario, me
        self.files = scenario.files()
        self.locals: list[Local] = [Local(None, DEAD, False, ())]
        self.history: list[tuple[int, Any]] = [(-1, None)]
        self.numbers: dict[Any, int] = {}
        self.next: dict[tuple[int, Any], int] = {}
        self.live: dict[int, tuple[Instance, tuple[Connection, ...], Generator[Request, Any, Any]]] = {}
        """Generators that stand at a local state: each can go one way, which saves to run another one up to there."""
        self.first = self.run(-1, None)

    def start(self) -> tuple[Instance, tuple[Connection, ...], Generator[Request, Any, Any]]:
        script = self.scenario.scripts[self.me]
        joined = script[:1] != ("open",)
        caching = self.me in self.scenario.caching
        inst = Instance(self.me, self.files, self.scenario.without, caching=caching, joined=joined)
        conns = tuple(
            Connection() for _ in range(1 + max((op[1] for op in script if isinstance(op, tuple)), default=0))
        )
        return inst, conns, program(inst, conns, script)

    def step(self, local: int, answer: Any) -> int:
        key = (local, answer)
        found = self.next.get(key)
        if found is None:
            found = self.next[key] = self.run(local, answer)
        return found

    def run(self, local: int, answer: Any) -> int:
        """Runs the program from its beginning with the answers that led to `local`, then with `answer`."""
        answers = [answer]
        live = self.live.pop(local, None)
        if live is None:
            live = self.start()
            answers.extend(self.answers(local))
        inst, conns, steps = live
        try:
            for one in reversed(answers):
                request = steps.send(one)
        except StopIteration:
            return self.number((DONE,), Local(None, DONE, False, ()), local, answer)
        except InvariantError as error:
            return self.number((WRONG, str(error)), Local(("wrong", str(error)), WRONG, False, ()), local, answer)
        held = inst.held[WRITE] == EXCLUSIVE and inst.exclusive[WRITE]
        marks = () if inst.wal2 else tuple((MARKS[c.lock], c.hdr.mx[0]) for c in conns if c.lock in MARKS and c.hdr)
        number = self.number(signature(inst, conns, steps), Local(request, "", held, marks), local, answer)
        if len(self.live) < 10_000:
            self.live[number] = live
        return number

    def answers(self, local: int) -> list[Any]:
        """Those that led to a local state, the last one first."""
        found = []
        while local >= 0:
            local, answer = self.history[local]
            found.append(answer)
        return found

    def number(self, key: Any, local: Local, parent: int, answer: Any) -> int:
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.locals)
            self.locals.append(local)
            self.history.append((parent, answer))
        return found


def signature(inst: Instance, conns: tuple[Connection, ...], steps: Generator[Any, Any, Any]) -> Any:
    parts: list[Any] = [tuple(v for k, v in vars(inst).items() if k != "without")]
    parts.extend(tuple(vars(c).values()) for c in conns)
    frame: Any = steps
    while frame is not None:
        here = frame.gi_frame
        values = tuple(
            (k, v) for k, v in here.f_locals.items() if not isinstance(v, Instance | Connection | dict) and k != "conns"
        )
        parts.append((frame.gi_code.co_name, here.f_lasti, values))
        frame = frame.gi_yieldfrom
    return tuple(parts)


class Step(NamedTuple):
    who: int
    request: Request
    """("crash",) for a kill."""
    answer: Any
    files: Files

    def __str__(self) -> str:
        name, *arguments = self.request
        shown = "" if self.answer is None else f" -> {self.answer}"
        return f"{self.who}: {name} {', '.join(map(str, arguments))}{shown}"


@dataclass
class Result:
    states: int
    complete: bool
    """Whether all states within the scenario were seen."""
    fault: str = ""
    trace: list[Step] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.states} states{'' if self.complete else ' (not all)'}: {self.fault or 'no fault'}",
                *map(str, self.trace),
            ]
        )


class Checker:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.count = len(scenario.scripts)
        self.automata = [Automaton(scenario, i) for i in range(self.count)]
        self.files: list[Files] = []
        self.file_numbers: dict[Files, int] = {}
        self.faults: dict[int, str] = {}
        self.effects: dict[tuple[int, int, Request], tuple[int, Any]] = {}
        self.number(scenario.files())

    def number(self, files: Files) -> int:
        found = self.file_numbers.get(files)
        if found is None:
            found = self.file_numbers[files] = len(self.files)
            self.files.append(files)
            try:
                files.check()
            except InvariantError as error:
                self.faults[found] = str(error)
        return found

    def effect(self, files: int, who: int, request: Request) -> tuple[int, Any]:
        """The files after a request, and its answer; -1 and a message if it breaks an invariant."""
        key = (files, who, request)
        found = self.effects.get(key)
        if found is None:
            name, *arguments = request
            try:
                after, answer = getattr(self.files[files], f"do_{name}")(who, *arguments)
                found = (self.number(after), answer)
            except InvariantError as error:
                found = (-1, str(error))
            self.effects[key] = found
        return found

    def kill(self, files: int, who: int) -> int:
        before = self.files[files]
        return self.number(before._replace(alive=(*before.alive[:who], False, *before.alive[who + 1 :])))

    def fault(self, files: int, locals_: list[int]) -> str:
        """An invariant that does not hold of this state, or nothing."""
        if files in self.faults:
            return self.faults[files]
        writers = 0
        for automaton, number in zip(self.automata, locals_, strict=True):
            local = automaton.locals[number]
            if local.end == WRONG and local.request is not None:
                return str(local.request[1])
            writers += local.holds_write
            for at, mx in local.marks:
                if self.files[files].words[at] > mx:
                    return f"the file's read mark {at} is beyond a snapshot of its holder"
        return "two instances hold WRITE" if writers > 1 else ""

    # A state is one number: the files', the instances' (BITS each), who ran last and how often it may be interrupted.

    def pack(self, files: int, locals_: list[int], last: int, left: int) -> int:
        state = (files << 8) | (left << 4) | last
        for local in locals_:
            state = (state << BITS) | local
        return state

    def unpack(self, state: int) -> tuple[int, list[int], int, int]:
        locals_ = []
        for _ in range(self.count):
            locals_.append(state & ((1 << BITS) - 1))
            state >>= BITS
        locals_.reverse()
        return state >> 8, locals_, state & 15, (state >> 4) & 15

    def begin(self) -> int:
        return self.pack(0, [a.first for a in self.automata], 0, self.scenario.preemptions or 0)

    def successors(self, state: int) -> Iterator[tuple[int, int, bool]]:
        """State, who, whether it was killed. A message instead of a state: a fault in the step itself."""
        files, locals_, last, left = self.unpack(state)
        bounded = self.scenario.preemptions is not None
        running = self.automata[last].locals[locals_[last]]
        free = not bounded or running.request is None or running.request[0] in ("pause", "begin")
        crashes = self.scenario.crashes - sum(local == 0 for local in locals_)
        for who in range(self.count):
            local = self.automata[who].locals[locals_[who]]
            if local.request is None:
                continue
            cost = 0 if free or who == last else 1
            if cost <= left or not bounded:
                after, answer = self.effect(files, who, local.request)
                if after < 0:
                    yield -1, who, False
                else:
                    moved = locals_.copy()
                    moved[who] = self.automata[who].step(locals_[who], answer)
                    yield self.pack(after, moved, who if bounded else 0, left - cost), who, False
            if crashes > 0 and who in self.scenario.mortal and (not bounded or who == last):
                moved = locals_.copy()
                moved[who] = 0
                yield self.pack(self.kill(files, who), moved, last, left), who, True

    def explore(self, limit: int, progress: bool = False) -> Result:
        """All states, breadth first, at most `limit`; with `progress`, whether each can come to an end."""
        first = self.begin()
        parents: dict[int, int] = {first: -1}
        edges: dict[int, list[int]] = {}
        ends: list[int] = []
        level = [first]
        while level:
            following: list[int] = []
            for state in level:
                ended = True
                for after, who, killed in self.successors(state):
                    ended = ended and killed
                    if after < 0:
                        files, locals_, *_ = self.unpack(state)
                        request = self.automata[who].locals[locals_[who]].request
                        assert request is not None
                        message = self.effect(files, who, request)[1]
                        trace = self.trace(parents, state)
                        return Result(
                            len(parents), False, message, [*trace, Step(who, request, message, self.files[files])]
                        )
                    if progress:
                        edges.setdefault(after, []).append(state)
                    if after in parents:
                        continue
                    parents[after] = state
                    files, locals_, *_ = self.unpack(after)
                    fault = self.fault(files, locals_)
                    if fault:
                        return Result(len(parents), False, fault, self.trace(parents, after))
                    following.append(after)
                if ended:
                    ends.append(state)
            if len(parents) > limit:
                return Result(len(parents), False)
            level = following
        if progress:
            stuck = self.stuck(parents, edges, ends)
            if stuck is not None:
                return Result(len(parents), True, "nobody can come to an end", self.trace(parents, stuck))
        return Result(len(parents), True)

    def stuck(self, parents: dict[int, int], edges: dict[int, list[int]], ends: list[int]) -> int | None:
        """A state from which no end can be reached."""
        good = set(ends)
        todo = list(ends)
        while todo:
            for before in edges.get(todo.pop(), ()):
                if before not in good:
                    good.add(before)
                    todo.append(before)
        return next((state for state in parents if state not in good), None)

    def trace(self, parents: dict[int, int], state: int) -> list[Step]:
        path = []
        while state >= 0:
            path.append(state)
            state = parents[state]
        path.reverse()
        steps = []
        for before, after in zip(path, path[1:], strict=False):  # noqa: RUF007 (3.10)
            who, killed = next((w, k) for s, w, k in self.successors(before) if s == after)
            steps.append(self.describe(before, after, who, killed))
        return steps

    def describe(self, before: int, after: int, who: int, killed: bool) -> Step:
        files, locals_, *_ = self.unpack(before)
        now = self.files[self.unpack(after)[0]]
        request = self.automata[who].locals[locals_[who]].request
        if killed or request is None:
            return Step(who, ("crash",), None, now)
        return Step(who, request, self.effect(files, who, request)[1], now)

    def walk(self, seed: int, limit: int = 2000) -> Result:
        """One random schedule to its end. Bursts, since uniform choice seldom lets anybody finish anything."""
        choose = random.Random(seed)
        state = self.begin()
        steps: list[Step] = []
        who = 0
        for _ in range(limit):
            moves = list(self.successors(state))
            live = [m for m in moves if not m[2]]
            if not live:
                break
            if any(m[0] < 0 for m in live):
                return Result(len(steps), False, "a step breaks an invariant", steps)
            if choose.random() < 0.3 or not any(m[1] == who for m in live):
                who = choose.choice(live)[1]
            killed = [m for m in moves if m[2] and m[1] == who]
            after, who, dead = (
                choose.choice(killed) if killed and choose.random() < 0.01 else next(m for m in live if m[1] == who)
            )
            steps.append(self.describe(state, after, who, dead))
            state = after
            files, locals_, *_ = self.unpack(state)
            if self.fault(files, locals_):
                return Result(len(steps), False, self.fault(files, locals_), steps)
        return Result(len(steps), True, "", steps)


def check(scenario: Scenario, limit: int = 300_000, progress: bool = False) -> Result:
    return Checker(scenario).explore(limit, progress)
