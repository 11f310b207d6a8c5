"""scanStatusV2 of a repaired bedrock-sqlite, which derives what native SQLite reports: same plans, same estimates."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import nodejs
from bedrock.package import LATEST, SQLITE
from bedrock.project import bedrock_project
from conftest import installed

SCRIPT = Path(__file__).with_name("scan-status.cjs")
NATIVE = installed(*SQLITE) / "node_modules" / SQLITE[0]

SETUP = """
    const db = new (require(process.argv[1]))(process.argv[2]);
    db.exec(`CREATE TABLE t (id TEXT PRIMARY KEY, a, b, c);
        CREATE INDEX t_a ON t (a); CREATE INDEX t_ab ON t (a, b);
        CREATE TABLE u (n INTEGER PRIMARY KEY, t_id, d);
        CREATE INDEX u_t ON u (t_id);
        WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3000)
            INSERT INTO t SELECT 'k' || x, x % 7, x % 100, nullif(x % 9, 0) FROM n;
        INSERT INTO u SELECT NULL, 'k' || (b * 7 + a), c FROM t`);
    if (process.argv[3]) db.exec('ANALYZE');
    db.close();
"""

constants = st.sampled_from(["0", "3", "50", "'k7'", "'zzz'", "NULL", "?"])
columns = st.sampled_from(["id", "a", "b", "c"])
terms = st.one_of(
    st.builds("{} {} {}".format, columns, st.sampled_from(["=", "<", ">=", "IS", "<>"]), constants),
    st.builds("{} IN ({}, {})".format, columns, constants, constants),
    st.builds("{} LIKE 'k%'".format, columns),
    st.builds("{} BETWEEN 1 AND {}".format, columns, constants),
)
wheres = st.one_of(
    st.just(""), st.lists(terms, min_size=1, max_size=3).map(lambda each: " WHERE " + " AND ".join(each))
)
orders = st.one_of(st.just(""), st.builds(" ORDER BY {} {}".format, columns, st.sampled_from(["ASC", "DESC"])))
lists = st.sampled_from(["*", "id", "a, b", "DISTINCT a", "max(b)"])
alone = st.builds("SELECT {} FROM t{}{}".format, lists, wheres, orders)
others = st.one_of(
    st.builds("SELECT * FROM t JOIN u ON u.t_id = t.id{}".format, wheres),
    st.builds("SELECT * FROM t{} UNION ALL SELECT * FROM t{}".format, wheres, wheres),
    st.builds("SELECT * FROM t WHERE a = {} OR c = {}".format, constants, constants),
    st.builds("SELECT * FROM u WHERE n = {} -- by rowid".format, constants),
    st.builds("UPDATE t SET c = 1{}".format, wheres),
    st.sampled_from(
        ["SELECT 1", "VALUES (1), (2)", "PRAGMA user_version", "EXPLAIN SELECT * FROM t", "SELECT * FROM t; "]
    ),
)


@pytest.fixture(scope="module")
def bedrock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = bedrock_project(tmp_path_factory.mktemp("bedrock") / "project", LATEST)
    project.patch()
    return project.package / "dist" / "sqlite3.js"


@pytest.fixture(scope="module", params=["analysed", ""], ids=["analysed", "not analysed"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("database") / "t.db"
    command = [nodejs.node(), "-e", SETUP, str(NATIVE), str(file), request.param]
    subprocess.run(command, check=True)
    return file


def loops(driver: Path, database: Path, queries: list[str]) -> Any:
    command = [*nodejs.ending_node(), str(SCRIPT), str(driver), str(database)]
    done = subprocess.run(
        command, input=json.dumps(queries), capture_output=True, text=True, encoding="utf-8", check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Two processes an example: a few large ones, and no time for making a failing one small.
@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(queries=st.lists(st.one_of(alone, others), min_size=60, max_size=90))
def test_plans_are_the_same_and_so_are_estimates_of_one_loop(queries: list[str], bedrock: Path, database: Path) -> None:
    expected, found = (loops(driver, database, queries) for driver in (NATIVE, bedrock))
    for query, native, ours in zip(queries, expected, found, strict=True):
        assert [loop[:3] for loop in ours] == [loop[:3] for loop in native], query
        one = sum(loop[2].startswith(("SCAN ", "SEARCH ")) for loop in native) == 1
        if one and query.startswith("SELECT") and not re.search(r"DISTINCT|max\(", query):
            assert [loop[3] for loop in ours] == [loop[3] for loop in native], query
        assert all(loop[3] > 0 for loop in ours), query
