"""A bank whose clerks are killed every second loses nothing (issue: many processes, one replica).

`make chaos` runs it for ten minutes; a plain run of the tests takes a minute for it. WASMFIX_CHAOS_SECONDS and
WASMFIX_CHAOS_SEED say otherwise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from processes.chaos.conftest import LONG, SECONDS, SEED, SHORT, Report
from processes.chaos.driver import Bank, LedgerError, Phase
from processes.conftest import Start, left

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(sys.platform != "linux", reason="signals and /proc as Linux has them"),
    pytest.mark.timeout(SECONDS + 600),
]

STOP_FOR = 30.0 if SECONDS >= LONG else 3.0
PHASES = [("wal2", 8, 1, 0.27), ("wal", 8, 1, 0.22), ("wal2", 4, 2, 0.2), ("wal", 4, 2, 0.17), ("delete", 8, 1, 0.1)]
DOUBT_FOR = 60.0
"""It ends when somebody has noticed."""


def phase(number: int) -> Phase:
    mode, processes, threads, share = PHASES[number]
    return Phase(mode, processes, threads, SECONDS * share, STOP_FOR, SEED + number)


@pytest.mark.parametrize("number", range(len(PHASES)), ids=[f"{m}-{p}x{t}" for m, p, t, _ in PHASES])
def test_nothing_is_lost(engine: Path, native: Path, tmp_path: Path, number: int, report: Report) -> None:
    bank = Bank(engine, tmp_path / "bank", phase(number))
    report.tallies[bank.phase.name] = bank.tally
    bank.run()
    assert left(bank.file) == ["a.db"]
    bank.audit(engine)
    bank.audit(native)


@pytest.mark.parametrize("mode", ["wal2", "wal"])
def test_when_all_are_killed_at_once_native_finds_every_commit(
    engine: Path, native: Path, tmp_path: Path, mode: str
) -> None:
    bank = Bank(engine, tmp_path / "bank", Phase(mode, 4, 1, 1.5, 0.2, SEED, last="killed"))
    bank.run()
    assert "a.db-wasmfix" in left(bank.file)
    bank.audit(native)
    bank.audit(engine)
    assert left(bank.file) == ["a.db"]


def test_without_a_look_at_others_locks_it_is_noticed(engine: Path, native: Path, tmp_path: Path) -> None:
    bank = Bank(engine, tmp_path / "bank", Phase("wal2", 8, 1, DOUBT_FOR, 0.2, SEED, without=("look",)))
    with pytest.raises(LedgerError):
        bank.run()
        bank.audit(native)


@pytest.mark.parametrize(
    ("forgery", "complaint"),
    [
        ("delete from ledger where id = {known}", "lost"),
        ("insert into ledger values (1, 0, 1, 0)", "nobody made"),
        ("update account set balance = balance + (id = 1) - (id = 2)", "accounts"),
    ],
)
def test_an_audit_finds_what_is_wrong(
    start: Start, engine: Path, native: Path, tmp_path: Path, forgery: str, complaint: str
) -> None:
    bank = Bank(engine, tmp_path / "bank", Phase("wal", 3, 1, 0.7, 0.2, SEED))
    bank.run()
    with start().open(bank.file) as forger:
        forger.exec(forgery.format(known=max(bank.acknowledged)))
        forger.close()
    with pytest.raises(LedgerError, match=complaint):
        bank.audit(native)


def test_it_was_hard_enough(report: Report) -> None:
    if len(report.tallies) < len(PHASES):
        pytest.skip("not all phases were run")
    assert report.total("kills") >= SECONDS / 3
    assert report.total("stops") > 0
    assert report.total("snapshots") > report.total("kills")
    if SECONDS >= SHORT:
        assert sum(report.total(f"SIGKILL at {where}") for where in ("publish", "write -wal", "write -wal2")) > 0
    if SECONDS >= LONG:
        assert report.total("commits") >= 100_000
