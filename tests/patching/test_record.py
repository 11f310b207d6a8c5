"""What is in `.wasmfix` may have come from anywhere: nothing in there leads wasmfix out of the package."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trees import snapshot
from wasmfix.errors import WasmfixError
from wasmfix.patching.record import check_home, parse_times, read_record
from wasmfix.patching.run import Patcher, restore
from wasmfix.project.package import read_package

Damage = Callable[[dict[str, Any], str], None]


@pytest.mark.parametrize("place", [".wasmfix", ".wasmfix/new", ".wasmfix/undo", ".wasmfix/originals"])
@pytest.mark.parametrize("patched", [False, True])
def test_a_folder_of_ours_that_is_a_symlink_is_refused_and_not_followed(
    package: Path, patcher: Patcher, scratch: Path, place: str, patched: bool
) -> None:
    if patched:
        patcher.patch(read_package(package))
    victim = scratch / "victim"
    for folder in ("", "new", "undo", "originals"):
        (victim / folder).mkdir()
        (victim / folder / "diary").write_text("mine")
    link = package / place
    link.parent.mkdir(exist_ok=True)
    if link.exists():
        link.rename(scratch / "away")
    link.symlink_to(victim)
    before = snapshot(package), snapshot(victim, times=True)
    for act in (
        patcher.patch,
        patcher.assess,
        lambda package: restore(package, force=True),
    ):
        with pytest.raises(WasmfixError, match=r"is a symlink, wasmfix does not follow it; delete the package"):
            act(read_package(package))
    assert (snapshot(package), snapshot(victim, times=True)) == before


@pytest.mark.parametrize("name", ["record.json", "journal.json", "rollback.json"])
def test_a_file_of_ours_that_is_none_is_refused(package: Path, name: str) -> None:
    (package / ".wasmfix" / name).mkdir(parents=True)
    with pytest.raises(WasmfixError, match=rf"{name}: is not a file"):
        check_home(package)
    (package / ".wasmfix" / name).rmdir()
    (package / ".wasmfix" / name).symlink_to("/etc/hostname")
    with pytest.raises(WasmfixError, match=rf"{name}: is a symlink"):
        check_home(package)


def in_folder_times(record: dict[str, Any], path: str) -> None:
    record["folder_times"][path] = 0


def in_made_folders(record: dict[str, Any], path: str) -> None:
    record["made_folders"].append(path)


def as_a_path(record: dict[str, Any], path: str) -> None:
    record["files"][0]["path"] = path


def as_an_original(record: dict[str, Any], path: str) -> None:
    next(file for file in record["files"] if file["original"])["original"] = path


@pytest.mark.parametrize("path", ["../victim", "lib/../../victim", "/victim", "lib/\0"])
@pytest.mark.parametrize("damage", [in_folder_times, in_made_folders, as_a_path, as_an_original])
def test_a_path_in_the_record_that_leaves_the_package_is_refused(
    package: Path, patcher: Patcher, damage: Damage, path: str
) -> None:
    patcher.patch(read_package(package))
    (package.parent / "victim").mkdir()
    file = package / ".wasmfix" / "record.json"
    record = json.loads(file.read_text())
    damage(record, path)
    file.write_text(json.dumps(record))
    before = snapshot(package.parent, times=True)
    with pytest.raises(WasmfixError, match=r"record\.json: is not a record of wasmfix; delete"):
        restore(read_package(package), force=True)
    assert snapshot(package.parent, times=True) == before


def test_a_file_of_the_package_is_no_original(package: Path, patcher: Patcher) -> None:
    patcher.patch(read_package(package))
    file = package / ".wasmfix" / "record.json"
    record = json.loads(file.read_text())
    as_an_original(record, "package.json")
    file.write_text(json.dumps(record))
    with pytest.raises(WasmfixError, match="is not a record of wasmfix"):
        read_record(package)


PARTS = st.lists(st.sampled_from(["a", "b", "..", ".", "", "/", "~", "a\0b"]), max_size=5).map("/".join)


@given(PARTS, st.integers() | st.floats() | st.none())
def test_times_are_of_folders_of_the_package_and_can_be_set(path: str, time: object) -> None:
    try:
        times = parse_times({path: time})
    except (TypeError, ValueError):
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert all(-(2**63) <= each < 2**63 for each in times.values())
