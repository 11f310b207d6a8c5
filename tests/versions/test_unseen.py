"""Versions that nobody has seen: patched by structure if everything is recognised, else refused with what was not."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import nodejs
from conftest import NpmProject, installed
from trees import snapshot
from versions.conftest import Wasmfix
from versions.known import BETTER, ZERO
from wasmfix.patching.assess import Assessment, State, assess
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.record import Inputs
from wasmfix.patching.structure import parse
from wasmfix.project.package import read_package

CATALOGUE = load_catalogue()
UNSEEN = "99.1.0"


@dataclass(frozen=True)
class Loader:
    """A published version, and the file in it that loads the native addon."""

    name: str
    version: str
    file: str
    identifiers: tuple[str, ...]
    """Names in the file that the places are known by."""

    def text(self) -> str:
        return (installed(self.name, self.version) / "node_modules" / self.name / self.file).read_text()


LOADERS = (
    Loader(ZERO, "1.1.4", "lib/database.js", ("DEFAULT_ADDON", "requireFunc", "nativeBinding", "nativeAddon")),
    Loader(ZERO, "1.0.8", "lib/database.js", ("DEFAULT_ADDON", "requireFunc", "nativeBinding")),
    Loader(BETTER, "12.11.1", "lib/database.js", ("DEFAULT_ADDON", "requireFunc", "nativeBinding")),
    Loader(
        BETTER, "13.2.0", "lib/binding.js", ("DEFAULT_ADDON", "requireFunc", "nativeBinding", "getBinding", "filename")
    ),
    Loader(
        BETTER, "13.0.0", "lib/binding.js", ("DEFAULT_ADDON", "requireFunc", "nativeBinding", "getBinding", "filename")
    ),
)
loaders = st.sampled_from(LOADERS)

# Each loads a native addon.
CALLS = (
    "require('bindings')('better_sqlite3.node');",
    "require('node-gyp-build')(require('path').resolve(__dirname, '..'));",
    "require('../build/Release/better_sqlite3.node');",
    'const other = require("../prebuilds/linux-x64.node");',
    "process.dlopen(module, process.env.ADDON);",
)
IDENTIFIER = st.from_regex(r"\A[a-z][A-Za-z0-9]{3,12}\Z")

# What an edit that means nothing leaves as it is: a call of ours, with all that it replaced.
OURS = re.compile(r"wasmfixAddon\(\)|wasmfixBinding\(requireFunc, ")


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Loader, Path]]:
    """For each loader a package of an unseen version with the JavaScript of the published one."""
    made = {}
    for loader in LOADERS:
        source = installed(loader.name, loader.version) / "node_modules" / loader.name
        package = tmp_path_factory.mktemp("unseen") / "package"
        for file in [*source.glob("lib/*.js"), *source.glob("lib/methods/*.js"), source / "deps/sqlite3/sqlite3.c"]:
            target = package / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        manifest = json.loads((source / "package.json").read_text())
        (package / "package.json").write_text(json.dumps({**manifest, "version": UNSEEN}))
        made[loader] = package
    yield made
    for package in made.values():
        (package / "deps/sqlite3/sqlite3.c").unlink()


def look(package: Path, file: str, text: str) -> Assessment:
    """What becomes of the package when its loader reads like that."""
    path = package / file
    kept = path.read_bytes()
    path.write_text(text, newline="")
    try:
        return assess(read_package(package), CATALOGUE, Inputs("0.1.0", "now", "zig", "", ""))
    finally:
        path.write_bytes(kept)


@st.composite
def harmless(draw: st.DrawFn, loader: Loader) -> str:
    """The same program, written otherwise."""
    lines = loader.text().split("\n")
    for _ in range(draw(st.integers(0, 4))):
        added = draw(
            st.sampled_from(["", "// require('bindings')('better_sqlite3.node')", "/* requireFunc(x) */", "\t"])
        )
        lines.insert(draw(st.integers(1, len(lines))), added)
    if draw(st.booleans()):
        lines.insert(1, f"const {draw(IDENTIFIER)}Of99 = require('os');")
    if draw(st.booleans()):
        lines.append(f"function {draw(IDENTIFIER)}Of99() {{ return require('fs').statSync(__filename); }}")
    text = "\n".join(lines)
    if draw(st.booleans()):
        text = re.sub(r"require\('([^']+)'\)", r'require("\1")', text)
    if draw(st.booleans()):
        functions = re.findall(r"^function \w+\([^)]*\) \{\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)
        for one, other in zip(functions, draw(st.permutations(functions)), strict=True):
            text = text.replace(one, f"<{functions.index(other)}>", 1)
        for at, function in enumerate(functions):
            text = text.replace(f"<{at}>", function, 1)
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), loader=loaders)
def test_the_known_structure_is_patched_however_it_is_written(
    copies: dict[Loader, Path], data: st.DataObject, loader: Loader
) -> None:
    plain = look(copies[loader], loader.file, loader.text())
    found = look(copies[loader], loader.file, data.draw(harmless(loader)))
    assert (found.state, found.problems) == (State.UNPATCHED, ())
    assert any(f"version {UNSEEN} is unknown, but has the structure of" in note for note in found.notes)
    before, after = (edits(each)[loader.file] for each in (plain, found))
    assert not parse(after.encode(), loader.file).broken
    assert OURS.findall(after) == OURS.findall(before)
    assert set(edits(found)) == set(edits(plain))


def edits(found: Assessment) -> dict[str, str]:
    return {edit.path: edit.content.decode() for edit in found.edits}


def refused(found: Assessment, file: str) -> str:
    assert found.state is State.FOREIGN
    words = [problem for problem in found.problems if problem.startswith(f"{file} is not what the patch")]
    assert words, found.problems
    assert "known are the versions" in words[0]
    return words[0]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loader=loaders, call=st.sampled_from(CALLS), data=st.data())
def test_one_more_call_of_a_native_addon_is_refused_wherever_it_is(
    copies: dict[Loader, Path], loader: Loader, call: str, data: st.DataObject
) -> None:
    lines = loader.text().split("\n")
    lines.insert(data.draw(st.integers(1, len(lines))), call)
    text = "\n".join(lines)
    # What does not parse is a broken file, a matter of missing-lib.
    assume(not parse(text.encode(), loader.file).broken)
    words = refused(look(copies[loader], loader.file, text), loader.file)
    assert "places" in words or "times" in words


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loader=loaders, name=IDENTIFIER, data=st.data())
def test_what_the_places_are_known_by_under_another_name_is_refused_saying_which(
    copies: dict[Loader, Path], loader: Loader, name: str, data: st.DataObject
) -> None:
    known = data.draw(st.sampled_from(loader.identifiers))
    text = re.sub(rf"\b{known}\b", f"{name}Of99", loader.text())
    words = refused(look(copies[loader], loader.file, text), loader.file)
    assert "not found" in words or "found 1 times" in words or "places" in words


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loader=loaders, data=st.data())
def test_a_place_that_is_gone_is_refused(copies: dict[Loader, Path], loader: Loader, data: st.DataObject) -> None:
    plain = edits(look(copies[loader], loader.file, loader.text()))[loader.file]
    lines = loader.text().split("\n")
    places = [at for at, (old, new) in enumerate(zip(lines, plain.split("\n"), strict=False)) if old != new]
    at = data.draw(st.sampled_from(places))
    lines[at] = ""
    found = look(copies[loader], loader.file, "\n".join(lines))
    if "nativeAddon" in loader.text().split("\n")[at]:
        # The constants are optional (before 1.0.15 there are none); what reads them is not ours.
        return
    refused(found, loader.file)


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("lib/freebsd-x64.js", "module.exports = require('../prebuilds/freebsd-x64.node');\n", "not found"),
        ("lib/extra.js", "exports.load = () => process.dlopen(module, '../build/Release/x.node');\n", "not found"),
        ("lib/linux-x64.js", "module.exports = require('bindings')('better_sqlite3.node');\n", "not found"),
    ],
)
def test_another_file_of_13_that_loads_a_native_addon_in_its_own_way_is_refused(
    copies: dict[Loader, Path], file: str, content: str, what: str
) -> None:
    package = copies[LOADERS[3]]
    path = package / file
    kept = path.read_bytes() if path.exists() else None
    path.write_text(content)
    try:
        found = assess(read_package(package), CATALOGUE, Inputs("0.1.0", "now", "zig", "", ""))
        assert what in refused(found, file)
    finally:
        path.unlink()
        if kept is not None:
            path.write_bytes(kept)


def test_an_entry_point_for_a_platform_that_is_new_is_patched_with_the_others(copies: dict[Loader, Path]) -> None:
    package = copies[LOADERS[3]]
    path = package / "lib" / "freebsd-x64.js"
    path.write_text((package / "lib" / "linux-x64.js").read_text().replace("linux-x64", "freebsd-x64"))
    try:
        found = assess(read_package(package), CATALOGUE, Inputs("0.1.0", "now", "zig", "", ""))
        assert "require('../wasmfix/addon.cjs')" in edits(found)["lib/freebsd-x64.js"]
    finally:
        path.unlink()


def test_an_unseen_version_runs_and_is_restored(npm_project: NpmProject, wasmfix: Wasmfix) -> None:
    project = npm_project(BETTER, "13.2.0")
    package = project / "node_modules" / BETTER
    manifest = package / "package.json"
    manifest.write_text(manifest.read_text().replace('"version": "13.2.0"', '"version": "14.0.0-rc.1"'))
    binding = package / "lib" / "binding.js"
    binding.write_text(binding.read_text().replace("isLinuxMusl", "hasMusl").replace("'use strict';", "'use strict'; "))
    before = snapshot(project, times=True)
    (patched,) = wasmfix("patch", project)["packages"]
    assert any("14.0.0-rc.1 is unknown, but has the structure of" in note for note in patched["notes"])
    program = "console.log(require(process.argv[1])(':memory:').prepare('select 6 * 7').pluck().get())"
    command = [nodejs.node(), "-e", program, str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout == "42\n"
    wasmfix("restore", project)
    assert snapshot(project, times=True) == before
