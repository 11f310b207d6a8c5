"""Does a patched package do what wasmfix promises? Asked of the package itself, in the target's own Node."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from wasmfix.errors import WasmfixError
from wasmfix.patching.record import read_record
from wasmfix.project.package import read_package
from wasmfix.verification.child import OLDEST_NODE, Bounds, find_node, last_words, run_child
from wasmfix.verification.probes import run_probes
from wasmfix.verification.report import NOT_PATCHED, CheckResult, Status, VerifyReport
from wasmfix.verification.subject import Subject, engine_folder, read_subject

_SCRIPT = Path(__file__).with_name("child.cjs")
_BOUNDS = {
    "quick": Bounds(seconds=30, heap_mb=256, resident_mb=768),
    "all": Bounds(seconds=180, heap_mb=512, resident_mb=1536),
    "guards": Bounds(seconds=60, heap_mb=256, resident_mb=768),
}
_ENGINE_MEMORY = 512 * 1024 * 1024
_GUARDS = {"rowWarn": 100, "rowLimit": 2000, "blobLimit": 100_000}
_GUARD_VARIABLES = {"rowWarn": "WASMFIX_ROW_WARN", "rowLimit": "WASMFIX_ROW_LIMIT", "blobLimit": "WASMFIX_BLOB_LIMIT"}
# What would change Node or the engine behind the checks' back.
_IGNORED_VARIABLES = ("NODE_OPTIONS", "NODE_V8_COVERAGE", "SQLITE_USE_URI", *_GUARD_VARIABLES.values())

# A file of this size is past every number that a double counts exactly.
_HUGE = 2**53 + 8192


def verify_package(
    package_dir: Path, *, node: str | None = None, quick: bool = False, sources: Iterable[Path] = ()
) -> VerifyReport:
    """Run the package in ``package_dir`` and report what it does.

    On the engine, all checks are made; where only the JavaScript was repaired, the probe of each repair.

    Args:
        package_dir: the folder of a patched package.
        node: the Node to run it in; by default WASMFIX_NODE, else PATH's.
        quick: only the checks that show that the patch works at all; well under a second.
        sources: folders of zero-sqlite3 packages, one of which a package without SQLite's source may have its own from.

    Raises WasmfixError when there is no usable Node, or the package's own sources cannot be read.
    """
    package_dir = package_dir.resolve()
    if engine_folder(package_dir) is not None:
        return run_checks(package_dir, node=node, phases=("quick",) if quick else ("all", "guards"), sources=sources)
    package = read_package(package_dir)
    record = read_record(package_dir)
    if record is not None and not record.engine_key:
        return VerifyReport(package.name, package.version, package_dir, "", run_probes(package_dir, record, node))
    missing = CheckResult(
        NOT_PATCHED, "the package loads, on the engine", "fail", "it is not patched; run: wasmfix patch"
    )
    return VerifyReport(package.name, package.version, package_dir, "", (missing,))


def run_checks(
    package_dir: Path,
    *,
    node: str | None,
    phases: tuple[str, ...],
    expect_engine: bool = True,
    sources: Iterable[Path] = (),
) -> VerifyReport:
    """Run the checks of each phase in a child of its own. Without ``expect_engine`` a native driver will do."""
    program = find_node(node)
    subject = read_subject(package_dir, sources)
    run = _Run()
    with tempfile.TemporaryDirectory(prefix="wasmfix-verify-", ignore_cleanup_errors=True) as folder:
        for phase in phases:
            work = Path(folder, phase)
            work.mkdir()
            _run_phase(program, subject, phase, work, run, expect_engine=expect_engine)
    return VerifyReport(subject.package, subject.version, package_dir, run.node, tuple(run.results.values()))


@dataclass
class _Run:
    """What the children said so far."""

    node: str = ""
    results: dict[str, CheckResult] = field(default_factory=dict)
    plan: list[tuple[str, str]] = field(default_factory=list)
    running: str | None = None

    def hear(self, message: dict[str, object]) -> None:
        if "node" in message:
            self.node = str(message["node"]).removeprefix("v")
        elif "plan" in message:
            self.plan = [(item["id"], item["title"]) for item in cast("list[dict[str, str]]", message["plan"])]
        elif "start" in message:
            self.running = str(message["start"])
        elif "status" in message:
            result = CheckResult(
                str(message["id"]), str(message["title"]), cast(Status, message["status"]), str(message["detail"])
            )
            # The package is loaded in every phase; a failure in any of them counts.
            if result.id not in self.results or result.status == "fail":
                self.results[result.id] = result
            self.running = None

    def close(self, problem: str, stderr: str) -> None:
        """Account for every planned check, however the child ended."""
        words = last_words(stderr)
        for id_, title in self.plan:
            if id_ == self.running:
                detail = f"the child {problem or 'ended'} in this check"
                detail += f": {words[:300]}" if words else ""
                self.results[id_] = CheckResult(id_, title, "fail", detail)
            elif id_ not in self.results:
                self.results[id_] = CheckResult(id_, title, "skip", "not reached")
        if problem and self.running is None:
            title = "the process ends by itself"
            self.results["V099"] = CheckResult("V099", title, "fail", f"it {problem}; {words[:300]}".rstrip("; "))
        self.plan, self.running = [], None


def _run_phase(program: str, subject: Subject, phase: str, work: Path, run: _Run, *, expect_engine: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in _IGNORED_VARIABLES}
    environment["WASMFIX_MAX_MEMORY"] = str(_ENGINE_MEMORY)
    if phase == "guards":
        environment.update({variable: str(_GUARDS[name]) for name, variable in _GUARD_VARIABLES.items()})
    with _huge_journal(work, wanted=phase == "all") as (huge, huge_reason):
        job = {
            "packageDir": str(subject.folder),
            "engineFolder": subject.engine_folder,
            "workDir": str(work),
            "phase": phase,
            "expectEngine": expect_engine,
            "sqliteVersion": subject.sqlite_version,
            "defines": list(subject.defines),
            "dropped": list(subject.dropped),
            "knownOptions": subject.known_options() if phase == "all" else [],
            "bedrock": subject.bedrock,
            "unicodeCase": subject.unicode_case,
            "native": [str(path) for path in subject.native],
            "hugeJournal": str(huge) if huge else None,
            "hugeJournalReason": huge_reason,
            "guards": _GUARDS,
        }
        job_file = work / "job.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        ending = run_child(program, [str(_SCRIPT), str(job_file)], environment, _BOUNDS[phase], run.hear)
    _check_node(program, run.node, ending.stderr)
    run.close(ending.problem, ending.stderr)


def _check_node(program: str, version: str, stderr: str) -> None:
    remedy = f"install Node {OLDEST_NODE} or newer, or use --node FILE"
    if not version:
        reason = stderr.splitlines()[-1][:200] if stderr else "it says nothing"
        raise WasmfixError(f"does not run as Node ({reason})", where=program, remedy=remedy)
    if int(version.split(".")[0]) < OLDEST_NODE:
        raise WasmfixError(f"Node {version} is too old", where=program, remedy=remedy)


@contextmanager
def _huge_journal(work: Path, *, wanted: bool) -> Iterator[tuple[Path | None, str]]:
    """A hot rollback journal of more than 2^53 bytes, all of it a hole; yields the path for its database.

    Few file systems can: ext4 ends at 2^44, tmpfs does not. So memory's file system is tried where there is one.
    """
    folder: Path | None = None
    try:
        for parent in (work, Path("/dev/shm")) if wanted else ():
            try:
                folder = Path(tempfile.mkdtemp(prefix="wasmfix-verify-", dir=parent))
                journal = folder / "huge.db-journal"
                journal.write_bytes(b"\x01")
                os.truncate(journal, _HUGE)
            except OSError:
                if folder is not None:
                    shutil.rmtree(folder, ignore_errors=True)
                    folder = None
                continue
            break
        yield (folder / "huge.db" if folder else None), "no file system here holds a file of 2^53 bytes"
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
