"""The state of an installed package, and the edits that it needs. Only reads."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path, PurePosixPath

from wasmfix.errors import WasmfixError
from wasmfix.patching.apply import MISTAKE, Read, Result, apply
from wasmfix.patching.catalogue import FILE, MODES, Patch, is_glob
from wasmfix.patching.files import read_state
from wasmfix.patching.record import FOLDER, Inputs, Record, RecordedFile, read_record
from wasmfix.patching.structure import (
    NotRecognisedError,
    Source,
    exported,
    loader_kind,
    parse,
    read_source,
    required,
)
from wasmfix.patching.transaction import interrupted
from wasmfix.project.package import InstalledPackage

_NOT_ITS_OWN = {FOLDER, "node_modules"}
"""Folders in a package whose files are not the package's."""


class State(str, Enum):
    UNPATCHED = "unpatched"
    PATCHED = "patched"
    STALE = "patched-stale"
    """By an older wasmfix, or with older files of ours."""
    SHIM = "shim"
    MISSING_INDEX = "missing-index"
    MISSING_FILE = "missing-file"
    """Another file than the entry point is missing."""
    HEALTHY = "healthy"
    """None of the catalogue's patches has anything to do."""
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
    patches: tuple[str, ...]
    """The ids of the patches that change it, in their order."""
    why: str
    content: bytes | None
    """None: the file goes."""
    was: str = ""
    """Who else wrote the file that is there."""

    @property
    def patch(self) -> str:
        return ", ".join(self.patches)


@dataclass(frozen=True)
class Seen:
    """What a patch takes a file of the package for, as the package manager installed it."""

    path: str
    patch: str
    state: str
    """As in patch.toml; `absent`, or `unknown` for a file that none of its signatures is about."""
    what: str

    def to_json(self) -> dict[str, object]:
        return {"path": self.path, "patch": self.patch, "state": self.state, "what": self.what}


@dataclass(frozen=True)
class WantedEngine:
    """The engine, to be copied into the package."""

    patch: str
    folder: str
    own_source: bool
    """Built from the package's own amalgamation; otherwise from the one of the project's zero-sqlite3."""
    copies: tuple[str, ...]
    """Files of the package that become the engine's WebAssembly, too."""
    driver: bool
    """With the standalone driver."""


