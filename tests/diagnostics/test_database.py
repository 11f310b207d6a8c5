"""What `diagnose` says of a database: each finding appears where it should, and nowhere else."""

from __future__ import annotations

import dataclasses
import json
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nodejs
from conftest import installed, installed_project
from diagnostics.test_project_cures import Shell
from diagnostics.upstream import CHAT, INCIDENT, SHARD, TRACKING, Upstream, diagnosed, ids, track
from terminal import Terminal
from wasmfix.diagnostics import REGISTRY, Finding, Report, Severity
from wasmfix.diagnostics.checks import database_server, database_subject
from wasmfix.engine import build_engine
from wasmfix.errors import WasmfixError
from wasmfix.postgres import connect
from wasmfix.postgres.connect import connected
from wasmfix.postgres.publications import Chosen, find_publications
from wasmfix.postgres.triggers import drop_triggers, find_triggers, lock_tables
from zero_cache import postgres
from zero_cache.postgres import Postgres

Make = Callable[..., Upstream]
HERE = Path(__file__).resolve().parent
HEALTHY = CHAT + SHARD.format(app="chat", publication="zero_chat")


@pytest.fixture
def make(postgres_server: Postgres) -> Make:
    """`make(SQL)`: a database; `own=True`: that no other test has."""
    return lambda sql, **options: Upstream(postgres_server, sql, **options)


@pytest.fixture(scope="module")
def small_server() -> Iterator[Postgres]:
    """A server as it comes: no logical replication, hardly a slot, little WAL."""
    settings = {
        "wal_level": "replica",
        "max_wal_senders": "0",
        "max_replication_slots": "1",
        "max_slot_wal_keep_size": "1MB",
        "min_wal_size": "32MB",
        "max_wal_size": "32MB",
    }
    with tempfile.TemporaryDirectory(prefix="wasmfix-postgres-") as folder:
        try:
            server = postgres.start(Path(folder), **settings)
        except postgres.NoPostgresError as error:
            pytest.skip(f"PostgreSQL does not run here: {error}")
        yield server
        server.stop()


def only(report: Report, id_: str) -> Finding:
    assert ids(report) == [id_], report.findings
    return report.findings[0]


def test_a_healthy_database_has_no_finding(make: Make) -> None:
    database = make(HEALTHY + TRACKING + track("message", "chat_0.clients", "chat_0.mutations"))
    for report in (diagnosed(database.url), diagnosed(database.url, "zero_chat")):
        assert ids(report) == []
        assert all(check.status == "done" for check in report.checks)
    facts = {fact.name: fact.value for fact in report.facts}
    assert facts["publications"] == "zero_chat (--publication)"
    assert facts["published tables"] == "2"
    assert facts["wal_level"] == "logical"


def test_nothing_of_the_database_is_looked_at_unless_it_is_named() -> None:
    from wasmfix.diagnostics import Options
    from wasmfix.diagnostics.checks.database import sections

    assert list(sections(Options())) == []


# WF302, WF315, WF319: triggers


def test_unknown_table_is_diagnosed_and_the_pasted_remedy_cures(make: Make, scratch: Path) -> None:
    """The incident: triggers on all public tables, the publication zero_chat."""
    database = make(
        INCIDENT + "CREATE TRIGGER mine BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION"
        " suppress_redundant_updates_trigger();"
    )
    (scratch / "app").mkdir()
    shell = Shell(scratch / "app", scratch / "home", WASMFIX_DATABASE_URL=database.url)
    diagnose = "wasmfix diagnose --publication zero_chat --format json"
    before = shell.run(f"{diagnose} --database-url {database.url}")
    assert before.returncode == 1, before.stderr
    first = json.loads(before.stdout)["findings"][0]
    assert first["id"] == "WF302"
    assert first["what"] == "4 change-tracking triggers on 2 tables that are not published (zero_chat)"
    assert "public.session: _zero_change_trigger → public._zero_track_change" in first["evidence"]
    command = first["remedy"]["command"]
    assert command == "wasmfix triggers --drop --publication zero_chat"
    with Terminal(["bash", "-c", command], cwd=shell.folder, env=shell.environment) as terminal:
        terminal.expect("Drop 4 triggers")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert 'DROP TRIGGER "_zero_notify_trigger" ON "public"."session";' in terminal.output
    after = shell.run(f"{diagnose} --fail-on warning")
    assert after.returncode == 0, after.stdout
    assert [line for line in database.triggers() if "message" not in line and "channel" not in line] == [
        "public|session|mine"
    ]
    assert len(database.triggers()) == 5


def test_a_command_never_holds_a_password_and_one_without_can_be_pasted(make: Make) -> None:
    database = make(INCIDENT)
    open_ = only(diagnosed(database.url, "zero_chat"), "WF302")
    assert open_.remedy is not None
    assert open_.remedy.command == f"wasmfix triggers --drop --publication zero_chat --database-url {database.url}"
    secret = database.url.replace("zero@", "zero:hunter2@")
    closed = only(diagnosed(secret, "zero_chat"), "WF302")
    assert closed.remedy is not None
    assert closed.remedy.command is None
    assert "Put the URL into WASMFIX_DATABASE_URL" in closed.remedy.text


