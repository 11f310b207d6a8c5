"""`wasmfix patch --export`: the tarball, and what it is to the package managers and to wasmfix."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

import managers
import nodejs
from bedrock.package import LATEST, write_bedrock
from conftest import ROOT, NpmProject, copy_tree, installed
from export.conftest import Export, export, for_tarballs, merged
from layouts.conftest import BETTER, ZERO, Ask, Installed, wasmfix, write_json
from managers import Manager, NotHereError
from matrix_table import MatrixTable
from trees import snapshot


@dataclass(frozen=True)
class Way:
    """How a tarball is installed."""

    manager: Callable[[], Manager]
    entry: str
    """Whose, of those that are printed."""
    settings: str = ""
    """For .yarnrc.yml."""
    options: tuple[str, ...] = ()
    """For Node."""
    quick: bool = False
    """Part of `make test`."""


WAYS = {
    "npm": Way(managers.npm, "npm", quick=True),
    "pnpm": Way(managers.pnpm, "pnpm", quick=True),
    "Yarn classic": Way(managers.yarn_classic, "yarn", quick=True),
    "Yarn, `nodeLinker: node-modules`": Way(managers.yarn, "yarn", "nodeLinker: node-modules"),
    "Yarn, `nodeLinker: pnpm`": Way(managers.yarn, "yarn", "nodeLinker: pnpm"),
    "Yarn Plug'n'Play": Way(managers.yarn, "yarn", "nodeLinker: pnp", ("--require", "./.pnp.cjs")),
    "bun": Way(managers.bun, "bun"),
}
TABLE = MatrixTable(
    ROOT / "docs" / "layouts.md",
    "exports",
    ("installed with", "by", "entry in package.json", "install, offline and with scripts", "`wasmfix verify`"),
    tuple(WAYS),
)


def ways() -> list[ParameterSet]:
    return [
        pytest.param(key, marks=pytest.mark.table if way.quick else pytest.mark.matrix, id=key)
        for key, way in WAYS.items()
    ]


def entries_of(file: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(file) as archive:
        return {entry.name: entry for entry in archive}


def read_from(file: Path, path: str) -> bytes:
    with tarfile.open(file) as archive:
        member = archive.extractfile(f"package/{path}")
        assert member is not None
        return member.read()


def test_the_project_stays_as_it_is_and_every_export_gives_the_same_bytes(
    npm_project: NpmProject, exported: Export, scratch: Path
) -> None:
    project = npm_project(ZERO, "1.1.4")
    before = snapshot(project, times=True, links=True)
    scratch = scratch.resolve()
    first = export(project, scratch / "first").file
    assert snapshot(project, times=True, links=True) == before
    assert first.read_bytes() == exported.file.read_bytes()

    # Another user's modes and times, a package that is patched, a tarball that is there.
    for file in (project / "node_modules" / ZERO / "lib").rglob("*.js"):
        os.utime(file, (1, 1))
        file.chmod(0o600)
    assert wasmfix("patch", project, "--no-verify").code == 0
    again = export(project, scratch / "first").file
    assert again == first
    assert again.read_bytes() == exported.file.read_bytes()
    assert list((scratch / "first").iterdir()) == [first]


def test_the_tarball_is_what_npm_pack_makes_without_anything_native(exported: Export, tmp_path: Path) -> None:
    package = installed(ZERO, "1.1.4") / "node_modules" / ZERO
    # npm compresses all 124 MB only to tell their names: most can be empty for that.
    light = shutil.copytree(package, tmp_path / "light", copy_function=lambda _source, target: Path(target).touch())
    shutil.copyfile(package / "package.json", light / "package.json")
    packing = [*nodejs.npm(), "pack", "--dry-run", "--json", "--ignore-scripts", str(light)]
    packed = subprocess.run(packing, env=nodejs.environment(), capture_output=True, text=True, check=True)
    (of_npm,) = json.loads(packed.stdout)
    assert exported.file.name == of_npm["filename"]

    entries = entries_of(exported.file)
    ours = {name.removeprefix("package/") for name in entries}
    theirs = {entry["path"] for entry in of_npm["files"]}
    native = {path for path in theirs if path.startswith("prebuilds/")} | {"binding.gyp"}
    assert len(native) > 50
    added = {path for path in ours if path.startswith("wasmfix/")} | {".wasmfix/record.json"}
    assert ours == theirs - native | added
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries.values()} == {(499162500, 0, 0, "")}
    assert {entry.mode for entry in entries.values()} <= {0o644, 0o755}
    assert entries["package/shell.js"].mode == 0o755
    head = exported.file.read_bytes()[:8]
    assert head[3:8] == bytes(5), "no file name, no time in gzip's header"
    assert gzip.decompress(exported.file.read_bytes())

    manifest = json.loads(read_from(exported.file, "package.json"))
    original = json.loads((package / "package.json").read_text())
    assert original["scripts"].pop("install")
    assert original.pop("dependencies") == {"node-gyp-build": "^4.8.4"}
    assert manifest.pop("dependencies") == {}
    assert manifest == original


def test_what_is_said_of_the_tarball_is_true(npm_project: NpmProject) -> None:
    project = npm_project(ZERO, "1.1.4")
    ran = wasmfix("patch", project, "--export", project / "vendor", "--json")
    (said,) = ran.json["exported"]
    content = Path(said["file"]).read_bytes()
    kind, digest = said["integrity"].split("-", 1)
    assert (kind, b64decode(digest), said["size"]) == ("sha512", hashlib.sha512(content).digest(), len(content))
    assert said["left_out"]["scripts"] == ["install"]
    assert said["left_out"]["dependencies"] == ["node-gyp-build"]
    assert all((project / "node_modules" / ZERO / path).is_file() for path in said["left_out"]["native_files"])

    shown = wasmfix("patch", project, "--export", project / "vendor")
    assert shown.code == 0, shown.err
    assert f"{ZERO} 1.1.4: exported  vendor/rocicorp-zero-sqlite3-1.1.4.tgz" in shown.out
    assert "left out: 57 native files, the script install, the dependency node-gyp-build" in shown.out
    for manager, entries in ran.json["entries"].items():
        assert f"\n{manager}: into package.json" in shown.out
        assert json.dumps(entries["package.json"], indent=2) in shown.out


@pytest.fixture
def library(scratch: Path) -> Path:
    """The tarball of a package that depends on zero-sqlite3."""
    folder = scratch / "library"
    manifest = {"name": "library", "version": "1.0.0", "main": "library.js", "dependencies": {ZERO: "^1.1.2"}}
    write_json(folder / "package.json", manifest)
    (folder / "library.js").write_text(f"module.exports = require('{ZERO}');\n")
    command = [*nodejs.npm(), "pack", "--pack-destination", str(scratch)]
    subprocess.run(command, cwd=folder, env=nodejs.environment(), check=True, capture_output=True)
    return scratch.resolve() / "library-1.0.0.tgz"


def manager_for(key: str) -> Manager:
    try:
        return WAYS[key].manager()
    except NotHereError as missing:
        TABLE.not_run(key, str(missing))
        raise


def install(way: Way, manager: Manager, export_: Export, project: Path, dependencies: dict[str, str]) -> Path:
    """A project with the tarball, installed without a network."""
    export_.install_into(project, way.entry, {"name": "app", "private": True, "dependencies": dependencies})
    if way.settings:
        (project / ".yarnrc.yml").write_text(f"{way.settings}\n")
        (project / "yarn.lock").touch()
    # A cache for each project: what an earlier one left there would be taken for the registry's answer.
    for_tarballs(manager, project.with_name(f"{project.name}-manager")).install(project, offline=True)
    (status,) = wasmfix("status", project, "--json").json["packages"]
    assert (status["version"], status["state"], status["native_binaries"]) == ("1.1.4", "patched", [])
    return project


@pytest.mark.parametrize("key", ways())
def test_it_installs_offline_and_passes_verify(
    key: str, exported: Export, exported_by_who_depends_on_it: Export, library: Path, scratch: Path
) -> None:
    way, manager = WAYS[key], manager_for(key)
    home = scratch.resolve()
    install(way, manager, exported, home / "through-another", {"library": f"file:{library}"})
    project = install(way, manager, exported_by_who_depends_on_it, home / "itself", {ZERO: "^1.1.4"})
    Installed(project, (Ask(project, options=way.options),)).assert_on_webassembly()
    verified = wasmfix("verify", project, "--json")
    assert verified.code == 0, verified.out
    assert verified.json["ok"]

    before = snapshot(project, times=True)
    check = wasmfix("patch", project, "--check")
    assert check.code == 0, check.out
    again = wasmfix("patch", project, "--no-verify")
    assert again.code == 0
    assert "already patched" in again.out
    refused = wasmfix("restore", project)
    assert refused.code == 2
    assert "take the override out of package.json and install again" in refused.err
    assert snapshot(project, times=True) == before
    field = "pnpm.overrides" if way.entry == "pnpm" else list(exported.entries[way.entry]["package.json"])[-1]
    cells = (manager.label, f"`{field}`", "works", "passes")
    TABLE.record(key, dict(zip(TABLE.columns[1:], cells, strict=True)))


def other_content(file: Path, target: Path) -> Path:
    """A tarball of the same name whose README says more."""
    target.mkdir(parents=True)
    with tarfile.open(file) as old, tarfile.open(target / file.name, "w:gz") as new:
        for entry in old:
            content = old.extractfile(entry)
            assert content is not None
            data = content.read() + (b"new\n" if entry.name == "package/README.md" else b"")
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
    return target / file.name


@pytest.mark.matrix
@pytest.mark.parametrize("key", list(WAYS))
def test_a_new_export_in_another_folder_takes_the_old_ones_place(
    key: str, exported: Export, library: Path, scratch: Path
) -> None:
    """In the same place it would not: npm, Yarn classic and bun keep what they have, pnpm refuses."""
    way, manager = WAYS[key], manager_for(key)
    project = install(way, manager, exported, scratch.resolve() / "app", {"library": f"file:{library}"})
    other_content(exported.file, project / "vendor" / "new")
    file = project / "package.json"
    file.write_text(file.read_text().replace("file:./vendor/", "file:./vendor/new/"))
    for_tarballs(manager, scratch).install(project, offline=True)
    # pnpm keeps the old one for a week, but nothing links to it.
    (status,) = wasmfix("status", project, "--json").json["packages"]
    assert (Path(status["folder"]) / "README.md").read_text().endswith("\nnew\n")


def test_the_table_has_a_row_for_every_manager() -> None:
    TABLE.assert_complete()


@pytest.fixture
def project_of_tarball(exported: Export, scratch: Path) -> Path:
    """A project in which npm installed the tarball, and the package in it."""
    manifest = {"name": "app", "private": True, "dependencies": {ZERO: f"file:vendor/{exported.file.name}"}}
    project = scratch.resolve() / "project"
    (project / "vendor").mkdir(parents=True)
    shutil.copyfile(exported.file, project / "vendor" / exported.file.name)
    write_json(project / "package.json", manifest)
    managers.npm().install(project, offline=True)
    return project


def test_it_can_be_exported_again_with_the_same_bytes(project_of_tarball: Path, exported: Export) -> None:
    again = export(project_of_tarball, project_of_tarball / "again").file
    assert again.read_bytes() == exported.file.read_bytes()


def test_a_tarball_of_another_wasmfix_is_stale_and_says_to_export_anew(project_of_tarball: Path) -> None:
    package = project_of_tarball / "node_modules" / ZERO
    file = package / ".wasmfix" / "record.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "wasmfix": "0.0.9", "sources": "other"}))
    before = snapshot(package)
    shown = wasmfix("status", project_of_tarball)
    assert "patched-stale" in shown.out
    assert "its tarball was exported by another wasmfix (0.0.9)" in shown.out
    assert wasmfix("patch", project_of_tarball, "--check").code == 1
    refused = wasmfix("patch", project_of_tarball, "--no-verify")
    assert refused.code == 2
    assert refused.err.strip().endswith("install it again from a new export (see: wasmfix patch --export)")
    assert snapshot(package) == before


@pytest.mark.parametrize("path", ["lib/database.js", "wasmfix/addon.cjs", "package.json"])
def test_a_file_that_was_changed_since_is_seen(project_of_tarball: Path, path: str) -> None:
    package = project_of_tarball / "node_modules" / ZERO
    with (package / path).open("a") as file:
        file.write("\n")
    shown = wasmfix("status", project_of_tarball)
    assert f"{path} was changed by someone else since" in shown.out
    refused = wasmfix("patch", project_of_tarball, "--no-verify", "--force")
    assert refused.code == 2
    assert f"{path} was changed by someone else since" in refused.err
    assert wasmfix("patch", project_of_tarball, "--export", project_of_tarball / "vendor").code == 2


MEMBERS = {"a": (ZERO, "1.1.4"), "b": (ZERO, "1.0.15"), "c": (BETTER, "12.11.1")}


def monorepo(project: Path, manager: Manager, members: Mapping[str, tuple[str, str]]) -> Path:
    write_json(project / "package.json", {"name": "root", "private": True, "workspaces": ["packages/*"]})
    (project / "pnpm-workspace.yaml").write_text("packages:\n  - packages/*\n")
    (project / ".yarnrc.yml").write_text("nodeLinker: node-modules\n")
    (project / "yarn.lock").touch()
    for member, (name, version) in members.items():
        manifest = {"name": member, "version": "1.0.0", "private": True, "dependencies": {name: version}}
        write_json(project / "packages" / member / "package.json", manifest)
    manager.install(project)
    return project


@pytest.mark.parametrize(
    ("manager_of", "entry"),
    [
        (managers.npm, "npm"),
        pytest.param(managers.pnpm, "pnpm", marks=pytest.mark.matrix),
        pytest.param(managers.yarn_classic, "yarn", marks=pytest.mark.matrix),
        pytest.param(managers.yarn, "yarn", marks=pytest.mark.matrix),
    ],
    ids=["npm", "pnpm", "yarn-1", "yarn-4"],
)
@pytest.mark.parametrize("several", [False, True], ids=["one version", "several versions"])
def test_in_a_monorepo_each_member_gets_its_tarball(
    several: bool, manager_of: Callable[[], Manager], entry: str, scratch: Path
) -> None:
    manager = manager_of()
    members = MEMBERS if several else {"a": (ZERO, "1.1.4"), "b": (ZERO, "1.1.4")}
    project = monorepo(scratch.resolve() / "project", manager, members)
    ran = wasmfix("patch", project, "--export", project / "vendor", "--json")
    assert ran.code == 0, ran.err
    assert {(each["name"], each["version"]) for each in ran.json["exported"]} == set(members.values())
    for file, fields in ran.json["entries"][entry].items():
        manifest = json.loads((project / file).read_text())
        write_json(project / file, merged(manifest, fields))
    for folder in (project, *(project / "packages" / member for member in members)):
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
    for lock in ("package-lock.json", "pnpm-lock.yaml"):
        (project / lock).unlink(missing_ok=True)
    (project / "yarn.lock").write_text("")
    for_tarballs(manager, scratch).install(project, offline=True)
    asks = tuple(Ask(project / "packages" / member, *package) for member, package in members.items())
    Installed(project, asks).assert_on_webassembly()
    states = [each["state"] for each in wasmfix("status", project, "--json").json["packages"]]
    assert states == ["patched"] * len(set(members.values()))


def test_bedrock_sqlite_is_exported_with_the_engine(scratch: Path) -> None:
    """It has no SQLite source of its own: that of the project's zero-sqlite3 is in the engine that it gets."""
    home = scratch.resolve()
    dependencies = {ZERO: "^1.1.4", "bedrock-sqlite": "*"}
    write_json(home / "one" / "package.json", {"name": "app", "private": True, "dependencies": dependencies})
    copy_tree(installed(ZERO, "1.1.4") / "node_modules", home / "one" / "node_modules")
    write_bedrock(home / "one" / "node_modules" / "bedrock-sqlite")
    ran = wasmfix("patch", home / "one", "--export", home / "two" / "vendor", "--json")
    assert ran.code == 0, ran.err
    assert [Path(each["file"]).name for each in ran.json["exported"]] == [
        "rocicorp-zero-sqlite3-1.1.4.tgz",
        f"bedrock-sqlite-{LATEST}.tgz",
    ]
    fields = {"bedrock-sqlite": f"file:vendor/bedrock-sqlite-{LATEST}.tgz"}
    write_json(home / "two" / "package.json", {"name": "app", "private": True, "dependencies": fields})
    managers.npm().install(home / "two", offline=True)
    (status,) = wasmfix("status", home / "two", "--json").json["packages"]
    assert (status["name"], status["state"]) == ("bedrock-sqlite", "patched")
    verified = wasmfix("verify", home / "two", "--json")
    assert verified.code == 0, verified.out


def test_where_no_tarball_can_be_written_one_line_says_so(npm_project: NpmProject) -> None:
    project = npm_project(BETTER, "12.11.1")
    file = project / "file"
    file.write_text("mine\n")
    before = snapshot(project)
    for arguments in (["--export", file], ["--export", file / "below"], ["--export", "vendor", "--check"]):
        ran = wasmfix("patch", project, *arguments)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
    assert snapshot(project) == before


def test_a_link_in_the_place_of_the_tarball_is_replaced_not_followed(exported: Export, npm_project: NpmProject) -> None:
    project = npm_project(ZERO, "1.1.4")
    target = project / "precious"
    target.write_text("mine\n")
    link = project / "vendor" / exported.file.name
    link.parent.mkdir()
    link.symlink_to(target)
    export(project, link.parent)
    assert target.read_text() == "mine\n"
    assert not link.is_symlink()
    assert link.read_bytes() == exported.file.read_bytes()
