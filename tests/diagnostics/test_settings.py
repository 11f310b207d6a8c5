from __future__ import annotations

import json
from pathlib import Path

import pytest

from wasmfix.diagnostics.gather import gather
from wasmfix.diagnostics.machine import this_machine
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.sizes import parse_heap_limit, parse_size, show_size
from wasmfix.errors import WasmfixError
from wasmfix.project import find_project
from wasmfix.project.settings import read_settings

NAME = "ZERO_NUM_SYNC_WORKERS"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "package.json").write_text("{}")
    return tmp_path.resolve()


def places(folder: Path, **environment: str) -> list[tuple[str, str]]:
    project = find_project(folder)
    return [(each.value, each.place(folder)) for each in read_settings(project, [NAME], environment)]


def test_the_first_is_what_a_process_sees(folder: Path) -> None:
    scripts = {"build": f"{NAME}=9 vite build", "dev": f"{NAME}=3 zero-cache-dev"}
    (folder / "package.json").write_text(json.dumps({"scripts": scripts}, indent=2))
    (folder / ".env").write_text(f"# {NAME}=1\nexport {NAME}='4'\n")
    (folder / "fly.toml").write_text(f'[env]\n  {NAME} = "5"\n')
    (folder / "Dockerfile").write_text(f"FROM node\nENV {NAME}=6\nENV {NAME} 7\n")
    assert places(folder, **{NAME: "2"}) == [
        ("2", "the environment"),
        # Scripts that do not run zero-cache are for other programs.
        ("3", "the script 'dev' of package.json"),
        ("4", ".env, line 2"),
        ("5", "fly.toml, line 2"),
        ("6", "Dockerfile, line 2"),
        ("7", "Dockerfile, line 3"),
    ]


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        (f"    environment:\n      {NAME}: 5", ["5"]),
        (f'    environment:\n      - "{NAME}=5"', ["5"]),
        (f"    environment:\n      - {NAME}=5 # five", ["5"]),
        (f'    environment: \n      "{NAME}": "5"', ["5"]),
        (f"    environment:\n      {NAME}: ${{WORKERS:-5}}", []),
        (f"    environment:\n      # {NAME}: 5", []),
        (f"    environment:\n      MY_{NAME}: 5", []),
        (f"    environment:\n      - {NAME}", []),
    ],
)
def test_compose_files_say_it_in_several_ways(folder: Path, lines: str, values: list[str]) -> None:
    (folder / "compose.yaml").write_text(f"services:\n  zero:\n{lines}\n")
    assert [value for value, _place in places(folder)] == values


@pytest.mark.parametrize(
    ("command", "values"),
    [
        (f"export {NAME}=14; zero-cache", ["14"]),
        (f"{NAME}=14&&zero-cache", ["14"]),
        (f"({NAME}=14 zero-cache)", ["14"]),
        (f"X='a;{NAME}=3' {NAME}=14 zero-cache", ["14"]),
        (f"{NAME}='14 zero-cache", []),
    ],
)
def test_a_script_is_read_as_a_shell_does(folder: Path, command: str, values: list[str]) -> None:
    (folder / "package.json").write_text(json.dumps({"scripts": {"cache": command}}))
    assert [value for value, _place in places(folder)] == values


def test_a_script_names_its_line(folder: Path) -> None:
    scripts = {"cache": f"cross-env {NAME}=3 zero-cache"}
    (folder / "package.json").write_text(json.dumps({"name": "x", "scripts": scripts}, indent=2))
    (setting,) = read_settings(find_project(folder), [NAME], {})
    assert setting.line == 4


def test_files_that_cannot_be_read_say_nothing(folder: Path) -> None:
    (folder / ".env").mkdir()
    (folder / "fly.toml").write_bytes(b"\xff\xfe\x00")
    (folder / "Dockerfile").write_text(f"ENV {NAME}=6\n" + "#" * (1 << 20))
    assert places(folder) == []


def test_the_configured_replica_is_found_from_the_folder_of_its_file(folder: Path) -> None:
    (folder / ".env").write_text("ZERO_REPLICA_FILE=./data/zero.db\n")
    missing = gather(folder, Options(), {})
    assert missing.replica is None
    assert missing.replica_source == "none: ZERO_REPLICA_FILE in .env, line 1 names ./data/zero.db, which is not there"
    (folder / "data").mkdir()
    (folder / "data" / "zero.db").touch()
    options = gather(folder, Options(), {})
    assert options.replica is not None
    assert options.replica.samefile(folder / "data" / "zero.db")
    assert options.replica_source == "ZERO_REPLICA_FILE in .env, line 1"
    named = gather(folder, Options(replica=folder / "x.db"), {})
    assert (named.replica, named.replica_source) == (folder / "x.db", "--replica")


def test_a_replica_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert gather(None, Options(replica=tmp_path / "x.db"), {}).project is None
    with pytest.raises(WasmfixError, match=r"has no package\.json"):
        gather(None, Options(), {})
    with pytest.raises(WasmfixError, match=r"has no package\.json"):
        gather(tmp_path, Options(replica=tmp_path / "x.db"), {})


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GB", 8 << 30), ("512 MiB", 512 << 20), ("1.5g", 3 << 29), ("1000000", 1_000_000), ("1b", 1), ("4 TB", 4 << 40)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "-1GB", "8 G B", "GB", "8XB", "0.0MB", "1e9", "8,5GB", "0.0001", "9" * 400, "9" * 30]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0.0001", "8192", "15MB", "9" * 400])
def test_a_heap_in_which_no_node_starts_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"did you mean 8192MB\?$" if text == "8192" else "is less|is not a size"):
        parse_heap_limit(text)
    assert parse_heap_limit("16MB") == 16 << 20


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (8 << 30, "8.0 GB"), (858 << 20, "858 MB"), (5 << 50, "5120 TB")],
)
def test_sizes_are_written_short(size: int, shown: str) -> None:
    assert show_size(size) == shown


def test_a_containers_limits_go_before_the_machines(tmp_path: Path) -> None:
    whole = this_machine(tmp_path)
    assert whole.memory is not None
    assert not whole.limited
    (tmp_path / "memory.max").write_text("1073741824\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    limited = this_machine(tmp_path)
    assert (limited.cores, limited.memory, limited.limited) == (0.5, 1 << 30, True)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert this_machine(tmp_path) == whole
