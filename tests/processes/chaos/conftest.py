"""How long, with which seed, and what came of it."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field

import pytest

from processes.chaos.driver import Tally

SHORT = 60.0
SECONDS = float(os.environ.get("WASMFIX_CHAOS_SECONDS", SHORT))
"""For all phases together."""
LONG = 600.0
SEED = int(os.environ.get("WASMFIX_CHAOS_SEED", random.randrange(10**6)))
"""Of what the driver and the clerks decide. The moments at which it happens are the machine's."""


@dataclass
class Report:
    """All phases of this session."""

    tallies: dict[str, Tally] = field(default_factory=dict)

    def total(self, count: str) -> int:
        return sum(tally.counts[count] for tally in self.tallies.values())


_report = Report()


@pytest.fixture(scope="session")
def report() -> Report:
    return _report


COLUMNS = ("commits", "snapshots", "checkpoints", "kills", "stops", "terminated", "clock jumps", "timeouts")


def pytest_report_header() -> str:
    return f"chaos: WASMFIX_CHAOS_SECONDS={SECONDS:g} WASMFIX_CHAOS_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _report.tallies:
        return
    write = terminalreporter.write_line
    terminalreporter.section(f"chaos, {SECONDS:g} s, seed {SEED}")
    write(" ".join([f"{'':12}", *(f"{column:>12}" for column in (*COLUMNS, "in a trap"))]))
    for name, tally in _report.tallies.items():
        trapped = sum(n for what, n in tally.counts.items() if what.startswith("SIGKILL at"))
        numbers = [*(tally.counts[column] for column in COLUMNS), trapped]
        write(" ".join([f"{name:12}", *(f"{number:12}" for number in numbers)]))
    write(" ".join([f"{'total':12}", *(f"{_report.total(column):12}" for column in COLUMNS)]))
    for name, tally in _report.tallies.items():
        write(
            f"{name}: longest statement {describe(tally.longest_statement)}; "
            f"while somebody was stopped {describe(tally.longest_explained)}; "
            f"longest work with all attempts {describe(tally.longest_work)}"
        )


def describe(wait: tuple[float, str]) -> str:
    seconds, what = wait
    return f"{seconds:.2f} s ({what})" if what else "none worth the name"
