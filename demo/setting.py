"""Where the demo plays: a project with Zero in it, a replica, and the programs that run there."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from stage import DemoError, run_quietly

import nodejs
from report import Report

HERE = Path(__file__).resolve().parent
ZERO_VERSION = "1.9.0"
PACKAGE = "@rocicorp/zero-sqlite3"
RUNS = 3  # of each driver; the one of the median time is shown

# Node writes down each native addon that it loads; the drivers' are named *.node.
NATIVE_PROBE = """
const load = process.dlopen;
process.dlopen = (module, file, ...rest) => { console.log(file); return load(module, file, ...rest); };
const Database = require(process.argv[1]);
new Database(':memory:').prepare('SELECT 1').get();
"""


@contextmanager
def opened(home: Path) -> Iterator[Setting]:
    """The setting in the folder `home`, to oneself. Its scratch folder goes at the end, project and replica stay.

    Raises:
        DemoError: another demo plays there.
    """
    environment = nodejs.environment()
    environment.setdefault("WASMFIX_CACHE_DIR", str(home.parent / "cache"))
    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / "lock", timeout=0):
            (home / "scratch").mkdir(exist_ok=True)
            try:
                yield Setting(home, environment)
            finally:
                shutil.rmtree(home / "scratch", ignore_errors=True)
    except Timeout:
        raise DemoError(f"another demo is running in {os.path.relpath(home)}: wait for its end") from None


@dataclass(frozen=True)
class Setting:
    home: Path
    environment: dict[str, str]

    @property
    def project(self) -> Path:
        return self.home / f"zero-{ZERO_VERSION}"

    @property
    def modules(self) -> Path:
        return self.project / "node_modules"

    @property
    def driver(self) -> Path:
        return self.modules.joinpath(*PACKAGE.split("/"))

    @property
    def replica(self) -> Path:
        return self.home / "replica.db"

    def is_installed(self) -> bool:
        return self.modules.is_dir()

    def is_patched(self) -> bool:
        return (self.driver / ".wasmfix" / "record.json").is_file()

    def is_engine_cached(self) -> bool:
        cache = Path(self.environment["WASMFIX_CACHE_DIR"])
        return any(cache.rglob("*.wasm"))

    def install(self) -> float:
        """`npm install`, unless an earlier run did; return the seconds it took.

        The folder appears under its name only when it is complete.

        Raises:
            DemoError: npm failed.
        """
        started = time.monotonic()
        if self.is_installed():
            return 0.0
        growing = self.project.with_suffix(".tmp")
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir(parents=True)
        manifest = {"name": "demo", "private": True, "dependencies": {"@rocicorp/zero": ZERO_VERSION}}
        (growing / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
        command = [*nodejs.npm(), "install", "--ignore-scripts", "--loglevel=error"]
        what = "npm install (the demo needs the registry once)"
        try:
            run_quietly([*command, "--prefer-offline"], self.environment, what, cwd=growing)
        except DemoError:
            # Once more: networks have moments.
            run_quietly(command, self.environment, what, cwd=growing)
        growing.rename(self.project)
        return time.monotonic() - started

    def wasmfix(self, command: str) -> list[str]:
        return [sys.executable, "-m", "wasmfix", command, str(self.project)]

    def restore_leftovers(self) -> None:
        """Undo the patch of a run that did not reach its end."""
        run_quietly(self.wasmfix("restore"), self.environment, "wasmfix restore")

    def write_replica(self) -> tuple[float, dict[str, Any]]:
        """Write the replica anew; return the seconds that took, and what is in it."""
        command = [nodejs.node(), str(HERE / "replica.mjs"), str(self.project), str(self.replica)]
        started = time.monotonic()
        try:
            written = json.loads(run_quietly(command, self.environment, "writing the replica"))
        except DemoError as error:
            if "native build" not in str(error):
                raise
            text = f"this platform has no native driver to compare with ({error}); `wasmfix patch` works all the same"
            raise DemoError(text) from error
        return time.monotonic() - started, written

    def replica_copy(self) -> Path:
        """A fresh copy of the replica: each run starts from the same bytes."""
        copy = self.home / "scratch" / "replica.db"
        for suffix in ("", "-wal", "-wal2", "-shm", "-journal"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self.replica, copy)
        return copy

    def hydrate(self) -> Report:
        """Run Zero on whatever driver is in the project, each time in a fresh process."""
        reports = []
        for _ in range(RUNS):
            command = [nodejs.node(), str(HERE / "hydrate.mjs"), str(self.project), str(self.replica_copy())]
            started = time.monotonic()
            answer = run_quietly(command, self.environment, "hydrating")
            seconds = time.monotonic() - started
            reports.append(Report.from_json(json.loads(answer.splitlines()[-1]), process_ms=seconds * 1000))
        middle = statistics.median_low(report.process_ms for report in reports)
        return next(report for report in reports if report.process_ms == middle)

    def check_no_native_code(self) -> None:
        """
        Raises:
            DemoError: the installed driver loads a native addon.
        """
        command = [nodejs.node(), "-e", NATIVE_PROBE, str(self.driver)]
        loaded = run_quietly(command, self.environment, "loading the driver").split()
        if loaded:
            raise DemoError(f"the patched driver still loads native code: {os.path.relpath(loaded[0])}")
