"""What a folder looks like, exactly, to compare before and after."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path


def snapshot(folder: Path, *, times: bool = False, links: bool = False) -> dict[str, tuple[object, ...]]:
    """For each path: kind, mode, content; with `times` the modification time, with `links` inode and link count."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            content = str(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            content = ""
        entry: list[object] = [stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), content]
        if times:
            entry.append(status.st_mtime_ns)
        if links and not stat.S_ISDIR(status.st_mode):
            # Not the number of links: other tests' copies of the same install come and go.
            entry += [status.st_ino, status.st_nlink > 1]
        found[path.relative_to(folder).as_posix()] = tuple(entry)
    return found


def write_package(folder: Path, name: str, version: str, files: dict[str, str] | None = None) -> Path:
    """A package of a few small files, for tests that are about where packages are, not what they do."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(f'{{"name": "{name}", "version": "{version}", "main": "lib/index.js"}}\n')
    for path, content in (files or {}).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return folder
