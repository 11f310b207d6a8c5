"""The first part of a run: is every package patched that has to be? With `apply`, patch what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from wasmfix.ci.history import Before, version_before
from wasmfix.ci.lockfile import declared
from wasmfix.diagnostics.facts import Item
from wasmfix.diagnostics.finding import Finding, Location
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Section, Tell
from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment, Drift, State
from wasmfix.patching.run import Patcher
from wasmfix.project import Installation, InstalledPackage, NotInstalledError, Project
from wasmfix.project.manifest import FILE_NAME

_SETTLED = (State.PATCHED, State.HEALTHY)
_RUNS = (State.PATCHED, State.STALE, State.PARTIAL)


@dataclass
class Gate:
    """What is to be patched, and what is known of each copy once the section has run."""

    project: Project
    installation: Installation | None
    problem: WasmfixError | None
    """Why there is no installation."""
    patcher: Patcher
    targets: tuple[str, ...] = ()
    """Packages that have to be there; empty for any."""
    follow_links: bool = False
    apply: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    states: dict[Path, State] = field(default_factory=dict)
    """By folder; filled by the checks."""
    outside: list[InstalledPackage] = field(default_factory=list)
    """Copies outside the project that are as they should be; filled by the checks."""
    changed: bool = False
    """A package was patched in this run."""

    @property
    def packages(self) -> Sequence[InstalledPackage]:
        """The copies that this is about."""
        installed = self.installation.packages if self.installation else ()
        return [package for package in installed if not self.targets or package.name in self.targets]

    @property
    def on_engine(self) -> list[InstalledPackage]:
        """The copies that are patched, well or badly."""
        return [each for each in (*self.packages, *self.outside) if self.states.get(each.folder) in _RUNS]

    @property
    def to_do(self) -> set[Path]:
        """The folders of the copies of which the gate has something to say."""
        return {folder for folder, state in self.states.items() if state not in _SETTLED}

    @property
    def patched(self) -> bool:
        """Whether there is a copy, and none is left to patch."""
        states = [self.states.get(each.folder) for each in (*self.packages, *self.outside)]
        return bool(states) and all(state in _SETTLED for state in states)

    def shown(self, path: Path) -> str:
        """A path as a person in the project's folder would name it."""
        root = self.project.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) and path != root else str(path)

    def command(self, package: InstalledPackage, *further: str) -> str:
        """What patches the package as the settings want it."""
        parts = ["wasmfix patch", *(["--target", package.name] if self.targets else [])]
        parts += ["--engine", self.patcher.engine] if self.patcher.engine else []
        parts += ["--toolchain", self.patcher.toolchain] if self.patcher.toolchain == "emcc" else []
        outside = self.installation is not None and self.installation.outside(package)
        return " ".join([*parts, *(["--follow-links"] if outside and self.follow_links else []), *further])


def section(gate: Gate) -> Section[Gate]:
    """A check for the installation, and one for each copy."""

    def opened(_tell: Tell) -> AbstractContextManager[Gate]:
        return nullcontext(gate)

    checks = [Check("patch.installed", ("WF101", "WF002", "WF506", "WF507", "WF509"), _installed)]
    checks += [Check(name, _STATES, _of(package)) for name, package in by_name("patch", gate.packages, gate.shown)]
    return Section("patch", "the patches", opened, checks)


_STATES = ("WF501", "WF502", "WF503", "WF504", "WF505", "WF506", "WF509")


def by_name(
    section_name: str, packages: Sequence[InstalledPackage], shown: Callable[[Path], str]
) -> list[tuple[str, InstalledPackage]]:
    """The packages with a name for the check of each: the same in every run, and of no two."""
    labels = [package.label for package in packages]
    return [
        (
            f"{section_name}.{package.name}@{package.version}"
            + (f" in {shown(package.logical[0])}" if labels.count(package.label) > 1 else ""),
            package,
        )
        for package in packages
    ]


def _installed(gate: Gate, _tell: Tell) -> Iterator[Item]:
    if gate.installation is None:
        if gate.problem is not None and not isinstance(gate.problem, NotInstalledError):
            raise gate.problem
        what = gate.problem.what if gate.problem else "nothing is installed"
        yield finding(
            "WF101",
            "packages",
            what,
            remedy="Install the project before this step.",
            command=f"{gate.project.manager} install",
            location=Location(gate.project.root / FILE_NAME),
        )
        return
    unreached = [item for item in gate.installation.unpatchable if not gate.targets or item.name in gate.targets]
    for name in gate.targets:
        if name not in [*(package.name for package in gate.packages), *(item.name for item in unreached)]:
            yield finding(
                "WF507",
                name,
                "it is to be patched, and is not installed",
                remedy=f"Run {gate.project.manager} install before this step, or take it out of the targets.",
                location=Location(gate.project.root / FILE_NAME),
            )
    for item in unreached:
        state = gate.patcher.assess(item.package).state if item.package else None
        if item.package and state in _SETTLED:
            gate.states[item.package.folder] = state
            gate.outside.append(item.package)
            what = "patched, outside the project" if state is State.PATCHED else "nothing in it needs a patch"
            yield finding("WF509", item.package.label, what, evidence=[item.where])
        elif item.blocks or not gate.packages:
            yield finding(
                "WF506",
                item.name,
                item.reason,
                evidence=[item.where],
                remedy=f"{item.remedy[:1].upper()}{item.remedy[1:]}.",
                location=Location(gate.project.root / FILE_NAME),
            )


