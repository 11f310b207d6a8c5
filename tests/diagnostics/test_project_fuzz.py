"""Whatever lies in the files that the checks read: a finding or silence, never a check that breaks."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import BUILD
from diagnostics.projects import ZERO_DRIVER, add_zero, diagnosed, found, project
from wasmfix.errors import WasmfixError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ["name", "version", "main", "scripts", "workspaces", "dependencies", "engines", "trustedDependencies"]
manifests = st.dictionaries(st.sampled_from(_KEYS), json_values, max_size=5).map(
    lambda content: json.dumps(content).encode()
)
lines = st.lists(
    st.sampled_from(
        [
            *("SINGLE_PROCESS=1", "ZERO_NUM_SYNC_WORKERS=99", "ZERO_NUM_SYNC_WORKERS: ٣", "NODE_OPTIONS='--max-old"),
            *("NODE_OPTIONS=--max-old-space-size=99999999999999", "export =", "ENV ZERO_NUM_SYNC_WORKERS", "= = ="),
            *('"ignoredBuilds": ["@rocicorp/zero-sqlite3@1.1.4", ""', "ignoredBuilds:\n  - better-sqlite3@1", "\x00"),
            *("ZERO_LITESTREAM_BACKUP_URL='", "ignore-scripts=true", "ZERO_REPLICA_FILE=\x00", "ZERO_REPLICA_FILE=."),
        ]
    ),
    max_size=4,
).map(lambda chosen: "\n".join(chosen).encode("utf-8"))
contents = st.binary(max_size=40) | lines | manifests
files = st.dictionaries(
    st.sampled_from(
        [
            *("package.json", ".env", ".npmrc", "compose.yml", "fly.toml", "Dockerfile", "node_modules/.modules.yaml"),
            *("pnpm-workspace.yaml", "node_modules/@rocicorp/zero/package.json"),
            "node_modules/@rocicorp/zero/out/zero-cache/src/server/runner/main.js",
            f"node_modules/{ZERO_DRIVER}/lib/index.js",
            f"node_modules/{ZERO_DRIVER}/lib/database.js",
            f"node_modules/{ZERO_DRIVER}/.wasmfix/record.json",
        ]
    ),
    contents,
    max_size=5,
)


@pytest.fixture(scope="module")
def healthy() -> Iterator[Path]:
    home = BUILD / "scratch"
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        folder = project(Path(scratch, "app"), (ZERO_DRIVER, "1.1.4"))
        add_zero(folder)
        yield folder


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changed=files)
def test_no_check_breaks(healthy: Path, changed: dict[str, bytes]) -> None:
    kept = {}
    try:
        for name, content in changed.items():
            file = healthy / name
            kept[file] = file.read_bytes() if file.exists() else None
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        try:
            report = diagnosed(healthy)
        except WasmfixError:
            # The project itself cannot be read: the command line says that in one line.
            return
        assert not found(report, "WF001")
        assert report.complete
    finally:
        for file, before in kept.items():
            if before is None:
                file.unlink()
            else:
                file.write_bytes(before)
        shutil.rmtree(healthy / "node_modules" / ZERO_DRIVER / ".wasmfix", ignore_errors=True)
