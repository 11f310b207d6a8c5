"""wasmtime and wasmer, their cache, and what ends a query."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import nodejs
from conftest import BUILD, ROOT, own_environment
from runtime.conftest import HAS_WASMER, read
from wasmfix import runtime
from wasmfix.errors import WasmfixError
from wasmfix.runtime import SqlError, compiled, host_wasmtime, watchdog

ENDLESS = "SELECT sum(length(d.body || e.body)) FROM issue a, issue b, issue c, issue d, issue e"
COMPUTES = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i) SELECT sum(n % 7) FROM i"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of ours."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("WASMFIX_CACHE_DIR", str(folder))
    return folder


def test_a_compiled_module_is_kept_and_loaded_again(
    host: str, wasm: Path, replica: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(replica / "a.db", "SELECT 1", engine=wasm, runtime=host) == [(1,)]
    (kept,) = (cache / "compiled").iterdir()
    before = kept.stat()
    cached = compiled.cached

    def compile_it() -> Any:
        raise AssertionError("it is compiled anew")

    monkeypatch.setattr(
        compiled, "cached", lambda folder, code, parts, _compile, load: cached(folder, code, parts, compile_it, load)
    )
    assert read(replica / "a.db", "SELECT 1", engine=wasm, runtime=host) == [(1,)]
    assert kept.stat() == before or kept.stat().st_mtime_ns == before.st_mtime_ns


def test_a_damaged_entry_of_the_cache_is_compiled_anew(wasm: Path, replica: Path, cache: Path) -> None:
    read(replica / "a.db", "SELECT 1", engine=wasm)
    (kept,) = (cache / "compiled").iterdir()
    whole = kept.read_bytes()
    assert compiled._read(kept) == whole[32:]
    for damaged in (b"", b"\x7fELF" * 1000, whole[:-1], whole[:32], whole[:5000] + b"?" + whole[5001:]):
        kept.write_bytes(damaged)
        assert compiled._read(kept) is None
    assert read(replica / "a.db", "SELECT 1", engine=wasm) == [(1,)]
    assert compiled._read(kept) == whole[32:]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_a_module_that_others_may_have_written_is_not_run(wasm: Path, replica: Path, cache: Path) -> None:
    (kept,) = _filled(cache, wasm, replica)
    assert compiled._read(kept) is not None
    kept.chmod(0o666)
    assert compiled._read(kept) is None


def _filled(cache: Path, wasm: Path, replica: Path) -> list[Path]:
    """The cache with what earlier tests have compiled, if any."""
    if (BUILD / "cache" / "compiled").is_dir():
        shutil.copytree(BUILD / "cache" / "compiled", cache / "compiled")
    read(replica / "a.db", "SELECT 1", engine=wasm)
    return sorted((cache / "compiled").iterdir())[:1]


def test_a_cache_that_cannot_be_written_costs_time_only(
    wasm: Path, replica: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WASMFIX_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert read(replica / "a.db", "SELECT 1", engine=wasm) == [(1,)]


def test_the_same_is_read_without_the_short_way_into_wasmtime(replica: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = read(replica / "a.db", "SELECT * FROM issue")
    taken = []
    monkeypatch.setattr(host_wasmtime, "_direct", lambda *_: taken.append(1))
    assert read(replica / "a.db", "SELECT * FROM issue") == short
    assert taken


@pytest.mark.skipif(sys.version_info < (3, 11), reason="wasmer has a wheel")
def test_wasmer_says_why_it_is_not_there() -> None:
    with pytest.raises(WasmfixError, match=r"wasmer has no wheel for cpython 3\.\d+: .*; use --runtime wasmtime"):
        runtime.open("a.db", engine=Path("engine.wasm"), runtime="wasmer")


def test_an_unknown_runtime_and_no_engine_are_refused(replica: Path, tmp_path: Path) -> None:
    with pytest.raises(WasmfixError, match="no such runtime: v8"):
        runtime.open(replica / "a.db", runtime="v8")
    with pytest.raises(WasmfixError, match="cannot be read"):
        runtime.open(replica / "a.db", engine=tmp_path / "engine.wasm")
    (tmp_path / "engine.wasm").write_text("no module")
    with pytest.raises(WasmfixError, match="not a WebAssembly module"):
        runtime.open(replica / "a.db", engine=tmp_path / "engine.wasm")


@pytest.mark.skipif(HAS_WASMER, reason="the tests are on wasmer already")
def test_the_conformance_tests_pass_on_wasmer(wasm: Path) -> None:
    python = _python310()
    if python is None:
        pytest.skip("no CPython 3.10 here")
    tests = [f"tests/runtime/{name}.py" for name in ("test_values", "test_hosts")]
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "wasmer", *tests]
    path = os.pathsep.join([str(Path(nodejs.node()).parent), os.environ.get("PATH", os.defpath)])
    environment = {**own_environment(), "WASMFIX_TEST_WASM": str(wasm), "PATH": path}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


WANTED = (
    *("wasmtime>=25", "wasmer>=1.1", "wasmer_compiler_cranelift>=1.1"),
    *("click", "filelock", "packaging", "platformdirs", "rich", "tomli", "hypothesis", "pytest", "pytest-timeout"),
)


def _python310() -> Path | None:
    """A virtual environment of CPython 3.10 with wasmer, made once; None if there is no CPython 3.10."""
    candidates = [shutil.which("python3.10"), *Path(sys.base_prefix).parent.glob("3.10.*/bin/python")]
    works = [each for each in candidates if each and subprocess.run([str(each), "-c", ""], check=False).returncode == 0]
    if not works:
        return None
    folder = BUILD / "python3.10"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([str(works[0]), "-m", "venv", str(folder)], check=True)
        command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *WANTED]
        subprocess.run(command, check=True)
        (folder / "ready").touch()
    return python


def test_a_query_that_takes_longer_than_its_time_ends(replica: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow the machine is: it comes to a read in time, and the connection lives on.
    monkeypatch.setattr(watchdog, "GRACE", 60.0)
    with runtime.open(replica / "a.db", timeout=0.3) as db:
        db.execute("PRAGMA cache_size = 1").all()
        with pytest.raises(SqlError, match=r"took longer than 0.3 s \(SQLITE_INTERRUPT\)"):
            db.execute(ENDLESS).all()
        assert db.execute("SELECT count(*) FROM issue").one() == (60,)


def test_a_query_that_only_computes_ends_too_and_then_the_connection_is_dead(replica: Path) -> None:
    with runtime.open(replica / "a.db", timeout=0.3) as db:
        with pytest.raises(SqlError, match=r"took longer than 0.3 s \(SQLITE_INTERRUPT\)"):
            db.execute(COMPUTES).all()
        with pytest.raises(WasmfixError, match=r"SQLite has stopped .*; open the file again"):
            db.execute("SELECT 1").all()
    with runtime.open(replica / "a.db") as db:
        threading.Timer(0.2, db.interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            db.execute(COMPUTES).all()


def test_an_interrupt_between_two_calls_ends_the_second(replica: Path) -> None:
    """As it may come from another thread while this one is on its way to the first row."""
    with runtime.open(replica / "a.db") as db:
        rows = db.execute(COMPUTES)
        db.interrupt()
        time.sleep(0.1)  # seen by the thread that waits for it: no call is running
        with pytest.raises(KeyboardInterrupt):
            rows.all()
        assert db.execute("SELECT count(*) FROM issue").one() == (60,)


def test_progress_is_told_what_has_been_read_and_may_end_the_query(replica: Path) -> None:
    told: list[int] = []

    def progress(count: int) -> None:
        told.append(count)
        if len(told) == 3:
            raise LookupError

    with runtime.open(replica / "a.db", progress=progress) as db:
        db.execute("PRAGMA cache_size = 1").all()
        with pytest.raises(LookupError):
            db.execute(ENDLESS).all()
    assert told == sorted(told)
    assert told[-1] > 0


def let_it_compute(pid: int, seconds: float) -> None:
    """Wait until the process has computed so long from now on."""
    import psutil  # which the other Python does without

    process = psutil.Process(pid)

    def computed() -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    enough, deadline = computed() + seconds, time.monotonic() + 60
    while computed() < enough:
        assert time.monotonic() < deadline, "it does not compute"
        time.sleep(0.02)


@pytest.mark.parametrize(("query", "then"), [("ENDLESS", "(60,)"), ("COMPUTES", "dead")])
def test_ctrl_c_ends_a_query_with_keyboard_interrupt(query: str, then: str, replica: Path, wasm: Path) -> None:
    # The one that reads ends at a read, in time on a slow machine, too.
    grace = 5 if query == "ENDLESS" else 0.5
    program = f"""
from pathlib import Path
from wasmfix import runtime
from wasmfix.errors import WasmfixError
from wasmfix.runtime import watchdog
watchdog.GRACE = {grace}
with runtime.open({str(replica / "a.db")!r}, engine=Path({str(wasm)!r})) as db:
    db.execute("PRAGMA cache_size = 1").all()
    try:
        print("begin", flush=True)
        db.execute({globals()[query]!r}).all()
    except KeyboardInterrupt:
        try:
            print(db.execute("SELECT count(*) FROM issue").one(), flush=True)
        except WasmfixError:
            print("dead", flush=True)
"""
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, env=own_environment(), stdout=pipe, stderr=pipe, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begin\n"
    let_it_compute(child.pid, 0.3)
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=120)
    assert (output, errors, child.returncode) == (f"{then}\n", "", 0)
