"""Several patches a file, several files a patch, modes, and patches from elsewhere: on packages of these tests' own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from patching.packages import FILES, SHIM_ONLY, SOURCE, write_catalogue, write_driver
from trees import snapshot
from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import State
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.record import read_record
from wasmfix.patching.run import Patcher, restore
from wasmfix.project.package import InstalledPackage, read_package


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    return write_driver(tmp_path / "driver")


@pytest.fixture
def several(tmp_path: Path, patcher: Patcher, package: Path) -> Patcher:
    """A catalogue of three: two that change the same file, and one that puts the engine in its place."""
    catalogue = load_catalogue(write_catalogue(tmp_path / "catalogue"))
    return replace(patcher, catalogue=catalogue, engine="shim", amalgamation=read_package(package))


def text(package: Path, path: str = "dist/driver.js") -> str:
    return (package / path).read_text(encoding="utf-8")


def label(package: Path) -> InstalledPackage:
    return read_package(package)


def test_each_patch_sees_what_the_one_before_it_left(driver: Path, several: Patcher) -> None:
    before = snapshot(driver, times=True)
    outcome = several.patch(label(driver))
    assert outcome.result == "patched"
    assert text(driver) == "const limit=0;class Driver{one(a,b){/* 0 */return undefined}two(){return 2}}\n"
    record = read_record(driver)
    assert record is not None
    assert record.patches == ("end", "limit")
    assert [(file.path, file.patch) for file in record.files if file.path == "dist/driver.js"] == [
        ("dist/driver.js", "limit, end")
    ]
    assert (driver / ".wasmfix" / "originals" / "dist%2Fdriver.js").read_text() == SOURCE
    assert several.patch(label(driver)).result == "already patched"
    assert restore(label(driver)).result == "restored"
    assert snapshot(driver, times=True) == before


def test_a_glob_takes_every_file_that_is_known_and_says_which_are_not(driver: Path, several: Patcher) -> None:
    outcome = several.patch(label(driver))
    assert text(driver, "native/a.js") == text(driver)
    assert text(driver, "native/b.js") == FILES["native/b.js"]
    assert [note for note in outcome.notes if "native/b.js" in note]


def test_switching_modes_goes_through_the_originals(driver: Path, several: Patcher) -> None:
    before = snapshot(driver, times=True)
    rebuild = replace(several, engine="rebuild")
    several.patch(label(driver))
    shimmed = snapshot(driver)
    assert rebuild.assess(label(driver)).state is State.STALE
    assert rebuild.patch(label(driver)).result == "updated"
    assert text(driver) == "module.exports = require('../wasmfix/addon.cjs');\n"
    assert (driver / "dist" / "x.wasm").read_bytes() == (driver / "wasmfix" / "engine.wasm").read_bytes()
    assert text(driver, "native/a.js") == SOURCE
    record = read_record(driver)
    assert record is not None
    assert (record.inputs.engine, record.inputs.amalgamation) == ("rebuild", "@rocicorp/zero-sqlite3 1.1.4")
    assert several.patch(label(driver)).result == "updated"
    assert {path: entry for path, entry in snapshot(driver).items() if not path.startswith(".wasmfix")} == {
        path: entry for path, entry in shimmed.items() if not path.startswith(".wasmfix")
    }
    restore(label(driver))
    assert snapshot(driver, times=True) == before


def test_the_mode_of_before_is_kept_where_none_is_named(driver: Path, several: Patcher) -> None:
    several.patch(label(driver))
    unnamed = replace(several, engine="")
    assert unnamed.patch(label(driver)).result == "already patched"
    restore(label(driver))
    unnamed.patch(label(driver))
    assert text(driver).startswith("module.exports")


def test_without_an_amalgamation_the_engine_cannot_be_rebuilt(driver: Path, several: Patcher) -> None:
    before = snapshot(driver, times=True)
    lost = replace(several, engine="rebuild", amalgamation=None)
    with pytest.raises(
        WasmfixError, match=r"has no SQLite source.*name the folder of one: wasmfix patch --amalgamation"
    ):
        lost.patch(label(driver))
    assert snapshot(driver, times=True) == before
    assert replace(lost, engine="shim").patch(label(driver)).result == "patched"


def test_another_amalgamation_that_is_named_makes_it_stale(driver: Path, several: Patcher) -> None:
    rebuild = replace(several, engine="rebuild")
    rebuild.patch(label(driver))
    assert several.amalgamation is not None
    newer = replace(several.amalgamation, version="9.9.9")
    assert replace(rebuild, amalgamation=newer).assess(label(driver)).state is State.PATCHED
    named = replace(rebuild, amalgamation=newer, amalgamation_named=True)
    assert named.assess(label(driver)).state is State.STALE


def test_a_package_in_which_nothing_is_wrong_is_healthy_and_stays_as_it_is(driver: Path, several: Patcher) -> None:
    for path in ("dist/driver.js", "native/a.js"):
        (driver / path).write_text("const limit=0;class Driver{one(a,b){/* 0 */return undefined}two(){return 2}}\n")
    before = snapshot(driver, times=True)
    assert several.assess(label(driver)).state is State.HEALTHY
    assert several.patch(label(driver)).result == "healthy"
    assert snapshot(driver, times=True) == before


def test_one_patch_that_does_not_know_its_file_keeps_all_from_it(driver: Path, several: Patcher) -> None:
    (driver / "dist" / "driver.js").write_text(SOURCE.replace("limit", "bound"))
    before = snapshot(driver, times=True)
    found = several.assess(label(driver))
    assert found.state is State.FOREIGN
    assert {(seen.patch, seen.path, seen.state) for seen in found.seen if seen.path == "dist/driver.js"} == {
        ("limit", "dist/driver.js", "unknown"),
        ("end", "dist/driver.js", "needed"),
    }
    with pytest.raises(WasmfixError, match="the patch limit is for: the limit: not found"):
        several.patch(label(driver))
    assert snapshot(driver, times=True) == before


def test_words_that_are_not_ascii_stay_where_they_are(driver: Path, several: Patcher) -> None:
    (driver / "dist" / "driver.js").write_text("// Grüße 🙂\n" + SOURCE.replace("a,b", "ä,b"), encoding="utf-8")
    several.patch(label(driver))
    assert text(driver).startswith("// Grüße 🙂\nconst limit=0;class Driver{one(ä,b){/* 0 */return undefined}")


def test_a_patch_that_would_leave_no_javascript_is_refused(driver: Path, several: Patcher, tmp_path: Path) -> None:
    toml = tmp_path / "catalogue" / "limit" / "patch.toml"
    toml.write_text(toml.read_text().replace('"const limit=0;"', '"const = ;"'))
    before = snapshot(driver, times=True)
    wrong = replace(several, catalogue=load_catalogue(tmp_path / "catalogue"))
    with pytest.raises(WasmfixError, match="the patch limit is for: it would not be valid JavaScript afterwards"):
        wrong.patch(label(driver))
    assert snapshot(driver, times=True) == before


def test_patches_from_another_folder_are_found_and_ours_cannot_be_replaced(
    driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patcher: Patcher
) -> None:
    elsewhere = write_catalogue(tmp_path / "elsewhere", SHIM_ONLY)
    monkeypatch.setenv("WASMFIX_PATCHES", str(elsewhere))
    assert {"limit", "addon-loader"} <= {patch.id for patch in load_catalogue()}
    (elsewhere / "limit").rename(elsewhere / "addon-loader")
    toml = elsewhere / "addon-loader" / "patch.toml"
    toml.write_text(toml.read_text().replace('id = "limit"', 'id = "addon-loader"'))
    with pytest.raises(WasmfixError, match="has the id of the patch in"):
        load_catalogue()


def test_a_folder_without_patches_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASMFIX_PATCHES", str(tmp_path / "gone"))
    with pytest.raises(WasmfixError, match="gone: has no patches; correct WASMFIX_PATCHES"):
        load_catalogue()


def test_a_rule_that_ast_grep_does_not_understand_is_named(driver: Path, several: Patcher, tmp_path: Path) -> None:
    toml = tmp_path / "catalogue" / "limit" / "patch.toml"
    toml.write_text(toml.read_text().replace('"const limit=$VALUE"', '"const limit=$VALUE", kind = "no_such_kind"'))
    broken = replace(several, catalogue=load_catalogue(tmp_path / "catalogue"))
    with pytest.raises(WasmfixError, match=r"no_such_kind.*correct its patch.toml"):
        broken.patch(label(driver))
