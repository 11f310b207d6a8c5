"""Finding, reading and checking the settings of a project."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wasmfix.config.keys import ID_PATTERN, LONGEST_SIZE, SECRETS, SEVERITIES, TABLES, Key
from wasmfix.config.mistakes import ConfigError, line_of
from wasmfix.config.settings import Settings, Thresholds
from wasmfix.diagnostics.registry import REGISTRY
from wasmfix.diagnostics.sizes import parse_heap_limit, parse_size
from wasmfix.errors import WasmfixError, os_reason

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "wasmfix.toml"
PYPROJECT = "pyproject.toml"
_TABLE = ("tool", "wasmfix")

Path_ = tuple[str | int, ...]
_POSITION = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_END = re.compile(r"\s*\(at end of document\)$")


def read_settings(root: Path, named: Path | None = None) -> Settings:
    """What the files in a project's root say: wasmfix.toml, else the table `[tool.wasmfix]` of pyproject.toml.

    Args:
        named: the file to read instead, a pyproject.toml or any other name.

    Raises:
        ConfigError: there is a mistake in it.
        WasmfixError: it cannot be read.
    """
    if named is not None:
        settings = _read(named, named.name, _TABLE if named.name == PYPROJECT else ())
        if settings is None:
            what = "has no table [tool.wasmfix]" if named.is_file() else "is not there"
            raise WasmfixError(what, where=named, remedy="--config takes a wasmfix.toml or a pyproject.toml")
        return settings
    own = _read(root / FILE_NAME, FILE_NAME, ())
    if own is None:
        return _read(root / PYPROJECT, PYPROJECT, _TABLE) or Settings()
    return replace(own, ignored=_ignored(root / PYPROJECT))


def _read(file: Path, shown: str, table: tuple[str, ...]) -> Settings | None:
    """None if there is no such file, or no such table in it."""
    text = _text(file, shown)
    if text is None or (table and "wasmfix" not in text):
        return None
    return _settings(file.absolute(), shown, text, table)


def _ignored(pyproject: Path) -> tuple[Path, int] | None:
    try:
        text = _text(pyproject, PYPROJECT)
        content = _document(pyproject, PYPROJECT, text) if text is not None and "wasmfix" in text else {}
    except WasmfixError:
        # Somebody else's mistake, in a file that is not read.
        return None
    return (pyproject, line_of(text or "", _TABLE)) if _at(content, _TABLE) is not None else None


def _text(file: Path, shown: str) -> str | None:
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=file) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8", file=file, line=line, shown=shown) from error


def _document(file: Path, shown: str, text: str) -> dict[str, object]:
    try:
        content: dict[str, object] = tomllib.loads(text)
    except ValueError as error:
        words = str(error)
        position = _POSITION.search(words)
        # An end that came too early is at the end.
        line = int(position[1]) if position else len(text.rstrip("\n").split("\n"))
        said = _END.sub("", _POSITION.sub("", words))
        raise ConfigError(
            f"is not valid TOML: {said}", file=file, line=line, shown=shown, remedy="correct it"
        ) from error
    return content


def _at(document: object, path: Sequence[str]) -> object:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _settings(file: Path, shown: str, text: str, table: tuple[str, ...]) -> Settings | None:
    content = _at(_document(file, shown, text), table)
    if content is None:
        return None
    mistakes = sorted(
        (line_of(text, (*table, *path)) if table or path else 1, what, remedy)
        for path, what, remedy in find_mistakes(content)
    )
    if mistakes:
        line, what, remedy = mistakes[0]
        more = len(mistakes) - 1
        what += f" (and {more} more {'mistake' if more == 1 else 'mistakes'})" if more else ""
        raise ConfigError(what, file=file, line=line, shown=shown, remedy=remedy or "correct it, or leave it out")
    assert isinstance(content, dict)
    set_, beside = _values(content, file.parent), content.get("thresholds", {})
    return Settings(
        file=file,
        line=line_of(text, table) if table else 1,
        thresholds=Thresholds(**_thresholds(beside)),
        severity=dict(content.get("severity", {})),
        lines={name: line_of(text, (*table, "thresholds", name)) for name in beside},
        **set_,  # type: ignore[arg-type]
    )


def _values(content: Mapping[str, object], folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for key in TABLES[""]:
        if key.name in content:
            value = content[key.name]
            if key.kind == "path":
                value = folder / str(value)
            elif key.kind == "size":
                value = parse_size(str(value))
            elif isinstance(value, list):
                value = tuple(value)
            elif key.name == "node" and ("/" in str(value) or "\\" in str(value)):
                value = str(folder / str(value))
            found[key.name.replace("-", "_")] = value
    return found


def _thresholds(content: Mapping[str, object]) -> dict[str, int]:
    return {
        name.replace("-", "_"): value if isinstance(value, int) else parse_size(str(value))
        for name, value in content.items()
    }


def find_mistakes(content: object) -> Iterator[tuple[Path_, str, str | None]]:
    """What is wrong with the table of ours: where (from the table), what, and what to do if that is known."""
    if not isinstance(content, dict):
        yield (), f"[tool.wasmfix] is {_kind_of(content)}, not a table", None
        return
    tables = {name for name in TABLES if name} | {"severity"}
    for name, value in content.items():
        if name in tables and not isinstance(value, dict):
            yield (name,), f"{name} is {_kind_of(value)}, not a table", None
        elif name == "severity":
            yield from _severity_mistakes(value)
        elif name in tables:
            yield from _table_mistakes(value, TABLES[name], (name,))
    rest = {name: value for name, value in content.items() if name not in tables}
    yield from _table_mistakes(rest, TABLES[""], (), tables)


def _table_mistakes(
    content: Mapping[str, object], keys: Sequence[Key], path: Path_, beside: set[str] | None = None
) -> Iterator[tuple[Path_, str, str | None]]:
    known = {key.name: key for key in keys}
    for name, value in content.items():
        if name not in known:
            yield (*path, name), f"{name} is no setting", _instead(name, sorted({*known, *(beside or ())}))
        else:
            for below, what in _value_mistakes(known[name], value):
                yield (*path, name, *below), f"{name}: {what}", None


def _instead(name: str, known: Sequence[str]) -> str:
    if name in SECRETS:
        return f"it may hold a password: set {SECRETS[name]} in the environment"
    if name == "tool":
        return f"[tool.wasmfix] is for {PYPROJECT}; here the settings stand without it"
    from difflib import get_close_matches

    near = get_close_matches(name.replace("_", "-"), known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"


def _value_mistakes(key: Key, value: object) -> Iterator[tuple[Path_, str]]:
    if key.kind == "list":
        if not isinstance(value, list):
            yield (), f"{_kind_of(value)} where an array of strings is wanted"
            return
        for place, entry in enumerate(value):
            problem = _word_problem(entry, key.choices)
            if problem:
                yield (place,), problem
    elif key.kind == "flag":
        if not isinstance(value, bool):
            yield (), f"{_kind_of(value)} where true or false is wanted"
    elif key.kind == "count":
        if not isinstance(value, int) or isinstance(value, bool):
            yield (), f"{_kind_of(value)} where a whole number is wanted"
        elif value < 1:
            yield (), f"{value} is less than 1"
    elif key.kind == "size":
        if not isinstance(value, str):
            yield (), f"{_kind_of(value)} where a size in quotes is wanted, such as '8GB'"
        elif problem := _size_problem(value, parse_heap_limit if key.name == "heap-limit" else parse_size):
            yield (), problem
    elif problem := _word_problem(value, key.choices):
        yield (), problem


def _word_problem(value: object, choices: Sequence[str]) -> str | None:
    if not isinstance(value, str):
        return f"{_kind_of(value)} where a string is wanted"
    if choices and value not in choices:
        return f"{value!r} is none of {', '.join(choices)}"
    return None if value else "it is empty"


def _size_problem(value: str, parse: Callable[[str], int]) -> str | None:
    if len(value) > LONGEST_SIZE:
        return "it is too long for a size"
    try:
        parse(value)
    except ValueError as error:
        return str(error)
    return None


def _severity_mistakes(content: Mapping[str, object]) -> Iterator[tuple[Path_, str, str | None]]:
    for name, value in content.items():
        if not re.fullmatch(ID_PATTERN, name) or name not in REGISTRY:
            yield ("severity", name), f"{name} is the id of no finding", "the report names ids such as WF102"
        elif problem := _word_problem(value, SEVERITIES):
            yield ("severity", name), f"{name}: {problem}", None


def _kind_of(value: object) -> str:
    kinds = {bool: "a boolean", int: "a whole number", float: "a number", str: "a string", list: "an array"}
    return "a table" if isinstance(value, dict) else kinds.get(type(value), "a date or a time")
