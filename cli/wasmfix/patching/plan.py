"""What `patch` and `restore` will do to a package, before they do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment, Drift, drifted
from wasmfix.patching.files import FileState, content_state, inside, read_state
from wasmfix.patching.record import RECORD, REINSTALL, Inputs, Record, RecordedFile
from wasmfix.patching.transaction import Change, Transaction
from wasmfix.project.package import InstalledPackage

FILE_MODE = 0o644
WASM = "engine.wasm"
DRIVER = "standalone/"
"""The scripts of the standalone driver; most packages have a driver of their own."""


@dataclass(frozen=True)
class EngineFiles:
    """What is copied into a folder of the package, by its path there, and the key of the build."""

    key: str
    contents: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True)
class Plan:
    """The changes to one package, in order; the record of them is the last."""

    package: InstalledPackage
    transaction: Transaction
    patches: tuple[str, ...]
    reasons: Mapping[str, tuple[str, str]]
    """For each path, the patch's id and why."""

    @property
    def empty(self) -> bool:
        return not self.transaction.changes

    def operations(self) -> list[dict[str, object]]:
        """The changes to files of the package (not to our own record), for people and programs."""
        shown: list[dict[str, object]] = []
        for change in self.transaction.changes:
            if change.path == RECORD:
                continue
            patch, why = self.reasons[change.path]
            after = change.after
            shown.append(
                {
                    "path": change.path,
                    "from": change.before.sha256 if change.before else None,
                    "to": after.sha256 if after else None,
                    "mode": f"{after.mode:04o}" if after else None,
                    "patch": patch,
                    "why": why,
                }
            )
        return shown

    def to_json(self) -> dict[str, object]:
        return {"patches": list(self.patches), "operations": self.operations()}


def patch_plan(assessment: Assessment, engine: EngineFiles | None, inputs: Inputs, *, force: bool = False) -> Plan:
    """From what the package is to what it shall be.

    Args:
        engine: where the assessment wants one.

    Raises:
        WasmfixError: the package cannot be patched, or files were changed by someone else (unless `force`).
    """
    package, record = assessment.package, assessment.record
    if assessment.problems:
        raise refusal(assessment)
    _refuse_edited(package.folder, assessment.drift, "patch", force)
    recorded = {file.path: file for file in record.files} if record else {}
    wanted: dict[str, tuple[bytes | None, str, str]] = {}
    if engine:
        wanted |= _engine_contents(assessment, engine)
    for path in wanted:
        if path not in recorded and read_state(package.folder / path) is not None and not force:
            raise WasmfixError(
                "is there, but wasmfix has no record of it",
                where=package.folder / path,
                remedy=f"{REINSTALL}, or run: wasmfix patch --force",
            )
    wanted |= {edit.path: (edit.content, edit.patch, edit.why) for edit in assessment.edits}
    if engine and assessment.engine:
        # Last: until now somebody else's script may run with them.
        copy = (engine.contents[WASM], assessment.engine.patch, "a copy of the engine")
        wanted |= dict.fromkeys(assessment.engine.copies, copy)

    was = {edit.path: edit.was for edit in assessment.edits}
    changes: list[Change] = []
    files: list[RecordedFile] = []
    for path, (content, patch, _why) in wanted.items():
        change, file = _towards(package.folder, path, content, patch, recorded.get(path))
        files.append(replace(file, was=was.get(path, "")))
        if change is not None:
            changes.append(change)
    reasons = {path: (patch, why) for path, (_content, patch, why) in wanted.items()}
    for path, old in recorded.items():
        if path not in wanted:
            reasons[path] = (old.patch, "no longer part of the patch")
            changes += _putting_back(package.folder, old)

    folders, made = _folders(package.folder, [*wanted], record)
    patches = tuple(sorted({patch for _content, patch_ids, _why in wanted.values() for patch in patch_ids.split(", ")}))
    key = engine.key if engine else ""
    new = Record(package.name, package.version, patches, inputs, key, tuple(files), made, folders)
    changes += _record_change(package.folder, new.dump())
    transaction = Transaction(
        "patch",
        tuple(changes),
        made_folders=tuple(folder for folder in made if not (package.folder / folder).is_dir()),
        removed_folders=_deepest_first(set(record.made_folders) - set(made)) if record else (),
        backward_times=None if record else folders,
    )
    return Plan(package, transaction, patches, reasons)


