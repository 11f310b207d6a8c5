"""Which engine a database is read with."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

import nodejs
from runtime.conftest import PACKAGE, read
from wasmfix import runtime
from wasmfix.errors import WasmfixError
from wasmfix.runtime import find_engine


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("WASMFIX_CACHE_DIR", str(folder))
    return folder


def add(cache: Path, wasm: Path, key: str, package: str, version: str) -> Path:
    """An engine in the cache, as if it had been built for that version."""
    folder = cache / "engine" / key
    folder.mkdir(parents=True)
    shutil.copyfile(wasm, folder / "engine.wasm")
    info = json.loads(wasm.with_name("engine.json").read_text())
    (folder / "engine.json").write_text(json.dumps({**info, "key": key, "package": package, "version": version}))
    return folder / "engine.wasm"


def test_the_newest_zero_sqlite3_in_the_cache_is_taken(cache: Path, wasm: Path) -> None:
    add(cache, wasm, "a", PACKAGE, "1.0.15")
    newest = add(cache, wasm, "b", PACKAGE, "1.0.20")
    add(cache, wasm, "c", "better-sqlite3", "12.0.0")
    damaged = add(cache, wasm, "d", PACKAGE, "2.0.0")
    damaged.write_bytes(b"\0asm")
    assert find_engine() == newest


def test_the_projects_own_package_comes_first(native: Path, wasm: Path) -> None:
    assert find_engine(native) == wasm


def test_without_any_engine_it_says_what_to_do(cache: Path, replica: Path) -> None:
    with pytest.raises(WasmfixError, match=r"no SQLite engine is built yet .*; name a project .* --fetch"):
        runtime.open(replica / "a.db")
    with pytest.raises(WasmfixError, match="no-such-npm is not installed, which --fetch needs"):
        find_engine(fetch=True, npm=["no-such-npm"])


def test_what_npm_says_is_not_shown_as_it_may_hold_a_password(cache: Path, tmp_path: Path) -> None:
    script = tmp_path / "npm.py"
    script.write_text(
        "import sys\n"
        "sys.stderr.write('npm error code E401\\nnpm error https://user:secret@registry/ says no\\n')\n"
        "sys.exit(1)\n"
    )
    with pytest.raises(WasmfixError) as caught:
        find_engine(fetch=True, npm=[sys.executable, str(script)])
    assert "(E401)" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_tarball_with_another_hash_than_the_registrys_is_not_built(cache: Path, tmp_path: Path) -> None:
    script = tmp_path / "npm.py"
    answer = [{"filename": "x.tgz", "integrity": "sha512-AAAA"}]
    script.write_text(f"open('x.tgz', 'wb').write(b'no'); print({json.dumps(json.dumps(answer))})")
    with pytest.raises(WasmfixError, match="the package that npm got is damaged"):
        find_engine(fetch=True, npm=[sys.executable, str(script)])
    script.write_text("print('hello')")
    with pytest.raises(WasmfixError, match="npm's answer is not understood"):
        find_engine(fetch=True, npm=[sys.executable, str(script)])


def test_npm_gets_the_package_and_its_engine_reads(
    replica: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real npm; what the newest version's engine is built from may be in the cache already."""
    monkeypatch.setattr("wasmfix.runtime.provide.newest_cached", lambda _cache: None)
    for name, value in nodejs.environment().items():
        monkeypatch.setenv(name, value)
    told: list[str] = []
    built = find_engine(fetch=True, npm=nodejs.npm(), progress=told.append)
    assert told[0] == f"getting {PACKAGE} with npm"
    info = json.loads(built.with_name("engine.json").read_text())
    assert info["package"] == PACKAGE
    assert read(replica / "a.db", "SELECT count(*) FROM issue", engine=built) == [(60,)]
    assert os.environ["WASMFIX_CACHE_DIR"] in str(built)