def test_publications_come_from_the_configuration_the_replica_or_the_database(make: Make, scratch: Path) -> None:
    database = make(INCIDENT)
    unknown = only(diagnosed(database.url), "WF315")
    assert unknown.severity is Severity.NOTE
    configured = diagnosed(database.url, settings={"ZERO_APP_PUBLICATIONS": " zero_chat, "})
    assert only(configured, "WF302").evidence[-1] == "publications: ZERO_APP_PUBLICATIONS in the environment"
    database.run(SHARD.format(app="chat", publication="zero_chat"))
    assert only(diagnosed(database.url), "WF302").evidence[-1] == ("publications: what zero-cache has set up in chat_0")


def test_publications_come_from_the_replica(make: Make, tmp_path: Path, engine_cache: None) -> None:
    build_engine(installed("@rocicorp/zero-sqlite3", "1.1.4") / "node_modules" / "@rocicorp" / "zero-sqlite3")
    replica = tmp_path / "replica.db"
    with sqlite3.connect(replica) as file:
        file.execute('CREATE TABLE "_zero.replicationConfig" (replicaVersion TEXT, publications TEXT)')
        names = json.dumps(["_chat_metadata_0", "zero_chat"])
        file.execute('INSERT INTO "_zero.replicationConfig" VALUES (?, ?)', ("00", names))
    file.close()
    database = make(INCIDENT)
    assert only(diagnosed(database.url, replica=replica), "WF302").evidence[-1] == "publications: the replica"
    replica.write_bytes(b"no database" * 100)
    assert ids(diagnosed(database.url, replica=replica)) == ["WF315"]


def test_another_apps_tables_count_unless_the_publications_are_named(make: Make) -> None:
    shop = "CREATE PUBLICATION zero_shop FOR TABLE account;" + SHARD.format(app="shop", publication="zero_shop")
    database = make(INCIDENT + HEALTHY.removeprefix(CHAT) + shop)
    configured = only(diagnosed(database.url, settings={"ZERO_APP_PUBLICATIONS": "zero_chat"}), "WF302")
    assert {each["table"] for each in configured.data["triggers"]} == {"session"}  # type: ignore[attr-defined]
    assert configured.remedy is not None and configured.remedy.command
    database.run("CREATE PUBLICATION warehouse FOR TABLE session")
    doubtful = only(diagnosed(database.url, settings={"ZERO_APP_PUBLICATIONS": "zero_chat"}), "WF302")
    assert doubtful.remedy is not None and doubtful.remedy.command is None
    assert doubtful.remedy.text.startswith("Find out who uses the other publications")
    named = only(diagnosed(database.url, "zero_chat"), "WF302")
    assert {each["table"] for each in named.data["triggers"]} == {"session", "account"}  # type: ignore[attr-defined]
    assert "_zero_change_trigger → public._zero_track_change, in the publication zero_shop" in named.evidence[0]


def test_what_the_own_shard_published_before_does_not_count(make: Make) -> None:
    """zero-cache ran before ZERO_APP_PUBLICATIONS was set: its shard has all of `public`."""
    everything = "CREATE PUBLICATION _zero_public_0 FOR TABLES IN SCHEMA public;"
    database = make(INCIDENT + everything + SHARD.format(app="zero", publication="_zero_public_0"))
    assert "WF302" not in ids(diagnosed(database.url))
    assert "WF302" in ids(diagnosed(database.url, settings={"ZERO_APP_PUBLICATIONS": "zero_chat"}))


def test_zeros_tables_that_it_does_not_replicate_are_not_published(make: Make) -> None:
    database = make(HEALTHY + TRACKING + track("chat_0.clients", "chat_0.replicas"))
    found = only(diagnosed(database.url, "zero_chat"), "WF302")
    assert {each["table"] for each in found.data["triggers"]} == {"replicas"}  # type: ignore[attr-defined]


