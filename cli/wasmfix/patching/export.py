"""A patched package as an npm tarball that takes the original's place, without anything native.

The tarball is what `npm pack` would make of the package after `wasmfix patch`, but without native binaries, install
scripts and what only these need. The record in it has no originals: a package that was installed from it is recognised
as patched, and cannot be restored. The installed package is only read.

The same content gives the same bytes: order, times, modes and owners are fixed, as `npm pack` fixes them. (Another
zlib may compress to other bytes.)
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from wasmfix.errors import WasmfixError, os_reason
from wasmfix.patching import files
from wasmfix.patching.assess import State
from wasmfix.patching.files import FileState, content_state
from wasmfix.patching.plan import FILE_MODE, Plan
from wasmfix.patching.record import FOLDER, RECORD, Record, RecordedFile, parse_record, read_record
from wasmfix.patching.run import Patcher
from wasmfix.patching.transaction import locked
from wasmfix.project.manifest import FILE_NAME
from wasmfix.project.package import InstalledPackage

PATCH = "export"
"""In the record, what changed package.json."""

_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
_NATIVE_FOLDERS = ("prebuilds", "build")
# Where it lies, a package without install scripts is compiled all the same (npm, pnpm, Yarn, bun).
_GYP = "binding.gyp"
# What finds, fetches or compiles a native addon.
_NATIVE_DEPENDENCIES = ("bindings", "node-addon-api", "node-gyp-build", "prebuild-install")
_JAVASCRIPT = (".js", ".cjs", ".mjs")
# The time that npm pack gives to every file: 1985-10-26T08:15:00Z.
_TIME = 499162500


@dataclass(frozen=True)
class Exported:
    """One tarball, and what it lacks of the package."""

    package: InstalledPackage
    file: Path
    integrity: str
    """As in a lock file: `sha512-…`."""
    size: int
    """In bytes."""
    replaced: bool
    """There was one of this name with other content."""
    native_files: tuple[str, ...]
    scripts: tuple[str, ...]
    dependencies: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.package.name,
            "version": self.package.version,
            "folder": str(self.package.folder),
            "file": str(self.file.resolve()),
            "integrity": self.integrity,
            "size": self.size,
            "replaced": self.replaced,
            "left_out": {
                "native_files": list(self.native_files),
                "scripts": list(self.scripts),
                "dependencies": list(self.dependencies),
            },
        }


@dataclass(frozen=True)
class _File:
    content: bytes
    executable: bool


def export(package: InstalledPackage, patcher: Patcher, target: Path) -> Exported | None:
    """Write the tarball of a package, as it would be patched now, into the folder `target`.

    Returns:
        None if the package needs no patch, so that there is nothing to take its place.

    Raises:
        WasmfixError: it cannot be patched, or the tarball not be written.
    """
    assessment = patcher.assess(package)
    if assessment.state is State.HEALTHY:
        return None
    plan = None if assessment.state is State.PATCHED else patcher.plan(assessment)
    with locked(package.folder):
        tree = _patched_tree(package.folder, plan)
        written = tree.pop(RECORD, None)
        record = parse_record(json.loads(written.content)) if written else read_record(package.folder)
    assert record is not None
    native = _drop_native(tree)
    scripts, dependencies, record = _drop_installation(tree, record)
    tree[RECORD] = _File(_without_originals(record).dump(), executable=False)
    content = _tarball(tree)
    file = target / tarball_name(package)
    replaced = file.is_file() and not file.is_symlink() and file.read_bytes() != content
    _write(file, content)
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return Exported(package, file, f"sha512-{digest}", len(content), replaced, native, scripts, dependencies)


def tarball_name(package: InstalledPackage) -> str:
    """As `npm pack` names it."""
    return f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"


def _patched_tree(folder: Path, plan: Plan | None) -> dict[str, _File]:
    """The package's own files by path, with the changes of a plan."""
    tree: dict[str, _File] = {}
    for parent, folders, names in os.walk(folder):
        if Path(parent) == folder:
            folders[:] = [name for name in folders if name != FOLDER]
        # Packages inside are the package manager's to install again.
        folders[:] = [name for name in folders if name != "node_modules"]
        for path in (Path(parent, name) for name in names):
            if path.is_file() and not path.is_symlink():
                executable = bool(path.stat().st_mode & 0o100)
                tree[path.relative_to(folder).as_posix()] = _File(path.read_bytes(), executable)
    for change in plan.transaction.changes if plan else ():
        if change.after is None:
            tree.pop(change.path, None)
            continue
        content = change.content
        if content is None:
            assert change.source is not None
            content = (folder / change.source).read_bytes()
        tree[change.path] = _File(content, bool(change.after.mode & 0o100))
    return tree


