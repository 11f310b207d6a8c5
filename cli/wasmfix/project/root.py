"""The project: its root, its package manager, the members of its monorepo."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from wasmfix.errors import WasmfixError
from wasmfix.project.manifest import FILE_NAME, read_manifest
from wasmfix.project.workspaces import member_folders, member_patterns

# The first that exists tells. A project may carry several lock files: what the installed tree says goes first.
_TRACES = (
    ("node_modules/.modules.yaml", "pnpm"),
    ("node_modules/.yarn-state.yml", "yarn"),
    ("node_modules/.yarn-integrity", "yarn"),
    ("node_modules/.package-lock.json", "npm"),
    (".pnp.cjs", "yarn"),
    (".pnp.js", "yarn"),
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
)


@dataclass(frozen=True)
class Project:
    """A project's folder. In a monorepo `root` is its root, also when a member was named."""

    root: Path
    manager: str
    members: tuple[Path, ...]


def find_project(named: Path) -> Project:
    """The project that the user named.

    Raises:
        WasmfixError: no such folder, or it has no package.json.
    """
    if not named.is_dir():
        what = "is not a folder" if named.exists() else "does not exist"
        raise WasmfixError(what, where=named, remedy="name the folder that has the project's package.json")
    folder = named.resolve()
    manifest = read_manifest(folder)
    if manifest is None:
        raise WasmfixError(
            f"has no {FILE_NAME}", where=named, remedy="run wasmfix in the project's folder, or name that folder"
        )
    root = _monorepo_above(folder) or folder
    if root != folder:
        manifest = read_manifest(root)
    members = member_folders(root, member_patterns(root, manifest))
    return Project(root=root, manager=_manager(root), members=members)


def _monorepo_above(folder: Path) -> Path | None:
    """The root of the monorepo of which `folder` is a member: that is where its packages are."""
    for above in folder.parents:
        if not os.path.isfile(above / FILE_NAME):
            continue
        try:
            patterns = member_patterns(above, read_manifest(above))
        except WasmfixError:
            continue  # No package manager can read it either: it is not the root of anything.
        if patterns and folder in member_folders(above, patterns):
            return above
    return None


def _manager(root: Path) -> str:
    manifest = read_manifest(root)
    for trace, manager in _TRACES:
        if os.path.exists(root / trace):
            return manager
    declared = manifest.content.get("packageManager") if manifest else None
    return declared.split("@")[0] if isinstance(declared, str) else "npm"
