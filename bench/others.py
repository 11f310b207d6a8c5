"""`python bench/others.py`: native zero-sqlite3, the engine, node-sqlite3-wasm and sql.js, side by side in one run.

Each runs the same workloads in processes of its own, in turn, PASSES times. A figure is the fastest of all rounds,
which says the same on a machine that is busy with other work; speed is native's time divided by the driver's.
Besides: which SQLite it is, what it can do, and what happens when two processes commit to one database at once.
patch-package is no driver: it is shown a patched package, to see what of it gets into its patch. All come from npm.
bedrock-sqlite is not in the registry and is not run here.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import nodejs  # noqa: E402
from conftest import BUILD, copy_tree, installed  # noqa: E402

SCRIPT = Path(__file__).with_name("others.cjs")
ZERO = "@rocicorp/zero-sqlite3"
FOLDER = BUILD / "bench-others"
Figures = dict[str, float]


@dataclass(frozen=True)
class Driver:
    name: str
    kind: str
    package: Path

    def run(self, action: str, *arguments: str | Path, rounds: int = 5, quiet: bool = False) -> list[dict[str, Any]]:
        command = [nodejs.node(), str(SCRIPT), self.kind, str(self.package), action, *map(str, arguments)]
        environment = {**os.environ, "BENCH_ROUNDS": str(rounds), "WASMFIX_ROW_WARN": "0"}
        errors = subprocess.DEVNULL if quiet else None
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=errors, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def version(self) -> str:
        return str(json.loads((self.package / "package.json").read_text())["version"])


def drivers() -> list[Driver]:
    source = installed(ZERO, "1.1.4")
    shutil.rmtree(FOLDER, ignore_errors=True)
    native, patched = (copy_tree(source, FOLDER / name) for name in ("native", "engine"))
    wasmfix(patched)
    found = [
        Driver("native", "better", native / "node_modules" / ZERO),
        Driver("wasmfix", "better", patched / "node_modules" / ZERO),
    ]
    for name, version in (("node-sqlite3-wasm", "0.8"), ("sql.js", "1")):
        found.append(Driver(name, name, installed(name, version) / "node_modules" / name))
    return found


def wasmfix(project: Path) -> None:
    environment = {
        **nodejs.environment(),
        "PYTHONPATH": str(ROOT / "cli"),
        "WASMFIX_CACHE_DIR": str(BUILD / "cache"),
    }
    command = [sys.executable, "-m", "wasmfix", "patch", str(project), "--no-verify"]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def two_writers(driver: Driver, seconds: float) -> str:
    """Two processes commit single rows to one database; what they say, and what is in the database afterwards."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder, ExitStack() as stack:
        file = Path(folder) / "counter.db"
        try:
            driver.run("make", file, quiet=True)
        except subprocess.CalledProcessError:
            return "has no files"
        command = [nodejs.node(), str(SCRIPT), driver.kind, str(driver.package), "write", str(file)]
        actors = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(2)
        ]
        for actor in actors:
            assert actor.stdout is not None
            actor.stdout.readline()
        said = []
        for actor in actors:
            assert actor.stdin is not None
            actor.stdin.write(f"{seconds * 1000:.0f}\n")
            actor.stdin.flush()
        for actor in actors:
            assert actor.stdout is not None
            said.append(json.loads(actor.stdout.readline()))
            actor.wait()
        (kept,) = driver.run("check", file)
        commits = sum(one["commits"] for one in said)
        refused = sum(one["refused"] for one in said)
        lost = commits - kept["n"]
        return f"{commits / seconds:,.0f} commits/s, {refused:,} refused, {lost:,} lost"


def patch_package() -> str:
    """What patch-package makes of a patched package."""
    project = copy_tree(installed(ZERO, "1.1.4"), FOLDER / "patch-package")
    wasmfix(project)
    program = installed("patch-package", "8") / "node_modules" / "patch-package" / "index.js"
    # It runs `npm`, which is a file of JavaScript here.
    tools = FOLDER / "bin"
    tools.mkdir()
    npm = tools / "npm"
    npm.write_text("#!/bin/sh\nexec " + " ".join(f'"{part}"' for part in nodejs.npm()) + ' "$@"\n')
    npm.chmod(0o755)
    environment = nodejs.environment()
    environment["PATH"] = os.pathsep.join([str(tools), environment["PATH"]])
    command = [nodejs.node(), str(program), ZERO]
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    (patch,) = (project / "patches").iterdir()
    text = patch.read_text(encoding="utf-8")
    has = "not in it" if "Binary files" in text else "in it"
    return f"patch-package: {patch.name} has {len(text):,} characters; engine.wasm is {has}"


def fastest(passes: list[Figures]) -> Figures:
    return {case: min(figures[case] for figures in passes) for case in passes[0]}


@click.command()
@click.option("--passes", default=3, show_default=True, help="How often the drivers take turns.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of a workload in a process.")
@click.option("--seconds", default=2.0, show_default=True, help="How long two processes commit at once.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(passes: int, rounds: int, seconds: float, as_json: bool) -> None:
    """Measure the drivers beside each other."""
    found = drivers()
    times: dict[str, list[Figures]] = {driver.name: [] for driver in found}
    for _ in range(passes):
        for driver in found:
            lines = driver.run("speed", rounds=rounds)
            times[driver.name].append({str(one["workload"]): float(one["min"]) for one in lines})
    by_driver = {name: fastest(runs) for name, runs in times.items()}
    speeds = {
        name: {case: by_driver["native"][case] / ms for case, ms in figures.items()}
        for name, figures in by_driver.items()
    }
    facts = {}
    for driver in found:
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            (facts[driver.name],) = driver.run("facts", Path(folder) / "facts.db")
        facts[driver.name] |= {"version": driver.version(), "two writers": two_writers(driver, seconds)}
    packed = patch_package()
    if as_json:
        document = {"unit": "ms", "times": by_driver, "speeds": speeds, "facts": facts, "patch-package": packed}
        click.echo(json.dumps({"schema_version": 1, **document}))
        return
    console = Console()
    table = Table(box=None, pad_edge=False)
    table.add_column("workload (ms)", no_wrap=True)
    for name in by_driver:
        table.add_column(f"{name} {facts[name]['version']}", justify="right")
    for case in by_driver["native"]:
        table.add_row(case, *(f"{figures[case]:,.1f}" for figures in by_driver.values()))
    means = {name: statistics.geometric_mean(cases.values()) for name, cases in speeds.items()}
    table.add_row("geometric mean of speed", *(f"{mean:.2f}" for mean in means.values()))
    for fact in ("sqlite", "wal", "wal2", "concurrent", "two writers"):
        table.add_row(fact, *(str(facts[name][fact]) for name in by_driver))
    console.print(table)
    console.print(packed)


if __name__ == "__main__":
    main()
