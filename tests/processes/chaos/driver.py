"""Clerks of a bank (bank.cjs), who are killed, stopped and replaced, and the ledger of what they said.

What a clerk says is written to a file as it comes; at the end the database has to agree with it, row by row.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import nodejs
from processes.actors import Actor

SCRIPT = Path(__file__).with_name("bank.cjs")
ACCOUNTS = 64
BALANCE = 1000
BOOKING = """
create view booking as select * from ledger;
create trigger book instead of insert on booking begin
  update account set balance = balance - new.amount, moves = moves + 1 where id = new.src;
  update account set balance = balance + new.amount, moves = moves + 1 where id = new.dst;
  insert into ledger values (new.id, new.src, new.dst, new.amount);
end
"""
"""A transfer in one statement."""
BUSY_TIMEOUT = 4.0
"""Seconds; the busy handler of a clerk's connections."""
BOUND = 5.0
"""Seconds that no statement may take, unless somebody was stopped meanwhile."""
READER = 1
"""The place of a clerk who only reads, and so never waits for writers."""
AT_LEAST = 20
"""Commits that a phase goes on for, though its time is over."""
PATIENCE = 60.0
"""Seconds for what has no bound but the machine's."""
LONG_ENOUGH = 3.0
"""Seconds in which somebody reads, if it is possible at all; on a machine that stands still meanwhile, PATIENCE."""
KILL_EVERY = 1.0
HURRY = 0.9
"""Seconds after which a process that was to be killed at a certain place is killed wherever it is."""
STALL = 0.3
"""Seconds: if the driver itself comes too late by that much, it was the machine."""


@dataclass(frozen=True)
class Phase:
    """One database in one mode, under so many processes."""

    mode: str
    processes: int
    threads: int
    seconds: float
    stop_for: float
    """Seconds that a stopped process stays so."""
    seed: int
    without: Sequence[int | str] = ()
    last: str = "closes"
    """How the last of them ends: `closes` the database, or all are `killed` at once."""

    @property
    def name(self) -> str:
        return f"{self.mode} {self.processes}x{self.threads}"


@dataclass
class Tally:
    """What happened in a phase."""

    counts: Counter[str] = field(default_factory=Counter)
    longest_statement: tuple[float, str] = (0.0, "")
    longest_explained: tuple[float, str] = (0.0, "")
    longest_work: tuple[float, str] = (0.0, "")


@dataclass
class Clerk:
    """A process and what is known of it."""

    slot: int
    number: int
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    rest: bytes = b""
    condemned: float | None = None
    """When it is killed at the latest."""
    stopped_until: float | None = None
    snapshots_before: int | None = None
    """How many snapshots there had been when it was stopped in the midst of a commit."""
    window: list[float] = field(default_factory=list)
    """When it was stopped, from and to."""

    def tell(self, order: str, value: Any) -> None:
        assert self.process.stdin is not None
        # It may have ended, and we have not noticed yet; a pipe that is full is one of somebody who is stopped.
        with suppress(BrokenPipeError, BlockingIOError):
            self.process.stdin.write(json.dumps({order: value}).encode() + b"\n")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


class LedgerError(AssertionError):
    """Something that must not be. The ledger is kept where the message says."""