def _drop_native(tree: dict[str, _File]) -> tuple[str, ...]:
    """Take out what is compiled, and what tells package managers to compile."""
    native = [
        path
        for path in tree
        if PurePosixPath(path).parts[0] in _NATIVE_FOLDERS or path.endswith(".node") or path == _GYP
    ]
    for path in native:
        del tree[path]
    return tuple(sorted(native))


def _drop_installation(tree: dict[str, _File], record: Record) -> tuple[tuple[str, ...], tuple[str, ...], Record]:
    """Take install scripts and native dependencies out of package.json; which these were, and the record of it."""
    manifest = json.loads(tree[FILE_NAME].content.decode("utf-8-sig"))
    scripts = _drop(manifest, "scripts", _INSTALL_SCRIPTS)
    unused = [name for name in _NATIVE_DEPENDENCIES if not _requires(tree, name)]
    dependencies = _drop(manifest, "dependencies", unused)
    if not scripts and not dependencies:
        return (), (), record
    content = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    before = content_state(tree[FILE_NAME].content, FILE_MODE)
    tree[FILE_NAME] = _File(content, executable=False)
    changed = RecordedFile(FILE_NAME, PATCH, before, None, content_state(content, FILE_MODE))
    others = tuple(file for file in record.files if file.path != FILE_NAME)
    return scripts, dependencies, replace(record, files=(*others, changed))


def _drop(manifest: dict[str, object], key: str, names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    values = manifest.get(key)
    if not isinstance(values, dict):
        return ()
    dropped = tuple(name for name in names if name in values)
    for name in dropped:
        del values[name]
    return dropped


def _requires(tree: Mapping[str, _File], name: str) -> bool:
    wanted = re.compile(rb"""["'`]%s(/[^"'`]*)?["'`]""" % re.escape(name).encode())
    return any(wanted.search(file.content) for path, file in tree.items() if path.endswith(_JAVASCRIPT))


def _without_originals(record: Record) -> Record:
    def usual(state: FileState | None) -> FileState | None:
        # The rest of a mode is the installing user's affair.
        return replace(state, mode=_mode(bool(state.mode & 0o100))) if state else None

    recorded = tuple(
        replace(file, original=None, before=usual(file.before), after=usual(file.after)) for file in record.files
    )
    return replace(record, files=recorded, made_folders=(), folder_times={}, exported=True)


def _mode(executable: bool) -> int:
    return 0o755 if executable else FILE_MODE


def _tarball(tree: Mapping[str, _File]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        # package.json first: who only wants to read that can stop there.
        for path in sorted(tree, key=lambda path: (path != FILE_NAME, path)):
            file = tree[path]
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(file.content)
            entry.mtime = _TIME
            entry.mode = _mode(file.executable)
            archive.addfile(entry, io.BytesIO(file.content))
    return packed.getvalue()


def _write(file: Path, content: bytes) -> None:
    """The whole file or none, also where there was one."""
    growing = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            files.write_new(growing, content, FILE_MODE)
            files.rename_over(growing, file)
        finally:
            growing.unlink(missing_ok=True)
    except OSError as error:
        raise WasmfixError(
            f"cannot be written ({os_reason(error)})", where=file, remedy="--export takes a folder"
        ) from error
