"""The catalogue: `patches/ID/patch.toml` and the files beside it. `docs/writing-a-patch.md` explains it to authors.

id, title, symptom, cause, cure  for people; the symptom in the user's words
order                            patches are applied from low to high; each sees what those before it left
engine                           the modes in which it applies: rebuild, shim (default: both)
[[target]]
    package, versions            versions: a specifier as in Python packaging, those that we know
    since, fixed                 versions of the package, where known
[[file]]                         a file of the package and what becomes of it, from top to bottom
    path                         in the package; of a rewrite or a replacement it may be a glob
    kind                         rewrite, create, replace, remove, shims (text of orez's shim in a file), engine
    also                         further files that the same is done to; none of them is required
    required                     false: the file may be absent, or one that we do not know; it is left alone then
    with, without                files that must be there, or must not, for this one to be looked at
    lacking                      true: looked at only if a script that it requires is missing or broken
    main                         of a creation: the file must be what package.json's `main` names
    payload, append, mark        files beside patch.toml: the new content, what is added at the end or the start
    backup                       where somebody else keeps the original
    follows                      of a removal: the file that has to be changed for it
    every                        the rule that matches all that the places must take
    source                       of an engine: whose SQLite: the package's (own), the project's zero-sqlite3's (project)
    copies                       of an engine: further files (globs) that become the engine's WebAssembly
    driver                       of an engine: true: with the standalone driver
    why                          in plans (default: the title)
[[file.recognise]]               what the file may be; the first that holds counts
    state                        applied, original, needed, stale, foreign
    name, generation             for people
    once, some, none             ast-grep rules that match exactly once, at least once, never
    broken                       true: holds for what does not parse
[[file.place]]                   of a rewrite: name, rule, at_least and at_most (0: any number), replace
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from wasmfix import __version__
from wasmfix.errors import WasmfixError, os_reason
from wasmfix.paths import PATCHES_VARIABLE, data_folder, named_patches

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Rule = Mapping[str, object]
STATES = ("applied", "original", "needed", "stale", "foreign")
KINDS = ("rewrite", "create", "replace", "remove", "shims", "engine")
MODES = ("rebuild", "shim")
"""Of `--engine`: the whole engine, or only repairs of the JavaScript."""
SOURCES = ("own", "project")

PROBE = "probe.cjs"

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    package: str
    versions: str
    since: str | None = None
    """The first version that has the defect, where known."""
    fixed: str | None = None
    """The first version without it, where known."""

    def covers(self, version: str) -> bool:
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion, Version

        try:
            return SpecifierSet(self.versions, prereleases=True).contains(Version(version))
        except InvalidVersion:
            return False


@dataclass(frozen=True)
class Signature:
    """What makes a file what it is."""

    state: str
    name: str
    generation: int
    once: tuple[Rule, ...]
    some: tuple[Rule, ...]
    none: tuple[Rule, ...]
    broken: bool


@dataclass(frozen=True)
class Place:
    name: str
    rule: Rule
    at_least: int
    at_most: int
    """0: any number."""
    replace: str


@dataclass(frozen=True)
class PatchedFile:
    """A file of the package, and what becomes of it."""

    path: str
    kind: str
    required: bool
    present: tuple[str, ...]
    absent: tuple[str, ...]
    lacking: bool
    main: bool
    payload: bytes
    append: bytes
    mark: bytes
    backup: str | None
    follows: str | None
    every: Rule
    source: str
    copies: tuple[str, ...]
    driver: bool
    why: str
    signatures: tuple[Signature, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Patch:
    id: str
    title: str
    symptom: str
    cause: str
    cure: str
    order: int
    modes: tuple[str, ...]
    targets: tuple[Target, ...]
    files: tuple[PatchedFile, ...]
    folder: Path

    def target(self, package: str) -> Target | None:
        return next((target for target in self.targets if target.package == package), None)

    @property
    def engine(self) -> PatchedFile | None:
        """The folder into which it copies the engine."""
        return next((file for file in self.files if file.kind == "engine"), None)

    @property
    def probe(self) -> Path | None:
        """The program that fails before the patch and passes after it."""
        file = self.folder / PROBE
        return file if file.is_file() else None


def load_catalogue(folder: Path | None = None) -> tuple[Patch, ...]:
    """All patches, in the order in which they are applied.

    Args:
        folder: the only one to look in; by default ours, and those that `WASMFIX_PATCHES` names.

    Raises:
        WasmfixError: a patch.toml is missing something, or has something that we do not know.
    """
    patches: dict[str, Patch] = {}
    for place in [folder] if folder else [data_folder("patches"), *named_patches()]:
        files = sorted(place.glob("*/patch.toml"))
        if not files:
            remedy = f"correct {PATCHES_VARIABLE}" if place in named_patches() else "reinstall wasmfix"
            raise WasmfixError("has no patches", where=place, remedy=remedy)
        for file in files:
            patch = load_patch(file.parent)
            if patch.id in patches:
                other = patches[patch.id].folder
                raise WasmfixError(f"has the id of the patch in {other}", where=file, remedy="give it another one")
            patches[patch.id] = patch
    return tuple(sorted(patches.values(), key=lambda patch: (patch.order, patch.id)))


def load_patch(folder: Path) -> Patch:
    """The patch in one folder, which has its id for a name."""
    file = folder / "patch.toml"
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=file) from error
    except ValueError as error:
        raise WasmfixError(f"is not valid TOML ({error})", where=file) from error
    return parse_patch(folder, content)


def parse_patch(folder: Path, content: Mapping[str, object]) -> Patch:
    """A patch from what its patch.toml says."""
    file = folder / "patch.toml"
    table = _Table(file, "", content)
    title = table.text("title")
    patch = Patch(
        id=table.text("id"),
        title=title,
        symptom=table.text("symptom"),
        cause=table.text("cause"),
        cure=table.text("cure"),
        order=table.number("order"),
        modes=table.some_of("engine", MODES),
        targets=table.tables("target", _target),
        files=tuple(itertools.chain(*table.tables("file", lambda each: _files(each, title)))),
        folder=folder,
    )
    table.finish()
    if patch.id != folder.name:
        raise WasmfixError(f"the id {patch.id!r} is not the folder's name", where=file)
    if sum(each.kind == "engine" for each in patch.files) > 1:
        raise WasmfixError("has more than one [[file]] of the kind 'engine'", where=file)
    return patch


class _Table:
    """Takes values out of a TOML table; complains about what is missing, wrong, or left over."""

    def __init__(self, file: Path, name: str, content: Mapping[str, object]) -> None:
        self.file = file
        self.name = name
        self.rest = dict(content)

    def text(self, key: str, default: str | None = None) -> str:
        return self._take(key, str, "a string", default)

    def flag(self, key: str, default: bool) -> bool:
        return self._take(key, bool, "true or false", default)

    def texts(self, key: str) -> tuple[str, ...]:
        items: list[object] = self._take(key, list, "a list of strings", [])
        if not all(isinstance(item, str) for item in items):
            raise self._wrong(key, "must be a list of strings")
        return tuple(str(item) for item in items)

    def some_of(self, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """A list of some of `allowed`; all of them if it is not given."""
        if key not in self.rest:
            return allowed
        values = self.texts(key)
        if not values or not set(values) <= set(allowed):
            raise self._wrong(key, f"must list some of {', '.join(allowed)}")
        return values

    def path(self, key: str) -> str:
        return self._inside(key, self.text(key))

    def paths(self, key: str) -> tuple[str, ...]:
        return tuple(self._inside(key, path) for path in self.texts(key))

    def _inside(self, key: str, path: str) -> str:
        """A path in the package that is not ours to keep records in."""
        parts = PurePosixPath(path).parts
        if (
            path.startswith("/")
            or "\\" in path
            or not parts
            or ".." in parts
            or parts[0] in (".wasmfix", "node_modules")
        ):
            raise self._wrong(key, f"must be a path in the package, not {path!r}")
        return PurePosixPath(path).as_posix()

    def number(self, key: str, default: int | None = None) -> int:
        return self._take(key, int, "a whole number", default)

    def rule(self, key: str, optional: bool = False) -> Rule:
        return self._take(key, dict, "a rule (a table)", {} if optional else None)

    def rules(self, key: str) -> tuple[Rule, ...]:
        items: list[object] = self._take(key, list, "a list of rules", [])
        if not all(isinstance(item, dict) for item in items):
            raise self._wrong(key, "must be a list of rules")
        return tuple(item for item in items if isinstance(item, dict))

    def file_content(self, key: str) -> bytes:
        """The content of the file beside patch.toml that `key` names, our version filled in."""
        name = self.text(key, "")
        if not name:
            return b""
        if PurePosixPath(name).name != name or "\\" in name:
            raise self._wrong(key, f"must be the name of a file beside patch.toml, not {name!r}")
        try:
            return (self.file.parent / name).read_bytes().replace(b"@VERSION@", __version__.encode())
        except OSError as error:
            raise self._wrong(key, f"names {name}, which cannot be read ({os_reason(error)})") from error

    def table(self, key: str) -> _Table:
        return _Table(self.file, f"{self.name}{key}.", self._take(key, dict, "a table", None))

    def tables(self, key: str, parse: Callable[[_Table], T], optional: bool = False) -> tuple[T, ...]:
        items: list[object] = self._take(key, list, "a list of tables", [] if optional else None)
        parsed = []
        for number, item in enumerate(items, start=1):
            if not isinstance(item, dict):
                raise self._wrong(key, "must be a list of tables")
            table = _Table(self.file, f"{self.name}{key} {number}: ", item)
            parsed.append(parse(table))
            table.finish()
        return tuple(parsed)

    def one_of(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise self._wrong(key, f"must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def finish(self) -> None:
        for key in self.rest:
            raise self._wrong(key, "is not known")

    def _take(self, key: str, kind: type[T], words: str, default: T | None) -> T:
        value = self.rest.pop(key, default)
        if value is None:
            raise self._wrong(key, "is missing")
        # To Python, true is a number.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._wrong(key, f"must be {words}")
        return value

    def _wrong(self, key: str, what: str) -> WasmfixError:
        return WasmfixError(f"{self.name}{key} {what}", where=self.file, remedy="correct it, or reinstall wasmfix")


def _target(table: _Table) -> Target:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    since, fixed = table.text("since", "") or None, table.text("fixed", "") or None
    target = Target(table.text("package"), table.text("versions"), since, fixed)
    try:
        SpecifierSet(target.versions)
    except InvalidSpecifier as error:
        raise WasmfixError(f"{table.name}versions is not a specifier: {target.versions!r}", where=table.file) from error
    return target


def _signature(table: _Table) -> Signature:
    signature = Signature(
        state=table.one_of("state", STATES),
        name=table.text("name"),
        generation=table.number("generation", 0),
        once=table.rules("once"),
        some=table.rules("some"),
        none=table.rules("none"),
        broken=table.flag("broken", False),
    )
    rules = signature.once + signature.some + signature.none
    if signature.broken and rules:
        raise WasmfixError(f"{table.name}what is broken cannot match a rule", where=table.file)
    if not signature.broken and not signature.once and not signature.some:
        raise WasmfixError(f"{table.name}needs a rule in `once` or `some`, or `broken`", where=table.file)
    return signature


def _place(table: _Table) -> Place:
    return Place(
        table.text("name"),
        table.rule("rule"),
        table.number("at_least"),
        table.number("at_most", 1),
        table.text("replace"),
    )


def _files(table: _Table, title: str) -> tuple[PatchedFile, ...]:
    also = table.paths("also")
    file = _file(table, title)
    if also and file.kind != "rewrite":
        raise WasmfixError(f"{table.name}also belongs to the kind rewrite, and only there", where=table.file)
    return file, *(replace(file, path=path, required=False, present=(), absent=(), lacking=False) for path in also)


def _file(table: _Table, title: str) -> PatchedFile:
    file = PatchedFile(
        path=table.path("path"),
        kind=table.one_of("kind", KINDS),
        required=table.flag("required", True),
        present=table.paths("with"),
        absent=table.paths("without"),
        lacking=table.flag("lacking", False),
        main=table.flag("main", False),
        payload=table.file_content("payload"),
        append=table.file_content("append"),
        mark=table.file_content("mark"),
        backup=table.path("backup") if "backup" in table.rest else None,
        follows=table.path("follows") if "follows" in table.rest else None,
        every=table.rule("every", optional=True),
        source=table.one_of("source", SOURCES, "own"),
        copies=table.paths("copies"),
        driver=table.flag("driver", False),
        why=table.text("why", title),
        signatures=table.tables("recognise", _signature, optional=True),
        places=table.tables("place", _place, optional=True),
    )
    for key, kinds, given in (
        ("payload", ("create", "replace", "shims"), bool(file.payload)),
        ("follows", ("remove",), file.follows is not None),
        ("place", ("rewrite",), bool(file.places)),
    ):
        if (file.kind in kinds) != given:
            needed = f"belongs to the kind {' or '.join(kinds)}, and only there" if given else "is missing"
            raise WasmfixError(f"{table.name}{key} {needed}", where=table.file)
    if is_glob(file.path) and file.kind not in ("rewrite", "replace"):
        raise WasmfixError(f"{table.name}path cannot be a glob for the kind {file.kind}", where=table.file)
    if file.kind == "replace" and not file.signatures:
        raise WasmfixError(f"{table.name}needs [[file.recognise]]: what may be replaced?", where=table.file)
    return file


def is_glob(path: str) -> bool:
    return any(character in path for character in "*?[")
