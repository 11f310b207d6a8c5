"""Which installed packages a command that takes PROJECT is about."""

from __future__ import annotations

import os
from pathlib import Path

from wasmfix.errors import WasmfixError
from wasmfix.patching.record import RECORD
from wasmfix.project import DRIVERS, InstalledPackage, find_installation, find_project
from wasmfix.project.manifest import read_manifest
from wasmfix.project.package import read_package


def chosen_packages(named: Path) -> tuple[InstalledPackage, ...]:
    """The drivers that a project has installed, or the one that ``named`` itself is the folder of."""
    if named.is_dir():
        manifest = read_manifest(named)
        if manifest is not None and manifest.name in DRIVERS:
            return (read_package(named.resolve()),)
    # Outside the project, only what somebody has patched: the rest is not this project's to judge.
    installation = find_installation(
        find_project(named), DRIVERS, follow_links=True, node_path=os.environ.get("NODE_PATH", "")
    )
    own = [package for package in installation.packages if not installation.outside(package) or patched(package)]
    if not installation.packages:
        first = installation.unpatchable[0]
        raise WasmfixError(f"{first.name} {first.reason}", where=first.where, remedy=first.remedy)
    return tuple(own) or installation.packages


def patched(package: InstalledPackage) -> bool:
    """Whether a package carries a record of wasmfix, whatever it says."""
    return (package.folder / RECORD).is_file()
