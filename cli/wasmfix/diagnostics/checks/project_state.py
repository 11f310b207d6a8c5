"""The state of each copy: what the catalogue would do to it, and what became of what it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wasmfix.diagnostics.checks.project_node import fitting
from wasmfix.diagnostics.checks.project_source import with_source
from wasmfix.diagnostics.checks.project_subject import ProjectSubject, needed_patches
from wasmfix.diagnostics.facts import Item
from wasmfix.diagnostics.finding import Finding, Location, Severity
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Tell
from wasmfix.patching.assess import Assessment, Drift, Edit, State
from wasmfix.patching.structure import read_source

_PATCH = "wasmfix patch"
_EDITED = "Look at the edited files first, and save what you want to keep; `wasmfix patch --force` overwrites them."

# A patch of the catalogue that is needed is a defect that is there: the id of the finding, and what is wrong.
_DEFECTS = {
    "missing-index": ("WF103", "its entry point is missing"),
    "missing-lib": ("WF103", "files of its lib/ are missing"),
    "missing-module-type": ("WF103", "dist/package.json is missing, so Node takes its CommonJS for ES modules"),
    "scan-status": ("WF121", "its scanStatusV2 never answers undefined"),
    "error-codes": ("WF122", "its errors always carry SQLITE_ERROR"),
    "read-offset": ("WF123", "its VFS reads with a BigInt offset"),
    "row-guard": ("WF124", "a query may return any number of rows"),
    "blob-guard": ("WF125", "a value may have any size"),
    "unsafe-mode": ("WF126", "it has no unsafeMode"),
    "statement-reset": ("WF128", "its statements are left in the middle, each holds a read transaction"),
    "safe-integers": ("WF129", "it does not heed safeIntegers"),
    "engine": ("WF127", "its locks and its WAL index hold in one process only"),
}
_OTHER_DEFECT = "WF118"
# These two are the patch itself, and the shim that has a finding of its own.
_NO_DEFECTS = ("addon-loader", "stale-shim")


def _state(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    for assessment in subject.assessments:
        yield from _of(subject, assessment)


def _of(subject: ProjectSubject, assessment: Assessment) -> Iterator[Finding]:
    package, state = assessment.package, assessment.state
    folder, label = subject.shown(package.logical[0]), package.label
    here = Location(package.logical[0] / "package.json")
    if state is State.PATCHED:
        by = assessment.record.inputs.wasmfix if assessment.record else "?"
        yield finding("WF119", label, f"patched by wasmfix {by}, every file as it was left", evidence=[folder])
    elif state is State.INTERRUPTED:
        yield finding("WF107", label, "a run was cut off here", evidence=[folder], command=_PATCH, location=here)
    elif state is State.PARTIAL:
        yield _drifted(subject, assessment, here)
    elif state is State.STALE:
        by = assessment.record.inputs.wasmfix if assessment.record else "?"
        what = f"patched by wasmfix {by}, this one would make other files of it"
        yield finding("WF106", label, what, evidence=[folder], command=_PATCH, location=here)
    elif state is State.FOREIGN:
        yield _foreign(assessment, folder, here)
    else:
        packages = subject.installation.packages if subject.installation else ()
        for each in _unpatched(subject, assessment, folder, here):
            remedy = each.remedy and with_source(each.remedy, assessment, packages, subject.project.manager)
            yield replace(each, remedy=remedy)


def _drifted(subject: ProjectSubject, assessment: Assessment, here: Location) -> Finding:
    package = assessment.package
    edited = any(what is Drift.EDITED for _path, what in assessment.drift)
    names = {Drift.REVERTED: "reverted", Drift.MISSING: "lost", Drift.EDITED: "edited"}
    counts = {name: sum(each is what for _path, each in assessment.drift) for what, name in names.items()}
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return finding(
        "WF105",
        package.label,
        f"files of the patch were changed since: {said}",
        evidence=[f"{subject.shown(package.logical[0] / path)} {what.value}" for path, what in assessment.drift],
        # No command: pasted unread, it would take the edit away.
        remedy=_EDITED if edited else "Patch it again.",
        command=None if edited else _PATCH,
        location=Location(package.logical[0] / assessment.drift[0][0]) if assessment.drift else here,
        data={"drift": [{"path": path, "what": what.name.lower()} for path, what in assessment.drift]},
    )


def _foreign(assessment: Assessment, folder: str, here: Location) -> Finding:
    package = assessment.package
    native = bool(package.native)
    return finding(
        "WF108",
        package.label,
        "wasmfix cannot patch it" + (", it runs on its native binary" if native else ""),
        severity=Severity.NOTE if native else None,
        evidence=[folder, *assessment.problems],
        remedy=None if native else "Install the package anew, or a version that wasmfix knows.",
        location=here,
    )


def _unpatched(subject: ProjectSubject, assessment: Assessment, folder: str, here: Location) -> Iterator[Finding]:
    package, label = assessment.package, assessment.package.label
    repairs = subject.repairs.get(package.folder)
    needed = needed_patches(assessment, *([repairs] if repairs else []))
    edit = needed.get("stale-shim")
    marks = edit is not None and _is_marked_only(assessment, edit)
    if assessment.state is State.SHIM and not marks:
        yield finding(
            "WF104",
            label,
            f"orez's shim of generation {assessment.generation} lies over it: scanStatusV2 does not end",
            evidence=[f"{folder}/{edit.path}: {edit.why}"] if edit else [folder],
            command=_PATCH,
            remedy="Put the package's own entry point back, and the engine behind it.",
            location=Location(package.logical[0] / edit.path) if edit else here,
            data={"generation": assessment.generation},
        )
    for patch, edit in needed.items():
        if patch in _NO_DEFECTS:
            continue
        id_, what = _DEFECTS.get(patch, (_OTHER_DEFECT, f"the catalogue has a repair for it: {patch}"))
        place = Location(package.logical[0] / edit.path) if (package.folder / edit.path).exists() else here
        evidence = [f"{folder}/{edit.path}: {edit.why}"]
        yield finding(id_, label, what, evidence=evidence, command=_PATCH, remedy="Patch it.", location=place)
    if marks:
        yield finding(
            "WF113",
            label,
            "orez is installed and its entry point is not marked",
            evidence=[f"{folder}/{needed['stale-shim'].path}"],
            command=_PATCH,
            remedy="Patch it, which marks it.",
            location=here,
        )
    if "addon-loader" in needed and not package.native:
        loader = f", it is loaded by {assessment.loader}" if assessment.loader else ""
        yield finding(
            "WF102",
            label,
            f"it has no native binary for this platform{loader}",
            evidence=[folder],
            command=_PATCH,
            remedy="Put SQLite in WebAssembly in its place.",
            location=here,
        )
    elif not needed:
        yield finding("WF119", label, "nothing in it needs a patch", evidence=[folder])
    elif set(needed) <= {"addon-loader"} and package.native:
        yield _native(subject, assessment, folder, here)


def _native(subject: ProjectSubject, assessment: Assessment, folder: str, here: Location) -> Finding:
    package, node = assessment.package, subject.node
    fits = package.native if node is None else fitting(package.native, node.abi)
    if node is not None and not fits:
        return finding(
            "WF115",
            package.label,
            f"it has no native binary for Node {node.version} (ABI {node.abi})",
            evidence=[f"{folder}/{file}" for file in package.native],
            command=_PATCH,
            remedy="Put SQLite in WebAssembly in its place; or use a Node that one of them is for.",
            location=here,
            data={"abi": node.abi, "binaries": list(package.native)},
        )
    whose = f"Node {node.version}" if node is not None else "this platform"
    what = f"not patched, it has a native binary for {whose}"
    return finding("WF119", package.label, what, evidence=[f"{folder}/{file}" for file in fits])


def _is_marked_only(assessment: Assessment, edit: Edit) -> bool:
    """Whether the edit keeps the entry point that is there, with a mark for orez above it."""
    now = read_source(assessment.package.folder / edit.path)
    return now is not None and edit.content is not None and edit.content.endswith(now)


_STATES = ("WF102", "WF104", "WF105", "WF106", "WF107", "WF108", "WF113", "WF115", "WF119")

CHECKS = (
    Check("project.state", (*_STATES, _OTHER_DEFECT, *sorted({id_ for id_, _what in _DEFECTS.values()})), _state),
)
