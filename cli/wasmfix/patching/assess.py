"""The state of an installed package, and the edits that it needs. Only reads."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from wasmfix.patching.catalogue import Patch, Signature
from wasmfix.patching.files import read_state
from wasmfix.patching.record import REINSTALL, Inputs, Record, RecordedFile, read_record
from wasmfix.patching.structure import (
    NotRecognisedError,
    Source,
    classify,
    loader_kind,
    parse,
    read_source,
    rewrite,
)
from wasmfix.patching.transaction import interrupted
from wasmfix.project.package import InstalledPackage


class State(str, Enum):
    UNPATCHED = "unpatched"
    PATCHED = "patched"
    STALE = "patched-stale"
    """By an older wasmfix, or with older files of ours."""
    SHIM = "shim"
    MISSING_INDEX = "missing-index"
    FOREIGN = "foreign"
    """Its files are not the ones that we know: not patched."""
    PARTIAL = "partially patched"
    """Files were changed since it was patched."""
    INTERRUPTED = "interrupted"
    """A run was cut off; the next patch or restore finishes it."""


class Drift(str, Enum):
    """What became of a file that we put there."""

    REVERTED = "is the original again"
    MISSING = "is missing"
    EDITED = "was changed by someone else since"


@dataclass(frozen=True)
class Edit:
    """A file of the package as it shall be."""

    path: str
    patch: str
    why: str
    content: bytes


@dataclass(frozen=True)
class Assessment:
    package: InstalledPackage
    state: State
    record: Record | None = None
    edits: tuple[Edit, ...] = ()
    """All that the catalogue wants done to the original files; empty if the state is patched."""
    generation: int = 0
    """Of the shim."""
    loader: str | None = None
    """What loads the addon: `bindings`, `node-gyp-build`, `wasmfix`."""
    problems: tuple[str, ...] = ()
    """Why it cannot be patched, each with the file's name."""
    notes: tuple[str, ...] = ()
    drift: tuple[tuple[str, Drift], ...] = ()

    @property
    def label(self) -> str:
        return f"shim, generation {self.generation}" if self.state is State.SHIM else self.state.value

    @property
    def patches(self) -> tuple[str, ...]:
        return self.record.patches if self.record else ()

    def to_json(self) -> dict[str, object]:
        return {
            **self.package.to_json(),
            "state": self.state.value,
            "shim_generation": self.generation or None,
            "loader": self.loader,
            "patches": list(self.patches),
            "patched_by": self.record.inputs.wasmfix if self.record else None,
            "needs": sorted({edit.patch for edit in self.edits}),
            "problems": list(self.problems),
            "notes": list(self.notes),
            "drift": [{"path": path, "what": what.value} for path, what in self.drift],
        }


def assess(
    package: InstalledPackage,
    catalogue: Sequence[Patch],
    inputs: Inputs,
    *,
    orez: bool = False,
) -> Assessment:
    """Look at one package.

    Args:
        inputs: what a patch would be made from now; an empty toolchain stands for any.
        orez: whether the project has orez, which puts its shim over an entry point that is not marked.
    """
    folder = package.folder
    if interrupted(folder):
        return Assessment(package, State.INTERRUPTED)
    record = read_record(folder)
    if record is None:
        return _assess_unpatched(package, catalogue, orez)
    if (record.package, record.version) != (package.name, package.version):
        problem = f".wasmfix/record.json is of {record.package} {record.version}; delete the folder and install again"
        return Assessment(package, State.FOREIGN, record, problems=(problem,))
    drift = tuple((file.path, what) for file in record.files if (what := drifted(folder, file)))
    wanted = _wanted(package, catalogue, record, orez)
    if drift:
        state = State.PARTIAL
    elif not _made_from(record, inputs) or {edit.path for edit in wanted.edits} - {file.path for file in record.files}:
        state = State.STALE
    else:
        return Assessment(package, State.PATCHED, record, loader="wasmfix")
    return Assessment(
        package, state, record, wanted.edits, wanted.generation, "wasmfix", wanted.problems, wanted.notes, drift
    )


def drifted(folder: Path, file: RecordedFile) -> Drift | None:
    """What became of a file that we put there; None if it is as we left it."""
    now = read_state(folder / file.path)
    if now is None:
        return Drift.MISSING
    if file.after.same_content(now):
        return None
    return Drift.REVERTED if now.same_content(file.before) else Drift.EDITED


def _made_from(record: Record, inputs: Inputs) -> bool:
    return record.inputs == (inputs if inputs.toolchain else replace(inputs, toolchain=record.inputs.toolchain))


