"""What the report says of a replica's tables, and of queries given with `--queries`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nodejs
from conftest import ROOT, installed
from diagnostics.replicas import replica
from wasmfix import runtime
from wasmfix.diagnostics import Finding, Options, Report, Severity, run
from wasmfix.diagnostics.checks import hydration
from wasmfix.diagnostics.checks.replica import sections
from wasmfix.diagnostics.checks.replica_subject import TimeIsUpError
from wasmfix.diagnostics.hydration.ast import QueryError, parse_query, read_queries
from wasmfix.diagnostics.hydration.limit import default_limit, find_limit
from wasmfix.diagnostics.hydration.model import load_model
from wasmfix.diagnostics.hydration.sizes import RowSize, measure_rows, string_size
from wasmfix.diagnostics.hydration.tables import Table, kind_of
from wasmfix.diagnostics.machine import Machine
from wasmfix.errors import WasmfixError
from wasmfix.project.settings import Setting

GB, MB = 2**30, 2**20
MESSAGES = {"table": "message", "orderBy": [["id", "asc"]]}
TO_NOTHING = {
    "correlation": {"parentField": ["channelID"], "childField": ["nr"]},
    "subquery": {"table": "channel"},
}
WHOLE = {"channels": {"table": "channel"}, "messages": MESSAGES}


@pytest.fixture(scope="module")
def demo_replica(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hydration") / "demo.db"
    project = installed("@rocicorp/zero", "1.9.0")
    # Built here, if not before: it is the newest, which the checks then take.
    runtime.find_engine(project / "node_modules" / "@rocicorp" / "zero-sqlite3")
    command = [nodejs.node(), str(ROOT / "demo" / "replica.mjs"), str(project), str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return file


def diagnosed(replica: Path, queries: object = None, **options: Any) -> Report:
    file = replica.with_name("queries.json")
    if queries is not None:
        file.write_text(json.dumps(queries), encoding="utf-8")
        options["queries"] = file
    return run(sections(Options(replica=replica, **options)), tell=lambda *_: None)


def found(report: Report, id_: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.id == id_]


def projections(report: Report, kind: str) -> dict[str, tuple[int, int]]:
    return {each.name: (each.rows_touched, each.rows_kept) for each in report.projections if each.kind == kind}


def test_every_published_table_is_projected_and_nothing_is_said_of_what_fits(demo_replica: Path) -> None:
    report = diagnosed(demo_replica, heap_limit=4 * GB)
    assert len(projections(report, "table")) == 42
    assert projections(report, "table")["message"] == (260, 260)
    assert report.heap_limit is not None
    assert report.heap_limit.limit == 4 * GB
    assert [finding for finding in report.findings if finding.id >= "WF250"] == []


def test_a_table_that_needs_half_of_the_heap_is_a_warning_and_one_that_needs_all_an_error(demo_replica: Path) -> None:
    heap = next(each.heap for each in diagnosed(demo_replica).projections if each.name == "message")
    for limit, severity in ((heap * 2 + 2, None), (heap * 2 - 2, Severity.WARNING), (heap, Severity.ERROR)):
        report = diagnosed(demo_replica, heap_limit=limit)
        of_it = [finding.severity for finding in found(report, "WF251") if finding.subject == "message"]
        assert of_it == ([severity] if severity else [])


def test_with_queries_given_a_whole_table_is_only_worth_knowing(demo_replica: Path) -> None:
    report = diagnosed(demo_replica, {"few": {**MESSAGES, "limit": 3}}, heap_limit=40 * MB)
    assert {finding.severity for finding in found(report, "WF251")} == {Severity.NOTE}
    assert found(report, "WF250")[0].severity is Severity.WARNING
    assert projections(report, "query") == {"few": (3, 3)}


def test_queries_are_projected_each_and_all_together(demo_replica: Path) -> None:
    report = diagnosed(demo_replica, {**WHOLE, "again": MESSAGES}, heap_limit=30 * MB)
    assert projections(report, "query") == {
        "channels": (24, 24),
        "messages": (260, 260),
        "again": (260, 260),
        hydration.TOGETHER: (544, 284),
    }
    assert {finding.subject for finding in found(report, "WF250")} == {"channels", "messages", "again"}
    (together,) = found(report, "WF252")
    assert together.severity is Severity.ERROR
    assert "hydrating 3 queries" in together.what
    assert together.data["rows_kept"] == 284


def test_the_command_of_a_finding_pasted_takes_it_away(demo_replica: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hydration, "this_machine", lambda: Machine(2, 16 * GB, False))
    small = Setting("NODE_OPTIONS", "--max-old-space-size=40", Path("/srv/app/.env"), 3)
    report = diagnosed(demo_replica, WHOLE, settings=(small,))
    commands = {finding.remedy.command for finding in found(report, "WF250") if finding.remedy}
    (command,) = commands
    assert command is not None
    shell = f'{command}; printf %s "$NODE_OPTIONS"'
    value = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert value.startswith("--max-old-space-size=40 ")
    after = diagnosed(demo_replica, WHOLE, settings=(Setting("NODE_OPTIONS", value), small))
    assert [finding for finding in after.findings if finding.id >= "WF250"] == []


def test_a_pasted_command_runs_nothing_of_what_a_file_has(
    demo_replica: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hydration, "this_machine", lambda: Machine(2, 16 * GB, False))
    text = f"--max-old-space-size=40 $(touch {tmp_path}/a) `touch {tmp_path}/b` \\'\"; touch {tmp_path}/c #"
    report = diagnosed(demo_replica, WHOLE, settings=(Setting("NODE_OPTIONS", text, Path("/srv/app/.env"), 3),))
    (command,) = {finding.remedy.command for finding in found(report, "WF250") if finding.remedy}
    shell = f'{command}; printf %s "$NODE_OPTIONS"'
    value = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert value.startswith(f"{text} --max-old-space-size=")
    assert list(tmp_path.iterdir()) == []


def test_no_command_where_the_machine_has_no_more(demo_replica: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hydration, "this_machine", lambda: Machine(2, 100 * MB, True))
    report = diagnosed(demo_replica, WHOLE)
    assert report.heap_limit is not None
    assert report.heap_limit.limit == 50 * MB
    assert "the container's 100 MB" in report.heap_limit.source
    assert {finding.remedy.command for finding in found(report, "WF250") if finding.remedy} == {None}


@pytest.mark.parametrize(
    ("ast", "what"),
    [
        ({"table": "mesage"}, "the table mesage, which the replica does not have"),
        ({"table": "message", "orderBy": [["bodi", "asc"]]}, "the column message.bodi"),
        ({"table": "message", "related": [TO_NOTHING]}, "the column channel.nr"),
        ({"table": "_zero.replicationState"}, "the table _zero.replicationState"),
    ],
)
def test_an_unknown_name_is_one_finding_and_the_other_queries_are_projected(
    ast: object, what: str, demo_replica: Path
) -> None:
    report = diagnosed(demo_replica, {"wrong": ast, "right": {"table": "channel"}})
    (finding,) = found(report, "WF253")
    assert what in finding.what
    assert finding.subject == "wrong"
    assert projections(report, "query") == {"right": (24, 24)}


def test_a_misspelled_table_is_told_its_neighbour(demo_replica: Path) -> None:
    (finding,) = found(diagnosed(demo_replica, [{"name": "wrong", "ast": {"table": "mesage"}}]), "WF253")
    assert finding.remedy is not None
    assert "Did you mean message?" in finding.remedy.text


@pytest.mark.parametrize(
    ("ast", "what"),
    [
        ({"table": 3}, "table is 3, not a name"),
        ("SELECT 1", "not an object"),
        ({"table": "message", "limit": -1}, "the limit -1"),
        ({"table": "message", "limit": float("inf")}, "the limit inf"),
        ({"table": "message", "where": {"type": "xor"}}, "of the type 'xor'"),
        (
            {
                "table": "message",
                "where": {
                    "type": "simple",
                    "op": "=",
                    "left": {"type": "column", "name": "authorID"},
                    "right": {"type": "static", "anchor": "authData", "field": "sub"},
                },
            },
            "needs authData.sub",
        ),
    ],
)
def test_what_is_no_ast_is_one_finding(ast: object, what: str, demo_replica: Path) -> None:
    report = diagnosed(demo_replica, [{"name": "wrong", "ast": ast}])
    (finding,) = found(report, "WF254")
    assert what in finding.what


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "3", "[" * 100_000])
def test_a_file_without_queries_is_one_line(content: str, tmp_path: Path) -> None:
    file = tmp_path / "queries.json"
    file.write_text(content)
    with pytest.raises(WasmfixError) as raised:
        read_queries(file)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_byte_order_mark_is_no_part_of_the_queries(tmp_path: Path) -> None:
    file = tmp_path / "queries.json"
    file.write_text('{"table": "issue"}', encoding="utf-8-sig")
    (query,) = read_queries(file).values()
    assert not isinstance(query, QueryError)


def test_only_a_regular_file_is_read_for_queries(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(WasmfixError, match=r"is no regular file|is a directory|cannot be read"):
            read_queries(path)


def test_rows_that_are_read_by_the_hundred_thousand_are_said(
    demo_replica: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hydration, "WARN_ROWS", 200)
    monkeypatch.setattr(hydration, "MOST_ROWS", 250)
    report = diagnosed(demo_replica, {**WHOLE, "comments": {"table": "comment"}, "most": {**MESSAGES, "limit": 220}})
    assert {(each.subject, each.severity) for each in found(report, "WF255")} == {
        ("messages", Severity.ERROR),
        ("most", Severity.WARNING),
    }


def test_what_is_too_large_to_count_is_bounded_and_never_an_error(
    demo_replica: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hydration, "_MOST_COUNTED", 10)
    related = {"correlation": {"parentField": ["id"], "childField": ["channelID"]}, "subquery": MESSAGES}
    queries = {"related": {"table": "channel", "related": [related]}, **WHOLE}
    report = diagnosed(demo_replica, queries, heap_limit=34 * MB)
    assert projections(report, "query")["related"] == (284, 284)
    severities = {each.severity for id_ in ("WF250", "WF252") for each in found(report, id_)}
    assert severities == {Severity.WARNING}
    facts = {fact.name: fact.value for fact in report.facts if fact.section == "hydration"}
    assert facts["messages"] == "260 rows read, 260 kept, at most"


def test_very_many_literals_are_counted_in_seconds_or_bounded(demo_replica: Path) -> None:
    def among(count: int) -> dict[str, Any]:
        right = {"type": "literal", "value": ["m1", *(f"none {number}" for number in range(count - 1))]}
        where = {"type": "simple", "op": "IN", "left": {"type": "column", "name": "id"}, "right": right}
        return {"table": "message", "where": where}

    begin = time.process_time()
    report = diagnosed(demo_replica, {"many": among(40_000), "far too many": among(200_000)})
    assert time.process_time() - begin < 20
    facts = {fact.name: fact.value for fact in report.facts}
    assert not facts["many"].endswith("at most")
    assert facts["far too many"].endswith("at most")
    assert [each.what for each in report.findings if each.id in ("WF001", "WF002")] == []


def test_rows_that_take_too_long_to_be_measured_count_as_they_are_in_the_file(
    demo_replica: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = {each.name: each.heap for each in diagnosed(demo_replica).projections}

    def endless(*_: object) -> RowSize:
        raise TimeIsUpError

    monkeypatch.setattr(hydration, "measure_rows", endless)
    guessed = {each.name: each.heap for each in diagnosed(demo_replica).projections}
    assert guessed.keys() == measured.keys()
    assert all(guessed[name] == pytest.approx(heap, rel=0.25) for name, heap in measured.items())


@pytest.mark.parametrize(
    "rowid",
    ["i", "2 * i + 1", "i * 1000", "i + 9000000000000000000 * (i > 30000)", "(i - 30000) * 307000000000000"],
    ids=["dense", "odd", "far apart", "two heaps", "over all of 64 bits"],
)
def test_rows_are_measured_in_no_time_whatever_the_statistics_and_the_rowids(rowid: str, tmp_path: Path) -> None:
    # The statistics are of the two rows that CHAT has.
    rows = f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
      INSERT INTO message (rowid, id, body, _0_version)
      SELECT {rowid}, 'k' || i, hex(zeroblob(200 + i % 100)), '01' FROM n"""
    file = replica(tmp_path, "DELETE FROM message;", rows)
    with runtime.open(file) as db:
        table = Table("message", {"body": "string"}, ("id",), "rowid", True)
        begin = time.process_time()
        size = measure_rows(db, table, 60_000)
        assert time.process_time() - begin < 5
    assert size.values == pytest.approx(2 * 249.5 + 20, rel=0.02)
    assert size.key == pytest.approx(5.815, rel=0.02)