def _of(package: InstalledPackage) -> Callable[[Gate, Tell], Iterator[Item]]:
    def check(gate: Gate, tell: Tell) -> Iterator[Item]:
        tell(f"looking at {package.label}")
        assessment = gate.patcher.assess(package)
        gate.states[package.folder] = assessment.state
        if gate.apply and assessment.state not in _SETTLED:
            yield _applied(gate, package)
        else:
            yield _finding(gate, assessment)

    return check


def _applied(gate: Gate, package: InstalledPackage) -> Finding:
    outcome = gate.patcher.patch(package)
    gate.states[package.folder], gate.changed = State.PATCHED, True
    patches = ", ".join(outcome.plan.patches) if outcome.plan else ""
    what = f"{outcome.result} in this run" + (f": {patches}" if patches else "")
    return finding("WF509", package.label, what, evidence=[gate.shown(package.logical[0]), *outcome.notes])


def _finding(gate: Gate, assessment: Assessment) -> Finding:
    package, state = assessment.package, assessment.state
    folders = [gate.shown(way) for way in package.logical]
    if state is State.PATCHED and assessment.record:
        by = assessment.record.inputs.wasmfix
        return finding("WF509", package.label, f"patched by wasmfix {by}", evidence=folders)
    if state in _SETTLED:
        return finding("WF509", package.label, "nothing in it needs a patch", evidence=folders)
    if state is State.STALE:
        by = assessment.record.inputs.wasmfix if assessment.record else "?"
        what = f"patched by wasmfix {by}, this one would make other files of it"
        return _left_to_do(gate, "WF503", package, what, folders)
    if state is State.PARTIAL:
        return _drifted(gate, assessment)
    if state is State.INTERRUPTED:
        return _left_to_do(gate, "WF505", package, "a run was cut off here", folders)
    before = version_before(package, gate.installation, gate.environment) if gate.installation else None
    if state is State.FOREIGN:
        what = "it cannot be patched as it is"
        remedy = "Install it anew, or a version that wasmfix knows."
        return finding(
            "WF506",
            package.label,
            what,
            evidence=[*folders, *assessment.problems],
            remedy=remedy,
            location=declared(gate.project, package),
        )
    if before is not None:
        return _changed(gate, assessment, before, folders)
    what = "it is not patched" if state is State.UNPATCHED else f"it is not patched ({assessment.label})"
    return _left_to_do(gate, "WF501", package, what, [*folders, *assessment.remarks, *assessment.problems])


def _changed(gate: Gate, assessment: Assessment, before: Before, folders: list[str]) -> Finding:
    package = assessment.package
    sqlite = package.amalgamation.version
    evidence = [*folders, f"{before.version}: {before.source}"]
    if before.sqlite and sqlite:
        same = before.sqlite == sqlite
        evidence.append(f"SQLite {sqlite}, as before" if same else f"SQLite {before.sqlite} is now {sqlite}")
    built = f"; an engine is built from its SQLite {sqlite}" if sqlite else ""
    return finding(
        "WF502",
        package.label,
        f"it was {before.version} before, and {package.version} is not patched",
        evidence=[*evidence, *assessment.remarks],
        remedy=f"Patch the new version{built}. Nothing in the repository has to change for it.",
        command=gate.command(package),
        location=declared(gate.project, package),
        data={
            "version": package.version,
            "before": before.version,
            "sqlite": sqlite,
            "sqlite_before": before.sqlite,
            "folder": str(package.folder),
        },
    )


def _drifted(gate: Gate, assessment: Assessment) -> Finding:
    package = assessment.package
    edited = any(what is Drift.EDITED for _path, what in assessment.drift)
    force = gate.command(package, "--force")
    files = [f"{gate.shown(package.logical[0] / path)} {what.value}" for path, what in assessment.drift]
    return finding(
        "WF504",
        package.label,
        f"{len(files)} {'file' if len(files) == 1 else 'files'} of the patch changed since",
        evidence=files,
        # No command for edits: pasted unread, it would take them away.
        remedy=f"Look at the changed files first; `{force}` overwrites them." if edited else "Patch it again.",
        command=None if edited else gate.command(package),
        location=declared(gate.project, package),
        data={"drift": [{"path": path, "what": what.name.lower()} for path, what in assessment.drift]},
    )


def _left_to_do(gate: Gate, id_: str, package: InstalledPackage, what: str, evidence: Sequence[str]) -> Finding:
    remedy = "Run it after every install; wasmfix ci --apply does both." if id_ == "WF501" else "Patch it again."
    return finding(
        id_,
        package.label,
        what,
        evidence=list(evidence),
        remedy=remedy,
        command=gate.command(package),
        location=declared(gate.project, package),
        data={"version": package.version, "folder": str(package.folder)},
    )
