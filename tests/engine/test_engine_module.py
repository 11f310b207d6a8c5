"""Reading WebAssembly sections, with wasmtime as the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime

from wasmfix.engine import build_engine
from wasmfix.engine.build import declared_imports
from wasmfix.engine.module import check_engine, read_module
from wasmfix.errors import WasmfixError

OFFERED = ("f", "g", "t")
SMALL = """
(module
  (import "env" "memory" (memory 2 100))
  (import "env" "f" (func (param i32 i64 f64) (result i32)))
  (import "env" "g" (global i32))
  (import "env" "t" (table 1 funcref))
  (func (export "_initialize"))
  (func (export "wf_é") (param f32))
  (global (export "here") i32 (i32.const 5)))
"""


def assemble(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def test_imports_and_exports_of_every_kind_are_read() -> None:
    module = read_module(assemble(SMALL))
    assert [(item.name, item.kind) for item in module.imports] == [
        ("memory", "memory"),
        ("f", "func"),
        ("g", "global"),
        ("t", "table"),
    ]
    function = module.imports[1].type
    assert function is not None
    assert (function.parameters, function.results) == (("i32", "i64", "f64"), ("i32",))
    assert module.exports == {"_initialize": "func", "wf_é": "func", "here": "global"}


def test_the_engine_reads_as_wasmtime_reads_it(package: Path) -> None:
    data = build_engine(package).wasm.read_bytes()
    ours = read_module(data)
    theirs = wasmtime.Module(wasmtime.Engine(), data)
    assert [(item.module, item.name) for item in ours.imports] == [(item.module, item.name) for item in theirs.imports]
    assert list(ours.exports) == [item.name for item in theirs.exports]
    assert {item.module for item in ours.imports} == {"env"}
    assert {item.name for item in ours.imports if item.kind == "func"} <= declared_imports()
    assert any(name.startswith("wf_") for name in ours.exports)


def test_the_engine_keeps_to_its_size(package: Path) -> None:
    assert build_engine(package).wasm.stat().st_size <= 1_800_000


def test_the_stack_lies_below_the_data(package: Path) -> None:
    """An overflow then traps. The linker puts data after the stack: no data segment begins inside it."""
    data = build_engine(package).wasm.read_bytes()
    assert min(_data_offsets(data)) >= 1_048_576


def _data_offsets(data: bytes) -> list[int]:
    """Offsets of active data segments with an `i32.const` offset."""
    at, offsets = 8, []

    def unsigned() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        section = data[at]
        at += 1
        size = unsigned()
        end = at + size
        if section == 11:
            for _ in range(unsigned()):
                assert unsigned() == 0
                assert data[at] == 0x41  # i32.const
                at += 1
                offsets.append(unsigned())
                at += 1  # end
                length = unsigned()
                at += length
        at = end
    return offsets


@pytest.mark.parametrize("length", [0, 3, 8, 9, 20, 40])
def test_a_module_that_is_cut_off_is_never_taken_for_an_engine(length: int, tmp_path: Path) -> None:
    with pytest.raises(WasmfixError, match=r"no usable module|does not import its memory|no _initialize"):
        check_engine(tmp_path / "engine.wasm", assemble(SMALL)[:length], OFFERED)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('(module (import "wasi_snapshot_preview1" "fd_write" (func)))', r"wasi_snapshot_preview1\.fd_write"),
        ('(module (func (export "_initialize")))', "does not import its memory"),
        ('(module (import "env" "memory" (memory 1)))', "not a reactor"),
        ('(module (import "env" "memory" (memory 1)) (func (export "_initialize")))', "exports nothing of ours"),
        ('(module (import "env" "notify_growth" (func)))', r"env\.notify_growth"),
        (SMALL, "no engine has"),
    ],
)
def test_what_is_no_engine_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(WasmfixError, match=words):
        check_engine(tmp_path / "engine.wasm", assemble(text), OFFERED)
