"""docs/patches is what the catalogue says."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema

from conftest import ROOT
from trees import write_package
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.pages import differences, main, pages, write
from wasmfix.patching.run import Patcher
from wasmfix.paths import data_folder
from wasmfix.project.package import read_package

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOGUE = load_catalogue(data_folder("patches"))


def test_the_pages_in_docs_are_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_a_page_that_is_missing_changed_or_left_over_is_named_and_mended(tmp_path: Path) -> None:
    wanted = pages(CATALOGUE)
    write(tmp_path, wanted)
    assert differences(tmp_path, wanted) == []
    (tmp_path / "README.md").unlink()
    (tmp_path / "stale-shim.md").write_text("changed")
    (tmp_path / "gone.md").write_text("of a patch that is gone")
    assert differences(tmp_path, wanted) == ["README.md", "gone.md", "stale-shim.md"]
    write(tmp_path, wanted)
    assert differences(tmp_path, wanted) == []


def test_every_page_says_what_the_user_saw() -> None:
    for patch in CATALOGUE:
        assert patch.symptom in pages(CATALOGUE)[f"{patch.id}.md"]


def test_each_patch_has_a_link_from_the_page_on_patching() -> None:
    assert "patches/README.md" in (ROOT / "docs" / "patching.md").read_text(encoding="utf-8")


def test_the_example_for_authors_keeps_to_the_schema_and_does_what_it_says(tmp_path: Path, patcher: Patcher) -> None:
    text = (ROOT / "docs" / "writing-a-patch.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.+?)^```", text, re.MULTILINE | re.DOTALL)
    folder = tmp_path / "patches" / "quick-close"
    folder.mkdir(parents=True)
    (folder / "patch.toml").write_text(example)
    schema = json.loads((data_folder("patches") / "patch.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(tomllib.loads(example), schema)
    source = "class Database{constructor(){this.open=true}close(){free(this.handle)}}\n"
    package = write_package(tmp_path / "package", "bedrock-sqlite", "0.16.4", {"dist/sqlite3.js": source})
    author = replace(patcher, catalogue=load_catalogue(folder.parent), engine="shim")
    assert author.patch(read_package(package)).result == "patched"
    assert "close(){free(this.handle);this.open=false}" in (package / "dist" / "sqlite3.js").read_text()
    # Without the record, by its structure alone.
    shutil.rmtree(package / ".wasmfix")
    assert author.patch(read_package(package)).result == "healthy"