LOOKALIKES = [
    # (function's name and body, trigger): called alike, and something else.
    ("_zero_track_change", "INSERT INTO audit VALUES (1); RETURN NEW;", "_zero_change_trigger AFTER INSERT"),
    ("_zero_track_change", "-- INSERT INTO _zero_changes\nRETURN NEW;", "_zero_change_trigger AFTER INSERT"),
    (
        "_zero_track_change",
        "RAISE NOTICE 'insert into _zero_changes'; RETURN NEW;",
        "_zero_change_trigger AFTER INSERT",
    ),
    ("mine", "INSERT INTO _zero_changes (op) VALUES ('x'); RETURN NEW;", "_zero_change_trigger AFTER INSERT"),
    ("_zero_track_change", "INSERT INTO _zero_changes (op) VALUES ('x'); RETURN NEW;", "mine AFTER INSERT"),
    (
        "_zero_track_change",
        "INSERT INTO _zero_changes (op) VALUES ('x'); RETURN NEW;",
        "_zero_change_trigger BEFORE INSERT",
    ),
    ("_zero_notify_change", "PERFORM 1; RETURN NULL;", "_zero_notify_trigger AFTER UPDATE", "STATEMENT"),
    ("_zero_notify_change", "PERFORM pg_notify('a', 'b'); RETURN NULL;", "_zero_change_trigger AFTER UPDATE"),
    ("_zero_notify_change", "PERFORM pg_notify('a', 'b'); RETURN NULL;", "_zero_notify_trigger AFTER UPDATE", "ROW"),
    (
        "_zero_track_change",
        "INSERT INTO _zero_changes (op) VALUES ('x'); RETURN NEW;",
        "_zero_change_trigger AFTER INSERT",
        "STATEMENT",
    ),
    (
        "audit._zero_track_change",
        "INSERT INTO _zero_changes (op) VALUES ('x'); RETURN NEW;",
        "_zero_change_trigger AFTER INSERT",
    ),
]


@pytest.mark.parametrize(
    ("function", "body", "trigger", "each"), [(*each, "ROW") if len(each) == 3 else each for each in LOOKALIKES]
)
def test_a_trigger_that_only_looks_like_change_tracking_is_left_alone(
    make: Make, function: str, body: str, trigger: str, each: str
) -> None:
    database = make(
        CHAT
        + "CREATE SCHEMA audit;"
        + f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;"
        + f"CREATE TRIGGER {trigger} ON session FOR EACH {each} EXECUTE FUNCTION {function}();"
    )
    found = only(diagnosed(database.url, "zero_chat"), "WF319")
    assert found.severity is Severity.NOTE


def test_orezs_functions_of_every_generation_are_known(make: Make) -> None:
    """The table of changes moved from public to _orez; names may be quoted."""
    other = TRACKING.replace("INSERT INTO public._zero_changes", 'insert  into "_orez"."_zero_changes"')
    database = make(CHAT + other + track("session"))
    assert "WF302" in ids(diagnosed(database.url, "zero_chat"))


PARTITIONED = """
CREATE TABLE "log" (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE log_a PARTITION OF "log" FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE log_b PARTITION OF "log" FOR VALUES FROM ('2026-07-01') TO ('2027-01-01') PARTITION BY HASH (id);
CREATE TABLE log_b0 PARTITION OF log_b FOR VALUES WITH (MODULUS 1, REMAINDER 0);
"""


@pytest.mark.parametrize("options", ["", "WITH (publish_via_partition_root = true)"])
@pytest.mark.parametrize("tracked", ["log", "log_a", "log_b", "log_b0"])
def test_a_table_of_a_published_tree_of_partitions_is_published(make: Make, options: str, tracked: str) -> None:
    publication = f"CREATE PUBLICATION logs FOR TABLE log {options};"
    database = make(CHAT + TRACKING + PARTITIONED + publication + track(tracked))
    assert "WF302" not in ids(diagnosed(database.url, "zero_chat", "logs"))
    found = only(diagnosed(database.url, "zero_chat"), "WF302")
    # Those that PostgreSQL made for the partitions go with it.
    assert len(found.data["triggers"]) == 2  # type: ignore[arg-type]
    dropped(database, "zero_chat")
    assert database.triggers() == []


@pytest.mark.parametrize(
    ("publication", "stale"),
    [
        ("FOR ALL TABLES", {"unlogged"}),
        ("FOR TABLES IN SCHEMA public", {"unlogged", "elsewhere"}),
        ("FOR TABLE parent, plain (id), filtered WHERE (id > 5)", {"elsewhere", "unlogged"}),
        ("FOR TABLE ONLY parent", {"child", "plain", "filtered", "elsewhere", "unlogged"}),
    ],
)
def test_every_kind_of_publication_is_understood(make: Make, publication: str, stale: set[str]) -> None:
    database = make(
        TRACKING
        + """
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
CREATE TABLE plain (id int PRIMARY KEY, secret text);
CREATE TABLE filtered (id int PRIMARY KEY);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
CREATE SCHEMA other;
CREATE TABLE other.elsewhere (id int PRIMARY KEY);
"""
        + f"CREATE PUBLICATION pub {publication};"
        + track("parent", "child", "plain", "filtered", "unlogged", "other.elsewhere")
    )
    report = diagnosed(database.url, "pub")
    found = {each["table"] for each in report.findings[0].data["triggers"]}  # type: ignore[attr-defined]
    assert found == stale


def test_disabled_triggers_are_found_too_and_said_to_be(make: Make) -> None:
    database = make(CHAT + TRACKING + track("session") + "ALTER TABLE session DISABLE TRIGGER _zero_change_trigger;")
    found = only(diagnosed(database.url, "zero_chat"), "WF302")
    assert found.evidence[0].endswith("_zero_track_change, disabled")
    assert not found.evidence[1].endswith("disabled")


