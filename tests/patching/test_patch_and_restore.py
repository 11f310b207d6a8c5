"""One package, patched and put back: what changes, what never does, and who is not overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conftest import own_environment
from trees import snapshot
from wasmfix.engine import BuiltEngine
from wasmfix.errors import WasmfixError
from wasmfix.patching import files
from wasmfix.patching.assess import State
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.record import read_record
from wasmfix.patching.run import Outcome, Patcher, restore
from wasmfix.patching.transaction import locked
from wasmfix.project.package import read_package


def patch(package: Path, patcher: Patcher) -> Outcome:
    return patcher.patch(read_package(package))


def put_back(package: Path, *, force: bool = False) -> Outcome:
    return restore(read_package(package), force=force)


def state(package: Path, patcher: Patcher) -> State:
    return patcher.assess(read_package(package)).state


def test_restore_brings_back_every_byte_mode_time_and_inode(package: Path, patcher: Patcher) -> None:
    (package / "lib" / "database.js").chmod(0o640)
    before = snapshot(package, times=True, links=True)
    assert patch(package, patcher).result == "patched"
    patched = snapshot(package)
    assert patched["lib/database.js"] != before["lib/database.js"][:3]
    assert patched["lib/database.js"][1] == 0o640
    assert patched["wasmfix/addon.cjs"][1] == 0o644
    assert put_back(package).result == "restored"
    assert snapshot(package, times=True, links=True) == before


def test_a_second_patch_changes_nothing(package: Path, patcher: Patcher) -> None:
    patch(package, patcher)
    before = snapshot(package, times=True, links=True)
    files.faults.arm(0)
    again = patch(package, patcher)
    assert again.result == "already patched"
    assert again.plan is None
    assert files.faults.count == 0
    assert snapshot(package, times=True, links=True) == before


def test_a_second_restore_changes_nothing_and_says_so(package: Path, patcher: Patcher) -> None:
    before = snapshot(package, times=True)
    assert put_back(package).result == "not patched"
    patch(package, patcher)
    put_back(package)
    assert put_back(package).result == "not patched"
    assert snapshot(package, times=True) == before


def test_a_hard_linked_file_keeps_its_content_elsewhere(package: Path, patcher: Patcher, scratch: Path) -> None:
    store = scratch / "store"
    store.mkdir()
    for file in (package / "lib").glob("*.js"):
        os.link(file, store / file.name)
    before = snapshot(store, times=True)
    linked = snapshot(package, links=True)
    patch(package, patcher)
    assert snapshot(store, times=True) == before
    put_back(package)
    assert snapshot(store, times=True) == before
    assert snapshot(package, links=True) == linked


def test_where_links_are_not_possible_a_copy_is_kept_with_its_time(
    package: Path, patcher: Patcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(package, times=True)

    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    patch(package, patcher)
    put_back(package)
    assert snapshot(package, times=True) == before


def test_an_update_keeps_the_first_original(
    package: Path, patcher: Patcher, small_engine: BuiltEngine, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    before = snapshot(package, times=True, links=True)
    patch(package, patcher)
    newer = scratch / "newer.wasm"
    newer.write_bytes(b"newer")
    monkeypatch.setattr("wasmfix.patching.run.engine_scripts", lambda: {"addon.cjs": b"2", "new/more.js": b"3"})
    built = BuiltEngine(newer, "k2", {"key": "k2"}, cached=True, dropped=())
    updated = Patcher(load_catalogue(), "emcc", lambda _folder: built)
    assert state(package, updated) is State.STALE
    assert patch(package, updated).result == "updated"
    record = read_record(package)
    assert record is not None
    assert (record.engine_key, record.inputs.toolchain) == ("k2", "emcc")
    now = snapshot(package)
    assert not {"wasmfix/parts", "wasmfix/parts/rows.js"} & set(now)
    assert "wasmfix/new/more.js" in now
    assert state(package, updated) is State.PATCHED
    put_back(package)
    assert snapshot(package, times=True, links=True) == before


def test_a_file_that_someone_else_changed_is_overwritten_only_by_force(package: Path, patcher: Patcher) -> None:
    before = snapshot(package)
    patch(package, patcher)
    database = package / "lib" / "database.js"
    edited = database.read_text() + "// mine\n"
    database.unlink()
    database.write_text(edited)
    assert state(package, patcher) is State.PARTIAL
    for action in (lambda: patch(package, patcher), lambda: put_back(package)):
        with pytest.raises(WasmfixError, match=r"database\.js: was changed by someone else since.*--force") as caught:
            action()
        assert "\n" not in str(caught.value)
        assert database.read_text() == edited
    forced = Patcher(patcher.catalogue, "zig", patcher.build, force=True)
    assert patch(package, forced).result == "updated"
    assert "// mine" not in database.read_text()
    database.write_text(edited)
    put_back(package, force=True)
    assert snapshot(package) == before


@pytest.mark.parametrize("force", [False, True])
def test_what_somebody_put_into_our_folders_stays_there_and_is_named(
    package: Path, patcher: Patcher, scratch: Path, force: bool
) -> None:
    # All of lib/ is ours here, too.
    (package / "lib").rename(scratch / "lib")
    before = snapshot(package)
    patch(package, patcher)
    put = ["lib/mine.js", "wasmfix/empty", "wasmfix/link", "wasmfix/notes/mine.txt"]
    (package / "wasmfix" / "notes").mkdir()
    (package / "wasmfix" / "empty").mkdir()
    (package / "wasmfix" / "link").symlink_to(scratch / "lib")
    for name in (put[0], put[3]):
        (package / name).write_text("mine")
    theirs = {path: entry for path, entry in snapshot(package).items() if path in put}
    elsewhere = snapshot(scratch / "lib", times=True)
    outcome = put_back(package, force=force)
    assert outcome.notes == tuple(f"{path} is not wasmfix's, and was left where it is" for path in put)
    left = snapshot(package)
    assert {path: left.pop(path) for path in put} == theirs
    for folder in ("lib", "wasmfix", "wasmfix/notes"):
        del left[folder]
    assert left == before
    assert snapshot(scratch / "lib", times=True) == elsewhere
    assert patch(package, patcher).result == "patched"
    assert {path: snapshot(package)[path] for path in put} == theirs


def test_a_file_of_ours_that_was_changed_is_removed_only_by_force(package: Path, patcher: Patcher) -> None:
    patch(package, patcher)
    (package / "wasmfix" / "addon.cjs").write_text("mine")
    with pytest.raises(WasmfixError, match=r"addon\.cjs: was changed .*; run: wasmfix restore --force to remove it"):
        put_back(package)
    put_back(package, force=True)
    assert not (package / "wasmfix").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_the_packages_owner(
    package: Path, patcher: Patcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def owners() -> set[tuple[int, int]]:
        linked = {package / "deps" / "sqlite3" / "sqlite3.c"}
        paths = {package, *package.rglob("*")} - linked
        return {(path.lstat().st_uid, path.lstat().st_gid) for path in paths}

    for path in [package, *package.rglob("*")]:
        if path.is_dir() or path.lstat().st_nlink == 1:
            os.chown(path, 1234, 1235)
    monkeypatch.setattr(os, "link", refuse)
    patch(package, patcher)
    assert owners() == {(1234, 1235)}
    put_back(package)
    assert owners() == {(1234, 1235)}


def test_a_folder_in_which_nothing_can_be_changed_is_named(
    package: Path, patcher: Patcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if target.name == "database.js":
            raise PermissionError(13, "Permission denied", str(path))
        return replace(path, target)

    before = snapshot(package)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(WasmfixError, match=rf"^{package / 'lib'}: cannot patch \(Permission denied\), nothing was"):
        patch(package, patcher)
    assert snapshot(package) == before


def test_a_file_in_the_place_of_a_folder_is_named(package: Path, patcher: Patcher, scratch: Path) -> None:
    (package / "lib").rename(scratch / "lib")
    (package / "lib").write_text("")
    before = snapshot(package)
    with pytest.raises(WasmfixError) as caught:
        patch(package, patcher)
    assert str(caught.value).startswith(f"{package / 'lib'}: is not a folder; ")
    assert snapshot(package) == before


def test_a_folder_named_wasmfix_that_is_not_ours_is_left_alone(package: Path, patcher: Patcher) -> None:
    (package / "wasmfix").mkdir()
    (package / "wasmfix" / "addon.cjs").write_text("theirs")
    before = snapshot(package)
    with pytest.raises(WasmfixError, match=r"addon\.cjs: is there, but wasmfix has no record of it"):
        patch(package, patcher)
    assert snapshot(package) == before
    patch(package, Patcher(patcher.catalogue, "zig", patcher.build, force=True))
    put_back(package)
    assert snapshot(package) == before


def test_what_was_reverted_or_lost_since_is_patched_again(package: Path, patcher: Patcher) -> None:
    original = (package / "lib" / "database.js").read_bytes()
    patch(package, patcher)
    whole = snapshot(package)
    (package / "lib" / "database.js").unlink()
    (package / "lib" / "database.js").write_bytes(original)
    (package / "wasmfix" / "addon.cjs").unlink()
    found = patcher.assess(read_package(package))
    assert found.state is State.PARTIAL
    assert {(path, what.value) for path, what in found.drift} == {
        ("lib/database.js", "is the original again"),
        ("wasmfix/addon.cjs", "is missing"),
    }
    assert patch(package, patcher).result == "updated"
    assert snapshot(package) == whole


def test_a_dangling_entry_point_comes_back_as_the_symlink_that_it_was(package: Path, patcher: Patcher) -> None:
    index = package / "lib" / "index.js"
    index.unlink()
    index.symlink_to("../gone.js")
    before = snapshot(package, times=True, links=True)
    patch(package, patcher)
    assert not index.is_symlink()
    assert not (package / "gone.js").exists()
    put_back(package)
    assert snapshot(package, times=True, links=True) == before


def test_nothing_is_written_through_a_symlinked_folder(package: Path, patcher: Patcher, scratch: Path) -> None:
    outside = scratch / "outside"
    (package / "lib").rename(outside)
    (package / "lib").symlink_to(outside)
    before = snapshot(scratch)
    with pytest.raises(WasmfixError, match="lib: is a symlink, wasmfix does not write through it"):
        patch(package, patcher)
    assert snapshot(scratch) == before


@pytest.mark.parametrize("name", ["record.json", "journal.json"])
def test_files_of_a_newer_wasmfix_stop_us(package: Path, patcher: Patcher, name: str) -> None:
    patch(package, patcher)
    file = package / ".wasmfix" / name
    content = json.loads((package / ".wasmfix" / "record.json").read_text())
    file.write_text(json.dumps({**content, "schema_version": 99, "wasmfix": "9.9.9"}))
    before = snapshot(package)
    for action in (lambda: patch(package, patcher), lambda: put_back(package)):
        with pytest.raises(WasmfixError, match=r"was written by a newer wasmfix \(9\.9\.9\); upgrade"):
            action()
    assert snapshot(package) == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 1, "files": 3}'])
def test_a_damaged_record_is_named(package: Path, patcher: Patcher, content: str) -> None:
    patch(package, patcher)
    (package / ".wasmfix" / "record.json").write_text(content)
    before = snapshot(package)
    with pytest.raises(WasmfixError, match=r"record\.json: is .*install it again"):
        put_back(package)
    assert snapshot(package) == before


def test_a_lost_original_is_said_before_anything_is_touched(package: Path, patcher: Patcher) -> None:
    patch(package, patcher)
    (package / ".wasmfix" / "originals" / "lib%2Fdatabase.js").unlink()
    before = snapshot(package)
    with pytest.raises(WasmfixError, match="the original is gone or damaged"):
        put_back(package)
    assert snapshot(package) == before


def test_a_patched_package_whose_record_is_gone_is_refused(package: Path, patcher: Patcher) -> None:
    patch(package, patcher)
    (package / ".wasmfix" / "record.json").unlink()
    assert state(package, patcher) is State.FOREIGN
    with pytest.raises(WasmfixError, match=r"record\.json is gone"):
        patch(package, patcher)


def test_the_plan_names_every_file_with_its_hashes(package: Path, patcher: Patcher) -> None:
    before = snapshot(package)
    plan = patcher.plan(patcher.assess(read_package(package)))
    assert snapshot(package) == before
    operations = json.loads(json.dumps(plan.to_json()))["operations"]
    patch(package, patcher)
    after = snapshot(package)
    for operation in operations:
        path = operation["path"]
        assert operation["from"] == (before[path][2] if path in before else None)
        assert operation["to"] == after[path][2]
        assert operation["mode"] == f"{after[path][1]:04o}"
        assert operation["why"]
    changed = {path for path in after if before.get(path) != after[path] and (package / path).is_file()}
    assert {operation["path"] for operation in operations} == {path for path in changed if ".wasmfix" not in path}


def test_a_second_patcher_waits_for_the_first_then_gives_up(package: Path) -> None:
    holder = f"""
import time
from pathlib import Path
from wasmfix.patching.transaction import locked
with locked(Path({str(package)!r})):
    print("locked", flush=True)
    time.sleep(60)
"""
    before = snapshot(package, times=True)
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, env=own_environment()) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(WasmfixError, match="another wasmfix is at work here; wait"), locked(package, wait=0.2):
            pass
        # The lock of a killed holder is gone with it.
        threading.Timer(0.3, process.kill).start()
        started = time.monotonic()
        with locked(package, wait=30):
            assert time.monotonic() - started < 20
    assert snapshot(package, times=True) == before
