"""Which packages a project has, where they really are, and what is in them. Nothing here writes."""

from __future__ import annotations

from wasmfix.project.find import (
    DRIVERS,
    SOURCE,
    TARGETS,
    Installation,
    NotInstalledError,
    Unpatchable,
    find_installation,
    sqlite_source,
)
from wasmfix.project.litestream import BACKUP_URL, Backup, configured_backups
from wasmfix.project.package import InstalledPackage
from wasmfix.project.root import Project, find_project

__all__ = [
    "BACKUP_URL",
    "DRIVERS",
    "SOURCE",
    "TARGETS",
    "Backup",
    "Installation",
    "InstalledPackage",
    "NotInstalledError",
    "Project",
    "Unpatchable",
    "configured_backups",
    "find_installation",
    "find_project",
    "sqlite_source",
]
