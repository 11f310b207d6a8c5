from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fingerprint import differences, fingerprint


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "index.js").write_text("one")
    (tmp_path / "lib" / "data").write_bytes(b"\0\1")
    (tmp_path / "link").symlink_to("lib/index.js")
    return tmp_path


def rewrite_same_size(tree: Path) -> None:
    (tree / "lib" / "index.js").write_text("two")


def change_mode(tree: Path) -> None:
    (tree / "lib" / "index.js").chmod(0o600)


def remove(tree: Path) -> None:
    (tree / "lib" / "data").unlink()


def add_empty_folder(tree: Path) -> None:
    (tree / "lib" / ".wasmfix").mkdir()


def retarget(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("lib/data")


def link_becomes_file(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").write_text("one")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (rewrite_same_size, "lib/index.js"),
        (change_mode, "lib/index.js"),
        (remove, "lib/data"),
        (add_empty_folder, "lib/.wasmfix"),
        (retarget, "link"),
        (link_becomes_file, "link"),
    ],
)
def test_each_kind_of_change_is_seen(tree: Path, change: Callable[[Path], None], path: str) -> None:
    before = fingerprint(tree)
    change(tree)
    assert differences(before, fingerprint(tree)) == [os.path.normpath(path)]


def test_a_file_written_anew_with_the_same_bytes_and_mode_is_no_change(tree: Path) -> None:
    before = fingerprint(tree)
    (tree / "lib" / "index.js").unlink()
    (tree / "lib" / "index.js").write_text("one")
    assert differences(before, fingerprint(tree)) == []
