"""Which version of a package was there before: to say what changed when a patch went with it.

Asked, in this order: a record of ours in the folder that is of another version; a patched copy that pnpm still keeps
of an earlier install; the lock file as git has it, in the last commit and in the one that CI says was before. Nothing
of that need be there (a fresh, shallow checkout has none of it): then nothing is known.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmfix.ci.lockfile import lock_files, locked
from wasmfix.errors import WasmfixError
from wasmfix.patching.record import Record, read_record
from wasmfix.project import Installation, InstalledPackage
from wasmfix.project.package import read_package

_COMMIT = re.compile(r"(?!0+$)[0-9a-f]{40,64}")
_SECONDS = 10


@dataclass(frozen=True)
class Before:
    """What was there: `sqlite` is the version of its SQLite, if that can still be read."""

    version: str
    sqlite: str | None
    source: str
    """Who says so, for people."""


def version_before(
    package: InstalledPackage, installation: Installation, environment: Mapping[str, str]
) -> Before | None:
    """The version before this one; None if there is none, or nothing is known of it."""
    record = _record(package.folder)
    if record is not None and record.package == package.name and record.version != package.version:
        return Before(record.version, None, "the record in .wasmfix")
    return _left_over(package, installation) or _committed(package, installation.project.root, environment)


def _left_over(package: InstalledPackage, installation: Installation) -> Before | None:
    """A patched copy to which nothing links any more."""
    for item in installation.unpatchable:
        if item.name == package.name and (record := _record(Path(item.where))) is not None:
            copy = read_package(Path(item.where))
            if not installation.outside(copy) and copy.version == record.version != package.version:
                return Before(copy.version, copy.amalgamation.version, "the copy of it that is left, which is patched")
    return None


def _record(folder: Path) -> Record | None:
    try:
        return read_record(folder)
    except WasmfixError:
        return None


def _committed(package: InstalledPackage, root: Path, environment: Mapping[str, str]) -> Before | None:
    for file in lock_files(root):
        try:
            now = locked(file.name, file.read_text(encoding="utf-8", errors="replace"), package.name)
        except OSError:
            continue
        for commit in _commits(environment):
            was = locked(file.name, _blob(root, commit, file.name), package.name)
            # A version that came to the others has taken the place of none.
            gone = [version for version in was if version not in now]
            if gone and package.version not in was:
                shown = commit[:12] if _COMMIT.fullmatch(commit) else commit
                return Before(gone[0], None, f"{file.name} of {shown}")
    return None


def _commits(environment: Mapping[str, str]) -> Iterator[str]:
    """What to compare with: the last commit where the change is not committed, then what was before it."""
    yield "HEAD"
    for name in ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_COMMIT_BEFORE_SHA"):
        if _COMMIT.fullmatch(environment.get(name, "")):
            yield environment[name]
    yield from _of_github(environment.get("GITHUB_EVENT_PATH", ""))
    if environment.get("GITHUB_BASE_REF"):
        yield f"refs/remotes/origin/{environment['GITHUB_BASE_REF']}"
    yield "HEAD^"


def _of_github(event: str) -> Iterator[str]:
    try:
        content = json.loads(Path(event).read_bytes()) if event else {}
    except (OSError, ValueError):
        return
    if isinstance(content, dict):
        request = content.get("pull_request")
        base = request.get("base") if isinstance(request, dict) else None
        for commit in (content.get("before"), base.get("sha") if isinstance(base, dict) else None):
            if isinstance(commit, str) and _COMMIT.fullmatch(commit):
                yield commit


def _blob(root: Path, commit: str, name: str) -> str:
    """A file as it is in a commit, empty if git, the commit or the file is not there. Runs no hook and no filter."""
    command = ["git", "cat-file", "blob", f"{commit}:./{name}"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
