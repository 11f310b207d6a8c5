"""Rows read and kept, against Zero's own analysis of the same queries on the same replica."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nodejs
from conftest import ROOT, installed
from wasmfix import runtime
from wasmfix.diagnostics import Options, run
from wasmfix.diagnostics.checks.hydration import TOGETHER
from wasmfix.diagnostics.checks.replica import sections
from wasmfix.diagnostics.checks.replica_subject import read_tables
from wasmfix.diagnostics.hydration.ast import parse_query
from wasmfix.diagnostics.hydration.counts import Counts, add_up, bound_query, count_query, count_together
from wasmfix.diagnostics.hydration.tables import Table, tables_of

Answers = dict[str, dict[str, Any]]

# A row that comes out of several branches of an OR carries the relations of the first one alone; letters beyond ASCII.
UNLIKE = ("people, by part of a name", "exists in an or", "ILIKE folds beyond ASCII", "NOT ILIKE")


@pytest.fixture(scope="session")
def demo_replica(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hydration") / "demo.db"
    _node(ROOT / "demo" / "replica.mjs", file)
    return file


@pytest.fixture(scope="module")
def oracle(demo_replica: Path) -> Answers:
    answers: Answers = json.loads(_node(Path(__file__).with_name("hydration_oracle.mjs"), demo_replica))
    return {name: answer for name, answer in answers.items() if "refused" not in answer}


@pytest.fixture(scope="module")
def db(demo_replica: Path) -> Iterator[runtime.Connection]:
    project = installed("@rocicorp/zero", "1.9.0")
    engine = runtime.find_engine(project / "node_modules" / "@rocicorp" / "zero-sqlite3")
    with runtime.open(demo_replica, engine=engine) as connection:
        yield connection


@pytest.fixture(scope="module")
def tables(db: runtime.Connection) -> dict[str, Table]:
    return tables_of(read_tables(db), db)


@pytest.fixture(scope="module")
def counted(db: runtime.Connection, tables: dict[str, Table], oracle: Answers) -> dict[str, Counts]:
    return {name: count_query(db, parse_query(answer["ast"]), tables) for name, answer in oracle.items()}


def _node(script: Path, *arguments: object) -> str:
    command = [nodejs.node(), str(script), str(installed("@rocicorp/zero", "1.9.0")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kept(counts: Counts) -> dict[str, int]:
    """As Zero has it: tables without rows are not named."""
    return {table: number for table, number in counts.kept.items() if number}


def test_what_is_called_exact_is_what_zero_reads_and_keeps(oracle: Answers, counted: dict[str, Counts]) -> None:
    exact = [name for name, counts in counted.items() if counts.exact]
    assert len(exact) >= 17
    for name in exact:
        assert kept(counted[name]) == oracle[name]["kept"], name
        assert counted[name].touched == oracle[name]["read"], name


def test_an_exists_read_from_the_side_that_the_query_says_keeps_what_zero_keeps(
    oracle: Answers, counted: dict[str, Counts]
) -> None:
    ways = [
        name for name in counted if name.endswith((", parent first", ", child first")) and not name.startswith(UNLIKE)
    ]
    assert len(ways) == 10
    for name in ways:
        assert kept(counted[name]) == oracle[name]["kept"], name
        assert counted[name].touched == pytest.approx(oracle[name]["read"], rel=0.25), name


def test_a_branch_of_an_or_and_letters_beyond_ascii_are_said_to_be_estimates(
    oracle: Answers, counted: dict[str, Counts]
) -> None:
    for name in (name for name in counted if name.startswith(UNLIKE[:3])):
        assert not counted[name].exact, name
        if not name.startswith("ILIKE"):
            assert counted[name].rows_kept == pytest.approx(sum(oracle[name]["kept"].values()), rel=0.1), name


def test_where_the_planner_decides_the_way_that_reads_less_is_taken(
    counted: dict[str, Counts],
) -> None:
    for name in ("exists", "projects at a glance", "exists with a limit that stops early"):
        ways = [counted[f"{name}, parent first"], counted[f"{name}, child first"]]
        assert counted[name].touched == min(way.touched for way in ways)
        assert not counted[name].exact


def test_a_child_that_is_read_first_is_held(counted: dict[str, Counts]) -> None:
    assert counted["exists, child first"].held == {"session": 18 - counted["exists, child first"].kept["user"]}
    assert counted["exists, parent first"].held == {}


def test_like_minds_case_and_its_wildcards(db: runtime.Connection, tables: dict[str, Table]) -> None:
    def found(pattern: str, op: str = "LIKE") -> int:
        where = {
            "type": "simple",
            "op": op,
            "left": {"type": "column", "name": "status"},
            "right": {"type": "literal", "value": pattern},
        }
        return count_query(db, parse_query({"table": "issue", "where": where}), tables).touched

    everything = found("%")
    assert everything == 120
    assert found("open") == found("o_en") == found("%pe%") > 0
    assert found("OPEN") == found("o*") == found("op\\en_") == found("\\%") == 0
    assert found("OPEN", "ILIKE") == found("open") == everything - found("open", "NOT LIKE")


def test_queries_of_one_group_keep_a_row_that_they_share_once(
    db: runtime.Connection, tables: dict[str, Table], oracle: Answers
) -> None:
    names = [*list(oracle)[:1], "null, and not null", "limits at two levels", "related to a junction and beyond"]
    queries = [parse_query(oracle[name]["ast"]) for name in names]
    each = [count_query(db, query, tables) for query in queries]
    together = count_together(db, queries, each, tables)
    users = [counts.kept["user"] for counts in each if "user" in counts.kept]
    assert len(users) > 1
    assert max(users) <= together.kept["user"] <= min(60, sum(users))
    assert together.rows_kept < sum(counts.rows_kept for counts in each)
    assert together.touched == sum(counts.touched for counts in each)


def test_the_six_queries_of_the_incident_are_projected_and_fit_into_what_it_had(
    oracle: Answers, demo_replica: Path, tmp_path: Path
) -> None:
    """1,856 rows in 42 tables never needed 8 GB: it was not the queries."""
    six = [name for name in oracle if not name.endswith((", parent first", ", child first"))][:6]
    file = tmp_path / "queries.json"
    file.write_text(json.dumps([{"name": name, "ast": oracle[name]["ast"]} for name in six]), encoding="utf-8")
    options = Options(replica=demo_replica, queries=file, heap_limit=8 * 2**30)
    report = run(sections(options), tell=lambda *_: None)
    asked = [each for each in report.projections if each.kind == "query"]
    assert [each.name for each in asked] == [*six, TOGETHER]
    assert asked[-1].rows_kept < 1856
    assert asked[-1].heap < 64 * 2**20
    assert [finding for finding in report.findings if finding.id >= "WF250"] == []


def test_bounds_are_never_below_what_is_kept(db: runtime.Connection, tables: dict[str, Table], oracle: Answers) -> None:
    sizes = {name: int(str((db.execute(f'SELECT count(*) FROM "{name}"').one() or (0,))[0])) for name in tables}
    for name, answer in oracle.items():
        bounds = bound_query(parse_query(answer["ast"]), tables, sizes)
        assert not bounds.exact
        assert all(bounds.kept.get(table, 0) >= rows for table, rows in answer["kept"].items()), name
    assert add_up([bounds, bounds], sizes).kept["workspace"] <= sizes["workspace"]
