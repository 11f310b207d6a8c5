"""What each installed driver really does, asked in a Node of its own: this runs the target's code.

The child gets no variables of the project, bounded memory and time (verification/child.py), and an empty folder.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from wasmfix.diagnostics.checks.project_source import with_source
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.finding import Finding, Location, Remedy, Severity
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Section, Tell
from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment, State, assess
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.sources import current_inputs
from wasmfix.project import InstalledPackage, Project
from wasmfix.project.ranges import satisfies
from wasmfix.verification.child import OLDEST_NODE, Bounds, Ending, find_node, run_child

SECTION = "probe"
_SCRIPT = Path(__file__).resolve().parents[2] / "verification" / "probe.cjs"
_BOUNDS = Bounds(seconds=60, heap_mb=256, resident_mb=768)
_BEDROCK = ("@rocicorp/zero-sqlite3", "bedrock-sqlite")
_DRIVERS = (*_BEDROCK, "better-sqlite3")
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)
_ON_ENGINE = "the engine"

# Step and kind: the id, and what is wrong.
_WRONG = {
    ("load", ""): ("WF401", "it does not load"),
    ("scan-status", "endless"): ("WF402", "scanStatusV2 never answers undefined"),
    ("scan-status", "none"): ("WF403", "scanStatusV2 does not report the loops of a query"),
    ("codes", "lost"): ("WF404", "its errors do not carry SQLite's result code"),
    ("codes", "extended"): ("WF404", "its errors carry primary result codes only"),
    ("processes", ""): ("WF405", "two processes do not share a database"),
    ("wal2", ""): ("WF406", "it has no wal2"),
    ("values", ""): ("WF407", "it does not give back what was stored"),
    ("offsets", ""): ("WF408", "it cannot read past 4 GiB"),
}
_OTHER = {"scan-status": ("WF402", "scanStatusV2 fails"), "codes": ("WF404", "its errors cannot be told apart")}
# What the published packages do right on their native binaries; a patch leaves the JavaScript that does it as it is.
_OF_JAVASCRIPT = ("WF402", "WF403", "WF404", "WF407")
_IDS = (*(f"WF40{n}" for n in range(1, 10)), "WF410", "WF411")


@dataclass
class Answers:
    """What one child said."""

    node: str = ""
    running: str | None = None
    results: list[tuple[str, bool, str, str]] = field(default_factory=list)
    """Step, whether it is in order, kind, detail."""
    done: bool = False

    def hear(self, message: dict[str, object]) -> None:
        if "node" in message:
            self.node = str(message["node"]).removeprefix("v")
        elif "start" in message:
            self.running = str(message["start"])
        elif "step" in message:
            kind, detail = str(message["kind"]), str(message["detail"])
            self.results.append((str(message["step"]), bool(message["ok"]), kind, detail))
            self.running = None
        elif "done" in message:
            self.done = True


@dataclass(frozen=True)
class Drivers:
    packages: tuple[InstalledPackage, ...]
    node: str | None
    project: Project | None
    orez: bool


def sections(options: Options) -> Iterable[Section[Drivers]]:
    packages = options.installation.packages if options.installation else ()
    drivers = tuple(package for package in packages if package.name in _DRIVERS)
    if not options.probe or not drivers:
        return

    @contextmanager
    def open_drivers(_tell: Tell) -> Iterator[Drivers]:
        yield Drivers(drivers, options.node, options.project, bool(options.installation and options.installation.orez))

    yield Section(SECTION, "the drivers", open_drivers, (Check(f"{SECTION}.drivers", _IDS, _drivers),))


def _drivers(drivers: Drivers, tell: Tell) -> Iterator[Item]:
    try:
        node = find_node(drivers.node)
    except WasmfixError as error:
        yield finding(
            "WF411", "Node", f"the drivers were not asked what they do: {error.what}", remedy=_sentence(error)
        )
        return
    for at, package in enumerate(drivers.packages):
        tell(f"asking {package.label} what it does", at, len(drivers.packages))
        yield from _of(drivers, package, node)


def _of(drivers: Drivers, package: InstalledPackage, node: str) -> Iterator[Item]:
    answers = Answers()
    with tempfile.TemporaryDirectory(prefix="wasmfix-probe-", ignore_cleanup_errors=True) as folder:
        job = {
            "packageDir": str(package.folder),
            "workDir": folder,
            "bedrock": package.name in _BEDROCK,
            "scanStatus": _has_scan_status(package),
        }
        try:
            ending = run_child(node, [str(_SCRIPT), json.dumps(job)], _environment(), _BOUNDS, answers.hear)
        except WasmfixError as error:
            yield finding(
                "WF411", package.label, f"it was not asked what it does: {error.what}", remedy=_sentence(error)
            )
            return
    if not answers.node or int(answers.node.split(".")[0]) < OLDEST_NODE:
        last = ending.stderr.splitlines()[-1][:200] if ending.stderr else ending.problem
        what = f"it was not asked what it does: {node} is no Node {OLDEST_NODE} or newer"
        yield finding("WF411", package.label, what, evidence=[last] if last else [])
        return
    loaded = next((detail for step, ok, _kind, detail in answers.results if step == "load" and ok), "")
    if loaded:
        yield Fact(SECTION, package.label, loaded)
    wrong = list(_wrong(answers, ending))
    assessment = _assessed(drivers, package) if wrong else None
    if wrong and wrong[0][0] == "WF401" and assessment is not None and _cannot_load(assessment):
        # The finding about the project says why; this is only how it shows.
        yield Fact(SECTION, package.label, f"does not load: {wrong[0][2][0]}")
    elif wrong:
        edited = wrong[0][0] in _OF_JAVASCRIPT and assessment is not None and _needs_nothing(assessment)
        cure = _cure(drivers, package, assessment, on_engine=_ON_ENGINE in loaded, edited=edited)
        yield from (_finding(package, cure, *each) for each in wrong)
    else:
        steps = ", ".join(step for step, *_rest in answers.results)
        yield finding("WF410", package.label, "it does what Zero needs of it", evidence=[f"asked: {steps}"])


def _wrong(answers: Answers, ending: Ending) -> Iterator[tuple[str, str, list[str], Severity | None]]:
    """Id, what is wrong, evidence, severity if not the usual one."""
    for step, ok, kind, detail in answers.results:
        if not ok:
            id_, what = _WRONG.get((step, kind)) or _OTHER.get(step) or _WRONG[step, ""]
            yield id_, what, [detail], Severity.WARNING if kind == "extended" else None
    if answers.running is not None:
        # In the middle of a step: an endless loop, too much memory, a crash.
        step = answers.running
        id_, what = _OTHER.get(step) or _WRONG[step, ""]
        last = ending.stderr.splitlines()[-1:] if ending.stderr else []
        how = f"the process {ending.problem or 'ended'} in the step {step}"
        yield id_, what, [how, *(line[:300] for line in last)], None
    elif ending.problem or not answers.done:
        yield "WF409", "its process does not end as it should", [f"the process {ending.problem or 'ended early'}"], None


def _finding(
    package: InstalledPackage, cure: Remedy, id_: str, what: str, evidence: list[str], severity: Severity | None
) -> Finding:
    return finding(
        id_,
        package.label,
        what,
        severity=severity,
        evidence=[*evidence, str(package.logical[0])],
        remedy=cure.text,
        command=cure.command,
        location=Location(package.logical[0] / "package.json"),
        data={"said": evidence},
    )


def _assessed(drivers: Drivers, package: InstalledPackage) -> Assessment | None:
    with suppress(WasmfixError):
        return assess(package, load_catalogue(), current_inputs(""), orez=drivers.orez)
    return None


def _cannot_load(assessment: Assessment) -> bool:
    """Whether its files alone tell that it does not load."""
    patches = {edit.patch for edit in assessment.edits}
    without_binary = "addon-loader" in patches and not assessment.package.native
    return assessment.state is State.SHIM or without_binary or bool(patches & {"missing-index", "missing-lib"})


def _needs_nothing(assessment: Assessment) -> bool:
    """Whether it runs on its native binary, and no file that a patch would change is wrong."""
    needed = {edit.patch for edit in assessment.edits}
    return assessment.state is State.UNPATCHED and bool(assessment.package.native) and needed <= {"addon-loader"}


def _cure(
    drivers: Drivers, package: InstalledPackage, assessment: Assessment | None, *, on_engine: bool, edited: bool
) -> Remedy:
    """The patch; for a package that was edited by others, the package as it was published."""
    if on_engine:
        return Remedy("Run wasmfix verify and report what it says.")
    if assessment is not None and assessment.state is not State.FOREIGN and not edited:
        remedy = Remedy("Put SQLite in WebAssembly in its place.", "wasmfix patch")
        manager = drivers.project.manager if drivers.project is not None else None
        return with_source(remedy, assessment, drivers.packages, manager)
    project, folder = drivers.project, package.logical[0]
    text = "Install the package anew: somebody has changed its files."
    if project is None or project.manager != "npm" or not folder.is_relative_to(project.root):
        return Remedy(text)
    return Remedy(text, f"rm -rf {shlex.quote(folder.relative_to(project.root).as_posix())} && npm install")


def _has_scan_status(package: InstalledPackage) -> bool:
    """Whether Zero asks for it: since zero-sqlite3 1.0.15, whatever the driver behind it."""
    if package.name == _BEDROCK[0]:
        return satisfies(package.version, ">=1.0.15") is not False
    return package.name in _BEDROCK


def _sentence(error: WasmfixError) -> str | None:
    return f"{error.remedy[0].upper()}{error.remedy[1:]}." if error.remedy else None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.upper() in _KEPT}
