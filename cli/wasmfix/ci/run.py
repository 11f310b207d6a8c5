"""The run: gate, checks of what is patched, diagnosis, thresholds; one report and one exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wasmfix.ci import gate as gates
from wasmfix.ci import verified
from wasmfix.ci.fold import folded, of_checks
from wasmfix.ci.gate import Gate
from wasmfix.ci.limits import compared
from wasmfix.config.settings import Settings
from wasmfix.diagnostics.facts import Fact
from wasmfix.diagnostics.finding import Finding, Location, Severity
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import CheckRun, Report, Section, Tell, run
from wasmfix.diagnostics.sections import sections
from wasmfix.errors import FINDINGS, INTERRUPTED, STOPPED

_OURS = ("patch", "verify")


@dataclass(frozen=True)
class Result:
    report: Report
    exit_code: int
    patched: bool
    verified: bool | None
    """None: nothing was run."""


def run_ci(
    gate: Gate,
    settings: Settings,
    look: Callable[[], Options],
    tell: Tell,
    *,
    root: Path,
    subjects: tuple[tuple[str, str], ...],
    secrets: Sequence[str] = (),
    debug: bool = False,
) -> Result:
    """Run everything that the settings want.

    Args:
        look: what `diagnose` looks at; asked anew when a package was patched.
        root: what paths in annotations are relative to.
    """

    def parts() -> Iterator[Section[Any]]:
        yield gates.section(gate)
        if settings.verify != "off":
            yield verified.section(gate, settings.node, quick=settings.verify == "quick")
        yield from sections(look())

    report = run(parts(), tell, subjects=subjects, root=str(root), secrets=secrets, debug=debug)
    verified_ = _verified(report)
    report = replace(report, command="ci", facts=(*_facts(settings, gate), *report.facts))
    report = of_checks(report, (*report.checks, *_ignored(settings), *compared(report, settings)))
    report = regraded(folded(report, gate), settings.severity)
    return Result(report, _exit_code(report, settings.fail_on), gate.patched, verified_)


def regraded(report: Report, severity: Mapping[str, str]) -> Report:
    """The report with the severities that the settings want; what is `off` is not in it."""

    def graded(found: Finding) -> Finding | None:
        wanted = severity.get(found.id)
        if wanted is None or found.severity is Severity.OK:
            return found
        return None if wanted == "off" else replace(found, severity=Severity(wanted))

    checks = []
    for check in report.checks:
        kept = tuple(each for found in check.findings if (each := graded(found)) is not None)
        checks.append(replace(check, findings=kept))
    return of_checks(report, checks)


def _facts(settings: Settings, gate: Gate) -> tuple[Fact, ...]:
    said = []
    if settings.file is not None:
        said.append(Fact("settings", "settings", gate.shown(settings.file)))
    if gate.targets:
        said.append(Fact("settings", "targets", ", ".join(gate.targets)))
    return tuple(said)


def _ignored(settings: Settings) -> tuple[CheckRun, ...]:
    if settings.ignored is None or settings.file is None:
        return ()
    file, line = settings.ignored
    found = finding(
        "WF510",
        file.name,
        f"its table [tool.wasmfix] is not read, because there is a {settings.file.name}",
        remedy="Delete one of them.",
        location=Location(file, line),
    )
    return (CheckRun("settings.file", "done", 0.0, (found,), ("WF510",)),)


def _exit_code(report: Report, fail_on: str) -> int:
    if not report.complete:
        return INTERRUPTED
    if any(check.status == "failed" and check.name.split(".")[0] in _OURS for check in report.checks):
        return STOPPED
    return FINDINGS if fail_on != "never" and report.worst.rank <= Severity(fail_on).rank else 0


def _verified(report: Report) -> bool | None:
    """Whether every check of every patched package passed, as it was found and not as it is graded."""
    ran = [check for check in report.checks if check.name.startswith("verify.")]
    if not ran:
        return None
    return all(check.status == "done" and "WF511" not in [each.id for each in check.findings] for check in ran)
