"""`wasmfix triggers` as a user runs it, on a real PostgreSQL."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from conftest import own_environment
from diagnostics.upstream import CHAT, INCIDENT, SHARD, TRACKING, Upstream, track
from terminal import Terminal
from trees import write_package
from zero_cache.postgres import Postgres

STALE = [
    "public|account|_zero_change_trigger",
    "public|account|_zero_notify_trigger",
    "public|session|_zero_change_trigger",
    "public|session|_zero_notify_trigger",
]


@pytest.fixture
def incident(postgres_server: Postgres) -> Upstream:
    return Upstream(postgres_server, INCIDENT)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder that is no project."""
    monkeypatch.chdir(tmp_path)
    for name in ("ZERO_APP_PUBLICATIONS", "WASMFIX_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def stale(database: Upstream) -> list[str]:
    return [line for line in database.triggers() if line in STALE]


def asked(database: Upstream, folder: Path, *options: str, **variables: str) -> Terminal:
    command = [
        sys.executable,
        "-m",
        "wasmfix",
        "triggers",
        "--database-url",
        database.url,
        "--publication",
        "zero_chat",
    ]
    return Terminal([*command, *options], cwd=folder, env={**own_environment(), **variables})


@pytest.mark.usefixtures("outside")
def test_it_shows_the_stale_triggers_and_changes_nothing(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    before = incident.triggers()
    ran = wasmfix("triggers", "--database-url", incident.url, "--publication", "zero_chat")
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert lines[1].split() == ["schema", "table", "trigger", "function"]
    assert [line.split() for line in lines[2:6]] == [
        ["public", table, f"_zero_{what}_trigger", f"public._zero_{function}"]
        for table in ("account", "session")
        for what, function in (("change", "track_change"), ("notify", "notify_change"))
    ]
    assert lines[6:] == ["4 triggers on tables that are not published", "`wasmfix triggers --drop` drops them"]
    assert incident.triggers() == before


@pytest.mark.usefixtures("outside")
def test_with_yes_exactly_these_are_dropped(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    before = incident.triggers()
    variables = {"WASMFIX_DATABASE_URL": incident.url}
    ran = wasmfix("triggers", "--publication", "zero_chat", "--drop", "--yes", variables=variables)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-5:] == [
        *(f'DROP TRIGGER "{name}" ON "{schema}"."{table}";' for schema, table, name in (x.split("|") for x in STALE)),
        "dropped 4 triggers",
    ]
    assert incident.triggers() == [line for line in before if line not in STALE]
    again = wasmfix("triggers", "--publication", "zero_chat", "--drop", "--yes", variables=variables)
    assert again.code == 0
    assert again.out.splitlines()[1:] == ["no change-tracking triggers on tables that are not published"]
    # What is left still works.
    incident.run("INSERT INTO message VALUES (1, 'hello'); INSERT INTO session VALUES (1, 'x')")
    assert incident.run("SELECT table_name, op FROM _zero_changes") == ["public.message|INSERT"]


@pytest.mark.usefixtures("outside")
def test_json_has_the_statements_and_what_was_left(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    incident.run(
        "CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TABLE other (id int);"
        "CREATE TRIGGER _zero_change_trigger AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION own()"
    )
    secret = incident.url.replace("zero@", "zero:hunter2@")
    ran = wasmfix("triggers", "--database-url", secret, "--publication", "zero_chat", "--json")
    assert ran.code == 1
    content = ran.json
    assert content["schema_version"] == 1
    assert (content["publications"], content["publications_from"]) == (["zero_chat"], "--publication")
    assert content["dropped"] is False
    assert content["triggers"][0] == {
        "schema": "public",
        "table": "account",
        "trigger": "_zero_change_trigger",
        "function": "public._zero_track_change",
        "enabled": True,
        "published_by": [],
        "statement": 'DROP TRIGGER "_zero_change_trigger" ON "public"."account";',
    }
    assert len(content["published"]) == 4
    assert [each["reason"] for each in content["left_alone"]] == ["it does not run _zero_track_change"]
    assert "hunter2" not in ran.out
    done = wasmfix("triggers", "--database-url", secret, "--publication", "zero_chat", "--json", "--drop", "--yes")
    assert (done.code, done.json["dropped"], len(done.json["triggers"])) == (0, True, 4)
    assert stale(incident) == []


def test_a_narrow_terminal_cuts_nothing_off(incident: Upstream, outside: Path) -> None:
    incident.run("CREATE TABLE verification_of_members (id int PRIMARY KEY);" + track("verification_of_members"))
    incident.run("CREATE PUBLICATION of_another_app FOR TABLE verification_of_members")
    with asked(incident, outside, COLUMNS="80", NO_COLOR="1", TERM="dumb") as terminal:
        assert terminal.end() == 1
    lines = terminal.output.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("schema"))
    starts = [lines[at].index(name) for name in ("schema", "table", "trigger", "function")]
    cells = [
        "".join(line[start:end].strip() for line in lines[at + 1 :]) for start, end in itertools.pairwise(starts[1:])
    ]
    assert "verification_of_members" in cells[0]
    assert cells[1].count("_zero_notify_trigger") == 3
    assert "also in" in terminal.output


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("y\n", 0, []), ("n\n", 1, STALE), ("\n", 1, STALE), ("\x03", 130, STALE)]
)
def test_on_a_terminal_it_asks(incident: Upstream, outside: Path, answer: str, code: int, left: list[str]) -> None:
    with asked(incident, outside, "--drop") as terminal:
        terminal.expect("[y/N]")
        assert stale(incident) == STALE
        terminal.type(answer)
        assert terminal.end() == code
    assert stale(incident) == left


