"""Read the sections of a WebAssembly module that say what it wants and what it offers.

Only as much of the binary format (https://webassembly.github.io/spec/core/binary/modules.html) as checking an
engine after linking needs: type, import and export sections.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wasmfix.engine import flags
from wasmfix.errors import WasmfixError

_MAGIC = b"\0asm\x01\0\0\0"
_KINDS = ("func", "table", "memory", "global", "tag")
_TYPE, _IMPORT, _EXPORT = 1, 2, 7
_VALUE_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref", 0x6F: "externref"}


@dataclass(frozen=True)
class FunctionType:
    parameters: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Import:
    module: str
    name: str
    kind: str
    type: FunctionType | None


@dataclass(frozen=True)
class Module:
    imports: tuple[Import, ...]
    exports: dict[str, str]
    """Name to kind."""
    size: int


def read_module(data: bytes) -> Module:
    """Parse a module; raises ValueError when it is none, or is cut off."""
    if not data.startswith(_MAGIC):
        message = "not a WebAssembly module"
        raise ValueError(message)
    types: list[FunctionType] = []
    imports: list[Import] = []
    exports: dict[str, str] = {}
    reader = _Reader(data, len(_MAGIC), len(data))
    while not reader.at_end:
        section = reader.byte()
        body = reader.slice(reader.unsigned())
        if section == _TYPE:
            types = [_function_type(body) for _ in range(body.unsigned())]
        elif section == _IMPORT:
            imports = [_import(body, types) for _ in range(body.unsigned())]
        elif section == _EXPORT:
            exports = dict(_export(body) for _ in range(body.unsigned()))
    return Module(tuple(imports), exports, len(data))


def check_engine(wasm: Path, data: bytes, offered: Collection[str]) -> Module:
    """Check that a linked module is an engine: raises WasmfixError, naming what is wrong with it.

    ``offered`` are the functions that the hosts have, module ``env``. A C library that calls WASI, and a function
    that is declared and never defined where the linker takes that for an import, show here.
    """
    try:
        module = read_module(data)
    except ValueError as error:
        raise WasmfixError(f"the linker wrote no usable module ({error})", where=wasm) from error
    foreign = sorted(
        f"{item.module}.{item.name}"
        for item in module.imports
        if item.module != "env" or (item.name not in offered and item.kind != "memory")
    )
    problem = None
    if foreign:
        problem = f"wants what its hosts do not offer: {', '.join(foreign[:5])}"
    elif not any(item.kind == "memory" for item in module.imports):
        problem = "does not import its memory"
    elif module.exports.get("_initialize") != "func":
        problem = "exports no _initialize: it is not a reactor"
    elif not any(name.startswith("wf_") for name in module.exports):
        problem = "exports nothing of ours"
    elif not flags.MIN_SIZE <= module.size <= flags.MAX_SIZE:
        problem = f"has {module.size:,} bytes, which no engine has"
    if problem is not None:
        raise WasmfixError(f"the linked module {problem}", where=wasm, remedy="report it with your toolchain's version")
    return module


class _Reader:
    """A cursor over part of a module."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self._at = start
        self._end = end

    @property
    def at_end(self) -> bool:
        return self._at >= self._end

    def byte(self) -> int:
        return self.bytes(1)[0]

    def bytes(self, count: int) -> bytes:
        start = self._at
        if start + count > self._end:
            message = "cut off"
            raise ValueError(message)
        self._at = start + count
        return self._data[start : self._at]

    def slice(self, count: int) -> _Reader:
        start = self._at
        if start + count > self._end:
            message = "cut off"
            raise ValueError(message)
        self._at = start + count
        return _Reader(self._data, start, self._at)

    def unsigned(self) -> int:
        """An unsigned LEB128 number."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def name(self) -> str:
        return self.bytes(self.unsigned()).decode()


def _function_type(body: _Reader) -> FunctionType:
    if body.byte() != 0x60:
        message = "an unknown kind of type"
        raise ValueError(message)
    parameters, results = (tuple(_VALUE_TYPES.get(body.byte(), "?") for _ in range(body.unsigned())) for _ in range(2))
    return FunctionType(parameters, results)


def _import(body: _Reader, types: list[FunctionType]) -> Import:
    module, name, kind = body.name(), body.name(), _kind(body.byte())
    if kind == "func":
        return Import(module, name, kind, types[body.unsigned()])
    if kind == "table":
        body.byte()
        _limits(body)
    elif kind == "memory":
        _limits(body)
    elif kind == "global":
        body.bytes(2)
    else:
        body.byte()
        body.unsigned()
    return Import(module, name, kind, None)


def _limits(body: _Reader) -> None:
    has_maximum = body.byte() & 1
    body.unsigned()
    if has_maximum:
        body.unsigned()


def _export(body: _Reader) -> tuple[str, str]:
    name, kind = body.name(), _kind(body.byte())
    body.unsigned()
    return name, kind


def _kind(number: int) -> str:
    if number >= len(_KINDS):
        message = f"an unknown kind {number} of import or export"
        raise ValueError(message)
    return _KINDS[number]