class Bank:
    """Runs one phase."""

    def __init__(self, package: Path, folder: Path, phase: Phase) -> None:
        self.package = package
        self.file = folder / "a.db"
        self.folder = folder.with_name(f"{folder.name}-ledger")
        self.phase = phase
        self.random = random.Random(phase.seed)
        self.tally = Tally()
        self.clerks: dict[int, Clerk] = {}
        self.selector = selectors.DefaultSelector()
        self.started = 0
        self.attempted: set[int] = set()
        self.acknowledged: set[int] = set()
        self.refused: set[int] = set()
        self.wrong: list[str] = []
        self.windows: list[list[float]] = []
        """When somebody was stopped, or all were, from and to."""
        self.listened = time.monotonic()
        """When we last looked for what the clerks say."""
        folder.mkdir()
        self.folder.mkdir()
        self.log = (self.folder / "said.txt").open("w", encoding="utf-8")

    # What the clerks say.

    def heard(self, clerk: Clerk, line: str, now: float) -> None:
        self.log.write(f"{now:.3f} {clerk.number} {line}\n")
        kind, _, text = line.partition(" ")
        counts = self.tally.counts
        if kind == "a":
            self.attempted.add(int(text))
        elif kind == "c":
            if int(text) in self.acknowledged:
                self.wrong.append(f"clerk {clerk.number} acknowledged {text} twice")
            self.acknowledged.add(int(text))
            counts["commits"] += 1
        elif kind == "f":
            number, _, why = text.partition(" ")
            self.refused.add(int(number))
            counts[f"refused: {why}"] += 1
        elif kind in ("w", "r"):
            milliseconds, _, what = text.partition(" ")
            self.waited(kind, int(milliseconds) / 1000, what, now)
        elif kind == "e":
            self.wrong.append(f"clerk {clerk.number}: {text}")
        elif kind == "t":
            act, _, where = text.partition(" ")
            counts[f"{act} at {where}"] += 1
            if act == "SIGSTOP":
                self.stopped(clerk, now)
                clerk.snapshots_before = counts["snapshots"]
        else:
            counts[{"s": "snapshots", "k": "checkpoints", "b": "timeouts", "d": "terminated", "h": "opened"}[kind]] += 1

    def waited(self, kind: str, seconds: float, what: str, now: float) -> None:
        tally = self.tally
        if kind == "r":
            tally.longest_work = max(tally.longest_work, (seconds, what))
            return
        begun = now - seconds
        if any(begin < now and end > begun for begin, end in self.windows):
            tally.longest_explained = max(tally.longest_explained, (seconds, what))
            return
        tally.longest_statement = max(tally.longest_statement, (seconds, what))
        if seconds > BOUND:
            self.wrong.append(f"{what!r} took {seconds} s, and nobody was stopped")

    # What is done to them.

    def start(self, slot: int) -> None:
        phase = self.phase
        self.started += 1
        plan = {
            "package": str(self.package),
            "file": str(self.file),
            "mode": phase.mode,
            "number": self.started,
            "seed": self.random.randrange(2**32),
            "threads": phase.threads,
            "checkpoints": slot == 0,
            "writes": {0: 0.1, READER: 0.0}.get(slot, 0.75),
            "timeout": int(BUSY_TIMEOUT * 1000),
            "without": list(phase.without),
            "accounts": ACCOUNTS,
            "balance": BALANCE,
        }
        errors = (self.folder / f"stderr-{self.started}.txt").open("wb")
        process = subprocess.Popen(
            [nodejs.node(), str(SCRIPT), json.dumps(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            # A process group with a stopped member that loses its parent's shell is sent SIGHUP.
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        os.set_blocking(process.stdin.fileno(), False)
        clerk = Clerk(slot, self.started, process, errors)
        self.clerks[slot] = clerk
        self.selector.register(process.stdout, selectors.EVENT_READ, clerk)

    def kill(self, clerk: Clerk) -> None:
        self.log.write(f"{time.monotonic():.3f} {clerk.number} KILLED\n")
        clerk.send(signal.SIGKILL)

    def stopped(self, clerk: Clerk, now: float) -> None:
        clerk.stopped_until = now + self.phase.stop_for
        clerk.window = [now, clerk.stopped_until + STALL]
        self.windows.append(clerk.window)
        self.tally.counts["stops"] += 1

    def proceed(self, clerk: Clerk, now: float) -> None:
        if clerk.snapshots_before is not None:
            read = self.tally.counts["snapshots"] - clerk.snapshots_before
            if read == 0 and self.phase.stop_for >= LONG_ENOUGH and now < clerk.window[0] + PATIENCE:
                clerk.stopped_until = now + LONG_ENOUGH
                clerk.window[1] = clerk.stopped_until + STALL
                return
            self.tally.counts["snapshots while a commit stood still"] += read
            if read == 0 and self.phase.stop_for >= LONG_ENOUGH:
                self.wrong.append(f"nobody could read while clerk {clerk.number} was stopped in a commit")
            clerk.snapshots_before = None
        clerk.stopped_until = None
        if self.random.random() < 0.3:
            self.kill(clerk)
        else:
            clerk.send(signal.SIGCONT)

    def place(self) -> dict[str, Any]:
        """A place in the engine where to meet one's end."""
        journals = {"delete": ["-journal"], "wal": ["-wal"], "wal2": ["-wal", "-wal2"]}[self.phase.mode]
        places = [*journals, "-wasmfix", ""] + (["publish"] * 3 if self.phase.mode != "delete" else [])
        return {"where": self.random.choice(places), "skip": self.random.randrange(4)}

    def condemn(self, now: float) -> None:
        """The death of one of them: at once, or at a place that is worth it."""
        clerk = self.clerks[self.random.randrange(self.phase.processes)]
        if clerk.stopped_until is not None or clerk.condemned is not None:
            return
        # Whoever shows that one can read while a commit stands still.
        if clerk.slot == READER and self.stands_still():
            return
        if self.random.random() < 0.5:
            self.kill(clerk)
        else:
            clerk.condemned = now + HURRY
            clerk.tell("trap", {"signal": "SIGKILL", **self.place()})

    def stands_still(self) -> bool:
        """Whether somebody is stopped in the midst of a commit."""
        return any(one.snapshots_before is not None for one in self.clerks.values())

    def stop_one(self, now: float, where: str) -> bool:
        clerk = self.clerks[self.random.choice([slot for slot in self.clerks if slot > READER])]
        if clerk.stopped_until is not None or clerk.condemned is not None:
            return False
        if where == "commit" and self.phase.mode != "delete":
            clerk.tell("trap", {"signal": "SIGSTOP", "where": where, "skip": self.random.randrange(2)})
        else:
            clerk.send(signal.SIGSTOP)
            self.stopped(clerk, now)
        return True

    def ended(self, clerk: Clerk) -> int:
        assert clerk.process.stdin is not None
        assert clerk.process.stdout is not None
        self.selector.unregister(clerk.process.stdout)
        clerk.process.stdin.close()
        clerk.process.stdout.close()
        clerk.errors.close()
        del self.clerks[clerk.slot]
        code = clerk.process.wait()
        if code == -signal.SIGKILL:
            self.tally.counts["kills"] += 1
        elif code != 0:
            errors = Path(clerk.errors.name).read_text(encoding="utf-8", errors="replace")
            self.wrong.append(f"clerk {clerk.number} ended with {code}: {errors[-2000:]}")
        return code

    def hear(self, seconds: float) -> list[Clerk]:
        """What comes within this time; who has ended."""
        ended = []
        ready = self.selector.select(max(0.0, seconds))
        now = time.monotonic()
        # Before anything is judged that was said meanwhile.
        if now > self.listened + seconds + STALL:
            self.windows.append([self.listened, now])
        self.listened = now
        for key, _ in ready:
            clerk: Clerk = key.data
            chunk = os.read(key.fd, 1 << 16)
            if not chunk:
                ended.append(clerk)
                continue
            *lines, clerk.rest = (clerk.rest + chunk).split(b"\n")
            now = time.monotonic()
            for line in lines:
                self.heard(clerk, line.decode(), now)
        return ended

    # The whole.

    def run(self) -> Tally:
        with Actor(self.package) as teller:
            self.open_accounts(teller)
        try:
            for slot in range(self.phase.processes):
                self.start(slot)
            self.await_all()
            self.go_on(self.phase.seconds)
            if self.phase.last == "closes":
                self.close()
            else:
                self.kill_all()
        finally:
            for clerk in list(self.clerks.values()):
                clerk.process.kill()
                self.ended(clerk)
            self.log.close()
            self.selector.close()
        self.insist()
        return self.tally

    def open_accounts(self, teller: Actor) -> None:
        teller.open(self.file)
        assert teller.pragma(f"journal_mode={self.phase.mode}") == self.phase.mode
        teller.exec("create table account (id integer primary key, balance int, moves int, note blob)")
        teller.exec("create table ledger (id integer primary key, src int, dst int, amount int)")
        teller.exec(BOOKING)
        teller.exec(
            f"with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < {ACCOUNTS}) "
            f"insert into account select i, {BALANCE}, 0, randomblob(700) from n"
        )
        teller.close()

    def await_all(self) -> None:
        """Until all have the database open: on a busy machine that takes a while."""
        deadline = time.monotonic() + PATIENCE
        while self.tally.counts["opened"] < self.phase.processes and not self.wrong:
            assert time.monotonic() < deadline, "the clerks do not come"
            for clerk in self.hear(0.1):
                self.ended(clerk)

    def go_on(self, seconds: float) -> None:
        begun = time.monotonic()
        end = begun + seconds
        next_kill = begun + KILL_EVERY
        next_word = begun
        # Twice in a phase somebody is stopped: in the midst of a publish, and anywhere.
        stops = [(begun + seconds * 0.2, "commit"), (begun + seconds * 0.5, "anywhere")]
        while not self.wrong:
            now = time.monotonic()
            is_enough = len(self.acknowledged) >= AT_LEAST
            if now > end and ((is_enough and not self.stands_still()) or now > end + PATIENCE):
                break
            for clerk in self.hear(0.02):
                self.ended(clerk)
                self.start(clerk.slot)
            if now >= next_kill:
                next_kill += KILL_EVERY
                self.condemn(now)
            if stops and now >= stops[0][0] and self.stop_one(now, stops[0][1]):
                stops.pop(0)
            for clerk in self.clerks.values():
                if clerk.condemned is not None and now > clerk.condemned:
                    clerk.condemned = None
                    self.kill(clerk)
                if clerk.stopped_until is not None and now > clerk.stopped_until:
                    self.proceed(clerk, now)
            if now >= next_word:
                next_word = now + 0.1
                clerks = list(self.clerks.values())
                for clerk in clerks:
                    clerk.tell("known", len(self.acknowledged))
                if self.random.random() < 0.05:
                    self.random.choice(clerks).tell("clock", self.random.choice((-1, 1)) * 10 * 365 * 86_400_000)
                    self.tally.counts["clock jumps"] += 1

    def close(self) -> None:
        """All go home but one, and then that one: alone, so that it is the last to close the database."""
        for clerk in self.clerks.values():
            clerk.send(signal.SIGCONT)
        last = max(self.clerks)
        for slots in ([slot for slot in self.clerks if slot != last], [last]):
            for slot in slots:
                if slot in self.clerks:
                    self.clerks[slot].tell("stop", True)
            deadline = time.monotonic() + PATIENCE
            while any(slot in self.clerks for slot in slots):
                if time.monotonic() > deadline:
                    self.wrong.append(f"clerks {slots} do not end")
                    return
                for clerk in self.hear(0.1):
                    # One that had a trap on its way out was not the last to close anything.
                    if self.ended(clerk) != 0 and clerk.slot == last:
                        self.start(last)
                        self.clerks[last].tell("stop", True)

    def kill_all(self) -> None:
        for clerk in self.clerks.values():
            self.kill(clerk)
        # What they have said until then counts.
        while self.clerks:
            for clerk in self.hear(1.0):
                self.ended(clerk)

    def insist(self) -> None:
        if self.wrong:
            raise LedgerError(f"{self.phase}: " + "; ".join(self.wrong[:10]) + f"\nThe ledger: {self.folder}")

    def audit(self, package: Path) -> None:
        """Whether the database agrees with the ledger, read with this package."""
        with Actor(package) as auditor:
            auditor.open(self.file)
            integrity = auditor.value("pragma integrity_check")
            rows = json.loads(auditor.value("select json_group_array(json_array(id, src, dst, amount)) from ledger"))
            accounts = json.loads(auditor.value("select json_group_array(json_array(id, balance, moves)) from account"))
            auditor.close()
        wrong = self.wrong
        if integrity != "ok":
            wrong.append(f"integrity_check: {integrity}")
        there = {row[0] for row in rows}
        if len(there) != len(rows):
            wrong.append("a transfer is there twice")
        if lost := self.acknowledged - there:
            wrong.append(f"{len(lost)} acknowledged transfers are lost: {sorted(lost)[:5]}")
        if back := there & self.refused:
            wrong.append(f"{len(back)} transfers are there that were not committed: {sorted(back)[:5]}")
        if strange := there - self.attempted:
            wrong.append(f"{len(strange)} transfers are there that nobody made: {sorted(strange)[:5]}")
        balance = [BALANCE] * ACCOUNTS
        moves = [0] * ACCOUNTS
        for _, src, dst, amount in rows:
            balance[src] -= amount
            balance[dst] += amount
            moves[src] += 1
            moves[dst] += 1
        if accounts != [[i, balance[i], moves[i]] for i in range(ACCOUNTS)]:
            wrong.append("the accounts are not what the ledger makes of them")
        self.tally.counts["in doubt, there"] = len(there - self.acknowledged)
        self.insist()
