"""Every file of a folder, by content, mode and kind: the proof that nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

Fingerprint = dict[str, tuple[int, str]]


def fingerprint(root: Path) -> Fingerprint:
    """From path to (mode with file type, SHA-256 of the content or target of the symlink)."""
    return {os.path.relpath(entry.path, root): _identity(entry) for entry in _walk(os.fspath(root))}


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """The paths that were added, removed or changed, in order."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _walk(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)


def _identity(entry: os.DirEntry[str]) -> tuple[int, str]:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        return mode, os.readlink(entry.path)  # noqa: PTH115 - a DirEntry's path is a str
    if stat.S_ISREG(mode):
        with open(entry.path, "rb") as file:  # noqa: PTH123
            return mode, hashlib.sha256(file.read()).hexdigest()
    return mode, ""
