"""Packages whose JavaScript is not whole: it is noticed, and repaired or refused. What a user added is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import installed
from patching.conftest import ZERO, MakePackage
from trees import snapshot
from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment
from wasmfix.patching.run import Patcher
from wasmfix.patching.structure import parse
from wasmfix.project.package import read_package

BETTER = "better-sqlite3"
OLD = [(ZERO, "1.1.4"), (BETTER, "9.0.0")]
NEW = [(BETTER, "13.0.0"), (BETTER, "13.2.0")]
NOT_FOR_ALL = ("darwin", "linux", "win32")
"""Entry points of better-sqlite3 13 for one platform, which nothing in the package requires."""


def look(package: Path, patcher: Patcher) -> Assessment:
    return patcher.assess(read_package(package))


def scripts(name: str, version: str) -> list[str]:
    lib = installed(name, version) / "node_modules" / name / "lib"
    found = sorted(file.relative_to(lib).as_posix() for file in lib.rglob("*.js"))
    assert len(found) >= 13
    return [file for file in found if not file.startswith(NOT_FOR_ALL)]


def cut_between_statements(text: str) -> Iterator[str]:
    """A script without its last statement, its last two, and so on; each is valid JavaScript."""
    statements = [child for child in parse(text.encode()).root.children() if child.kind() != "comment"]
    for statement in statements[1:]:
        yield text[: statement.range().start.index]


@pytest.mark.parametrize(("name", "version"), [*OLD, NEW[-1]])
def test_a_file_cut_between_two_statements_is_noticed(
    name: str, version: str, make_package: MakePackage, patcher: Patcher
) -> None:
    package = make_package(version, name)
    whole = {edit.path for edit in look(package, patcher).edits}
    for script in scripts(name, version):
        file = package / "lib" / script
        text = file.read_text(encoding="utf-8")
        for cut in cut_between_statements(text):
            if script == "binding.js" and "exports.getBinding" in cut:
                continue  # what follows is for binding.gyp, which compiles the addon
            file.write_text(cut, encoding="utf-8")
            found = look(package, patcher)
            noticed = found.problems or "missing-lib" in patches(found) or {edit.path for edit in found.edits} - whole
            assert noticed, f"{script} ends with {cut[-60:]!r}"
        file.write_text(text, encoding="utf-8")


def patches(found: Assessment) -> set[str]:
    return {patch for edit in found.edits for patch in edit.patches}


@pytest.mark.parametrize(("name", "version"), NEW)
def test_a_missing_file_of_better_sqlite3_13_is_noticed(
    name: str, version: str, make_package: MakePackage, patcher: Patcher
) -> None:
    """The standalone driver has not all that 13 has: but for the entry point, what is missing is named and refused."""
    package = make_package(version, name)
    for script in scripts(name, version):
        file = package / "lib" / script
        content = file.read_bytes()
        file.unlink()
        found = look(package, patcher)
        if script == "index.js":
            assert (found.problems, patches(found)) == ((), {"missing-index", "addon-loader"})
        else:
            assert any(problem.endswith(f": lib/{script}") for problem in found.problems), found.problems
        file.write_bytes(content)
    for file in (package / "lib").rglob("*.js"):
        file.unlink()
    assert look(package, patcher).problems


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        ({"trace.js": "globalThis.trace = true;\n"}, "require('./trace');"),
        ({"more/index.js": "exports.x = 1;\n"}, "const more = require('./more');"),
        ({}, "const { version } = require('../package.json');"),
        ({}, "try { require('./optional'); } catch {}"),
    ],
)
def test_a_users_own_require_does_not_cost_the_driver(
    extra: dict[str, str], line: str, package: Path, patcher: Patcher
) -> None:
    for name, text in extra.items():
        (package / "lib" / name).parent.mkdir(exist_ok=True)
        (package / "lib" / name).write_text(text)
    file = package / "lib" / "database.js"
    file.write_text(file.read_text().replace("const path =", f"{line}\nconst path ="))
    found = look(package, patcher)
    assert (found.problems, patches(found)) == ((), {"addon-loader"})
    (edit,) = found.edits
    assert line.encode() in (edit.content or b"")


def as_folder(file: Path) -> None:
    file.mkdir()


def as_loop(file: Path) -> None:
    file.symlink_to(file.name)


def as_not_utf8(file: Path) -> None:
    file.write_bytes(b"// \xff\xfe\n")


def as_unreadable(file: Path) -> None:
    file.write_bytes(b"// mine\n")
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read everything")


DAMAGES = (as_folder, as_loop, as_not_utf8, as_unreadable)


@pytest.mark.parametrize("name", ["index.js", "database.js", "util.js", "sqlite-error.js", "methods/table.js"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_no_unexpected_error(
    name: str, damage: Callable[[Path], None], package: Path, patcher: Patcher
) -> None:
    """A link to itself leads nowhere, as other links do, and is made up for; the rest is refused in a line."""
    file = package / "lib" / name
    file.unlink()
    damage(file)
    before = {} if damage is as_unreadable else snapshot(package)
    if damage is as_loop:
        assert patcher.patch(read_package(package)).result == "patched"
        return
    with pytest.raises(WasmfixError, match=rf"lib/{name}.*(is a folder|is not UTF-8|cannot be read)") as caught:
        patcher.patch(read_package(package))
    assert "\n" not in str(caught.value)
    assert damage is as_unreadable or snapshot(package) == before


@pytest.mark.parametrize("damage", DAMAGES[:2])
def test_a_backup_that_is_no_file_is_no_backup(damage: Callable[[Path], None], package: Path, patcher: Patcher) -> None:
    index = package / "lib" / "index.js"
    index.write_text("// mode: wasm, journal_mode: wal2\nP.scanStatusV2 = () => [];\n")
    damage(package / "lib" / "index.js.orez-backup")
    found = look(package, patcher)
    assert not found.problems
    assert not [remark for remark in found.remarks if "original in" in remark]
    patcher.patch(read_package(package))
    assert "require('./database')" in index.read_text()


def test_an_original_behind_a_symlink_is_not_taken(package: Path, patcher: Patcher, scratch: Path) -> None:
    index = package / "lib" / "index.js"
    elsewhere = scratch / "elsewhere.js"
    elsewhere.write_bytes(index.read_bytes() + b"// elsewhere\n")
    index.write_text("// mode: wasm, journal_mode: wal2\nP.scanStatusV2 = () => [];\n")
    backup = package / "lib" / "index.js.orez-backup"
    backup.symlink_to(elsewhere)
    assert patcher.patch(read_package(package)).result == "patched"
    assert "elsewhere" not in index.read_text()
    assert not backup.is_symlink()
    assert elsewhere.read_bytes().endswith(b"// elsewhere\n")
