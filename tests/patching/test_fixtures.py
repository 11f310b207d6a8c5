"""Every patch of the catalogue on its fixtures: what it makes of them, that it does so once, that no rule is idle."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from catalogue import Fixture, as_it_should_be, fixtures, look, write_fixture
from wasmfix.patching.catalogue import Patch, load_catalogue, parse_patch
from wasmfix.paths import data_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PATCHES = load_catalogue(data_folder("patches"))
CASES = [pytest.param(patch, each, id=f"{patch.id}-{each.name}") for patch in PATCHES for each in fixtures(patch)]
SCHEMA = json.loads((data_folder("patches") / "patch.schema.json").read_text(encoding="utf-8"))

each_patch = pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.id)


def content(patch: Patch) -> dict[str, Any]:
    return tomllib.loads((patch.folder / "patch.toml").read_text(encoding="utf-8"))


@each_patch
def test_a_patch_keeps_to_the_schema(patch: Patch) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(content(patch), SCHEMA)


@pytest.mark.parametrize(("patch", "fixture"), CASES)
def test_a_fixture_becomes_what_it_shall_be(patch: Patch, fixture: Fixture, tmp_path: Path) -> None:
    seen = look(write_fixture(tmp_path, patch, fixture), patch, fixture)
    if fixture.refused:
        assert fixture.refused in seen.problem
        assert seen.after is None
    else:
        assert (seen.problem, seen.state) == ("", fixture.state)
        assert (seen.after or b"").decode() == (fixture.after or b"").decode()


@pytest.mark.parametrize(("patch", "fixture"), [case for case in CASES if case.values[1].after is not None])
def test_a_second_time_changes_nothing(patch: Patch, fixture: Fixture, tmp_path: Path) -> None:
    seen = look(write_fixture(tmp_path, patch, fixture, patched=True), patch, fixture)
    assert seen.after is None
    assert seen.state in ("applied", "original")
    assert not seen.problem or (patch.engine and "record.json is gone" in seen.problem)


def without_one(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The patch without one of its rules, each in turn, and the name of that rule."""

    def cut(words: str, *keys: Any) -> tuple[str, dict[str, Any]]:
        less = copy.deepcopy(content)
        *way, last = keys
        holder = less
        for key in way:
            holder = holder[key]
        del holder[last]
        return words, less

    for f, file in enumerate(content["file"]):
        if "lacking" in file:
            yield cut(f"file {f + 1}: lacking", "file", f, "lacking")
        if "every" in file:
            yield cut(f"file {f + 1}: every", "file", f, "every")
        if "lacking" in file:
            yield cut(f"file {f + 1}: lacking", "file", f, "lacking")
        for key in ("also", "with", "without"):
            for i in range(len(file.get(key, []))):
                yield cut(f"file {f + 1}: {key} {i + 1}", "file", f, key, i)
        for p, place in enumerate(file.get("place", [])):
            if len(file["place"]) > 1:
                yield cut(f"file {f + 1}: place {place['name']!r}", "file", f, "place", p)
        for s, signature in enumerate(file.get("recognise", [])):
            name = f"file {f + 1}: recognise {s + 1} ({signature['name']})"
            if len(file["recognise"]) > 1 or file["kind"] != "replace":
                yield cut(name, "file", f, "recognise", s)
            positive = len(signature.get("once", [])) + len(signature.get("some", []))
            for key in ("once", "some", "none"):
                for i in range(len(signature.get(key, []))):
                    if key == "none" or positive > 1:
                        yield cut(f"{name}: {key} {i + 1}", "file", f, "recognise", s, key, i)


@each_patch
def test_no_rule_is_idle(patch: Patch, tmp_path: Path) -> None:
    """Without any one of them, some fixture does not come out as it should."""
    packages = [(write_fixture(tmp_path / each.name, patch, each), each) for each in fixtures(patch)]
    assert packages, "a patch needs fixtures"
    assert all(as_it_should_be(look(package, patch, each), each) for package, each in packages)
    idle = []
    for words, less in without_one(content(patch)):
        mutant = parse_patch(patch.folder, less)
        if all(as_it_should_be(look(package, mutant, each), each) for package, each in packages):
            idle.append(words)
    assert idle == []
