"""Every installed copy of the target packages, by real path.

npm and Yarn nest folders called node_modules; pnpm (and bun's isolated layout) put each package into
`node_modules/.pnpm/NAME@VERSION/node_modules/NAME` and reach it by symlinks. One walk does both: look into each
node_modules once, follow symlinks to where the package really is, and look into the node_modules that it stands in.

A copy that is really outside the project may serve other projects, too: by `npm link`, by a `file:` or `link:`
dependency, in a virtual store that pnpm shares, in a folder of NODE_PATH, or above the project. It is named, and handed
out only to who follows links.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from wasmfix.errors import WasmfixError, os_reason
from wasmfix.project.manifest import FILE_NAME, read_manifest
from wasmfix.project.package import InstalledPackage, read_package
from wasmfix.project.root import Project
from wasmfix.project.yarn import pnp_packages

DRIVERS = ("@rocicorp/zero-sqlite3", "better-sqlite3", "bedrock-sqlite")
SOURCE = "@rocicorp/zero-sqlite3"
"""The driver whose SQLite the others may get."""
OREZ = "orez"
TARGETS = (*DRIVERS, OREZ)
"""The packages that wasmfix knows: drivers of SQLite, and who writes a shim over one."""
_OTHERS = ("better-sqlite3-multiple-ciphers", "sqlite3", "libsql", "@signalapp/better-sqlite3")
"""Drivers with an addon that wasmfix does not replace, and that one may take for one of those."""

# Folders in node_modules that hold one folder a package, each with a node_modules of its own.
_STORES = (".pnpm", ".bun", ".store")
# A package under another name (`npm:` alias) is worth a look into its package.json only if it has this.
_AMALGAMATION_FOLDER = "deps/sqlite3"


class NotInstalledError(WasmfixError):
    """No copy of a target is there."""


@dataclass(frozen=True)
class Unpatchable:
    """A copy that is named but not touched."""

    name: str
    where: str
    reason: str
    remedy: str
    blocks: bool
    """True if the project would use this copy, so that leaving it unpatched is a failure."""
    package: InstalledPackage | None = None
    """What could be read of it; None if it is in an archive or broken, or left over."""
    left_over: bool = False
    """Of an earlier install, in a manager's store; nothing links to it."""
    broken: bool = False
    """It cannot be read, or is no package."""


@dataclass(frozen=True)
class Installation:
    """What a project has installed of the targets."""

    project: Project
    packages: tuple[InstalledPackage, ...]
    unpatchable: tuple[Unpatchable, ...]
    orez: Path | None
    """The folder of the `orez` package, which puts shims over zero-sqlite3."""

    def outside(self, package: InstalledPackage) -> bool:
        """Whether a package is really outside the project."""
        return not package.folder.is_relative_to(self.project.root)

    def missed(self, item: Unpatchable) -> bool:
        """Whether leaving a copy alone is a failure: the project would use it, or has no other."""
        others = self.packages
        if item.name in DRIVERS:
            others = tuple(package for package in others if package.name in DRIVERS)
        return item.blocks or not others


