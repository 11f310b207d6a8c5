"""Building and caching with the real compiler."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from wasmfix.engine import CompilerError, build_engine, export_engine
from wasmfix.engine.build import own_sources
from wasmfix.engine.cache import content_key
from wasmfix.engine.lint import lint
from wasmfix.engine.source import read_source
from wasmfix.errors import WasmfixError

COMMAND = [sys.executable, "-m", "wasmfix.engine"]


def entries(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "engine").glob("*"))


def leftovers(cache: Path) -> list[Path]:
    return list((cache / "tmp").glob("*"))


def test_a_second_build_comes_from_the_cache_without_a_compiler(package: Path, own_cache: Path) -> None:
    steps: list[str] = []
    started = time.perf_counter()
    first = build_engine(package, progress=steps.append)
    linked = time.perf_counter() - started
    assert not first.cached
    assert steps == ["linking"]
    steps.clear()
    took = []
    for _ in range(5):
        started = time.perf_counter()
        second = build_engine(package, progress=steps.append)
        took.append(time.perf_counter() - started)
    assert min(took) < linked / 2
    assert second.cached
    assert steps == []
    assert (second.wasm, second.key, second.info) == (first.wasm, first.key, first.info)
    assert leftovers(own_cache) == []


def test_the_engine_says_what_it_was_made_from(package: Path, own_cache: Path) -> None:
    engine = build_engine(package)
    info = json.loads(engine.wasm.with_name("engine.json").read_text())
    assert info == engine.info
    assert (info["schema_version"], info["package"], info["version"]) == (1, "@rocicorp/zero-sqlite3", "1.1.4")
    assert info["sqlite_version"] == "3.54.0"
    assert info["key"] == engine.key == engine.wasm.parent.name
    assert info["toolchain"].startswith("zig ")
    assert "WASMFIX_UNICODE_CASE=1" in info["defines"]
    assert info["sha256"] == sha256(engine.wasm.read_bytes()).hexdigest()


def test_the_same_sources_give_the_same_bytes(package: Path, own_cache: Path) -> None:
    first = build_engine(package)
    bytes_before = first.wasm.read_bytes()
    for path in first.wasm.parent.iterdir():
        path.unlink()
    first.wasm.parent.rmdir()
    second = build_engine(package)
    assert not second.cached
    assert second.wasm.read_bytes() == bytes_before


@pytest.mark.parametrize("name", ["engine.wasm", "engine.json"])
@pytest.mark.parametrize("damage", ["garbage", "cut", "gone"])
def test_a_damaged_entry_is_built_again(package: Path, own_cache: Path, name: str, damage: str) -> None:
    first = build_engine(package)
    victim = first.wasm.with_name(name)
    whole = victim.read_bytes()
    if damage == "gone":
        victim.unlink()
    else:
        victim.write_bytes(b"garbage" if damage == "garbage" else whole[: len(whole) // 2])
    second = build_engine(package)
    assert not second.cached
    assert victim.read_bytes() == whole
    assert entries(own_cache) == [first.key]
    assert leftovers(own_cache) == []


def test_a_damaged_object_is_compiled_again(package: Path, own_cache: Path) -> None:
    whole = build_engine(package).wasm.read_bytes()
    shutil.rmtree(own_cache / "engine")
    for path in (own_cache / "objects").glob("*.o"):
        content = path.read_bytes()
        # All but the amalgamation's, which would take its minute.
        if len(content) < 500_000:
            path.unlink()
            path.write_bytes(content[:100])
    steps: list[str] = []
    assert build_engine(package, progress=steps.append).wasm.read_bytes() == whole
    assert [step.split()[0] for step in steps] == ["compiling", "linking"]
    assert "SQLite" not in steps[0]


def test_a_source_that_changes_while_it_compiles_leaves_no_object(
    package: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unicode_case = package / "src" / "util" / "unicode_case.cpp"
    unicode_case.write_text(unicode_case.read_text() + "// another key\n")
    objects = set((own_cache / "objects").iterdir())

    def edit(step: str) -> None:
        if step.startswith("compiling"):
            unicode_case.write_text(unicode_case.read_text() + "// edited\n")

    with pytest.raises(WasmfixError, match=r"unicode_case\.cpp: changed while it was being compiled"):
        build_engine(package, progress=edit)
    assert set((own_cache / "objects").iterdir()) == objects
    assert entries(own_cache) == []


def test_two_runs_that_meet_build_once(package: Path, own_cache: Path) -> None:
    runs = [
        subprocess.Popen([*COMMAND, str(package)], stderr=subprocess.PIPE, text=True, env=os.environ) for _ in range(2)
    ]
    words = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], words
    assert sorted("linking" in said for said in words) == [False, True], words
    assert len(entries(own_cache)) == 1


def test_a_killed_build_leaves_no_entry_and_the_next_one_finishes(package: Path, own_cache: Path) -> None:
    for _ in range(20):
        run = subprocess.Popen([*COMMAND, str(package)], stderr=subprocess.PIPE, text=True, start_new_session=True)
        assert run.stderr is not None
        assert run.stderr.readline().strip() == "linking"
        os.killpg(run.pid, signal.SIGKILL)
        if run.wait() == -signal.SIGKILL and leftovers(own_cache):
            break
        # It was through before the signal came.
        shutil.rmtree(own_cache / "engine", ignore_errors=True)
    assert entries(own_cache) == []
    assert leftovers(own_cache) != []
    assert not build_engine(package).cached
    assert leftovers(own_cache) == []


def damage_source(package: Path) -> None:
    path = package / "deps" / "sqlite3" / "sqlite3.c"
    code = path.read_bytes()
    path.unlink()
    path.write_bytes(b"#error the words of the compiler\n" + code)


def test_a_failed_build_shows_the_compilers_words_and_leaves_nothing(package: Path, own_cache: Path) -> None:
    damage_source(package)
    objects = set((own_cache / "objects").iterdir())
    with pytest.raises(CompilerError, match="compiling SQLite") as caught:
        build_engine(package)
    assert "error: the words of the compiler" in caught.value.detail
    assert "\n" not in str(caught.value)
    assert entries(own_cache) == []
    assert leftovers(own_cache) == []
    assert set((own_cache / "objects").iterdir()) == objects


def test_the_command_shows_the_compilers_words_before_its_one_line(package: Path, own_cache: Path) -> None:
    damage_source(package)
    run = subprocess.run([sys.executable, "-m", "wasmfix", "build", str(package)], capture_output=True, text=True)
    assert run.returncode == 2
    compilers, ours = run.stderr.split("wasmfix: ")
    assert compilers.count("error: the words of the compiler") == 1
    assert len(ours.splitlines()) == 1
    assert "Traceback" not in run.stderr


def test_a_cache_that_cannot_be_written_is_one_line(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("WASMFIX_CACHE_DIR", str(blocked / "cache"))
    with pytest.raises(WasmfixError, match="WASMFIX_CACHE_DIR"):
        build_engine(package)


def test_a_build_needs_no_home(package: Path, own_cache: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "WASMFIX_CACHE_DIR": str(own_cache)}
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    run = subprocess.run([*COMMAND, str(package)], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_an_export_is_a_copy_with_its_description(package: Path, own_cache: Path, tmp_path: Path) -> None:
    engine = build_engine(package)
    wasm, info = export_engine(engine, tmp_path / "out")
    assert wasm.read_bytes() == engine.wasm.read_bytes()
    assert json.loads(info.read_text()) == engine.info
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["engine.json", "engine.wasm"]


def test_an_unknown_toolchain_and_an_absent_one_are_one_line(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WasmfixError, match="zig, emcc"):
        build_engine(package, toolchain="gcc")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(WasmfixError, match="emcc: not on PATH"):
        build_engine(package, toolchain="emcc")


def test_a_key_is_not_fooled_by_where_a_part_ends() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key(["a"], "b") != content_key(["a", "b"])


def test_the_lint_finds_a_warning_in_each_kind_of_package(package: Path, tmp_path: Path) -> None:
    file = tmp_path / "probe.c"
    file.write_text(
        "#ifdef SQLITE_ENABLE_STMT_SCANSTATUS\n"
        "static int unused_with;\n"
        "#else\n"
        "static int unused_without;\n"
        "#endif\n"
        "int probe(void);\n"
        "int probe(void) { return 0; }\n"
    )
    words = "\n".join(failure.detail for failure in lint(read_source(package), [file]))
    assert "unused_with" in words
    assert "unused_without" in words


def test_our_c_has_no_warnings(package: Path) -> None:
    assert [failure.detail for failure in lint(read_source(package), own_sources())] == []
