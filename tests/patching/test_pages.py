"""docs/patches is what the catalogue says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import nodejs
from bedrock.package import GENERATIONS, write_bedrock
from bedrock.project import failing, shim_patches
from conftest import ROOT
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


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_example_for_authors_keeps_to_the_schema_and_does_what_it_says(
    generation: str, tmp_path: Path, patcher: Patcher
) -> None:
    text = (ROOT / "docs" / "writing-a-patch.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.+?)^```", text, re.MULTILINE | re.DOTALL)
    folder = tmp_path / "patches" / "quick-close"
    folder.mkdir(parents=True)
    (folder / "patch.toml").write_text(example)
    schema = json.loads((data_folder("patches") / "patch.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(tomllib.loads(example), schema)
    package = write_bedrock(tmp_path / "package", generation)
    assert _close_returns(package) == "nothing, nothing"
    author = replace(patcher, catalogue=(*CATALOGUE, *load_catalogue(folder.parent)), engine="shim")
    assert author.patch(read_package(package)).result == "patched"
    assert _close_returns(package) == "the database, the database"
    assert not failing(package, shim_patches())
    # Without the record, by its structure alone.
    shutil.rmtree(package / ".wasmfix")
    alone = replace(author, catalogue=load_catalogue(folder.parent))
    assert alone.patch(read_package(package)).result == "healthy"


def _close_returns(package: Path) -> str:
    """What close() gives back, the first and the second time."""
    program = """
      const {Database} = require(process.argv[1]);
      const db = new Database(':memory:');
      const said = [db.close(), db.close()].map(what => what === db ? 'the database' : 'nothing');
      console.log(said.join(', '));
    """
    command = [*nodejs.ending_node(), "-e", program, str(package / "dist" / "sqlite3.js")]
    return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout.strip()