@dataclass(frozen=True)
class Assessment:
    package: InstalledPackage
    state: State
    record: Record | None = None
    edits: tuple[Edit, ...] = ()
    """All that the catalogue wants done to the original files; empty if the state is patched."""
    engine: WantedEngine | None = None
    mode: str = "rebuild"
    """Of `--engine`."""
    generation: int = 0
    """Of the shim."""
    loader: str | None = None
    """What loads the addon: `bindings`, `node-gyp-build`, `wasmfix`."""
    problems: tuple[str, ...] = ()
    """Why it cannot be patched, each with the file's name."""
    notes: tuple[str, ...] = ()
    drift: tuple[tuple[str, Drift], ...] = ()
    seen: tuple[Seen, ...] = ()
    """Empty if the state is patched or interrupted."""

    @property
    def label(self) -> str:
        if self.state is State.SHIM:
            return f"shim, generation {self.generation}"
        # `rebuild` is what is meant where nothing is said.
        shown = self.record is not None and self.record.inputs.engine == "shim"
        return f"{self.state.value} ({self.record.inputs.engine})" if self.record and shown else self.state.value

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and which files are somebody else's work."""
        theirs = tuple(f"{edit.path} is {edit.was}" for edit in self.edits if edit.was and not self.record)
        return (*self.notes, *theirs, *(f"{path} was {was}" for path, was in self.replaced))

    @property
    def replaced(self) -> tuple[tuple[str, str], ...]:
        """The files that were somebody else's work before the patch, and whose; `restore` brings them back."""
        return tuple((file.path, file.was) for file in self.record.files if file.was) if self.record else ()

    @property
    def patches(self) -> tuple[str, ...]:
        return self.record.patches if self.record else ()

    def to_json(self) -> dict[str, object]:
        return {
            **self.package.to_json(),
            "state": self.state.value,
            "shim_generation": self.generation or None,
            "loader": self.loader,
            "engine": self.mode,
            "patches": list(self.patches),
            "patched_by": self.record.inputs.wasmfix if self.record else None,
            "needs": sorted({patch for edit in self.edits for patch in edit.patches}),
            "files": [seen.to_json() for seen in self.seen],
            "problems": list(self.problems),
            "notes": list(self.remarks),
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
        inputs: what a patch would be made from now; an empty toolchain, engine or amalgamation stands for any.
        orez: whether the project has orez, which puts its shim over an entry point that is not marked.
    """
    folder = package.folder
    if not any(patch.target(package.name) and set(patch.modes) != set(MODES) for patch in catalogue):
        # The same is done in either mode: it is no update to name another one.
        inputs = replace(inputs, engine=MODES[0])
    if interrupted(folder):
        return Assessment(package, State.INTERRUPTED)
    record = read_record(folder)
    if record is None:
        return _assess_unpatched(package, catalogue, orez, inputs.engine or MODES[0])
    if (record.package, record.version) != (package.name, package.version):
        problem = f".wasmfix/record.json is of {record.package} {record.version}"
        return Assessment(package, State.FOREIGN, record, problems=(problem,))
    drift = tuple((file.path, what) for file in record.files if (what := drifted(folder, file)))
    if record.exported:
        return _assess_exported(package, record, inputs, drift)
    wanted = _wanted(package, catalogue, record, orez, inputs.engine or record.inputs.engine)
    if drift:
        state = State.PARTIAL
    elif not _made_from(record, inputs) or {edit.path for edit in wanted.edits} - {file.path for file in record.files}:
        state = State.STALE
    else:
        loader = "wasmfix" if record.engine_key else None
        return Assessment(package, State.PATCHED, record, mode=record.inputs.engine, loader=loader)
    return wanted.assessment(package, state, record, drift)


def _assess_exported(
    package: InstalledPackage, record: Record, inputs: Inputs, drift: tuple[tuple[str, Drift], ...]
) -> Assessment:
    """From a tarball of ours: there are no originals to look at; what is not right can only be replaced."""
    # Whose SQLite it is was a question when it was exported.
    fresh = _made_from(record, replace(inputs, amalgamation=""))
    state = State.PARTIAL if drift else State.PATCHED if fresh else State.STALE
    problems = [f"{path} {what.value}" for path, what in drift]
    if state is State.STALE:
        problems.append(f"its tarball was exported by another wasmfix ({record.inputs.wasmfix})")
    return Assessment(
        package,
        state,
        record,
        mode=record.inputs.engine,
        loader="wasmfix" if record.engine_key else None,
        problems=tuple(problems),
        notes=("installed from a tarball of `wasmfix patch --export`",),
        drift=drift,
    )


def drifted(folder: Path, file: RecordedFile) -> Drift | None:
    """What became of a file that we put there; None if it is as we left it."""
    now = read_state(folder / file.path)
    if now is None:
        return None if file.after is None else Drift.MISSING
    if file.after is not None and file.after.same_content(now):
        return None
    return Drift.REVERTED if now.same_content(file.before) else Drift.EDITED


def _made_from(record: Record, inputs: Inputs) -> bool:
    made = record.inputs
    return made == replace(
        inputs,
        toolchain=inputs.toolchain if inputs.toolchain and record.engine_key else made.toolchain,
        engine=inputs.engine or made.engine,
        amalgamation=inputs.amalgamation if inputs.amalgamation and made.amalgamation else made.amalgamation,
    )


def _assess_unpatched(package: InstalledPackage, catalogue: Sequence[Patch], orez: bool, mode: str) -> Assessment:
    wanted = _wanted(package, catalogue, None, orez, mode)
    if wanted.problems:
        state = State.FOREIGN
    elif wanted.generation:
        state = State.SHIM
    elif wanted.created:
        main = posixpath.normpath(package.manifest.main)
        state = State.MISSING_INDEX if any(_names(main, path) for path in wanted.created) else State.MISSING_FILE
    elif wanted.edits:
        state = State.UNPATCHED
    else:
        state = State.HEALTHY
    return wanted.assessment(package, state, None)


@dataclass
class _Wanted:
    """What the catalogue does to the original files of a package; grows patch by patch."""

    mode: str
    contents: dict[str, bytes | None] = field(default_factory=dict)
    """Of the files that are changed, as the patches so far leave them."""
    by: dict[str, list[str]] = field(default_factory=dict)
    why: dict[str, list[str]] = field(default_factory=dict)
    was: dict[str, str] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    engine: WantedEngine | None = None
    generation: int = 0
    loader: str | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    @property
    def edits(self) -> tuple[Edit, ...]:
        return tuple(
            Edit(path, tuple(self.by[path]), "; ".join(self.why[path]), content, self.was.get(path, ""))
            for path, content in self.contents.items()
        )

    def take(self, patch: str, path: str, result: Result) -> None:
        self.contents[path] = result.content
        self.generation = self.generation or result.generation
        for value, values in ((patch, self.by.setdefault(path, [])), (result.why, self.why.setdefault(path, []))):
            if value not in values:
                values.append(value)

    def assessment(
        self, package: InstalledPackage, state: State, record: Record | None, drift: tuple[tuple[str, Drift], ...] = ()
    ) -> Assessment:
        return Assessment(
            package=package,
            state=state,
            record=record,
            edits=self.edits,
            engine=self.engine,
            mode=self.mode,
            generation=self.generation,
            loader="wasmfix" if record and record.engine_key else self.loader,
            problems=tuple(dict.fromkeys(self.problems)),
            notes=tuple(dict.fromkeys(self.notes)),
            drift=drift,
            seen=tuple(self.seen),
        )


def _wanted(
    package: InstalledPackage, catalogue: Sequence[Patch], record: Record | None, orez: bool, mode: str
) -> _Wanted:
    """What the catalogue does to the original files of the package, wherever they are kept now."""
    wanted = _Wanted(mode)
    patches = [
        patch
        for patch in catalogue
        if mode in patch.modes
        and (target := patch.target(package.name)) is not None
        and (target.covers(package.version) or not target.only)
    ]
    if not any(patch.target(package.name) for patch in catalogue):
        wanted.problems.append("the catalogue has no patch for it")
    if package.amalgamation.problem and any(patch.engine and patch.engine.source == "own" for patch in patches):
        wanted.problems.append(package.amalgamation.problem)
    for patch in patches:
        _apply_patch(package, patch, record, orez, wanted)
    return wanted


def _apply_patch(package: InstalledPackage, patch: Patch, record: Record | None, orez: bool, wanted: _Wanted) -> None:
    target = patch.target(package.name)
    assert target is not None
    known = target.covers(package.version)
    changed = False

    def read(path: str) -> bytes | None:
        return wanted.contents[path] if path in wanted.contents else _original(package.folder, record, path)

    def read_own(path: str) -> bytes | None:
        """None for what cannot be read, and for a symlink: it is no file of the package."""
        try:
            return None if _leads_elsewhere(package.folder, record, path) else read(path)
        except NotRecognisedError:
            return None

    def there(path: str) -> bool:
        try:
            return read(path) is not None
        except NotRecognisedError:
            return True

    for file in patch.files:
        if file.kind == "engine" or not all(map(there, file.present)) or any(map(there, file.absent)):
            continue
        if file.follows is not None and file.follows not in wanted.contents:
            continue
        for path in _paths(package.folder, record, file.path):
            lacking: list[str] = []
            try:
                if file.lacking and not (lacking := _lacks(path, file.lacking, read)):
                    continue
                if file.kind == "create" and file.main:
                    _require_main(package, path, read(path))
                if file.kind == "remove":
                    content = b"" if _can_go(package.folder, record, path) else None
                elif file.kind != "create" and _leads_elsewhere(package.folder, record, path):
                    raise NotRecognisedError("it is a symlink")
                else:
                    content = read(path)
                result = apply(file, path, content, read_own, orez=orez)
                if patch.engine and result.state == "applied":
                    problem = f"it {result.why} already, but .wasmfix/record.json is gone"
                    raise NotRecognisedError(problem, "applied")
                wanted.seen.append(Seen(path, patch.id, result.state, result.why))
                if patch.engine and file.every and content is not None and wanted.loader is None:
                    wanted.loader = loader_kind(parse(content, path), file.every)
            except NotRecognisedError as error:
                if error.state == MISTAKE:
                    where = patch.folder / FILE
                    raise WasmfixError(
                        f"{path} of {package.label}: {error}", where=where, remedy="correct the patch"
                    ) from error
                wanted.seen.append(Seen(path, patch.id, error.state, str(error)))
                told = [problem for problem in wanted.problems if problem.startswith(f"{path} ")]
                if told and (file.kind == "keep" or any(f": {error}" in problem for problem in told)):
                    continue  # another patch has said what is wrong with it
                versions = "" if known else f" (known are the versions {target.versions})"
                which = f": {', '.join(lacking)}" if lacking else ""
                problem = f"{path} is not what the patch {patch.label} is for: {error}{which}{versions}"
                (wanted.problems if file.required else wanted.notes).append(problem)
                continue
            if result.note:
                wanted.notes.append(result.note)
            if result.written_by:
                wanted.was[path] = result.written_by
            if result.content is None and not result.removed:
                continue
            changed = True
            if file.kind == "create" and content is None:
                wanted.created.append(path)
            wanted.take(patch.id, path, result)
            if not known and file.places:
                note = f"version {package.version} is unknown, but has the structure of {target.versions}"
                wanted.notes.append(note)
    engine = patch.engine
    if engine and (changed or len(patch.files) == 1):
        copies = [path for pattern in engine.copies for path in _paths(package.folder, record, pattern)]
        driver = engine.driver or (wanted.engine is not None and wanted.engine.driver)
        own = engine.source == "own"
        wanted.engine = WantedEngine(patch.id, engine.path, own, tuple(dict.fromkeys(copies)), driver)


def _paths(folder: Path, record: Record | None, pattern: str) -> list[str]:
    """The files that a path or a glob means, among those that the package manager put there; a path means itself."""
    if not is_glob(pattern):
        return [pattern]
    there = {file.relative_to(folder).as_posix() for file in folder.glob(pattern) if file.is_file()}
    there = {path for path in there if not _NOT_ITS_OWN & set(PurePosixPath(path).parts)}
    for file in record.files if record else ():
        there.discard(file.path)
        # To match(), ** is one folder; and it looks from the right.
        if file.before is not None and PurePosixPath(file.path).match(pattern.removeprefix("**/")):
            there.add(file.path)
    return sorted(there)


def _lacks(script: str, known: Sequence[str], read: Read) -> list[str]:
    """Which of the files in `known` a script requires, itself or through others of them, that are missing or cut short.

    What is not in `known` is no file of the package as it was published, and its own affair. A file is cut short if it
    does not parse, uses what it does not define, or does not export what is taken from it.
    """
    lacking: list[str] = []
    seen: dict[str, set[str]] = {}
    queue = [(script, set[str]())]
    while queue:
        path, taken = queue.pop()
        if path in seen and taken <= seen[path]:
            continue
        seen[path] = seen.get(path, set()) | taken
        source = _script(path, read)
        names = exported(source) if source is not None else set[str]()
        cut = source is None or source.broken or bool(source.unbound) or names == set()
        if path != script and (cut or (names is not None and taken - names)):
            lacking.append(path)
        if source is None or cut:
            continue
        for name, wanted in required(source).items():
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            target += "" if posixpath.splitext(target)[1] else ".js"
            if target in known:
                queue.append((target, wanted))
    return sorted(set(lacking))


def _script(path: str, read: Read) -> Source | None:
    try:
        content = read(path)
        return parse(content, path) if content is not None else None
    except NotRecognisedError as error:
        raise NotRecognisedError(f"{path}: {error}") from error


def _names(main: str, path: str) -> bool:
    """Whether package.json's `main` means this file."""
    return main in (path, path.removesuffix(".js"), posixpath.dirname(path))


def _require_main(package: InstalledPackage, path: str, content: bytes | None) -> None:
    main = posixpath.normpath(package.manifest.main)
    if content is None and not _names(main, path):
        raise NotRecognisedError(f"package.json's main is {main}")


def _leads_elsewhere(folder: Path, record: Record | None, path: str) -> bool:
    """Whether what the package manager put there is a symlink to a file."""
    ours = record is not None and any(file.path == path for file in record.files)
    # Unlike pathlib's, these two have an answer for every path.
    return not ours and os.path.islink(folder / path) and os.path.exists(folder / path)


def _can_go(folder: Path, record: Record | None, path: str) -> bool:
    """Whether there was something to remove before any patch: a file, empty or not, or a symlink."""
    recorded = next((file for file in record.files if file.path == path), None) if record else None
    if recorded:
        return recorded.before is not None
    return os.path.islink(folder / path) or os.path.isfile(folder / path)


def _original(folder: Path, record: Record | None, path: str) -> bytes | None:
    """The content that the package manager (or whoever came before us) gave to a file."""
    recorded = next((file for file in record.files if file.path == path), None) if record else None
    if recorded is None:
        return read_source(folder / path)
    if recorded.original is None or (recorded.before is not None and recorded.before.symlink):
        return None
    return read_source(folder / recorded.original)