def test_what_changes_while_it_asks_is_noticed(incident: Upstream, outside: Path) -> None:
    with asked(incident, outside, "--drop") as terminal:
        terminal.expect("[y/N]")
        incident.run("ALTER PUBLICATION zero_chat ADD TABLE session")
        terminal.type("y\n")
        assert terminal.end() == 2
    assert "changed since they were shown; nothing was dropped; run the command again" in " ".join(
        terminal.output.split()
    )
    assert stale(incident) == STALE


@pytest.mark.usefixtures("outside")
def test_without_a_terminal_it_drops_nothing_unless_told(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix("triggers", "--database-url", incident.url, "--publication", "zero_chat", "--drop")
    assert ran.code == 2
    assert ran.one_line() == "wasmfix: --drop: there is no terminal to ask on; add --yes, and nothing is asked"
    assert stale(incident) == STALE


@pytest.mark.usefixtures("outside")
def test_a_table_in_use_holds_nobody_up_for_long(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    with psycopg.connect(incident.url) as other:
        other.execute("INSERT INTO session VALUES (1, 'x')")
        blocked: list[float] = []
        # account is locked first, and must be free again soon.
        clock = Clock()
        reader = threading.Thread(target=_reads, args=(incident.url, blocked, clock))
        with clock:
            begin = clock.now()
            reader.start()
            ran = wasmfix("triggers", "--database-url", incident.url, "--publication", "zero_chat", "--drop", "--yes")
            seconds = clock.now() - begin
            reader.join()
    assert ran.code == 2
    assert "a table is in use (canceling statement due to lock timeout); try again" in ran.one_line()
    assert seconds < 20
    assert max(blocked) < 11
    assert stale(incident) == STALE


class Clock:
    """Seconds in which this process got to run: the clock stands still while the machine does."""

    def __init__(self) -> None:
        self._ticks = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick)

    def now(self) -> float:
        return self._ticks * 0.02

    def _tick(self) -> None:
        while not self._ended.wait(0.02):
            self._ticks += 1

    def __enter__(self) -> Clock:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()


def _reads(url: str, blocked: list[float], clock: Clock) -> None:
    end = time.monotonic() + 6
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < end:
            begin = clock.now()
            connection.execute("SELECT count(*) FROM account")
            blocked.append(clock.now() - begin)
            time.sleep(0.02)


@pytest.mark.usefixtures("outside")
def test_all_or_nothing(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    """A user who owns one of the two tables."""
    name = f"owner_in_{incident.name}"
    incident.run(
        f"CREATE ROLE {name} LOGIN; ALTER TABLE account OWNER TO {name}; GRANT CREATE ON SCHEMA public TO {name}"
    )
    url = incident.url.replace("zero@", f"{name}@")
    ran = wasmfix("triggers", "--database-url", url, "--publication", "zero_chat", "--drop", "--yes")
    assert ran.code == 2
    assert "permission denied for table session" in ran.one_line()
    incident.run(f"GRANT ALL ON session TO {name}")
    ran = wasmfix("triggers", "--database-url", url, "--publication", "zero_chat", "--drop", "--yes")
    assert ran.code == 2
    assert "must be owner of" in ran.one_line()
    assert stale(incident) == STALE


@pytest.mark.usefixtures("outside")
def test_publications_must_be_known_exist_and_have_tables(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    unknown = wasmfix("triggers", "--database-url", incident.url, "--drop", "--yes")
    assert unknown.code == 2
    assert "it is not known which publications Zero uses; name them with --publication" in unknown.one_line()
    slip = wasmfix("triggers", "--database-url", incident.url, "--publication", "zero_chta", "--drop", "--yes")
    assert slip.code == 2
    assert slip.one_line().endswith(
        "there is no publication zero_chta, as --publication says; correct the name; there are: zero_chat"
    )
    incident.run("CREATE PUBLICATION nothing")
    empty = wasmfix("triggers", "--database-url", incident.url, "--publication", "nothing", "--drop", "--yes")
    assert empty.code == 2
    assert "nothing has no tables, so all change tracking would be dropped" in empty.one_line()
    assert len(incident.triggers()) == 8


def test_publications_come_from_the_projects_settings(
    wasmfix,
    incident: Upstream,
    outside: Path,  # type: ignore[no-untyped-def]
) -> None:
    write_package(outside / "app", "app", "1.0.0")
    (outside / "app" / ".env").write_text("ZERO_APP_PUBLICATIONS=zero_chat\n")
    with Terminal(
        [sys.executable, "-m", "wasmfix", "triggers", "--database-url", incident.url],
        cwd=outside / "app",
        env=own_environment(COLUMNS="120"),
    ) as terminal:
        assert terminal.end() == 1
    assert "published by zero_chat (ZERO_APP_PUBLICATIONS in .env, line 1)" in terminal.output
    ran = wasmfix(
        "triggers",
        "--database-url",
        incident.url,
        variables={"ZERO_APP_PUBLICATIONS": "zero_chat", "ZERO_APP_ID": "chat"},
    )
    assert "published by zero_chat (ZERO_APP_PUBLICATIONS in the environment)" in ran.out


@pytest.mark.usefixtures("outside")
def test_zeros_own_shard_tells_the_publications(wasmfix, postgres_server: Postgres) -> None:  # type: ignore[no-untyped-def]
    shard = SHARD.format(app="chat", publication="zero_chat")
    database = Upstream(postgres_server, CHAT + TRACKING + shard + track("message", "chat_0.clients"))
    assert wasmfix("triggers", "--database-url", database.url).code == 0
    database.run(track("session"))
    assert wasmfix("triggers", "--database-url", database.url).code == 1


@pytest.mark.usefixtures("outside")
def test_names_cannot_steer_a_terminal(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    incident.run('CREATE TABLE "a\x1b[2J" (id int);' + track('"a\x1b[2J"'))
    ran = wasmfix("triggers", "--database-url", incident.url, "--publication", "zero_chat")
    assert "\x1b" not in ran.out
    assert "a\\u001b[2J" in ran.out
    done = wasmfix("triggers", "--database-url", incident.url, "--publication", "zero_chat", "--drop", "--yes")
    assert done.code == 0
    assert len(incident.triggers()) == 4


@pytest.mark.usefixtures("outside")
def test_wrong_use_is_one_line(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    nothing = wasmfix("triggers")
    assert nothing.code == 2
    assert nothing.one_line().startswith("wasmfix: no database is named; give --database-url")
    yes = wasmfix("triggers", "--database-url", incident.url, "--yes")
    assert yes.code == 2
    assert "--yes goes with --drop" in yes.one_line()
    gone = wasmfix("triggers", "--database-url", "postgres://u:hunter2@127.0.0.1:1/x", "--publication", "p", "--json")
    assert gone.code == 2
    assert "nothing listens there" in json.loads(gone.out)["error"]
    assert "hunter2" not in gone.out + gone.err
    assert gone.one_line().startswith("wasmfix: 127.0.0.1:1/x: nothing listens there")
    debug = wasmfix("triggers", "--database-url", "postgres://u:hunter2@127.0.0.1:1/x", "--publication", "p", "--debug")
    assert "Traceback" in debug.err
    assert "hunter2" not in debug.err


@pytest.mark.usefixtures("outside")
def test_without_psycopg_it_says_what_to_do(wasmfix, incident: Upstream, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """As where it has no wheel: `import psycopg` raises, and nothing else needs it."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "psycopg.py").write_text("raise ImportError('no pq wrapper available.')\n")
    path = f"{tmp_path / 'modules'}:{own_environment()['PYTHONPATH']}"
    ran = wasmfix("triggers", "--database-url", incident.url, "--publication", "p", variables={"PYTHONPATH": path})
    assert ran.code == 2
    assert ran.one_line() == (
        "wasmfix: psycopg cannot be loaded (no pq wrapper available.); pip install 'psycopg[binary]'; where that has "
        "no wheel, install libpq and pip install psycopg"
    )
    help_ = wasmfix("triggers", "-h", variables={"PYTHONPATH": path})
    assert help_.code == 0


@pytest.mark.usefixtures("outside")
def test_what_another_app_publishes_is_dropped_only_if_publications_are_named(wasmfix, incident: Upstream) -> None:  # type: ignore[no-untyped-def]
    other = SHARD.format(app="other", publication="other_pub") + "CREATE PUBLICATION other_pub FOR TABLE account;"
    incident.run(
        other + "DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN SUPERUSER;"
        "ALTER ROLE guest NOSUPERUSER; ALTER TABLE session OWNER TO guest; ALTER TABLE account OWNER TO guest"
    )
    guest = incident.url.replace("zero@", "guest@")
    assert guest != incident.url
    before, variables = incident.triggers(), {"ZERO_APP_PUBLICATIONS": "zero_chat"}
    ran = wasmfix("triggers", "--database-url", guest, "--drop", "--yes", variables=variables)
    assert ran.code == 2
    assert "1 of the tables with triggers to drop are published by other_pub; nothing was dropped" in ran.one_line()
    incident.run("ALTER PUBLICATION other_pub SET TABLE message")
    looked = wasmfix("triggers", "--database-url", guest, variables=variables)
    assert "this user may not read which publications Zero uses in other_0" in looked.out
    ran = wasmfix("triggers", "--database-url", guest, "--drop", "--yes", variables=variables)
    assert (ran.code, incident.triggers()) == (2, before)
    assert "this user may not read which publications Zero uses in other_0; nothing was dropped" in ran.one_line()
    named = wasmfix("triggers", "--database-url", guest, "--drop", "--yes", "--publication", "zero_chat")
    assert (named.code, stale(incident)) == (0, [])
