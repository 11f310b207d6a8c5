"""The catalogue: `patches/ID/patch.toml` and the files that it names.

id, title, symptom, order        order: patches are applied from low to high
[[target]]                       package, versions (a specifier as in Python packaging): the versions that we know
[[recognise]]                    what the file may be; the first that holds counts
    state                        applied, original, needed, foreign
    name, generation             for people
    once, some, none             ast-grep rules that match exactly once, at least once, never
[action]
    kind                         rewrite, create, replace
    file                         in the package
    payload, append, mark        files beside patch.toml: the new content, what is added at the end or the start
    backup                       where somebody else keeps the original
    engine                       the folder into which the engine is copied
    every                        the rule that matches all that the places must take
[[place]]                        of a rewrite: name, rule, at_least (0 or 1), replace
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wasmfix import __version__
from wasmfix.errors import WasmfixError, os_reason
from wasmfix.paths import data_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Rule = Mapping[str, object]
STATES = ("applied", "original", "needed", "foreign")
KINDS = ("rewrite", "create", "replace")

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    package: str
    versions: str

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


@dataclass(frozen=True)
class Place:
    name: str
    rule: Rule
    at_least: int
    replace: str


@dataclass(frozen=True)
class Action:
    kind: str
    file: str
    payload: bytes
    append: bytes
    mark: bytes
    backup: str | None
    engine: str | None
    every: Rule


@dataclass(frozen=True)
class Patch:
    id: str
    title: str
    symptom: str
    order: int
    targets: tuple[Target, ...]
    signatures: tuple[Signature, ...]
    action: Action
    places: tuple[Place, ...]

    def target(self, package: str) -> Target | None:
        return next((target for target in self.targets if target.package == package), None)


def load_catalogue(folder: Path | None = None) -> tuple[Patch, ...]:
    """All patches, in the order in which they are applied.

    Raises:
        WasmfixError: a patch.toml is missing something, or has something that we do not know.
    """
    folder = folder or data_folder("patches")
    patches = [load_patch(file.parent) for file in sorted(folder.glob("*/patch.toml"))]
    if not patches:
        raise WasmfixError("has no patches", where=folder, remedy="reinstall wasmfix")
    return tuple(sorted(patches, key=lambda patch: (patch.order, patch.id)))


def load_patch(folder: Path) -> Patch:
    """The patch in one folder, which has its id for a name."""
    file = folder / "patch.toml"
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=file) from error
    except ValueError as error:
        raise WasmfixError(f"is not valid TOML ({error})", where=file) from error
    table = _Table(file, "", content)
    patch = Patch(
        id=table.text("id"),
        title=table.text("title"),
        symptom=table.text("symptom"),
        order=table.number("order"),
        targets=table.tables("target", _target),
        signatures=table.tables("recognise", _signature, optional=True),
        action=_action(table.table("action")),
        places=table.tables("place", _place, optional=True),
    )
    table.finish()
    if patch.id != folder.name:
        raise WasmfixError(f"the id {patch.id!r} is not the folder's name", where=file)
    if (patch.action.kind == "rewrite") != bool(patch.places):
        raise WasmfixError("[[place]] belongs to an action of the kind 'rewrite', and only there", where=file)
    return patch


class _Table:
    """Takes values out of a TOML table; complains about what is missing, wrong, or left over."""

    def __init__(self, file: Path, name: str, content: Mapping[str, object]) -> None:
        self.file = file
        self.name = name
        self.rest = dict(content)

    def text(self, key: str, default: str | None = None) -> str:
        return self._take(key, str, "a string", default)

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

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
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
        if not isinstance(value, kind):
            raise self._wrong(key, f"must be {words}")
        return value

    def _wrong(self, key: str, what: str) -> WasmfixError:
        return WasmfixError(f"{self.name}{key} {what}", where=self.file, remedy="correct it, or reinstall wasmfix")


def _target(table: _Table) -> Target:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    target = Target(table.text("package"), table.text("versions"))
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
    )
    if not signature.once and not signature.some:
        raise WasmfixError(f"{table.name}needs a rule in `once` or `some`", where=table.file)
    return signature


def _place(table: _Table) -> Place:
    return Place(table.text("name"), table.rule("rule"), table.number("at_least"), table.text("replace"))


def _action(table: _Table) -> Action:
    action = Action(
        kind=table.one_of("kind", KINDS),
        file=table.text("file"),
        payload=table.file_content("payload"),
        append=table.file_content("append"),
        mark=table.file_content("mark"),
        backup=table.text("backup", "") or None,
        engine=table.text("engine", "") or None,
        every=table.rule("every", optional=True),
    )
    table.finish()
    if action.kind != "rewrite" and not action.payload:
        raise WasmfixError(f"{table.name}payload is missing", where=table.file)
    return action
