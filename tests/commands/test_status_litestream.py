"""`status` and litestream, which zero-cache starts when a backup is configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import NpmProject

ZERO = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"
URL = "ZERO_LITESTREAM_BACKUP_URL"
SAID = f"{URL} is set, so zero-cache starts litestream"


@pytest.fixture
def patched(wasmfix, npm_project: NpmProject) -> Path:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    assert wasmfix("patch", project, "--no-verify").code == 0
    return project


@pytest.mark.parametrize(
    ("dotenv", "said"),
    [
        (f"{URL}=s3://bucket/backup\n", True),
        (f"A='x # y'\n  export {URL} = \"s3://bucket/backup\" # nightly\n", True),
        (f"{URL}='s3://bucket'\nZERO_CHANGE_STREAMER_URI=\n", True),
        (f"# {URL}=s3://bucket/backup\n", False),
        (f"{URL}=\nZERO_PORT=4848\n", False),
        (f"{URL}= # later\n", False),
        (f"X_{URL}=s3://bucket\n", False),
        # These only restore: the first is told whose change-streamer to use, the second looks for one.
        (f"{URL}=s3://bucket\nZERO_CHANGE_STREAMER_URI=http://replication-manager:4849\n", False),
        (f"{URL}=s3://bucket\nZERO_CHANGE_STREAMER_MODE=discover\n", False),
        ("", False),
    ],
)
def test_a_backup_in_the_projects_env_file_is_told(wasmfix, patched: Path, dotenv: str, said: bool) -> None:  # type: ignore[no-untyped-def]
    (patched / ".env").write_text(dotenv)
    ran = wasmfix("status", patched)
    assert ran.code == 0
    assert [SAID in line for line in ran.out.splitlines() if line.startswith(".env: ")] == [True] * said
    configured = [str((patched / ".env").resolve())] if said else []
    assert wasmfix("status", patched, "--json").json["litestream"] == {"configured_in": configured, "conflict": said}


def test_the_environment_goes_before_the_file(wasmfix, patched: Path) -> None:  # type: ignore[no-untyped-def]
    (patched / ".env").write_text(f"{URL}=s3://bucket/backup\n")
    ran = wasmfix("status", patched, variables={URL: "s3://bucket/other"})
    assert [line for line in ran.out.splitlines() if SAID in line] == [
        line for line in ran.out.splitlines() if line.startswith("environment: ")
    ]
    assert ran.out.count(SAID) == 1
    assert SAID not in wasmfix("status", patched, variables={URL: ""}).out
    elsewhere = {"ZERO_CHANGE_STREAMER_URI": "http://replication-manager:4849"}
    assert SAID not in wasmfix("status", patched, variables=elsewhere).out


def test_on_native_there_is_nothing_to_say(wasmfix, npm_project: NpmProject) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    (project / ".env").write_text(f"{URL}=s3://bucket/backup\n")
    assert "litestream" not in wasmfix("status", project).out
    told = wasmfix("status", project, "--json").json["litestream"]
    assert told == {"configured_in": [str((project / ".env").resolve())], "conflict": False}


def test_another_driver_on_the_engine_is_not_zeros(wasmfix, npm_project: NpmProject) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(BETTER, "12.11.1")
    assert wasmfix("patch", project, "--no-verify").code == 0
    assert "litestream" not in wasmfix("status", project, variables={URL: "s3://bucket"}).out
