"""What is in the sdist and the wheel, and what they say of themselves."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser

import pytest
from trove_classifiers import classifiers

import wasmfix
from conftest import ROOT
from release.conftest import Made


def _ours(*folders: str) -> dict[str, bytes]:
    """The sources below these folders, by path: what git has, and what is new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *folders]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no checkout: nobody says what the sources are")
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_bytes() for name in names}


def _members(made: Made) -> dict[str, bytes]:
    with zipfile.ZipFile(made.wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _metadata(made: Made) -> Message:
    (content,) = (content for name, content in _members(made).items() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(content.decode())


def test_the_wheel_has_every_file_of_the_package_and_of_its_data_and_no_other(made: Made) -> None:
    wanted = {name.removeprefix("cli/"): content for name, content in _ours("cli/wasmfix").items()}
    wanted |= {f"wasmfix/_data/{name}": content for name, content in _ours("patches", "wasm").items()}
    found = {name: content for name, content in _members(made).items() if ".dist-info/" not in name}
    assert sorted(found) == sorted(wanted)
    assert [name for name, content in wanted.items() if found[name] != content] == []


def test_the_wheel_has_what_is_not_python(made: Made) -> None:
    """The list above is git's; this one is what a run needs."""
    found = set(_members(made))
    assert {
        "wasmfix/py.typed",
        "wasmfix/report/schemas/diagnose-1.schema.json",
        "wasmfix/diagnostics/findings/project.toml",
        "wasmfix/verification/runner.cjs",
        "wasmfix/_data/patches/patch.schema.json",
        "wasmfix/_data/patches/addon-loader/patch.toml",
        "wasmfix/_data/wasm/c/imports.h",
        "wasmfix/_data/wasm/js/addon.cjs",
    } <= found
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in found)


def test_the_sdist_has_every_source_and_nothing_else(made: Made) -> None:
    with tarfile.open(made.sdist) as archive:
        found = {member.name.partition("/")[2] for member in archive if not member.isdir()}
    assert found == {*_ours("."), "PKG-INFO"}


def test_twine_accepts_both(made: Made) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", str(made.sdist), str(made.wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_metadata_is_true(made: Made) -> None:
    metadata = _metadata(made)
    assert metadata["Version"] == wasmfix.__version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT"
    said = metadata.get_all("Classifier") or []
    assert set(said) <= classifiers
    assert "Typing :: Typed" in said
    assert len(said) == len(set(said))


def test_a_wheel_of_the_sdist_is_the_same_on_the_next_day(made: Made) -> None:
    with zipfile.ZipFile(made.wheel) as archive:
        assert {entry.date_time[:3] for entry in archive.infolist()} == {(2020, 2, 2)}
