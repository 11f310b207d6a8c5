"""Every installed copy of the target packages, by real path.

npm and Yarn nest folders called node_modules; pnpm (and bun's isolated layout) put each package into
`node_modules/.pnpm/NAME@VERSION/node_modules/NAME` and reach it by symlinks. One walk does both: look into each
node_modules once, follow symlinks to where the package really is, and look into the node_modules that it stands in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wasmfix.errors import WasmfixError
from wasmfix.project.manifest import FILE_NAME, read_manifest
from wasmfix.project.package import InstalledPackage, read_package
from wasmfix.project.root import Project
from wasmfix.project.yarn import zipped_packages

TARGETS = ("@rocicorp/zero-sqlite3", "better-sqlite3", "bedrock-sqlite")
"""The packages that wasmfix knows."""
HANDLED = ("@rocicorp/zero-sqlite3", "better-sqlite3")
"""Those that it can patch today."""

# Folders in node_modules that hold one folder a package, each with a node_modules of its own.
_STORES = (".pnpm", ".bun", ".store")
# A package under another name (`npm:` alias) is worth a look into its package.json only if it has this.
_AMALGAMATION_FOLDER = "deps/sqlite3"


@dataclass(frozen=True)
class Unpatchable:
    """A copy that is named but not touched."""

    name: str
    where: str
    reason: str
    remedy: str
    blocks: bool
    """True if the project would use this copy, so that leaving it unpatched is a failure."""


@dataclass(frozen=True)
class Installation:
    """What a project has installed of the targets."""

    project: Project
    packages: tuple[InstalledPackage, ...]
    unpatchable: tuple[Unpatchable, ...]
    orez: Path | None
    """The folder of the `orez` package, which puts shims over zero-sqlite3."""


def find_installation(project: Project, targets: Iterable[str] = ()) -> Installation:
    """Look for the targets (all, if none is named) in everything that the project has installed.

    Raises:
        WasmfixError: an unknown target, or nothing of them is there.
    """
    wanted = tuple(targets) or TARGETS
    for name in wanted:
        if name not in TARGETS:
            raise WasmfixError(f"unknown target {name!r}", remedy=f"--target takes one of: {', '.join(TARGETS)}")
    walk = _Walk(project.root)
    for folder in (project.root, *project.members):
        walk.modules(folder / "node_modules")
    for unplugged in _subfolders(project.root / ".yarn" / "unplugged"):
        walk.modules(unplugged / "node_modules")

    packages: list[InstalledPackage] = []
    unpatchable: list[Unpatchable] = []
    for real, logical in sorted(walk.found.items()):
        package = read_package(real, tuple(sorted(logical, key=_by_closeness)))
        if package.name in wanted:
            problem = _untouchable(project, package)
            if problem is None:
                packages.append(package)
            else:
                unpatchable.append(problem)
    for name, archive in zipped_packages(project.root, wanted):
        remedy = f"run: yarn unplug {name}"
        unpatchable.append(Unpatchable(name, archive, "is packed in a zip by Yarn Plug'n'Play", remedy, blocks=True))
    if not packages and not unpatchable:
        raise WasmfixError(
            f"none of {', '.join(wanted)} is installed here",
            where=project.root,
            remedy=f"run: {project.manager} install (or name the project that uses it)",
        )
    return Installation(project, tuple(packages), tuple(unpatchable), walk.orez)


def _untouchable(project: Project, package: InstalledPackage) -> Unpatchable | None:
    where = str(package.folder)
    if not package.folder.is_relative_to(project.root):
        return Unpatchable(
            package.name,
            where,
            f"lies outside the project, reached by the link {package.logical[0]}",
            "run wasmfix in the project that it belongs to",
            blocks=False,
        )
    if package.name not in HANDLED:
        return Unpatchable(
            package.name, where, "is not yet handled by this version", "watch for the next one", blocks=False
        )
    return None


class _Walk:
    """Collects what a project's node_modules hold; each real node_modules folder is read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: dict[Path, list[Path]] = {}
        self.orez: Path | None = None
        self._seen: set[str] = set()

    def modules(self, folder: Path) -> None:
        """Look through one folder node_modules."""
        real = os.path.realpath(folder)
        if real in self._seen:
            return
        self._seen.add(real)
        for entry in _entries(folder):
            if entry.name in _STORES:
                for unit in _entries(entry.path):
                    # In pnpm's and bun's store the package stands beside its dependencies.
                    self.modules(Path(entry.path, unit.name, "node_modules"))
            elif entry.name.startswith("@"):
                for scoped in _entries(entry.path):
                    self._package(f"{entry.name}/{scoped.name}", scoped)
            elif not entry.name.startswith("."):
                self._package(entry.name, entry)

    def _package(self, name: str, entry: os.DirEntry[str]) -> None:
        logical = Path(entry.path)
        if entry.is_symlink():
            real = Path(os.path.realpath(entry.path))
            if not real.is_dir():
                return
            standing = real.parent.parent if "/" in name else real.parent
            if standing.name == "node_modules":
                self.modules(standing)
        elif entry.is_dir():
            real = Path(os.path.realpath(entry.path))
        else:
            return
        if name in TARGETS or (logical / _AMALGAMATION_FOLDER).is_dir():
            self._target(real, logical, name)
        elif name == "orez":
            self.orez = self.orez or real
        if (real / "node_modules").is_dir():
            self.modules(real / "node_modules")

    def _target(self, real: Path, logical: Path, name: str) -> None:
        if not (real / FILE_NAME).is_file() or (name not in TARGETS and _name_of(real) not in TARGETS):
            return
        ways = self.found.setdefault(real, [])
        if logical not in ways:
            ways.append(logical)


def _by_closeness(path: Path) -> tuple[bool, int, Path]:
    """A path that the user knows goes before one inside a store."""
    return any(part in _STORES for part in path.parts), len(path.parts), path


def _name_of(folder: Path) -> str:
    manifest = read_manifest(folder)
    return manifest.name if manifest else ""


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _subfolders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir()]
