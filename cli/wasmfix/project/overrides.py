"""What a project says so that a tarball takes the place of a package, whoever depends on it.

npm: `overrides` (docs.npmjs.com, "package.json"), which may not contradict a dependency of the project itself: that
gets the tarball, and `overrides` refers to it. pnpm: `overrides` in pnpm-workspace.yaml, or under `pnpm` in
package.json (pnpm.io, "Settings"). Yarn, classic or not: `resolutions`. bun: `overrides`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from wasmfix.project.manifest import read_manifest
from wasmfix.project.root import Project

_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies")

Entries = Mapping[str, object]


def override_entries(project: Project, tarballs: Sequence[tuple[str, str, Path]]) -> dict[str, Entries]:
    """For each package manager, what its users merge into the package.json of the project's root.

    Args:
        tarballs: name and version of each package, and the file that takes its place.
    """
    names = [name for name, _version, _file in tarballs]
    manifest = read_manifest(project.root)
    direct: dict[str, dict[str, str]] = {}
    npm: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, version, file in tarballs:
        spec = f"file:{_from(project.root, file)}"
        # Of several versions each takes its own place only.
        single = names.count(name) == 1
        others[name if single else f"{name}@{version}"] = spec
        kind = _dependency_kind(manifest.content if manifest else {}, name)
        if kind and single:
            direct.setdefault(kind, {})[name] = spec
            npm[name] = f"${name}"
        else:
            npm[name if single else f"{name}@{version}"] = spec
    return {
        "npm": {**direct, "overrides": npm},
        "pnpm": {"pnpm": {"overrides": others}},
        "yarn": {"resolutions": others},
        "bun": {"overrides": others},
    }


def _from(root: Path, file: Path) -> str:
    """A path as it can be committed: from the project's root, where there is one."""
    try:
        relative = Path(os.path.relpath(file.resolve(), root)).as_posix()
    except ValueError:  # another drive
        return file.resolve().as_posix()
    return relative if relative.startswith("../") else f"./{relative}"


def _dependency_kind(manifest: Mapping[str, object], name: str) -> str | None:
    for kind in _DEPENDENCIES:
        declared = manifest.get(kind)
        if isinstance(declared, dict) and name in declared:
            return kind
    return None