def find_installation(
    project: Project,
    targets: Iterable[str] = (),
    *,
    follow_links: bool = False,
    node_path: str = "",
    left_over: bool = False,
) -> Installation:
    """Look for the targets (all, if none is named) in everything that the project has installed.

    Args:
        follow_links: hand out copies outside the project as well, where they really are.
        node_path: the variable NODE_PATH, further folders in which Node looks.
        left_over: hand out copies in a manager's store to which nothing links any more (pnpm keeps them for a week).

    Raises:
        NotInstalledError: nothing of them is there.
        WasmfixError: an unknown target.
    """
    wanted = tuple(targets) or TARGETS
    for name in wanted:
        if name not in TARGETS:
            raise WasmfixError(f"unknown target {name!r}", remedy=f"--target takes one of: {', '.join(TARGETS)}")
    walk = _Walk(project.root)
    for folder in (project.root, *project.members):
        walk.modules(folder / "node_modules")
    walk.unplugged()
    plugged = list(pnp_packages(project.root, wanted))
    for plug in plugged:
        if not plug.zipped:
            walk.package(plug.name, Path(os.path.normpath(project.root / plug.location)))
    further = tuple(project.root / entry for entry in node_path.split(os.pathsep) if entry)
    for folder in further:
        walk.modules(folder)
    # Whoever writes a shim is none: what is shimmed may be further up.
    drivers = {plug.name for plug in plugged} | {package.name for package in walk.found.values()}
    if not drivers & set(DRIVERS):
        for folder in project.root.parents:
            walk.beside(folder)

    found = [package for _real, package in sorted(walk.found.items())]
    found = [replace(package, logical=tuple(sorted(package.logical, key=_by_closeness))) for package in found]
    linked = {package.name for package in found if not _alone_in_store(package)}
    packages: list[InstalledPackage] = []
    # What cannot be read may be a target.
    unpatchable = [
        item for _where, item in sorted(walk.broken.items()) if item.name in wanted or item.name not in TARGETS
    ]
    for package in found:
        if package.name in wanted:
            problem = _untouchable(project, package, further, follow_links)
            if problem is None and not left_over and package.name in linked and _alone_in_store(package):
                reason, remedy = "is left over from an earlier install, nothing links to it", "it goes by itself"
                where = str(package.folder)
                problem = Unpatchable(package.name, where, reason, remedy, blocks=False, left_over=True)
            if problem is None:
                packages.append(package)
            else:
                unpatchable.append(problem)
    for plug in plugged:
        if plug.zipped:
            reason, remedy = "is packed in a zip by Yarn Plug'n'Play", f"run: yarn unplug {plug.name}"
            unpatchable.append(Unpatchable(plug.name, plug.location, reason, remedy, blocks=plug.name in DRIVERS))
    if not packages and not unpatchable:
        others = sorted(walk.others | {package.name for package in found if package.name not in TARGETS})
        besides = f" ({', '.join(others)} is, which wasmfix does not patch)" if others else ""
        raise NotInstalledError(
            f"none of {', '.join(wanted)} is installed here{besides}",
            where=project.root,
            remedy=f"run: {project.manager} install (or name the project that uses it)",
        )
    return Installation(project, tuple(packages), tuple(unpatchable), walk.orez)


def sqlite_source(project: Project, node_path: str = "") -> InstalledPackage | None:
    """Whose SQLite a package of the project gets that has none: its newest zero-sqlite3, one of its own if it can be.

    One outside the project is only read, so it is no question of following links.
    """
    try:
        installation = find_installation(project, [SOURCE], follow_links=True, node_path=node_path)
    except WasmfixError:
        return None
    usable = [package for package in installation.packages if package.amalgamation.problem is None]

    def rank(package: InstalledPackage) -> tuple[bool, tuple[int, ...]]:
        version = package.amalgamation.version or "0"
        return not installation.outside(package), tuple(int(part) for part in version.split("."))

    return max(usable, key=rank, default=None)


def _untouchable(
    project: Project, package: InstalledPackage, node_path: Iterable[Path], follow_links: bool
) -> Unpatchable | None:
    where = str(package.folder)
    if not package.folder.is_relative_to(project.root) and not follow_links:
        return Unpatchable(
            package.name,
            where,
            f"lies outside the project, reached by {_way(project, package.logical[0], node_path)}",
            "run wasmfix in the project that it belongs to, or with --follow-links to change it there",
            blocks=False,
            package=package,
        )
    return None


def _alone_in_store(package: InstalledPackage) -> bool:
    """Whether a package is in a manager's store and nothing links to it."""
    folder = package.folder
    modules = folder.parent.parent if "/" in package.name else folder.parent
    in_store = modules.name == "node_modules" and modules.parent.parent.name in _STORES
    return in_store and package.logical == (folder,)


def _way(project: Project, logical: Path, node_path: Iterable[Path]) -> str:
    """What leads from a project to a path."""
    if logical.is_relative_to(project.root):
        return f"the link {logical}"
    if any(logical.is_relative_to(folder) for folder in node_path):
        return "NODE_PATH"
    above = any(logical.is_relative_to(folder / "node_modules") for folder in project.root.parents)
    return "the node_modules above it" if above else "a link"


