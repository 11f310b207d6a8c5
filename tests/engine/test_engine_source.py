"""What a package must bring, and what is said when it does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import installed
from wasmfix.engine.source import read_source
from wasmfix.errors import WasmfixError

AMALGAMATION = "deps/sqlite3/sqlite3.c"
HEADER = "deps/sqlite3/sqlite3.h"
DEFINES = "deps/defines.gypi"


def write(path: Path, data: bytes) -> None:
    path.unlink()  # large files of the fixture are hard links
    path.write_bytes(data)


def test_a_package_is_read_with_its_version_defines_and_unicode_tables(package: Path) -> None:
    source = read_source(package)
    assert (source.package, source.version, source.sqlite_version) == ("@rocicorp/zero-sqlite3", "1.1.4", "3.54.0")
    assert "SQLITE_ENABLE_STMT_SCANSTATUS" in source.defines
    assert "SQLITE_OS_OTHER=1" in source.defines
    assert "SQLITE_OS_OTHER=1" not in source.package_defines
    assert [path.name for path in source.unicode_files] == ["unicode_case.cpp", "unicode_case_data.h"]


@pytest.mark.parametrize(
    ("name", "version", "hides"),
    [
        ("better-sqlite3", "9.0.0", True),
        ("better-sqlite3", "12.11.1", False),
        ("@rocicorp/zero-sqlite3", "1.0.15", False),
    ],
)
def test_an_amalgamation_that_leaves_the_wal_out_for_wasi_is_known(name: str, version: str, hides: bool) -> None:
    assert read_source(installed(name, version) / "node_modules" / name).hides_wal is hides


def cut_middle(data: bytes) -> bytes:
    third = len(data) // 3
    return data[:third] + data[2 * third :]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[: len(data) - 5000], "cut off"),
        (lambda data: data[:1000], "no amalgamation has"),
        (lambda _data: b"", "no amalgamation has"),
        (cut_middle, "is missing"),
        (lambda data: data[:5_000_000] + bytes(4096) + data[5_004_096:], "NUL bytes"),
        (lambda data: data.replace(b'SQLITE_VERSION        "', b'SQLITE_VERSION        "9', 1), "names SQLite version"),
        (lambda data: data.replace(b"#define SQLITE_VERSION ", b"#define SQLITE_WHICH ", 1), "names no SQLITE_VERSION"),
    ],
    ids=["end", "head-only", "empty", "hole", "zeros", "other-version", "no-version"],
)
def test_a_damaged_amalgamation_is_refused_in_one_line(
    package: Path, damage: Callable[[bytes], bytes], words: str
) -> None:
    path = package / AMALGAMATION
    write(path, damage(path.read_bytes()))
    with pytest.raises(WasmfixError, match=words) as caught:
        read_source(package)
    line = str(caught.value)
    assert "sqlite3." in line
    assert "npm install @rocicorp/zero-sqlite3@1.1.4" in line
    assert "\n" not in line


@pytest.mark.parametrize("missing", ["package.json", AMALGAMATION, HEADER, DEFINES])
def test_a_missing_file_is_named(package: Path, missing: str) -> None:
    (package / missing).unlink()
    with pytest.raises(WasmfixError, match=missing.rpartition("/")[2]) as caught:
        read_source(package)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content", ["{'defines': 3}", "{'defines': ['A B']}", "{'defines': []}", "{", "open('/x')", "[" * 9999]
)
def test_defines_that_are_no_list_of_options_are_refused(package: Path, content: str) -> None:
    (package / DEFINES).write_text(content)
    with pytest.raises(WasmfixError, match=r"defines\.gypi"):
        read_source(package)


def test_a_folder_where_a_file_should_be_is_refused(package: Path) -> None:
    (package / AMALGAMATION).unlink()
    (package / AMALGAMATION).mkdir()
    with pytest.raises(WasmfixError, match="cannot be read"):
        read_source(package)


def test_a_package_without_unicode_tables_has_none(package: Path) -> None:
    shutil.rmtree(package / "src")
    assert read_source(package).unicode_case is None