@pytest.mark.parametrize(
    ("memory", "limit"),
    [(GB, GB // 2), (2 * GB, GB), (4 * GB, 2 * GB), (12 * GB, 2 * GB), (15 * GB, 4 * GB), (64 * GB, 4 * GB)],
)
def test_nodes_own_limit_follows_the_memory(memory: int, limit: int) -> None:
    assert default_limit(memory) == limit
    machine = Machine(1, memory, False)
    assert find_limit(Options(), machine).limit == limit
    options = Options(settings=(Setting("NODE_OPTIONS", "--max-old-space-size=300"),))
    assert find_limit(options, machine).limit == 300 * MB
    assert find_limit(replace(options, heap_limit=GB), machine).limit == GB


def test_node_here_has_the_limit_that_is_assumed() -> None:
    asked = "v8.getHeapStatistics().heap_size_limit, os.totalmem(), process.constrainedMemory()"
    script = f"console.log(JSON.stringify([{asked}]))"
    said = subprocess.run([nodejs.node(), "-e", script], capture_output=True, text=True, check=True, env={}).stdout
    limit, total, constrained = json.loads(said)
    memory = min(total, constrained) if constrained else total
    # New objects have some more, up to 48 MB.
    assert 0 <= limit - default_limit(memory) <= 64 * MB


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("text|NOT_NULL", "string"),
        ("varchar(20)", "string"),
        ("INT4|NOT_NULL", "number"),
        ("timestamp with time zone", "number"),
        ("bool", "boolean"),
        ("jsonb", "json"),
        ("text[]|TEXT_ARRAY", "json"),
        ("mood|TEXT_ENUM", "string"),
        ("bytea", None),
        ("tsvector", None),
    ],
)
def test_a_declared_type_is_read_as_zero_reads_it(declared: str, kind: str | None) -> None:
    assert kind_of(declared) == kind


def test_a_string_beyond_latin_1_takes_two_bytes_a_character() -> None:
    assert [string_size(text) for text in ("", "x", "xy", "naïve ab", "naïve abc", "дорога", "東京")] == [
        0, 0, 24, 24, 32, 32, 24,
    ]  # fmt: skip


def test_more_rows_and_larger_rows_never_take_less() -> None:
    from wasmfix.diagnostics.hydration.counts import Counts

    model = load_model()
    heaps = []
    for rows in (0, 1, 100, 10_000, 20_000, 1_000_000):
        for values in (0.0, 100.0, 10_000.0):
            counts = Counts(rows, {"t": rows})
            heaps.append(model.heap(counts, [counts], {"t": RowSize(values, 5, 1, 20)}))
        assert heaps[-3] <= heaps[-2] <= heaps[-1]
    assert heaps[::3] == sorted(heaps[::3])
    assert heaps[0] == model.base


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["table", "where", "type", "op", "related", "subquery", "correlation", "limit", "start", "left"]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_given_for_an_ast_is_a_query_or_says_what_is_wrong(value: object) -> None:
    try:
        assert parse_query(value).table
    except QueryError as error:
        assert "\n" not in str(error)