@dataclass(frozen=True)
class _Wanted:
    edits: tuple[Edit, ...]
    generation: int
    loader: str | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def _assess_unpatched(package: InstalledPackage, catalogue: Sequence[Patch], orez: bool) -> Assessment:
    wanted = _wanted(package, catalogue, None, orez)
    if wanted.problems:
        state = State.FOREIGN
    elif wanted.generation:
        state = State.SHIM
    elif any(edit.patch == "missing-index" for edit in wanted.edits):
        state = State.MISSING_INDEX
    else:
        state = State.UNPATCHED
    return Assessment(
        package, state, None, wanted.edits, wanted.generation, wanted.loader, wanted.problems, wanted.notes
    )


def _wanted(package: InstalledPackage, catalogue: Sequence[Patch], record: Record | None, orez: bool) -> _Wanted:
    """What the catalogue does to the original files of the package, wherever they are kept now."""
    edits: list[Edit] = []
    problems: list[str] = []
    notes: list[str] = []
    generation = 0
    loader: str | None = None
    if package.amalgamation.problem:
        problems.append(package.amalgamation.problem)
    for patch in catalogue:
        target = patch.target(package.name)
        if target is None:
            continue
        path = patch.action.file
        try:
            content = _original(package.folder, record, path)
            if patch.action.kind == "create":
                edits += _create(package, patch, content)
            elif patch.action.kind == "replace":
                found = _replace(package, patch, record, content, orez)
                edits += found[0]
                generation = found[1]
            else:
                source = _source(content)
                edits.append(_rewrite(patch, source))
                loader = loader_kind(source, patch.action.every)
        except NotRecognisedError as error:
            known = "" if target.covers(package.version) else f" (known are the versions {target.versions})"
            problems.append(f"{path} is not what the patch {patch.id} is for: {error}{known}")
        else:
            if not target.covers(package.version) and patch.places:
                notes.append(f"version {package.version} is unknown, but has the structure of {target.versions}")
    return _Wanted(tuple(edits), generation, loader, tuple(problems), tuple(notes))


def _original(folder: Path, record: Record | None, path: str) -> bytes | None:
    """The content that the package manager (or whoever came before us) gave to a file."""
    recorded = next((file for file in record.files if file.path == path), None) if record else None
    if recorded is None:
        return read_source(folder / path)
    if recorded.original is None or (recorded.before is not None and recorded.before.symlink):
        return None
    return read_source(folder / recorded.original)


def _source(content: bytes | None) -> Source:
    if content is None:
        raise NotRecognisedError("it is missing or empty, reinstall the package")
    return parse(content)


def _create(package: InstalledPackage, patch: Patch, content: bytes | None) -> list[Edit]:
    if content is not None:
        return []
    main = posixpath.normpath(package.manifest.main)
    if main not in (patch.action.file, patch.action.file.removesuffix(".js"), posixpath.dirname(patch.action.file)):
        raise NotRecognisedError(f"package.json's main is {main}")
    return [Edit(patch.action.file, patch.id, "it is missing or empty", patch.action.payload)]


def _replace(
    package: InstalledPackage, patch: Patch, record: Record | None, content: bytes | None, orez: bool
) -> tuple[list[Edit], int]:
    """The edits, and the generation of the shim that is there or will be (0: none)."""
    if content is None:
        return [], 0
    action = patch.action
    if (package.folder / action.file).is_symlink() and record is None:
        raise NotRecognisedError("it is a symlink")
    found = classify(parse(content), patch.signatures)
    if found is None or found.state == "foreign":
        raise NotRecognisedError("neither the package's own file nor a shim that we know")
    if found.state == "applied" or (found.state == "original" and not orez):
        return [], 0
    if found.state == "original":
        return [Edit(action.file, patch.id, "orez is installed and would put its shim here", action.mark + content)], 3
    kept = _plausible_backup(package.folder, patch)
    why = f"{found.name}; {'the original is in the backup' if kept else 'there is no usable backup'}"
    return [Edit(action.file, patch.id, why, action.mark + (kept or action.payload))], found.generation


def _plausible_backup(folder: Path, patch: Patch) -> bytes | None:
    if patch.action.backup is None:
        return None
    content = read_source(folder / patch.action.backup)
    if content is None:
        return None
    try:
        found: Signature | None = classify(parse(content), patch.signatures)
    except NotRecognisedError:
        return None
    return content if found is not None and found.state == "original" else None


def _rewrite(patch: Patch, source: Source) -> Edit:
    applied = classify(source, patch.signatures)
    if applied is not None:
        raise NotRecognisedError(f"it {applied.name} already, but .wasmfix/record.json is gone; {REINSTALL}")
    content = rewrite(source, patch.places, patch.action.every) + patch.action.append
    return Edit(patch.action.file, patch.id, "it loads the native addon", content)
