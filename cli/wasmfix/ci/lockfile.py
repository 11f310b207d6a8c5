"""Where a project says which version of a package it has: the line that an annotation is shown at.

Lock files are read line by line, for one package; what they mean beyond that is the package manager's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from wasmfix.diagnostics.finding import Location
from wasmfix.project import InstalledPackage, Project
from wasmfix.project.manifest import FILE_NAME


def declared(project: Project, package: InstalledPackage) -> Location:
    """The line of the lock file that has this version of the package; else that of a package.json that names it."""
    for file in lock_files(project.root):
        line = locked(file.name, _read(file), package.name).get(package.version)
        if line is not None:
            return Location(file, line)
    entry = re.compile(rf'^\s*"{re.escape(package.name)}"\s*:\s*"', re.MULTILINE)
    for folder in (project.root, *project.members):
        text = _read(folder / FILE_NAME)
        if match := entry.search(text):
            return Location(folder / FILE_NAME, _line(text, match.end()))
    return Location(project.root / FILE_NAME)


def lock_files(root: Path) -> list[Path]:
    """Those that are there and can be read as text."""
    return [root / name for name in _READERS if (root / name).is_file()]


def locked(lock_file: str, text: str, name: str) -> dict[str, int]:
    """The versions of a package in a lock file, each with its first line.

    Args:
        lock_file: the file's name, which tells its form.
    """
    return _READERS[lock_file](text, re.escape(name))


def _pnpm(text: str, name: str) -> dict[str, int]:
    """`'@scope/name@1.2.3(peer@4)':` or `/name@1.2.3:` or, of pnpm before 8, `/name/1.2.3_peer@4:`."""
    return _matches(text, rf"^ +['\"]?/?{name}[@/](\d[^'\":(_\s]*)[^\n]*:\s*(?:\{{.*)?$")


def _npm(text: str, name: str) -> dict[str, int]:
    return _matches(text, rf'"(?:[^"\n]*node_modules/)?{name}":\s*\{{[^{{}}]*?"version":\s*"([^"\n]+)"')


def _yarn(text: str, name: str) -> dict[str, int]:
    """Yarn 1: `name@^1.0.0, name@^1.2.0:` and `  version "1.2.3"`; later: `"name@npm:^1.0.0":`, `  version: 1.2.3`."""
    found: dict[str, int] = {}
    begin = 0
    header = re.compile(rf'(?:^|[" ,]){name}@')
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] not in ("", " ", "#"):
            begin = number if header.search(line) else 0
        elif begin and (match := re.match(r'  version:? "?([^"\s]+)"?\s*$', line)):
            found.setdefault(match[1], begin)
    return found


def _bun(text: str, name: str) -> dict[str, int]:
    return _matches(text, rf'\[\s*"{name}@(\d[^"\n]*)"')


_READERS: Mapping[str, Callable[[str, str], dict[str, int]]] = {
    "pnpm-lock.yaml": _pnpm,
    "package-lock.json": _npm,
    "npm-shrinkwrap.json": _npm,
    "yarn.lock": _yarn,
    "bun.lock": _bun,
}


def _matches(text: str, pattern: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for match in re.finditer(pattern, text, re.MULTILINE):
        found.setdefault(match[1], _line(text, match.start() + len(match[0]) - len(match[0].lstrip())))
    return found


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
