"""orez's shims over zero-sqlite3: which file is one, and what becomes of it and of its backup."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nodejs
from conftest import installed
from orez.conftest import ZERO, MakeProject
from trees import snapshot
from wasmfix.patching.apply import apply
from wasmfix.patching.assess import Assessment, State
from wasmfix.patching.catalogue import Patch, load_catalogue
from wasmfix.patching.run import Patcher, restore
from wasmfix.patching.structure import classify, parse
from wasmfix.project.package import read_package

HERE = Path(__file__).parent
FORMATTERS = {"terser": ("terser", "5", "main.js"), "prettier": ("prettier", "3", "index.mjs")}


def formatted(source: str, formatter: str) -> str:
    name, version, main = FORMATTERS[formatter]
    module = installed(name, version) / "node_modules" / name / main
    command = [nodejs.node(), str(HERE / "formatters.mjs"), formatter, module.as_uri()]
    done = subprocess.run(command, input=source, check=True, capture_output=True, text=True, encoding="utf-8")
    return done.stdout


def stale_shim() -> Patch:
    return next(patch for patch in load_catalogue() if patch.id == "stale-shim")


def look(package: Path, patcher: Patcher) -> Assessment:
    return patcher.assess(read_package(package))


@pytest.mark.parametrize("formatter", [None, *FORMATTERS])
@pytest.mark.parametrize("generation", [1, 2, 3])
def test_a_shim_is_recognised_by_what_it_does_whatever_was_made_of_its_words(
    generation: int, formatter: str | None, make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project(generation)
    shim = project.shim().decode()
    if formatter:
        shim = formatted(shim, formatter)
        project.index.write_text(shim, encoding="utf-8")
    if formatter == "terser":
        assert not [word for word in ("OrigDatabase", "orez sqlite shim", "patched by orez") if word in shim]
    if generation == 1:
        # Its database.js is no longer there to be patched.
        database = installed(ZERO, "1.1.4") / "node_modules" / ZERO / "lib" / "database.js"
        (project.zero / "lib" / "database.js").write_bytes(database.read_bytes())
    found = look(project.zero, patcher)
    assert (found.state, found.generation, found.problems) == (State.SHIM, generation, ())
    assert "lib/index.js" in [edit.path for edit in found.edits]


def test_the_text_of_the_loader_hook_is_recognised_where_somebody_made_it_the_entry_point(
    make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project(3)
    project.shim()
    hook = (project.root / "hook" / "hooks.mjs").read_text(encoding="utf-8")
    project.index.write_text(hook[hook.index("source: `") + 9 : hook.rindex("`")], encoding="utf-8")
    found = look(project.zero, patcher)
    assert (found.state, found.generation) == (State.SHIM, 3)


OWN_FILES = {
    "words in comments": "// orez sqlite shim\n// mode: wasm, journal_mode: wal2\n// OrigDatabase, patched by orez\n"
    "module.exports = require('./mine');\n",
    "words in strings": "const OrigDatabase = 'orez-sqlite-shim://shim';\n"
    "module.exports = ['orez sqlite shim', 'journal_mode = wal2', OrigDatabase];\n",
    "its own driver, wrapped": "const OrigDatabase = require('./database'); // not patched by orez\n"
    "class Database extends OrigDatabase {}\nmodule.exports = Database;\nmodule.exports.SqliteError = Error;\n",
    "its own driver, with another scan status": "const Database = require('./database');\n"
    "const proto = Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1'));\n"
    "proto.scanStatusV2 = () => undefined;\nDatabase.SQLITE_SCANSTAT_SELECTID = 5;\n"
    "new Database(':memory:').pragma('journal_mode = wal2');\nmodule.exports = Database;\n",
    "another driver": "module.exports = require('node-sqlite3-wasm').Database;\nmodule.exports.SqliteError = Error;\n",
    "marks over another driver": "// orez sqlite shim - keep off\n// mode: wasm, provided by me\n// OrigDatabase\n"
    "module.exports = require('./mine');\n",
    "a dynamic import of the hook's address": "const address = 'orez-sqlite-shim://shim';\nmodule.exports = address;\n",
}


@pytest.mark.parametrize("text", OWN_FILES.values(), ids=OWN_FILES)
def test_a_users_own_file_that_has_the_words_is_no_shim_and_is_refused(
    text: str, make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project()
    project.index.write_text(text)
    found = look(project.zero, patcher)
    assert (found.state, found.generation) == (State.FOREIGN, 0)
    assert "lib/index.js is not what the patch stale-shim is for" in found.problems[0]


def test_the_packages_own_entry_point_is_known_however_it_is_written() -> None:
    original = (installed(ZERO, "1.1.4") / "node_modules" / ZERO / "lib" / "index.js").read_text()
    for formatter in FORMATTERS:
        found = classify(parse(formatted(original, formatter).encode()), stale_shim().files[0].signatures)
        assert found is not None
        assert found.state == "original"


@pytest.mark.parametrize("version", ["1.0.3", "1.0.15", "1.1.4"])
def test_the_backup_comes_back_marked_and_goes_itself(
    version: str, make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project(2, version)
    original = project.index.read_bytes()
    shim = project.shim()
    before = snapshot(project.zero, times=True, links=True)
    outcome = patcher.patch(read_package(project.zero))
    assert outcome.result == "patched"
    assert project.index.read_bytes() == stale_shim().files[0].mark + original
    assert not project.backup.exists()
    assert patcher.patch(read_package(project.zero)).result == "already patched"
    restored = restore(read_package(project.zero))
    assert snapshot(project.zero, times=True, links=True) == before
    assert (project.index.read_bytes(), project.backup.read_bytes()) == (shim, original)
    assert any(note.startswith("lib/index.js is orez's shim, second generation") for note in restored.notes)


def a_newer_driver() -> str:
    return (installed("better-sqlite3", "13.2.0") / "node_modules" / "better-sqlite3" / "lib" / "index.js").read_text()


@pytest.mark.parametrize("kept", ["", "another shim", "a newer driver", "not text", "garbage"])
def test_a_backup_that_is_not_the_packages_own_is_not_used_and_comes_back_on_restore(
    kept: str, make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project()
    shim = project.shim()
    contents = {
        "another shim": shim,
        "a newer driver": a_newer_driver().encode(),
        "not text": b"\xff\xfe\0",
        "garbage": b"module.exports = {",
    }
    project.backup.write_bytes(contents.get(kept, b""))
    before = snapshot(project.zero)
    found = look(project.zero, patcher)
    edit = next(edit for edit in found.edits if edit.path == "lib/index.js")
    assert "there is no usable backup" in edit.why
    assert edit.content == stale_shim().files[0].mark + stale_shim().files[0].payload
    patcher.patch(read_package(project.zero))
    assert not project.backup.exists()
    restore(read_package(project.zero))
    assert snapshot(project.zero) == before


@given(st.data())
def test_a_truncated_backup_is_used_only_if_what_is_lost_says_nothing(data: st.DataObject) -> None:
    original = (installed(ZERO, "1.1.4") / "node_modules" / ZERO / "lib" / "index.js").read_bytes()
    kept = original[: data.draw(st.integers(0, len(original)))]
    file = stale_shim().files[0]
    shim = b"Object.prototype.scanStatusV2 = () => [];\nnew Database().pragma('journal_mode = wal2');\n"
    result = apply(file, "lib/index.js", shim, lambda _path: kept or None)
    assert result.content is not None
    used = result.content != file.mark + file.payload
    assert used == (kept.rstrip().rstrip(b";") == original.rstrip().rstrip(b";"))


def test_an_update_reads_the_backup_where_it_is_kept_now(make_project: MakeProject, patcher: Patcher) -> None:
    project = make_project()
    original = project.index.read_bytes()
    project.shim()
    before = snapshot(project.zero)
    patcher.patch(read_package(project.zero))
    project.index.unlink()
    assert look(project.zero, patcher).state is State.PARTIAL
    assert patcher.patch(read_package(project.zero)).result == "updated"
    assert project.index.read_bytes() == stale_shim().files[0].mark + original
    restore(read_package(project.zero))
    assert snapshot(project.zero) == before


def test_a_healthy_entry_point_keeps_a_backup_that_somebody_left_there(
    make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project()
    project.backup.write_bytes(project.index.read_bytes())
    without_orez = Patcher(patcher.catalogue, "zig", patcher.build)
    assert [edit.path for edit in look(project.zero, without_orez).edits] == ["lib/database.js"]
    # orez would put it over the marks.
    paths = {edit.path: edit.content for edit in look(project.zero, patcher).edits}
    assert paths["lib/index.js.orez-backup"] is None
    assert paths["lib/index.js"] is not None