def restore_plan(package: InstalledPackage, record: Record, *, force: bool = False) -> Plan:
    """From what the package is to what it was before the first patch.

    Raises:
        WasmfixError: files were changed by someone else (unless `force`), or an original is gone.
    """
    folder = package.folder
    drift = [(file.path, what) for file in record.files if (what := drifted(folder, file))]
    known = {file.path for file in record.files}
    extra = [path for made in record.made_folders for path in _files_in(folder, made) if path not in known]
    _refuse_edited(folder, [*drift, *((path, Drift.EDITED) for path in dict.fromkeys(extra))], "restore", force)

    changes: list[Change] = []
    # Backwards: the loader lets go of the engine before the engine goes.
    for file in reversed(record.files):
        changes += _putting_back(folder, file)
    changes += [Change(path, read_state(folder / path), None) for path in dict.fromkeys(extra)]
    changes += [Change(RECORD, read_state(folder / RECORD), None)]
    reasons = {file.path: (file.patch, "as it was before") for file in record.files}
    reasons |= dict.fromkeys(extra, ("", "in a folder of ours"))
    removed = {made for made in record.made_folders if (folder / made).is_dir()}
    removed |= {parent for path in extra for parent in _parents(path) if parent not in ("", ".")}
    transaction = Transaction(
        "restore",
        tuple(changes),
        removed_folders=_deepest_first(removed),
        forward_times=record.folder_times,
    )
    return Plan(package, transaction, record.patches, reasons)


def refusal(assessment: Assessment) -> WasmfixError:
    """Why a package cannot be patched."""
    package = assessment.package
    return WasmfixError(
        f"{package.label} cannot be patched: {'; '.join(assessment.problems)}",
        where=package.folder,
        remedy="install it again from a new export (see: wasmfix patch --export)"
        if assessment.record and assessment.record.exported
        else "reinstall it, or install a version that wasmfix knows",
    )


def _engine_contents(assessment: Assessment, engine: EngineFiles) -> dict[str, tuple[bytes, str, str]]:
    """Content, patch and reason by path in the package."""
    wanted = assessment.engine
    assert wanted is not None
    return {
        f"{wanted.folder}/{name}": (content, wanted.patch, "the engine")
        for name, content in engine.contents.items()
        if wanted.driver or not name.startswith(DRIVER)
    }


def _towards(
    folder: Path, path: str, content: bytes | None, patch: str, recorded: RecordedFile | None
) -> tuple[Change | None, RecordedFile]:
    """The change that gives a file its content (None if it has it), and what the record says of it.

    Content None: the file goes.
    """
    now = read_state(inside(folder, path))
    before = recorded.before if recorded else now
    mode = before.mode if before and not before.symlink else FILE_MODE
    after = content_state(content, mode) if content is not None else None
    change = Change(path, now, after, content=content, pristine=recorded is None)
    original = recorded.original if recorded else change.backup
    file = RecordedFile(path, patch, before, original, after)
    done = now is None if after is None else after.same_content(now)
    return (None if recorded and done else change), file


def _putting_back(folder: Path, file: RecordedFile) -> list[Change]:
    now = read_state(inside(folder, file.path))
    if file.before is None:
        return [Change(file.path, now, None)] if now is not None else []
    if now == file.before:
        return []
    assert file.original is not None
    if not file.before.same_content(read_state(folder / file.original)):
        raise WasmfixError("the original is gone or damaged", where=folder / file.original, remedy=REINSTALL)
    return [Change(file.path, now, file.before, source=file.original)]


def _record_change(folder: Path, content: bytes) -> list[Change]:
    now: FileState | None = read_state(folder / RECORD)
    after = content_state(content, FILE_MODE)
    return [] if after.same_content(now) else [Change(RECORD, now, after, content=content)]


def _folders(folder: Path, paths: list[str], record: Record | None) -> tuple[dict[str, int], tuple[str, ...]]:
    """The folders that are touched, with their times of before any patch, and those that have to be made."""
    ours = record.made_folders if record else ()
    made: list[str] = []
    times = dict(record.folder_times) if record else {}
    for parent in dict.fromkeys(parent for path in paths for parent in reversed(_parents(path))):
        if parent in times:
            continue
        if parent in ours:
            made.append(parent)
            continue
        try:
            times[parent] = (folder / parent).stat().st_mtime_ns
        except FileNotFoundError:
            made.append(parent)
    return times, tuple(made)


def _parents(path: str) -> list[str]:
    """`a/b/c` → `a/b`, `a`, `.`"""
    return [parent.as_posix() for parent in PurePosixPath(path).parents]


def _deepest_first(folders: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(folders, key=lambda name: (-len(PurePosixPath(name).parts), name)))


def _files_in(folder: Path, name: str) -> list[str]:
    return [
        file.relative_to(folder).as_posix()
        for file in sorted((folder / name).rglob("*"))
        if file.is_symlink() or not file.is_dir()
    ]


def _refuse_edited(folder: Path, drift: Iterable[tuple[str, Drift]], action: str, force: bool) -> None:
    if force:
        return
    edited = [path for path, what in drift if what is Drift.EDITED]
    if edited:
        more = f" (and {len(edited) - 1} more)" if len(edited) > 1 else ""
        raise WasmfixError(
            f"was changed by someone else since{more}",
            where=folder / edited[0],
            remedy=f"run: wasmfix {action} --force to overwrite it",
        )