class _Walk:
    """Collects what a project's node_modules hold; each real node_modules folder is read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: dict[Path, InstalledPackage] = {}
        self.broken: dict[Path, Unpatchable] = {}
        """Targets, and folders that cannot be read, by their paths."""
        self.orez: Path | None = None
        self.others: set[str] = set()
        self._seen: set[str] = set()

    def modules(self, folder: Path) -> None:
        """Look through one folder node_modules."""
        real = os.path.realpath(folder)
        if real in self._seen:
            return
        self._seen.add(real)
        for entry in self._entries(folder):
            logical = Path(entry.path)
            if entry.name in _STORES:
                for unit in self._entries(logical):
                    # In pnpm's and bun's store the package stands beside its dependencies.
                    self.modules(Path(entry.path, unit.name, "node_modules"))
            elif entry.name.startswith("@"):
                for scoped in self._entries(logical):
                    self.package(f"{entry.name}/{scoped.name}", Path(scoped.path))
            elif not entry.name.startswith("."):
                self.package(entry.name, logical)

    def beside(self, folder: Path) -> None:
        """Look for the targets alone in the node_modules of a folder that is not the project's."""
        for name in TARGETS:
            self.package(name, folder / "node_modules" / name)

    def package(self, name: str, logical: Path) -> None:
        """Look at what is, or what a link gives as, the package of a name."""
        if not self._is_folder(logical):
            return
        real = Path(os.path.realpath(logical))
        if logical.is_symlink():
            standing = real.parent.parent if "/" in name else real.parent
            if standing.name == "node_modules":
                self.modules(standing)
            elif not real.is_relative_to(self.root):
                # A linked package finds what it needs in the folders above the place where it really is.
                for folder in real.parents:
                    self.beside(folder)
        if name in TARGETS or os.path.isdir(logical / _AMALGAMATION_FOLDER):
            self._target(real, logical, name)
        if name == OREZ:
            self.orez = self.orez or real
        if name in _OTHERS:
            self.others.add(name)
        if self._is_folder(real / "node_modules"):
            # Outside, the way by links is the one that the user knows.
            self.modules((real if real.is_relative_to(self.root) else logical) / "node_modules")

    def _target(self, real: Path, logical: Path, name: str) -> None:
        known = self.found.get(real)
        try:
            if known is None:
                if name not in TARGETS and _name_of(real) not in TARGETS:
                    return
                self.found[real] = read_package(real, (logical,))
            elif logical not in known.logical:
                self.found[real] = replace(known, logical=(*known.logical, logical))
        except WasmfixError as error:
            what = f"{FILE_NAME} {error.what}" if error.where == real / FILE_NAME else error.what
            remedy = error.remedy or "reinstall the package"
            self._name(logical, Unpatchable(name, str(real), f"is broken: {what}", remedy, True, broken=True))

    def _name(self, logical: Path, item: Unpatchable) -> None:
        """Note what is broken, if it is the project's."""
        if logical.is_relative_to(self.root):
            self.broken.setdefault(Path(item.where), item)

    def _cannot_read(self, folder: Path, error: OSError) -> None:
        # A link that leads to itself leads nowhere, as a dangling one.
        if error.errno != errno.ELOOP:
            reason = f"cannot be read ({os_reason(error)})"
            remedy = "give yourself permission to read it"
            self._name(folder, Unpatchable(folder.name, str(folder), reason, remedy, True, broken=True))

    def _is_folder(self, path: Path) -> bool:
        try:
            return stat.S_ISDIR(path.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            hidden = error.errno == errno.EACCES and not os.path.islink(path)
            self._cannot_read(path.parent if hidden else path, error)
        return False

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._cannot_read(folder, error)
        return []

    def unplugged(self) -> None:
        """What Yarn's Plug'n'Play has unpacked."""
        for entry in self._entries(self.root / ".yarn" / "unplugged"):
            self.modules(Path(entry.path, "node_modules"))


def _by_closeness(path: Path) -> tuple[bool, int, Path]:
    """A path that the user knows goes before one inside a store."""
    return any(part in _STORES for part in path.parts), len(path.parts), path


def _name_of(folder: Path) -> str:
    manifest = read_manifest(folder)
    return manifest.name if manifest else ""
