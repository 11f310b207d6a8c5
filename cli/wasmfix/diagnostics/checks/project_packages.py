"""Which copies are installed, whether they are one, and whether their install scripts ran."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from wasmfix.diagnostics.checks.project_subject import ZERO_DRIVER, ProjectSubject
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.finding import Finding, Location, Severity
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Tell
from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment, State
from wasmfix.project import NotInstalledError
from wasmfix.project.manifest import FILE_NAME, read_manifest

_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
_UNPATCHED = (State.UNPATCHED, State.SHIM, State.MISSING_INDEX, State.FOREIGN)


def _installed(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    for each in subject.problems:
        yield _not_looked_at(subject, each)
    installation = subject.installation
    if installation is None:
        problem = subject.options.installation_problem
        what = problem.what if problem else "nothing is installed"
        manager = subject.project.manager
        if problem is None or isinstance(problem, NotInstalledError):
            # Whoever names a replica or a database may well stand in a folder that has nothing to do with Zero.
            asked = subject.options.replica or subject.options.database_url
            yield finding(
                "WF101",
                "packages",
                what,
                severity=Severity.NOTE if asked else None,
                remedy="Install the project.",
                command=f"{manager} install",
            )
        else:
            yield _not_looked_at(subject, problem)
        return
    for assessment in subject.assessments:
        package = assessment.package
        sqlite = package.amalgamation.version
        about = [assessment.label, *([f"SQLite {sqlite}"] if sqlite else []), subject.shown(package.logical[0])]
        yield Fact("project", package.label, ", ".join(about))
    for item in installation.unpatchable:
        yield finding(
            "WF002" if item.broken else "WF114",
            item.name,
            item.reason,
            severity=Severity.NOTE if item.left_over else None,
            evidence=[item.where],
            remedy=f"{_sentence(item.remedy)}.",
        )


def _not_looked_at(subject: ProjectSubject, problem: WasmfixError) -> Finding:
    where = Path(problem.where or subject.project.root)
    remedy = f"{_sentence(problem.remedy)}." if problem.remedy else None
    return finding("WF002", subject.shown(where), problem.what, remedy=remedy)


def _duplicates(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    copies = [each.package for each in subject.assessments if each.package.name == ZERO_DRIVER]
    versions = sorted({package.version for package in copies})
    if len(versions) > 1:
        yield finding(
            "WF109",
            ZERO_DRIVER,
            f"{len(copies)} copies in {len(versions)} versions are installed: {', '.join(versions)}",
            evidence=[f"{package.version}: {subject.shown(way)}" for package in copies for way in package.logical],
            remedy="Deduplicate with the package manager, or pin one version for all.",
            location=Location(subject.project.root / FILE_NAME),
            data={"versions": versions, "folders": [str(package.folder) for package in copies]},
        )


def _scripts(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    why = _not_run(subject)
    for assessment in subject.assessments:
        package = assessment.package
        if package.native or assessment.state not in _UNPATCHED or not _has_script(assessment):
            continue
        reason = why.get(package.name) or why.get("*")
        if reason is not None:
            what, allow, location = reason
            yield finding(
                "WF112",
                package.label,
                what,
                evidence=[subject.shown(location.file)],
                remedy=f"Nothing, once it is patched. To run on native: {allow}.",
                location=location,
            )


def _has_script(assessment: Assessment) -> bool:
    scripts = assessment.package.manifest.content.get("scripts")
    return isinstance(scripts, dict) and any(name in scripts for name in _INSTALL_SCRIPTS)


def _not_run(subject: ProjectSubject) -> dict[str, tuple[str, str, Location]]:
    """By package, or `*` for all: why its install script did not run, what allows it, and where that is written."""
    root, found = subject.project.root, dict[str, tuple[str, str, Location]]()
    settings = root / ".npmrc"
    line = _line_of(_read(settings), r"^\s*ignore-scripts\s*=\s*true\s*$")
    if line is not None:
        found["*"] = ("the project's .npmrc says ignore-scripts=true", "take that line out", Location(settings, line))
    state = root / "node_modules" / ".modules.yaml"
    ignored = re.search(r'"?ignoredBuilds"?:\s*(?:\[([^\]]*)\]|((?:\s*-\s.*\n?)*))', _read(state))
    for name in re.findall(r"((?:@[\w.-]+/)?[\w.-]+)@\d", "".join(ignored.groups("")) if ignored else ""):
        words = "add it to onlyBuiltDependencies (pnpm approve-builds) and install again"
        found[name] = ("pnpm did not run its install script", words, Location(state))
    if subject.project.manager == "bun":
        manifest = read_manifest(root)
        trusted = manifest.content.get("trustedDependencies") if manifest else None
        for assessment in subject.assessments:
            name = assessment.package.name
            if not isinstance(trusted, list) or name not in trusted:
                words = f"add it to trustedDependencies in {FILE_NAME} and install again"
                found[name] = ("bun did not run its install script", words, Location(root / FILE_NAME))
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _line_of(text: str, pattern: str) -> int | None:
    match = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else None


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]


CHECKS = (
    Check("project.installed", ("WF101", "WF002", "WF114"), _installed),
    Check("project.duplicates", ("WF109",), _duplicates),
    Check("project.install-scripts", ("WF112",), _scripts),
)
