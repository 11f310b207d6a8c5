"""The members of a monorepo: `workspaces` in package.json (npm, Yarn, bun), `packages` in pnpm-workspace.yaml.

A pattern is a path from the root in which a segment may hold `*`, or be `**`; one that starts with `!` takes folders
out again. Neither node_modules nor hidden folders are looked into.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from wasmfix.errors import WasmfixError, os_reason
from wasmfix.project.manifest import FILE_NAME, Manifest

PNPM_FILE = "pnpm-workspace.yaml"


def member_patterns(root: Path, manifest: Manifest | None) -> tuple[str, ...]:
    """The patterns that `root` declares; empty if it is not the root of a monorepo.

    Raises:
        WasmfixError: pnpm-workspace.yaml cannot be read.
    """
    patterns: list[str] = []
    if manifest is not None:
        declared = manifest.content.get("workspaces")
        if isinstance(declared, dict):
            declared = declared.get("packages")
        if isinstance(declared, list):
            patterns += [pattern for pattern in declared if isinstance(pattern, str)]
    pnpm = root / PNPM_FILE
    if os.path.isfile(pnpm):
        try:
            text = pnpm.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            remedy = "give yourself permission to read it"
            raise WasmfixError(f"cannot be read ({os_reason(error)})", where=pnpm, remedy=remedy) from error
        patterns += _yaml_list(text, "packages")
    return tuple(patterns)


def member_folders(root: Path, patterns: Iterable[str]) -> tuple[Path, ...]:
    """The folders under `root` that the patterns name and that have a package.json."""
    wanted: set[Path] = set()
    refused: set[Path] = set()
    for pattern in patterns:
        chosen = refused if pattern.startswith("!") else wanted
        segments = PurePosixPath(pattern.removeprefix("!")).parts
        chosen.update(_expand(root, [segment for segment in segments if segment != "."]))
    return tuple(sorted(folder for folder in wanted - refused if os.path.isfile(folder / FILE_NAME)))


def _expand(folder: Path, segments: list[str]) -> Iterator[Path]:
    if not segments:
        yield folder
        return
    first, rest = segments[0], segments[1:]
    if first == "**":
        yield from _expand(folder, rest)
        for child in _subfolders(folder):
            yield from _expand(child, segments)
    elif any(sign in first for sign in "*?["):
        for child in _subfolders(folder):
            if fnmatchcase(child.name, first):
                yield from _expand(child, rest)
    elif first != ".." and os.path.isdir(folder / first):
        yield from _expand(folder / first, rest)


def _subfolders(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name != "node_modules" and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)


def _yaml_list(text: str, key: str) -> list[str]:
    """The strings under a top-level key: `key: [a, 'b']`, or one `- a` a line. All that pnpm-workspace.yaml needs."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        bare = line.split(" #")[0].rstrip()
        if not bare or bare.lstrip().startswith("#"):
            continue
        if bare.startswith(f"{key}:"):
            inside = True
            flow = bare.removeprefix(f"{key}:").strip()
            if flow.startswith("[") and flow.endswith("]"):
                found += [_unquoted(item) for item in flow[1:-1].split(",") if item.strip()]
        elif inside and bare.lstrip().startswith("- "):
            found.append(_unquoted(bare.lstrip()[2:]))
        elif not bare[0].isspace():
            inside = False
    return found


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
