# ruff: noqa: E402 - this checkout's folders come first
"""`python bench/hydration [SHAPE…]`: the heap that Zero takes to hydrate shapes of data, and what wasmfix projects.

Bytes in MB of 10^6. What the constants of cli/wasmfix/diagnostics/hydration/model.toml were made from, and are
checked with: run it again for another version of Zero or Node. Needs the packages of the tests.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / folder) for folder in ("tests", "cli")]

import measure

from conftest import installed
from wasmfix.diagnostics import Options, run
from wasmfix.diagnostics.checks.replica import sections
from zero_cache import postgres as server

PHASES = ("before", "sent", "serialized", "after")
ZERO = ("@rocicorp/zero", "1.9.0")


def main(names: list[str]) -> None:
    project = installed(*ZERO)
    with tempfile.TemporaryDirectory(prefix="wasmfix-bench-") as home:
        folder = Path(home)
        (folder / "postgres").mkdir()
        folder.chmod(0o711)
        postgres = server.start(folder / "postgres")
        try:
            print("| shape | rows |", " | ".join([*PHASES, "peak", "projected", "off by", "above idle by"]), "|")
            print("| --- |" + " ---: |" * 9)
            for name in names:
                print(_line(project, folder / "replica.db", name, postgres), flush=True)
        finally:
            postgres.stop()


def _line(project: Path, replica: Path, name: str, postgres: measure.Postgres) -> str:
    queries = measure.write_replica(project, replica, name)
    measured = measure.hydrate(project, replica, queries, postgres)
    report = run(sections(Options(replica=replica, queries=queries)), tell=lambda *_: None)
    projected = [each for each in report.projections if each.kind == "query"][-1].heap
    before, peak = measured.peaks["before"], measured.peak
    sizes = [measured.peaks.get(phase, 0) for phase in PHASES] + [peak, projected]
    off = [projected / peak - 1, (projected - before) / (peak - before) - 1]
    cells = [name, f"{measured.rows:,}", *(f"{size / 1e6:.1f}" for size in sizes), *(f"{each:+.1%}" for each in off)]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(sys.argv[1:] or [*measure.shapes("FITTED"), *measure.shapes("HELD_OUT")])