NAMES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from("\"'.;%\\$ \n-*/:"),
    min_size=1,
    max_size=15,
).filter(lambda name: len(name.encode()) <= 63 and not name.startswith("pg_"))


@given(
    schemas=st.lists(NAMES, min_size=1, max_size=2, unique=True),
    tables=st.lists(st.tuples(NAMES, st.booleans(), st.sampled_from(["tracked", "mine", "alike"])), max_size=4),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exactly_the_stale_triggers_go_whatever_things_are_called(
    odd_names: Upstream, schemas: list[str], tables: list[tuple[str, bool, str]]
) -> None:
    from psycopg.sql import SQL, Identifier

    chosen = {name: (published, what) for name, published, what in tables}
    statements, expected = [], set()
    with psycopg.connect(odd_names.url, autocommit=True, client_encoding="utf8") as connection:
        for schema in schemas:
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
            for name, (published, what) in chosen.items():
                table = Identifier(schema, name)
                statements.append(SQL("CREATE TABLE {} (id int PRIMARY KEY)").format(table))
                if published:
                    statements.append(SQL("ALTER PUBLICATION zero_chat ADD TABLE {}").format(table))
                trigger = "_zero_change_trigger" if what != "mine" else "mine"
                function = "_zero_track_change" if what == "tracked" else "own"
                statements.append(
                    SQL("CREATE TRIGGER {} AFTER INSERT ON {} FOR EACH ROW EXECUTE FUNCTION {}()").format(
                        Identifier(trigger), table, Identifier("public", function)
                    )
                )
                if published or what != "tracked":
                    expected.add((schema, name))
        for statement in statements:
            connection.execute(statement)
        try:
            dropped(odd_names, "zero_chat")
            left = connection.execute(
                "SELECT n.nspname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal"
            ).fetchall()
            assert set(left) == expected
            # The other checks read the same names.
            assert "WF001" not in ids(diagnosed(odd_names.url, "zero_chat"))
        finally:
            for schema in schemas:
                connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))


@pytest.fixture
def odd_names(make: Make) -> Upstream:
    own = "CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
    return make(CHAT + TRACKING + own)


def dropped(database: Upstream, *publications: str) -> None:
    """What `wasmfix triggers --drop --yes` does."""
    chosen = Chosen(publications, "the test")
    with connected(database.url) as reading:
        shown = find_triggers(reading, find_publications(reading), chosen)
    with connected(database.url, write=True) as writing:
        lock_tables(writing, shown.stale)
        drop_triggers(writing, shown.stale, find_triggers(writing, find_publications(writing), chosen).stale)


def test_nothing_is_dropped_if_the_triggers_are_not_those_that_were_shown(make: Make) -> None:
    chosen = Chosen(("zero_chat",), "the test")
    for change in (
        "ALTER PUBLICATION zero_chat ADD TABLE session",
        "DROP TRIGGER _zero_change_trigger ON account",
        "ALTER TABLE account DISABLE TRIGGER ALL",
    ):
        fresh = make(INCIDENT)
        with connected(fresh.url) as reading:
            shown = find_triggers(reading, find_publications(reading), chosen).stale
        fresh.run(change)
        before = fresh.triggers()
        with pytest.raises(WasmfixError, match="changed since they were shown"), connected(fresh.url, write=True) as db:
            lock_tables(db, shown)
            drop_triggers(db, shown, find_triggers(db, find_publications(db), chosen).stale)
        assert fresh.triggers() == before


def test_event_triggers_of_the_database_work_as_ever(make: Make) -> None:
    """Theirs may count on the search path; ours is another one while we read."""
    database = make(
        INCIDENT
        + """CREATE TABLE audit (tag text);
        CREATE FUNCTION audit() RETURNS event_trigger LANGUAGE plpgsql AS
          'BEGIN INSERT INTO audit VALUES (TG_TAG); END';
        CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION audit();"""
    )
    dropped(database, "zero_chat")
    assert database.run("SELECT * FROM audit") == ["DROP TRIGGER"] * 4


# WF303, WF304, WF307, WF308, WF318: publications


def test_a_publication_that_does_not_exist(make: Make) -> None:
    found = only(diagnosed(make(CHAT).url, "zero_chta"), "WF303")
    assert "there are: zero_chat" in found.evidence


def test_a_slip_in_the_name_has_nobody_drop_all_triggers(make: Make) -> None:
    report = diagnosed(make(INCIDENT).url, "zero_chta")
    assert ids(report) == ["WF303", "WF302"]
    assert report.findings[1].remedy is not None
    assert report.findings[1].remedy.command is None
    assert report.findings[1].remedy.text.startswith("Put the publication right first")


def test_a_publication_without_tables(make: Make) -> None:
    database = make("CREATE PUBLICATION zero_chat")
    assert only(diagnosed(database.url, "zero_chat"), "WF304").subject == "zero_chat"
    database.run("CREATE TABLE a (id int PRIMARY KEY); ALTER PUBLICATION zero_chat ADD TABLE a")
    assert ids(diagnosed(database.url, "zero_chat")) == []


