"""What it costs to start, and a warm `wasmfix ci`.

    python bench/startup.py [PROJECT] [--rounds N] [--top N]

The commands run in turn, N times each; a row has medians in seconds: elapsed, and user and system time of Python and
its children together. `import` is what `import wasmfix.cli` takes inside of an interpreter that runs already.
With PROJECT, which has to be installed: `wasmfix ci` without the checks of what is patched, with the quick ones, with
all. --top adds the modules that take longest to import for `wasmfix --help`, by `python -X importtime`.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "cli"), str(ROOT / "tests")]

import nodejs  # noqa: E402

_IMPORT = "import time; begin = time.perf_counter(); import wasmfix.cli; print(time.perf_counter() - begin)"
_WASMFIX = [sys.executable, "-m", "wasmfix"]
_FINE = (0, 1)
"""Exit codes: a project in which something is found is measured as well."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--top", type=int, default=0)
    asked = parser.parse_args()
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "wasmfix --version": [*_WASMFIX, "--version"],
        "wasmfix --help": [*_WASMFIX, "--help"],
        "wasmfix ci --help": [*_WASMFIX, "ci", "--help"],
    }
    for mode in ("off", "quick", "full") if asked.project else ():
        commands[f"wasmfix ci --verify {mode}"] = [*_WASMFIX, "ci", str(asked.project), "--verify", mode]
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    imports: list[float] = []
    for _ in range(asked.rounds):
        imports.append(float(_run([sys.executable, "-c", _IMPORT]).stdout))
        for name, command in commands.items():
            took[name].append(_measured(command))
    print(f"{'':26}  elapsed  user+system")
    print(f"{'import wasmfix.cli':26}  {statistics.median(imports):7.3f}")
    for name, rounds in took.items():
        elapsed, cpu = (statistics.median(values) for values in zip(*rounds, strict=True))
        print(f"{name:26}  {elapsed:7.3f}  {cpu:11.3f}")
    if asked.top:
        print(f"\nimports of `wasmfix --help`, milliseconds with what they import\n{_slowest(asked.top)}")


def _measured(command: Sequence[str]) -> tuple[float, float]:
    before, begin = _cpu(), time.perf_counter()
    _run(command)
    return time.perf_counter() - begin, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(nodejs.node()).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "cli")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in _FINE:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done


def _slowest(count: int) -> str:
    told = _run([sys.executable, "-X", "importtime", "-m", "wasmfix", "--help"]).stderr.splitlines()
    rows = [line.removeprefix("import time:").split("|") for line in told if line.startswith("import time:")][1:]
    rows.sort(key=lambda row: -int(row[1]))
    return "\n".join(f"{int(total) / 1000:7.1f}  {name.strip()}" for _own, total, name in rows[:count])


if __name__ == "__main__":
    main()
