"""The fixtures of the catalogue (`patches/ID/fixtures/NAME/`): small packages, and what a patch makes of them.

`before.EXT` and `after.EXT` are the file before and after the patch. No `before`: it is missing. No `after`: it stays
as it is. `fixture.toml`, where there is one, says more: see `Fixture`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasmfix import __version__
from wasmfix.patching.assess import assess
from wasmfix.patching.catalogue import Patch
from wasmfix.patching.record import Inputs
from wasmfix.project.package import read_package

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

AMALGAMATION = '#define SQLITE_VERSION "3.54.0"\n/************** End of sqlite3.c **************/\n'


@dataclass(frozen=True)
class Fixture:
    name: str
    before: bytes | None
    after: bytes | None
    """None: as before."""
    file: str
    """Its path in the package."""
    state: str = "needed"
    refused: str = ""
    """Words of the refusal."""
    generation: int = 0
    """Of the shim; 0 if it is none, or if that is not the point."""
    orez: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    """Further files of the package, each with the file in the fixture's folder that is its content."""
    package: Mapping[str, object] = field(default_factory=dict)
    """What package.json has besides name and version."""
    probe: bool = False
    """Laid over a real package, it makes the patch's probe fail."""


@dataclass(frozen=True)
class Seen:
    """What came out."""

    state: str
    after: bytes | None
    """None: as before."""
    problem: str
    generation: int = 0


def fixtures(patch: Patch) -> Iterator[Fixture]:
    for folder in sorted((patch.folder / "fixtures").glob("*/")):
        settings: dict[str, Any] = {}
        if (folder / "fixture.toml").is_file():
            settings = tomllib.loads((folder / "fixture.toml").read_text(encoding="utf-8"))
        settings.setdefault("file", next(file.path for file in patch.files if file.kind != "engine"))
        settings["files"] = {
            path: (folder / name).read_text(encoding="utf-8") for path, name in settings.get("files", {}).items()
        }
        yield Fixture(folder.name, _content(folder, "before"), _content(folder, "after"), **settings)


def _content(folder: Path, stem: str) -> bytes | None:
    found = [file for file in folder.iterdir() if file.stem == stem]
    assert len(found) < 2, found
    return found[0].read_bytes().replace(b"@VERSION@", __version__.encode()) if found else None


def write_fixture(folder: Path, patch: Patch, fixture: Fixture, *, patched: bool = False) -> Path:
    """The fixture as a package: with the file of before, or of after."""
    target = patch.targets[0]
    manifest = {"name": target.package, "version": _version(patch), "main": "lib/index.js", **fixture.package}
    content = fixture.before if fixture.after is None or not patched else fixture.after
    files = {"package.json": json.dumps(manifest), "deps/sqlite3/sqlite3.c": AMALGAMATION, **fixture.files}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    if content is not None:
        (folder / fixture.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / fixture.file).write_bytes(content)
    return folder


def look(package: Path, patch: Patch, fixture: Fixture) -> Seen:
    """What the patch, alone, makes of the fixture's package."""
    inputs = Inputs(__version__, "", "", engine=patch.modes[0])
    found = assess(read_package(package), [patch], inputs, orez=fixture.orez)
    # Several [[file]] of a patch may be about one file: what acts counts, else the first that knows it.
    states = [seen.state for seen in found.seen if seen.path == fixture.file and seen.state != "absent"]
    edits = [edit.content for edit in found.edits if edit.path == fixture.file]
    state = next((state for state in states if state in ("needed", "stale")), (states or ["absent"])[0])
    return Seen(state, edits[0] if edits else None, "; ".join([*found.problems, *found.notes]), found.generation)


def as_it_should_be(seen: Seen, fixture: Fixture) -> bool:
    if fixture.generation and fixture.generation != seen.generation:
        return False
    if fixture.refused:
        return fixture.refused in seen.problem and seen.after is None
    return (seen.state, seen.after, seen.problem) == (fixture.state, fixture.after, "")


def _version(patch: Patch) -> str:
    """One that the patch knows."""
    numbers = [f"{major}.{minor}.{micro}" for major in range(20) for minor in range(30) for micro in (0, 4)]
    return next(version for version in numbers if patch.targets[0].covers(version))