def test_a_publication_that_leaves_out_changes(make: Make) -> None:
    database = make(CHAT + "ALTER PUBLICATION zero_chat SET (publish = 'insert, update')")
    found = only(diagnosed(database.url, "zero_chat"), "WF307")
    assert found.data["missing"] == ["delete", "truncate"]
    assert run_remedy(database, found) == []


def test_publications_that_disagree_about_columns(make: Make) -> None:
    database = make(CHAT + "CREATE PUBLICATION other FOR TABLE message (id)")
    found = only(diagnosed(database.url, "zero_chat", "other"), "WF308")
    assert found.evidence == ("other: id", "zero_chat: id, body")
    assert ids(diagnosed(database.url, "other")) == []


@pytest.mark.parametrize("name", ["_mine", "1st", "zero chat", "zero-chat"])
def test_a_name_that_zero_does_not_take(make: Make, name: str) -> None:
    database = make(CHAT + f'ALTER PUBLICATION zero_chat RENAME TO "{name}"')
    assert only(diagnosed(database.url, name), "WF318").subject == name


# WF305, WF306: tables


@pytest.mark.parametrize(
    ("table", "severity"),
    [
        ("CREATE TABLE bare (id int)", Severity.ERROR),
        ("CREATE TABLE bare (id int NOT NULL UNIQUE)", Severity.ERROR),
        ("CREATE TABLE bare (id int); ALTER TABLE bare REPLICA IDENTITY FULL", Severity.WARNING),
    ],
)
def test_a_published_table_without_a_key(make: Make, table: str, severity: Severity) -> None:
    database = make(f"{CHAT} {table}; ALTER PUBLICATION zero_chat ADD TABLE bare; INSERT INTO bare VALUES (1)")
    found = only(diagnosed(database.url, "zero_chat"), "WF305")
    assert (found.subject, found.severity) == ("public.bare", severity)
    if severity is Severity.ERROR:
        with psycopg.connect(database.url) as connection, pytest.raises(psycopg.Error, match="replica identity"):
            connection.execute("UPDATE bare SET id = 2")
    if "UNIQUE" in table:
        assert run_remedy(database, found) == []


def test_keys_of_every_kind_will_do(make: Make) -> None:
    database = make(
        CHAT
        + """CREATE TABLE a (id int NOT NULL UNIQUE); ALTER TABLE a REPLICA IDENTITY USING INDEX a_id_key;
        CREATE TABLE b (id int NOT NULL UNIQUE); ALTER TABLE b REPLICA IDENTITY FULL;
        CREATE TABLE unpublished (id int); ALTER PUBLICATION zero_chat ADD TABLE a, b;"""
        + PARTITIONED
        + 'ALTER PUBLICATION zero_chat ADD TABLE "log"'
    )
    assert ids(diagnosed(database.url, "zero_chat")) == []


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('CREATE TABLE odd (id int PRIMARY KEY, "a b" int)', 'the column "a b" has signs'),
        ("CREATE TABLE odd (id int PRIMARY KEY, _0_version int)", 'the column "_0_version" is reserved'),
        ("CREATE TABLE odd (id int PRIMARY KEY); ALTER TABLE odd REPLICA IDENTITY NOTHING", "is NOTHING"),
        (
            "CREATE TABLE odd (id int PRIMARY KEY, b int NOT NULL); CREATE UNIQUE INDEX i ON odd (b);"
            "ALTER TABLE odd REPLICA IDENTITY USING INDEX i; DROP INDEX i",
            "is gone",
        ),
        ('CREATE TABLE "o d d" (id int PRIMARY KEY); CREATE VIEW odd AS SELECT 1', "its name has signs"),
    ],
)
def test_a_table_that_zero_refuses(make: Make, table: str, words: str) -> None:
    published = '"o d d"' if "o d d" in table else "odd"
    database = make(f"{CHAT} {table}; ALTER PUBLICATION zero_chat ADD TABLE {published}")
    found = only(diagnosed(database.url, "zero_chat"), "WF306")
    assert words in found.what
    if "IDENTITY" in found.what:
        assert run_remedy(database, found) == []


def run_remedy(database: Upstream, found: Finding) -> list[str]:
    """Run the statement in a remedy, `Run … .`; the ids that are left."""
    assert found.remedy is not None
    statement = found.remedy.text.removeprefix("Run ").removesuffix(".")
    database.run(statement)
    return ids(diagnosed(database.url, "zero_chat"))


# WF309 to WF314: the server


