"""Which files are known, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import installed
from wasmfix.patching.assess import Assessment, State
from wasmfix.patching.run import Patcher
from wasmfix.patching.structure import classify, parse
from wasmfix.project.package import read_package

ZERO = "@rocicorp/zero-sqlite3"

LOADERS = {
    "bindings": "require('bindings')('better_sqlite3.node')",
    "node-gyp-build": "require('node-gyp-build')(path.resolve(__dirname, '..'))",
}

# In the shape of orez's shims (all three generations), written for these tests.
GENERATION_1 = """'use strict';
// patched by orez: SQLite in WebAssembly
const OrigDatabase = require('bedrock-sqlite').Database;
class Database extends OrigDatabase {
  constructor(...args) { super(...args); this.pragma('busy_timeout = 30000'); }
}
module.exports = Database;
module.exports.SqliteError = require('bedrock-sqlite').SqliteError;
"""
GENERATION_2 = """// orez sqlite shim - wasm instead of native
// mode: wasm, journal_mode: wal2
'use strict';
const { Database, SqliteError } = require('bedrock-sqlite');
const Statement = Object.getPrototypeOf(new Database(':memory:').prepare('select 1')).constructor;
Statement.prototype.scanStatusV2 = function () { return []; };
module.exports = Database;
module.exports.SqliteError = SqliteError;
"""
GENERATION_3 = """import { createRequire } from 'node:module';
export { default } from 'orez-sqlite-shim://database';
"""


def look(package: Path, patcher: Patcher) -> Assessment:
    return patcher.assess(read_package(package))


@pytest.mark.parametrize(
    ("name", "version", "loader", "places"),
    [
        (ZERO, "1.1.4", "node-gyp-build", 2),
        (ZERO, "1.0.15", "bindings", 2),
        ("better-sqlite3", "12.11.1", "bindings", 1),
        pytest.param(ZERO, "1.1.0", "bindings", 2, marks=pytest.mark.matrix),
        pytest.param(ZERO, "1.0.18", "bindings", 2, marks=pytest.mark.matrix),
        pytest.param(ZERO, "1.0.8", "bindings", 1, marks=pytest.mark.matrix),
        pytest.param(ZERO, "1.0.3", "bindings", 1, marks=pytest.mark.matrix),
    ],
)
def test_the_loader_is_replaced_at_each_place_and_nothing_else(
    name: str, version: str, loader: str, places: int, patcher: Patcher
) -> None:
    package = installed(name, version) / "node_modules" / name
    found = look(package, patcher)
    assert (found.state, found.loader, found.problems, found.notes) == (State.UNPATCHED, loader, (), ())
    (edit,) = found.edits
    before = (package / "lib" / "database.js").read_text()
    assert before.count(LOADERS[loader]) == places
    expected = before.replace(LOADERS[loader], "wasmfixAddon()")
    expected = expected.replace("= requireFunc(path.resolve(", "= wasmfixBinding(requireFunc, path.resolve(")
    assert edit.content.decode().startswith(expected)


def test_an_unknown_version_with_the_known_structure_is_patched_and_noted(package: Path, patcher: Patcher) -> None:
    manifest = package / "package.json"
    manifest.write_text(manifest.read_text().replace('"version": "1.1.4"', '"version": "2.0.0-beta.1"'))
    found = look(package, patcher)
    assert (found.state, found.problems) == (State.UNPATCHED, ())
    assert found.notes == ("version 2.0.0-beta.1 is unknown, but has the structure of >=1.0.3,<1.2",)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("const nativeAddon =", "const again = require('node-gyp-build')(__dirname);\nconst nativeAddon =", "4 places"),
        ("if (nativeBinding == null)", "if (Math.random())", "not found"),
    ],
)
def test_a_loader_that_somebody_changed_is_refused(
    package: Path, patcher: Patcher, old: str, new: str, what: str
) -> None:
    file = package / "lib" / "database.js"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    found = look(package, patcher)
    assert found.state is State.FOREIGN
    assert what in found.problems[0]


def test_words_that_are_not_ascii_do_not_shift_the_places(package: Path, patcher: Patcher) -> None:
    file = package / "lib" / "database.js"
    plain = look(package, patcher).edits[0].content.decode()
    file.write_text("// Grüße 🙂 ‐ ünïcödé\n" + file.read_text())
    assert look(package, patcher).edits[0].content.decode() == "// Grüße 🙂 ‐ ünïcödé\n" + plain


def test_minified_double_quotes_are_recognised(package: Path, patcher: Patcher) -> None:
    file = package / "lib" / "database.js"
    file.write_text(file.read_text().replace("require('node-gyp-build')", 'require("node-gyp-build")'))
    assert look(package, patcher).problems == ()


@pytest.mark.parametrize(("shim", "generation"), [(GENERATION_1, 1), (GENERATION_2, 2), (GENERATION_3, 3)])
def test_each_generation_of_the_shim_is_recognised(package: Path, patcher: Patcher, shim: str, generation: int) -> None:
    (package / "lib" / "index.js").write_text(shim)
    found = look(package, patcher)
    assert (found.state, found.generation) == (State.SHIM, generation)
    assert [edit.patch for edit in found.edits] == ["stale-shim", "addon-loader"]


@pytest.mark.parametrize(
    "text",
    [
        "// OrigDatabase, patched by orez: not a shim, only its words\nmodule.exports = require('./database');\n",
        "module.exports = require('./my-own-driver');\nmodule.exports.SqliteError = require('./sqlite-error');\n",
        "// orez sqlite shim\nmodule.exports = 1;\n",
        "const OrigDatabase = require('./database');\nmodule.exports = OrigDatabase;\n",
    ],
)
def test_the_words_of_a_shim_alone_are_not_one(package: Path, patcher: Patcher, text: str) -> None:
    (package / "lib" / "index.js").write_text(text)
    found = look(package, patcher)
    assert found.state is State.FOREIGN
    assert found.generation == 0
    assert "neither the package's own file nor a shim that we know" in found.problems[0]


def test_the_original_comes_back_from_the_backup_with_a_mark_for_orez(package: Path, patcher: Patcher) -> None:
    index = package / "lib" / "index.js"
    original = index.read_bytes()
    index.with_name("index.js.orez-backup").write_bytes(original)
    index.write_text(GENERATION_2)
    edit = look(package, patcher).edits[0]
    assert edit.content.endswith(original)
    assert_marked(edit.content.decode(), patcher)


@pytest.mark.parametrize("backup", [None, "", GENERATION_1, "module.exports = ", b"\xff\xfe"])
def test_without_a_plausible_backup_we_write_the_entry_point(
    package: Path, patcher: Patcher, backup: str | bytes | None
) -> None:
    index = package / "lib" / "index.js"
    index.write_text(GENERATION_2)
    if backup is not None:
        content = backup.encode() if isinstance(backup, str) else backup
        index.with_name("index.js.orez-backup").write_bytes(content)
    edit = look(package, patcher).edits[0]
    assert "there is no usable backup" in edit.why
    assert_marked(edit.content.decode(), patcher)


@pytest.mark.parametrize("how", ["missing", "empty", "blank", "dangling"])
def test_a_missing_entry_point_is_written(package: Path, patcher: Patcher, how: str) -> None:
    index = package / "lib" / "index.js"
    index.unlink()
    if how == "dangling":
        index.symlink_to("../gone.js")
    elif how != "missing":
        index.write_text("" if how == "empty" else " \n")
    found = look(package, patcher)
    assert found.state is State.MISSING_INDEX
    assert [edit.patch for edit in found.edits] == ["missing-index", "addon-loader"]
    assert_marked(found.edits[0].content.decode(), patcher)


def test_a_healthy_entry_point_is_left_alone_unless_orez_is_installed(package: Path, patcher: Patcher) -> None:
    assert [edit.path for edit in look(package, patcher).edits] == ["lib/database.js"]
    with_orez = Patcher(patcher.catalogue, "zig", patcher.build, orez=True)
    found = look(package, with_orez)
    assert (found.state, found.generation) == (State.UNPATCHED, 0)
    assert_marked(found.edits[0].content.decode(), patcher)


def assert_marked(text: str, patcher: Patcher) -> None:
    """orez leaves it alone, and we know it as the package's own."""
    assert "orez sqlite shim" in text
    assert any(line.startswith("// mode: wasm,") for line in text.splitlines())
    shims = next(patch for patch in patcher.catalogue if patch.id == "stale-shim")
    found = classify(parse(text.encode()), shims.files[0].signatures)
    assert found is not None
    assert found.state == "applied"
