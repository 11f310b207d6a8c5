"""One installed copy of a target package: the facts about its files."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from wasmfix.errors import WasmfixError
from wasmfix.project.manifest import FILE_NAME, Manifest, read_manifest

AMALGAMATION = Path("deps/sqlite3/sqlite3.c")
# SQLite's own last line. A download or a disk that ended early has lost it.
_LAST_LINE = b"End of sqlite3.c"
# What npm installs (its validate-npm-package-name, semver.org): both become parts of paths.
_NAME = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*", re.IGNORECASE)
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_SQLITE_VERSION = re.compile(rb'^#define SQLITE_VERSION\s+"(\d+\.\d+\.\d+)"', re.MULTILINE)


@dataclass(frozen=True)
class Amalgamation:
    """`deps/sqlite3/sqlite3.c`. `problem` says why it cannot be built from, None if it can."""

    version: str | None
    problem: str | None


@dataclass(frozen=True)
class InstalledPackage:
    """A copy of a target package, where it really is."""

    name: str
    version: str
    folder: Path
    logical: tuple[Path, ...]
    """The paths by which the project reaches it."""
    manifest: Manifest
    amalgamation: Amalgamation
    native: tuple[str, ...]
    """Native binaries in the package that are for this platform, as paths inside the package."""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "version": self.version,
            "folder": str(self.folder),
            "reached_by": [str(path) for path in self.logical],
            "sqlite_version": self.amalgamation.version,
            "amalgamation_problem": self.amalgamation.problem,
            "native_binaries": list(self.native),
        }


def read_package(folder: Path, logical: tuple[Path, ...] = ()) -> InstalledPackage:
    """Look at the package in a (real) folder.

    Raises:
        WasmfixError: its package.json is missing or broken, or npm could not install it.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise WasmfixError(f"has no {FILE_NAME}", where=folder, remedy="reinstall the package")
    if not manifest.name or not manifest.version:
        raise WasmfixError("has no name or version", where=folder / FILE_NAME, remedy="reinstall the package")
    for what, text, allowed in (("name", manifest.name, _NAME), ("version", manifest.version, _VERSION)):
        if not allowed.fullmatch(text):
            raise WasmfixError(f"has the {what} {text!r}", where=folder / FILE_NAME, remedy="reinstall the package")
    return InstalledPackage(
        name=manifest.name,
        version=manifest.version,
        folder=folder,
        logical=logical or (folder,),
        manifest=manifest,
        amalgamation=read_amalgamation(folder / AMALGAMATION),
        native=_native_binaries(folder),
    )


def read_amalgamation(file: Path) -> Amalgamation:
    """Version and plausibility of SQLite's source. Reads the first 64 KiB and the last 256 bytes."""
    try:
        with file.open("rb") as source:
            head = source.read(64 * 1024)
            source.seek(-min(256, os.fstat(source.fileno()).st_size), os.SEEK_END)
            tail = source.read()
    except FileNotFoundError:
        return Amalgamation(None, f"has no SQLite source ({AMALGAMATION.as_posix()})")
    except OSError as error:
        return Amalgamation(None, f"its SQLite source {AMALGAMATION.as_posix()} cannot be read ({error.strerror})")
    version = _SQLITE_VERSION.search(head)
    if version is None:
        return Amalgamation(None, f"its {AMALGAMATION.as_posix()} is not SQLite's source: no SQLITE_VERSION in it")
    if _LAST_LINE not in tail:
        return Amalgamation(version[1].decode(), f"its {AMALGAMATION.as_posix()} is cut short")
    return Amalgamation(version[1].decode(), None)


def _native_binaries(folder: Path) -> tuple[str, ...]:
    found = [folder / "build" / kind / "better_sqlite3.node" for kind in ("Release", "Debug")]
    system = {"linux": "linux", "darwin": "darwin", "win32": "win32"}.get(sys.platform, sys.platform)
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    other_libc = ".musl." if _has_glibc() else ".glibc."
    for prebuilt in sorted((folder / "prebuilds" / f"{system}-{machine}").glob("*.node")):
        if system != "linux" or other_libc not in prebuilt.name:
            found.append(prebuilt)
    found.append(folder / "prebuilds" / f"{system if _has_glibc() else 'linuxmusl'}-{machine}.node")
    return tuple(file.relative_to(folder).as_posix() for file in found if os.path.isfile(file))


def _has_glibc() -> bool:
    if sys.platform != "linux":
        return True
    try:
        return "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (ValueError, OSError):
        return False
