from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conftest import ROOT, own_environment
from wasmfix.config.keys import KEYS, SEVERITIES, TABLES, THRESHOLDS
from wasmfix.config.mistakes import ConfigError
from wasmfix.config.read import find_mistakes, read_settings
from wasmfix.config.schema import SCHEMA
from wasmfix.config.settings import Settings, Thresholds
from wasmfix.diagnostics import REGISTRY
from wasmfix.errors import WasmfixError
from wasmfix.project import TARGETS

VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))

ALL = """
targets = ["@rocicorp/zero-sqlite3", "better-sqlite3"]
follow-links = true
engine = "shim"
toolchain = "emcc"
apply = true
verify = "quick"
node = "bin/node"
fail-on = "warning"
replica = "data/replica.db"
publications = ["zero_chat"]
heap-limit = "8GB"
queries = "queries.json"
runtime = "wasmer"
fetch = true
report-dir = "out"

[thresholds]
rows = 500_000
table-size = "1.5 GB"
row-size = "64kb"
hydration = "2GiB"

[severity]
WF106 = "error"
WF114 = "off"
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_nothing_is_said_without_a_file(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()


def test_every_setting_arrives_with_paths_from_the_files_folder(tmp_path: Path) -> None:
    said = read_settings(write(tmp_path, "wasmfix.toml", ALL))
    assert said == Settings(
        file=tmp_path / "wasmfix.toml",
        targets=("@rocicorp/zero-sqlite3", "better-sqlite3"),
        follow_links=True,
        engine="shim",
        toolchain="emcc",
        apply=True,
        verify="quick",
        node=str(tmp_path / "bin/node"),
        fail_on="warning",
        replica=tmp_path / "data/replica.db",
        publications=("zero_chat",),
        heap_limit=8 * 1024**3,
        queries=tmp_path / "queries.json",
        runtime="wasmer",
        fetch=True,
        report_dir=tmp_path / "out",
        thresholds=Thresholds(500_000, 3 * 1024**3 // 2, 64 * 1024, 2 * 1024**3),
        severity={"WF106": "error", "WF114": "off"},
        lines={"rows": 19, "table-size": 20, "row-size": 21, "hydration": 22},
    )
    assert {key.name for key in KEYS} | {"thresholds", "severity"} == set(settings_named(ALL))


def settings_named(text: str) -> dict[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    content: dict[str, object] = tomllib.loads(text)
    return content


def test_a_table_of_pyproject_says_the_same(tmp_path: Path) -> None:
    table = ALL.replace("[thresholds]", "[tool.wasmfix.thresholds]").replace("[severity]", "[tool.wasmfix.severity]")
    in_pyproject = read_settings(write(tmp_path, "pyproject.toml", "[project]\nname = 'x'\n[tool.wasmfix]" + table))
    assert (in_pyproject.file, in_pyproject.line) == (tmp_path / "pyproject.toml", 3)
    assert in_pyproject.lines["rows"] == 21
    own = read_settings(write(tmp_path, "wasmfix.toml", ALL))
    same = ("targets", "verify", "replica", "heap_limit", "thresholds", "severity")
    assert [getattr(own, name) for name in same] == [getattr(in_pyproject, name) for name in same]


def test_a_pyproject_without_our_table_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", "[tool.other]\nwasmfix = 1\n")
    assert read_settings(tmp_path) == Settings()


def test_wasmfix_toml_wins_and_the_other_is_known(tmp_path: Path) -> None:
    write(
        tmp_path,
        "pyproject.toml",
        "[project]\nname = 'x'\n\n[tool.wasmfix]\nfail-on = 'warning'\ntargets = ['better-sqlite3']\n",
    )
    said = read_settings(write(tmp_path, "wasmfix.toml", 'fail-on = "never"\n'))
    assert (said.fail_on, said.targets) == ("never", ())
    assert said.ignored == (tmp_path / "pyproject.toml", 4)


def test_what_is_not_read_is_not_checked(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", "[tool.wasmfix]\nno = 1\n")
    assert read_settings(write(tmp_path, "wasmfix.toml", "")).ignored == (tmp_path / "pyproject.toml", 1)
    write(tmp_path, "pyproject.toml", "[tool.wasmfix\n")
    assert read_settings(tmp_path).ignored is None


def test_a_file_may_be_named(tmp_path: Path) -> None:
    write(tmp_path, "wasmfix.toml", "fail-on = 'never'\n")
    write(tmp_path, "nightly.toml", "fail-on = 'warning'\n")
    write(tmp_path, "pyproject.toml", "[tool.wasmfix]\nverify = 'off'\n")
    assert read_settings(tmp_path, tmp_path / "nightly.toml").fail_on == "warning"
    assert read_settings(tmp_path, tmp_path / "pyproject.toml").verify == "off"
    with pytest.raises(WasmfixError, match="is not there"):
        read_settings(tmp_path, tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[tool.wasmfix]\nfail-on = 'error'\n",
            "1: tool is no setting; [tool.wasmfix] is for pyproject.toml; here the settings stand without it",
        ),
        ("fail_on = 'error'\n", "1: fail_on is no setting; did you mean fail-on?"),
        ("\n# x\nfail-on = 'errors'\n", "3: fail-on: 'errors' is none of error, warning, never"),
        ("apply = 'yes'\n", "1: apply: a string where true or false is wanted"),
        ("heap-limit = 8\n", "1: heap-limit: a whole number where a size in quotes is wanted, such as '8GB'"),
        ("heap-limit = 'much'\n", "1: heap-limit: 'much' is not a size such as 8GB or 512MB"),
        (
            "heap-limit = '8192'\n",
            "1: heap-limit: '8192' is less than any Node needs: 16.0 MB is the least; did you mean 8192MB?",
        ),
        ("replica = ''\n", "1: replica: it is empty"),
        (
            "targets = [\n  'better-sqlite3',\n  'sqlite3',\n]\n",
            "3: targets: 'sqlite3' is none of @rocicorp/zero-sqlite3, ",
        ),
        ("targets = 'better-sqlite3'\n", "1: targets: a string where an array of strings is wanted"),
        ("[thresholds]\nrows = 0\n", "2: rows: 0 is less than 1"),
        ("[thresholds]\nrows = true\n", "2: rows: a boolean where a whole number is wanted"),
        ("[thresholds]\n\ntables = 5\n", "3: tables is no setting; did you mean table-size?"),
        ("thresholds = 5\n", "1: thresholds is a whole number, not a table"),
        ("[severity]\nWF999 = 'off'\n", "2: WF999 is the id of no finding; the report names ids such as WF102"),
        ("[severity]\nWF106 = 'fatal'\n", "2: WF106: 'fatal' is none of error, warning, note, off"),
        (
            "database-url = 'postgres://u:secret@h/d'\n",
            "1: database-url is no setting; it may hold a password: set WASMFIX_DATABASE_URL in the environment",
        ),
        ("x = 1\n\ny = 2\nz = 3\n", "1: x is no setting (and 2 more mistakes); known are: "),
        ("apply = true\nverify =\n", "2: is not valid TOML: Invalid value"),
        ("apply = [\n\n", "1: is not valid TOML: "),
        ("apply = true\napply = false\n", "2: is not valid TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(write(tmp_path, "wasmfix.toml", text))
    assert str(caught.value).startswith(f"wasmfix.toml:{message}")
    assert caught.value.line == int(message.split(":")[0])
    assert "secret" not in str(caught.value)


def test_lines_of_a_pyproject_are_counted_from_its_top(tmp_path: Path) -> None:
    write(
        tmp_path, "pyproject.toml", '[project]\nname = """\n[tool.wasmfix]\nverify = 1"""\n[tool.wasmfix]\nverify = 1\n'
    )
    with pytest.raises(ConfigError, match=r"^pyproject\.toml:6: verify: a whole number where a string is wanted"):
        read_settings(tmp_path)
    write(tmp_path, "pyproject.toml", "[tool]\nwasmfix = 3\n")
    with pytest.raises(ConfigError, match=r"^pyproject\.toml:2: \[tool\.wasmfix\] is a whole number, not a table"):
        read_settings(tmp_path)


def test_a_file_that_is_not_utf_8_is_told_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "wasmfix.toml").write_bytes(b"apply = true\n# \xff\n")
    with pytest.raises(ConfigError, match=r"^wasmfix\.toml:2: is not UTF-8"):
        read_settings(tmp_path)
    (tmp_path / "wasmfix.toml").write_bytes(b"\xef\xbb\xbfapply = true\n")
    assert read_settings(tmp_path).apply


def test_the_published_schema_is_as_the_keys_say() -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)
    command = [sys.executable, "-m", "wasmfix.config.schema", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=own_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_targets_are_those_that_can_be_patched() -> None:
    (targets,) = (key for key in KEYS if key.name == "targets")
    assert targets.choices == TARGETS


_words = st.sampled_from(
    ["", "error", "full", "zig", "shim", "8GB", "0 MB", "1.5 gib", ".5", "8 PB", "1\n", "better-sqlite3", "x" * 41]
)
_values = st.one_of(
    _words,
    st.booleans(),
    st.integers(-1, 9),
    st.floats(allow_nan=False),
    st.lists(st.one_of(_words, st.integers(0, 1)), max_size=2),
    st.dictionaries(
        st.sampled_from(["rows", "row-size", "WF106", "x"]), st.one_of(_words, st.integers(-1, 3)), max_size=2
    ),
)
_ids = st.sampled_from([*sorted(REGISTRY), "WF1", "wf106"])
_documents = st.dictionaries(st.sampled_from([*(key.name for key in KEYS), "other"]), _values, max_size=3).flatmap(
    lambda content: st.fixed_dictionaries(
        {},
        optional={
            **{name: st.just(value) for name, value in content.items()},
            "thresholds": st.one_of(
                _values, st.dictionaries(st.sampled_from([*(key.name for key in THRESHOLDS), "x"]), _values, max_size=2)
            ),
            "severity": st.one_of(_values, st.dictionaries(_ids, st.sampled_from([*SEVERITIES, "ok", 1]), max_size=2)),
        },
    )
)


@settings(deadline=None)
@given(_documents)
def test_the_schema_and_wasmfix_agree_on_every_file(document: dict[str, object]) -> None:
    assert VALIDATOR.is_valid(document) == (not list(find_mistakes(document)))


@pytest.mark.parametrize("key", [key for keys in TABLES.values() for key in keys], ids=lambda key: key.name)
def test_every_setting_is_in_the_documentation(key) -> None:  # type: ignore[no-untyped-def]
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"| `{key.name}` |" in page
    for choice in key.choices:
        assert f"`{choice}`" in page