def test_a_server_as_it_comes(small_server: Postgres) -> None:
    database = Upstream(small_server, CHAT)
    report = diagnosed(database.url, "zero_chat")
    assert ids(report) == ["WF309", "WF314"]
    assert "max_wal_senders = 0" in report.findings[1].evidence
    database.run("SELECT pg_create_physical_replication_slot('standby', true)")
    assert ids(diagnosed(database.url, "zero_chat")) == ["WF309", "WF314", "WF314"]
    # The slot may hold 1 MB, a segment has 16.
    for _ in range(4):
        write_a_segment(database)
    database.run("CHECKPOINT")
    report = diagnosed(database.url, "zero_chat")
    assert ids(report) == ["WF309", "WF311", "WF314", "WF314"]
    assert report.findings[1].data["wal_status"] == "lost"
    database.run("SELECT pg_drop_replication_slot('standby')")
    assert ids(diagnosed(database.url, "zero_chat")) == ["WF309", "WF314"]


def write_a_segment(database: Upstream) -> None:
    database.run("SELECT pg_logical_emit_message(false, 'wasmfix', 'x'); SELECT pg_switch_wal()")


def test_a_slot_that_nobody_reads_holds_wal(make: Make) -> None:
    database = make(CHAT + "SELECT pg_create_logical_replication_slot('chat_0_a', 'pgoutput')")
    try:
        assert ids(diagnosed(database.url, "zero_chat")) == []
        for _ in range(5):
            write_a_segment(database)
        found = only(diagnosed(database.url, "zero_chat"), "WF312")
        assert found.subject == "chat_0_a"
        assert int(str(found.data["lag_bytes"])) > 64 * 2**20
        # Any database of the server can suffer from it.
        other = make("", own=True)
        assert ", of another database" in only(diagnosed(other.url), "WF312").evidence[0]
    finally:
        database.run("SELECT pg_drop_replication_slot('chat_0_a')")
    assert ids(diagnosed(database.url, "zero_chat")) == []


def test_a_reader_that_is_far_behind(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_server, "BEHIND", 2**20)
    database = make(CHAT + "SELECT pg_create_logical_replication_slot('chat_0_b', 'pgoutput')")
    with reader(database, "chat_0_b"):
        assert ids(diagnosed(database.url, "zero_chat")) == []
        write_a_segment(database)
        found = only(diagnosed(database.url, "zero_chat"), "WF313")
        assert found.data["active"] is True
    database.run("SELECT pg_drop_replication_slot('chat_0_b')")


@contextmanager
def reader(database: Upstream, slot: str) -> Iterator[None]:
    """A client that reads a slot and never says how far it is."""
    connection = psycopg.pq.PGconn.connect(f"{database.url}?replication=database".encode())
    options = "(proto_version '1', publication_names 'zero_chat')"
    result = connection.exec_(f"START_REPLICATION SLOT {slot} LOGICAL 0/0 {options}".encode())
    assert result.status == psycopg.pq.ExecStatus.COPY_BOTH
    try:
        yield
    finally:
        connection.finish()
        for _ in range(1000):
            if database.run(f"SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'") == ["f"]:
                break
            database.run("SELECT pg_sleep(0.05)")


