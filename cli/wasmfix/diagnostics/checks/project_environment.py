"""The variables that zero-cache is started with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from wasmfix.diagnostics.checks.project_removal import removal
from wasmfix.diagnostics.checks.project_subject import ProjectSubject
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.finding import Location, Severity
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Tell
from wasmfix.diagnostics.sizes import show_size
from wasmfix.project import BACKUP_URL, configured_backups
from wasmfix.project.settings import Setting

SINGLE_PROCESS = "SINGLE_PROCESS"
WORKERS = "ZERO_NUM_SYNC_WORKERS"
NODE_OPTIONS = "NODE_OPTIONS"
READ = (
    SINGLE_PROCESS,
    WORKERS,
    NODE_OPTIONS,
    "ZERO_REPLICA_FILE",
    "ZERO_UPSTREAM_DB",
    "ZERO_APP_PUBLICATIONS",
    "ZERO_APP_ID",
    "ZERO_SHARD_NUM",
)
"""The variables that `diagnose` reads from the project."""

# Zero's entry point; with the guard it starts nothing in single process mode.
_ENTRY = "out/zero-cache/src/server/runner/main.js"
_GUARD = re.compile(r"if\s*\(\s*!\s*singleProcessMode\(\)\s*\)")
_HEAP = re.compile(r"--max[-_]old[-_]space[-_]size[= ](\d+)")
_MB = 1024 * 1024


def heap_limit(options: str) -> int | None:
    """The bytes that `--max-old-space-size` in a NODE_OPTIONS allows; the last one counts."""
    found = _HEAP.findall(options)
    return int(found[-1]) * _MB if found else None


def _single_process(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    for setting in _unlike(subject, SINGLE_PROCESS, "0"):
        guarded = [zero.version for zero in subject.zeros if _starts_nothing(zero.folder / _ENTRY)]
        if not subject.zeros and setting.file is None:
            continue
        place = setting.place(subject.project.root)
        shown = f"the value {setting.value!r}"
        if guarded:
            what = f"{shown} has zero-cache {', '.join(guarded)} exit at once without a word"
            severity = Severity.ERROR
        else:
            what = f"{shown} puts all of zero-cache into one process, where SQLite's calls hold everything up"
            severity = Severity.WARNING
        yield finding(
            "WF130",
            SINGLE_PROCESS,
            what,
            severity=severity,
            evidence=[place],
            remedy=f"Take it out of {place}: several processes share a replica.",
            command=removal(setting, subject.project.root),
            location=_location(setting),
            data={"value": setting.value, "zero": guarded},
        )


def _starts_nothing(entry: Path) -> bool:
    try:
        return bool(_GUARD.search(entry.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return False


def _unlike(subject: ProjectSubject, name: str, harmless: str) -> Iterator[Setting]:
    """What a process here would see, and what other files say, if it is not harmless."""
    seen = subject.options.setting(name)
    for setting in subject.options.settings:
        # Of those that are for this machine, the first one wins.
        if setting.name == name and setting.value != harmless and (setting is seen or not setting.here):
            yield setting


def _workers(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    cores = subject.machine.cores
    for setting in _unlike(subject, WORKERS, ""):
        if not setting.value.isdecimal() or int(setting.value) <= max(1, cores):
            continue
        place = setting.place(subject.project.root)
        where = "here" if setting.here else "here, the cores of the other machine are not known"
        yield finding(
            "WF131",
            WORKERS,
            f"{setting.value} sync workers, each a process of its own, on {cores:g} cores ({where})",
            severity=None if setting.here else Severity.NOTE,
            evidence=[f"{place}: {WORKERS}={setting.value}"],
            remedy=f"Take it out of {place}: zero-cache then starts one fewer than there are cores.",
            command=removal(setting, subject.project.root),
            location=_location(setting),
            data={"workers": int(setting.value), "cores": cores},
        )


def _heap(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    machine, setting = subject.machine, subject.options.setting(NODE_OPTIONS)
    limit = heap_limit(setting.value) if setting else None
    if setting is None or limit is None or not setting.here:
        return
    place = setting.place(subject.project.root)
    yield Fact("project", "heap limit", f"{show_size(limit)} a process ({NODE_OPTIONS} in {place})")
    workers, memory = _number_of_workers(subject), machine.memory
    if memory is None or limit * workers <= memory:
        return
    whose = "the container" if machine.limited else "this machine"
    each = f"{workers} sync workers may each grow to" if workers > 1 else "the heap may grow to"
    yield finding(
        "WF132",
        NODE_OPTIONS,
        f"{each} {show_size(limit)}, {whose} has {show_size(memory)}",
        evidence=[f"{place}: --max-old-space-size={limit // _MB}"],
        remedy=f"Lower --max-old-space-size to {max(256, int(memory * 0.75 / workers / _MB))}, or {WORKERS}.",
        location=_location(setting),
        data={"limit": limit, "workers": workers, "memory": memory},
    )


def _number_of_workers(subject: ProjectSubject) -> int:
    setting = subject.options.setting(WORKERS)
    if setting is not None and setting.value.isdecimal():
        return max(1, int(setting.value))
    # Zero's default.
    return max(1, int(subject.machine.cores) - 1)


def _litestream(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    if not subject.on_engine:
        return
    for backup in configured_backups(subject.project, subject.options.environment):
        place = subject.shown(backup.file) if backup.file else "the environment"
        yield finding(
            "WF133",
            BACKUP_URL,
            "zero-cache starts litestream, a native program, on a replica that the engine has open",
            evidence=[place],
            remedy=f"Take it out of {place}; or run the command, and zero-cache on native.",
            command="wasmfix restore",
            location=Location(backup.file) if backup.file else None,
        )


def _location(setting: Setting) -> Location | None:
    return Location(setting.file, setting.line) if setting.file is not None else None


CHECKS = (
    Check("project.single-process", ("WF130",), _single_process),
    Check("project.sync-workers", ("WF131",), _workers),
    Check("project.heap-limit", ("WF132",), _heap),
    Check("project.litestream", ("WF133",), _litestream),
)
