"""What a project says so that a tarball takes the place of a package, whoever depends on it.

npm: `overrides` (docs.npmjs.com, "package.json") that refer to a dependency of the root (`$NAME`). With a path of their
own, npm 10 looks for it from the folder of a member that asks, or of a package that is installed already.
pnpm: `overrides`, in pnpm-workspace.yaml or under `pnpm` in package.json (pnpm.io, "Settings"). Yarn, classic or not:
`resolutions`; for what the root itself asks for, classic asks the registry all the same, so the root names the tarball.
bun: `overrides`.

Of a package with several versions, each package.json that asks for one gets the tarball itself. What only others ask
for is overridden by name and version: npm compares that with the range that was asked for, pnpm and Yarn want the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmfix.project.find import Installation
from wasmfix.project.manifest import FILE_NAME, read_manifest
from wasmfix.project.package import InstalledPackage

_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies")

Entries = dict[str, dict[str, object]]
"""For each package.json, by its path from the project's root, the fields to merge into it."""


@dataclass(frozen=True)
class Tarball:
    """The file that takes a package's place."""

    package: InstalledPackage
    file: Path


@dataclass(frozen=True)
class _Asking:
    """A package.json of the project that asks for a package, and the version that it gets."""

    folder: Path
    kind: str
    version: str | None


def override_entries(installation: Installation, tarballs: Sequence[Tarball]) -> dict[str, Entries]:
    """What the users of each package manager write, by the manager's name."""
    root = installation.project.root
    dependencies: Entries = {}
    npm_only: Entries = {}
    yarn_only: Entries = {}
    npm: dict[str, str] = {}
    others: dict[str, str] = {}
    for tarball in tarballs:
        name, version = tarball.package.name, tarball.package.version
        asking = _who_asks(installation, name)
        spec = _spec(root, tarball.file)
        if sum(each.package.name == name for each in tarballs) == 1:
            others[name] = spec
            npm[name] = f"${name}"
            own = next((each.kind for each in asking if each.folder == root), None)
            _add(npm_only, FILE_NAME, own or _DEPENDENCIES[0], {name: spec})
            if own:
                _add(yarn_only, FILE_NAME, own, {name: spec})
            continue
        direct = [each for each in asking if each.version == version]
        for each in direct:
            where = (each.folder / FILE_NAME).relative_to(root).as_posix()
            _add(dependencies, where, each.kind, {name: _spec(each.folder, tarball.file)})
        if not direct:
            npm[f"{name}@{version}"] = others[f"{name}@{version}"] = spec
    return {
        "npm": _joined(dependencies, npm_only, {FILE_NAME: {"overrides": npm}} if npm else {}),
        "pnpm": _joined(dependencies, {FILE_NAME: {"pnpm": {"overrides": others}}} if others else {}),
        "yarn": _joined(dependencies, yarn_only, {FILE_NAME: {"resolutions": others}} if others else {}),
        "bun": _joined(dependencies, {FILE_NAME: {"overrides": others}} if others else {}),
    }


def _add(entries: Entries, file: str, field: str, values: Mapping[str, str]) -> None:
    before = entries.setdefault(file, {}).get(field)
    entries[file][field] = {**(before if isinstance(before, dict) else {}), **values}


def _joined(*parts: Entries) -> Entries:
    joined: Entries = {}
    for part in parts:
        for file, fields in part.items():
            for field, values in fields.items():
                assert isinstance(values, dict)
                _add(joined, file, field, values)
    return joined


def _spec(folder: Path, file: Path) -> str:
    """The tarball as a package.json in `folder` names it, so that both can be committed."""
    try:
        relative = Path(os.path.relpath(file.resolve(), folder)).as_posix()
    except ValueError:  # another drive
        return f"file:{file.resolve().as_posix()}"
    return f"file:{relative}" if relative.startswith("../") else f"file:./{relative}"


def _who_asks(installation: Installation, name: str) -> list[_Asking]:
    asking = []
    for folder in dict.fromkeys([installation.project.root, *installation.project.members]):
        manifest = read_manifest(folder)
        for kind in _DEPENDENCIES:
            declared = manifest.content.get(kind) if manifest else None
            if isinstance(declared, dict) and name in declared:
                asking.append(_Asking(folder, kind, _version(installation, folder, name) or str(declared[name])))
                break
    return asking


def _version(installation: Installation, folder: Path, name: str) -> str | None:
    """The version that a program in `folder` gets, as Node looks for it."""
    versions = {package.folder: package.version for package in installation.packages if package.name == name}
    for above in (folder, *folder.parents):
        version = versions.get((above / "node_modules" / name).resolve())
        if version is not None or above == installation.project.root:
            return version
    return None