def test_an_old_server(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by its number; there is no such server here."""
    real = database_subject.look_at_server
    monkeypatch.setattr(
        database_subject,
        "look_at_server",
        lambda database: dataclasses.replace(real(database), version=140_012, words="14.12"),
    )
    assert only(diagnosed(make(CHAT).url, "zero_chat"), "WF310").what.endswith("this is 14.12")


def test_a_user_who_may_not_replicate(make: Make) -> None:
    database = make(CHAT)
    with role(database) as name:
        url = database.url.replace("zero@", f"{name}@")
        assert only(diagnosed(url, "zero_chat"), "WF316").subject == name
        database.run(f"ALTER ROLE {name} REPLICATION")
        assert ids(diagnosed(url, "zero_chat")) == []


@contextmanager
def role(database: Upstream) -> Iterator[str]:
    name = f"user_of_{database.name}"
    database.run(f"CREATE ROLE {name} LOGIN PASSWORD 'hunter2'")
    try:
        yield name
    finally:
        database.run(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_a_shard_without_event_triggers(make: Make) -> None:
    database = make(HEALTHY + 'UPDATE chat_0."shardConfig" SET "ddlDetection" = false')
    assert only(diagnosed(database.url), "WF317").subject == "chat_0"


# WF301: it cannot be read


def test_a_server_that_is_not_there() -> None:
    url = f"postgres://zero:hunter2@127.0.0.1:{postgres.free_ports(1)}/chat"
    found = only(diagnosed(url), "WF301")
    assert found.what.startswith("nothing listens there")
    assert found.remedy is not None
    assert "hunter2" not in str(found)


def test_a_host_that_is_not_known() -> None:
    found = only(diagnosed("postgres://zero:hunter2@nowhere.invalid/chat"), "WF301")
    assert found.what.startswith("the host is not known")
    assert found.subject == "nowhere.invalid:5432/chat"


def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://zero:hunter2@127.0.0.1:{silent.getsockname()[1]}/chat?connect_timeout=2"
        assert only(diagnosed(url), "WF301").what.startswith("the server does not answer")


def test_a_database_that_is_not_there(make: Make) -> None:
    found = only(diagnosed(make("").url + "x"), "WF301")
    assert found.what.startswith("there is no such database")


def test_a_user_who_may_not_see_the_catalogue(make: Make) -> None:
    database = make(CHAT + "REVOKE SELECT ON pg_catalog.pg_publication FROM PUBLIC", own=True)
    with role(database) as name:
        found = only(diagnosed(database.url.replace("zero@", f"{name}@"), "zero_chat"), "WF301")
        assert "pg_publication" in found.what
        assert found.what.startswith("this user lacks a right")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://zero:hunter2@localhost/chat",
        "postgres://zero:hunter2@localhost:port/chat",
        "postgres://zero:hunter2@[::1/chat",
        "postgres://zero:hunter2@localhost/chat?hunter2=x",
        "password=hunter2 hunter2",
        "hunter2",
        "postgres://zero:hun\nter2@localhost/chat",
        # Signs that a URL has another use for: what follows them would be a host or a database.
        "postgres://zero:x@hunter2@localhost/chat",
        "postgres://zero:5432/hunter2@localhost/chat",
    ],
)
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    report = diagnosed(url)
    found = only(report, "WF301")
    assert found.what == "is not a URL that PostgreSQL understands"
    assert "hunter2" not in str(report)


def test_parameters_of_another_programs_url_are_named(make: Make) -> None:
    url = make("").url
    found = only(diagnosed(f"{url}?sslmode=prefer&pgbouncer=true&connection_limit=1"), "WF301")
    assert found.what == "has parameters that PostgreSQL does not understand: pgbouncer, connection_limit"
    report = diagnosed(f"{url}?pgbouncer=true&hunter2=x")
    assert only(report, "WF301").what == "is not a URL that PostgreSQL understands"
    assert "hunter2" not in str(report)


def test_a_wrong_password_is_in_no_format_of_the_report(small_server: Postgres) -> None:
    from wasmfix.report import FORMATS, rendered

    database = Upstream(small_server, "CREATE ROLE guarded LOGIN PASSWORD 'correct'")
    rules = database.run("SELECT pg_read_file(current_setting('hba_file'))")
    database.run(
        "COPY (SELECT 'host all guarded 127.0.0.1/32 scram-sha-256' UNION ALL SELECT 'host all all 127.0.0.1/32"
        " trust') TO '" + database.run("SHOW hba_file")[0] + "'; SELECT pg_reload_conf()"
    )
    assert rules
    url = database.url.replace("zero@", "guarded:hunter2%23secret@")
    for _ in range(100):
        report = diagnosed(url)
        if ids(report) == ["WF301"]:
            break
    assert only(report, "WF301").what.startswith("the password is wrong")
    for format_ in FORMATS:
        text = rendered(report, format_).decode()
        assert "hunter2" not in text
        assert "WF301" in text
    without = only(diagnosed(database.url.replace("zero@", "guarded@")), "WF301")
    assert without.what.startswith("the server wants a password")


def test_a_role_that_may_not_log_in_is_told_how_it_may(make: Make) -> None:
    database = make("")
    with role(database) as name:
        database.run(f"ALTER ROLE {name} NOLOGIN")
        found = only(diagnosed(database.url.replace("zero@", f"{name}@")), "WF301")
    assert found.what.startswith("this role may not log in")
    assert found.remedy is not None
    assert "ALTER ROLE" in found.remedy.text


def test_a_check_that_fails_leaves_the_others(make: Make) -> None:
    revoked = "".join(
        f"REVOKE SELECT ON pg_catalog.{each} FROM PUBLIC;" for each in ("pg_replication_slots", "pg_index")
    )
    database = make(INCIDENT + revoked, own=True)
    with role(database) as name:
        database.run(f"ALTER ROLE {name} REPLICATION; GRANT SELECT ON pg_catalog.pg_replication_slots TO {name}")
        report = diagnosed(database.url.replace("zero@", f"{name}@"), "zero_chat")
    assert ids(report) == ["WF302", "WF002"]


def test_a_server_that_falls_silent_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network has gone after the login: nothing arrives, nothing is refused."""
    monkeypatch.setattr(connect, "SILENCE", 1.0)
    database = make(CHAT)
    with forwarder(database.server.port) as (port, cut):
        url = database.url.replace(str(database.server.port), str(port))
        with pytest.raises(WasmfixError) as caught, connected(url) as connection:
            assert connection.rows("SELECT 1 AS one") == [{"one": 1}]
            cut.set()
            connection.rows("SELECT 2 AS two")
    assert str(caught.value).startswith(f"127.0.0.1:{port}/{database.name}: the server closed the connection")


@contextmanager
def forwarder(port: int) -> Iterator[tuple[int, threading.Event]]:
    """A port that leads to another one, until the event is set."""
    cut = threading.Event()

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                if not cut.is_set():
                    target.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(("127.0.0.1", port)) as theirs:

        def accept() -> None:
            ours, _ = listening.accept()
            threading.Thread(target=pump, args=(theirs, ours), daemon=True).start()
            with ours:
                pump(ours, theirs)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1], cut
        theirs.shutdown(socket.SHUT_RDWR)
        thread.join(10)


