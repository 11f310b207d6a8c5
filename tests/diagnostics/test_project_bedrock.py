"""bedrock-sqlite: each of its defects is a finding, and the one command cures them all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bedrock.package import EARLIER, LATEST, write_bedrock
from diagnostics.projects import ZERO_DRIVER, diagnosed, is_clean, project
from diagnostics.test_project_cures import DIAGNOSE, Shell

ALWAYS = {"WF121", "WF122", "WF127"}


def ids(folder: Path) -> set[str]:
    return {each.id for each in diagnosed(folder).findings if each.subject.startswith("bedrock-sqlite")}


@pytest.fixture(params=[EARLIER, LATEST])
def folder(request: pytest.FixtureRequest, scratch: Path) -> Path:
    made = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    write_bedrock(made / "node_modules" / "bedrock-sqlite", request.param)
    return made


def test_its_defects_are_found_one_by_one(folder: Path) -> None:
    found = ids(folder)
    assert found >= ALWAYS
    # What 0.16.4 has repaired itself.
    version = json.loads((folder / "node_modules/bedrock-sqlite/package.json").read_text())["version"]
    assert ({"WF123", "WF126"} <= found) is (version == EARLIER)
    assert diagnosed(folder).findings[0].id == "WF121"


def test_a_missing_module_type_is_found(folder: Path) -> None:
    assert "WF103" not in ids(folder)
    (folder / "node_modules/bedrock-sqlite/dist/package.json").unlink()
    assert "WF103" in ids(folder)


def test_the_command_cures_all_of_them(folder: Path, scratch: Path) -> None:
    shell = Shell(folder, scratch / "home")
    command = json.loads(shell.run(DIAGNOSE).stdout)["findings"][0]["remedy"]["command"]
    assert command == "wasmfix patch"
    after = shell.run("set -e", f"{command} > out.txt", DIAGNOSE)
    assert after.returncode == 0, after.stdout + after.stderr
    assert is_clean(diagnosed(folder))
