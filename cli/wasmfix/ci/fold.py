"""One finding a copy: what `diagnose` says of the state of a package that is to be patched is evidence here.

The cure is the same, and an annotation has to stand beside a file of the repository, which node_modules is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from wasmfix.ci.gate import Gate, by_name
from wasmfix.ci.lockfile import declared
from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.run import CheckRun, Report, in_order
from wasmfix.project import InstalledPackage

_STATE = "project.state"
_INSTALLED = "project.installed"
_SAID = ("WF105", "WF106", "WF107", "WF108")
"""The gate has a finding of its own that says the same."""


def folded(report: Report, gate: Gate) -> Report:
    """The report in which the gate's findings tell all of a copy's state, each beside the lock file's line."""
    evidence: dict[str, list[str]] = {}
    names = {package.folder: name for name, package in by_name("patch", gate.packages, gate.shown)}
    checks: list[CheckRun] = []
    for check in report.checks:
        kept = []
        for found in check.findings:
            package = _owner(found, gate.packages) if check.name == _STATE else None
            if package is not None and (found.severity is Severity.OK or package.folder in gate.to_do):
                if found.severity is not Severity.OK and found.id not in _SAID:
                    evidence.setdefault(names[package.folder], []).append(f"{found.id}: {found.what}")
            elif not (check.name == _INSTALLED and _said_by_gate(found, gate)):
                kept.append(_placed(found, gate))
        checks.append(replace(check, findings=tuple(kept)))
    return of_checks(report, [_with_evidence(check, evidence.get(check.name, ())) for check in checks])


def of_checks(report: Report, checks: Iterable[CheckRun]) -> Report:
    """The report with these checks, and the findings that they made: there are no others."""
    checks = tuple(checks)
    return replace(report, checks=checks, findings=in_order(each for check in checks for each in check.findings))


def _said_by_gate(found: Finding, gate: Gate) -> bool:
    """That nothing is installed, or why that cannot be told."""
    same = gate.problem is not None and found.what == gate.problem.what
    return gate.installation is None and (same or found.id == "WF101")


def _owner(found: Finding, packages: Iterable[InstalledPackage]) -> InstalledPackage | None:
    """The copy that a finding is about: by its place, else by its label."""
    copies = [package for package in packages if package.label == found.subject]
    file = found.location.file if found.location else None
    return next((each for each in copies if file is not None and _holds(each, file)), copies[0] if copies else None)


def _holds(package: InstalledPackage, file: Path) -> bool:
    return any(file.is_relative_to(folder) for folder in (package.folder, *package.logical))


def _placed(found: Finding, gate: Gate) -> Finding:
    """A finding about a file that is not in the repository, beside the line that brings the package."""
    file = found.location.file if found.location else None
    installed = gate.installation.packages if gate.installation else ()
    owner = next((package for package in installed if file is not None and _holds(package, file)), None)
    if owner is None and file is not None and "node_modules" in file.parts:
        # What the package manager notes there of a package, and says nowhere else.
        owner = next((package for package in installed if package.label == found.subject), None)
    return found if owner is None else replace(found, location=declared(gate.project, owner))


def _with_evidence(check: CheckRun, further: Iterable[str]) -> CheckRun:
    first, *rest = check.findings or (None,)
    if first is None or not further:
        return check
    return replace(check, findings=(replace(first, evidence=(*first.evidence, *further)), *rest))