# Zero itself


def zeros_words(database: Upstream, *publications: str) -> str:
    """What Zero 1.9.0's own code says when it sets up the shard chat_0: `ready`, or why it does not."""
    project = installed("@rocicorp/zero", "1.9.0")
    command = [nodejs.node(), str(HERE / "shard.mjs"), str(project), database.url, "chat", *publications]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_shard_that_zero_set_up_is_recognised_and_stays_as_it_is(make: Make) -> None:
    database = make(INCIDENT)
    assert zeros_words(database, "zero_chat") == "ready"
    database.run(track("chat_0.clients", "chat_0.mutations"))
    report = diagnosed(database.url)
    assert only(report, "WF302").evidence[-1] == "publications: what zero-cache has set up in chat_0"
    dropped(database, "zero_chat", "_chat_metadata_0")
    assert ids(diagnosed(database.url)) == ids(diagnosed(database.url, "zero_chat")) == []
    assert "chat|permissions|on_set_permissions" in database.triggers()
    assert "chat_0|clients|_zero_change_trigger" in database.triggers()
    assert zeros_words(database, "zero_chat") == "ready"


def test_zeros_own_publication_has_all_tables_of_public(make: Make) -> None:
    database = make(INCIDENT)
    assert zeros_words(database) == "ready"
    assert ids(diagnosed(database.url)) == []


@pytest.mark.parametrize(
    ("sql", "publications", "id_", "words"),
    [
        ("", ["zero_chta"], "WF303", "Unknown or invalid publications"),
        ("ALTER PUBLICATION zero_chat RENAME TO _mine", ["_mine"], "WF318", 'names starting with "_" are reserved'),
        ('ALTER PUBLICATION zero_chat RENAME TO "a-b"', ["a-b"], "WF318", "Invalid publication name"),
        ("ALTER PUBLICATION zero_chat SET (publish = 'insert')", ["zero_chat"], "WF307", "must publish insert, update"),
        ("CREATE PUBLICATION other FOR TABLE message (id)", ["zero_chat", "other"], "WF308", "different columns"),
        ('ALTER TABLE message RENAME TO "a b"', ["zero_chat"], "WF306", "invalid characters"),
        ('ALTER TABLE message ADD "a b" int', ["zero_chat"], "WF306", "invalid characters"),
        ("ALTER TABLE message ADD _0_version int", ["zero_chat"], "WF306", "reserved column name"),
        ("ALTER TABLE message REPLICA IDENTITY NOTHING", ["zero_chat"], "WF306", "REPLICA IDENTITY NOTHING"),
    ],
)
def test_zero_refuses_what_is_said_to_be_refused(
    make: Make, sql: str, publications: list[str], id_: str, words: str
) -> None:
    database = make(f"{CHAT} {sql}")
    only(diagnosed(database.url, *publications), id_)
    assert words in zeros_words(database, *publications)


def test_every_finding_about_the_database_is_made_here() -> None:
    from wasmfix.diagnostics import Options
    from wasmfix.diagnostics.checks.database import sections

    (section,) = sections(Options(database_url="postgres://localhost/chat"))
    made = {id_ for check in section.checks for id_ in check.ids}
    assert {id_ for id_ in REGISTRY if id_.startswith("WF3")} == made | {"WF301"}


# PGlite


@pytest.fixture(scope="module")
def pglite() -> Iterator[str]:
    """The URL of a PGlite behind a socket: one connection at a time, and no logical replication."""
    folder = installed_project(
        "pglite-0.5.14", {"@electric-sql/pglite": "0.5.14", "@electric-sql/pglite-socket": "0.2.17"}
    )
    port = postgres.free_ports(1)
    command = [nodejs.node(), str(HERE / "pglite.mjs"), str(folder), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield f"postgres://postgres:hunter2@127.0.0.1:{port}/postgres"
        process.stdin.close()


def test_the_incident_on_a_pglite_behind_a_socket(pglite: str, tmp_path: Path) -> None:
    with connected(pglite, write=True) as database:
        database.run("SET LOCAL search_path = public")
        database.run(INCIDENT)
    assert ids(diagnosed(pglite, "zero_chat")) == ["WF302"]
    with connected(pglite):
        busy = only(diagnosed(pglite, "zero_chat"), "WF301")
        assert busy.remedy is not None
        assert "one connection at a time" in busy.remedy.text
    (tmp_path / "app").mkdir()
    shell = Shell(tmp_path / "app", tmp_path / "home", WASMFIX_DATABASE_URL=pglite)
    done = shell.run("wasmfix triggers --drop --yes --publication zero_chat")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("dropped 4 triggers\n")
    assert ids(diagnosed(pglite, "zero_chat")) == []
