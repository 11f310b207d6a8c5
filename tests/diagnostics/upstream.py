"""Databases as an application with Zero has them: a chat, orez's change tracking, a zero-cache's shard."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import psycopg

from wasmfix.diagnostics import Options, Report, run
from wasmfix.diagnostics.checks.database import sections
from wasmfix.project.settings import Setting
from zero_cache.postgres import Postgres

_numbers = itertools.count(1)

CHAT = """
CREATE TABLE message (id int PRIMARY KEY, body text);
CREATE TABLE channel (id int PRIMARY KEY, name text);
CREATE TABLE session (id int PRIMARY KEY, token text);
CREATE TABLE account (id int PRIMARY KEY, email text);
CREATE PUBLICATION zero_chat FOR TABLE message, channel;
"""

# In the shape of orez's functions, written for these tests.
TRACKING = """
CREATE TABLE _zero_changes (watermark bigserial PRIMARY KEY, table_name text, op text, row_data jsonb);
CREATE FUNCTION _zero_track_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public._zero_changes (table_name, op, row_data)
  VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, TG_OP, to_jsonb(coalesce(NEW, OLD)));
  RETURN coalesce(NEW, OLD);
END $$;
CREATE FUNCTION _zero_notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('_zero_changes', TG_TABLE_NAME);
  RETURN NULL;
END $$;
"""

# What Zero 1.9.0 makes, as far as anybody reads it here.
SHARD = """
CREATE SCHEMA {app};
CREATE TABLE {app}.permissions (permissions jsonb, hash text, lock bool PRIMARY KEY DEFAULT true);
CREATE SCHEMA {app}_0;
CREATE TABLE {app}_0.clients ("clientGroupID" text, "clientID" text, PRIMARY KEY ("clientGroupID", "clientID"));
CREATE TABLE {app}_0.mutations ("clientGroupID" text, "mutationID" int8, PRIMARY KEY ("clientGroupID", "mutationID"));
CREATE TABLE {app}_0.replicas (id text PRIMARY KEY, slot text);
CREATE PUBLICATION _{app}_metadata_0 FOR TABLE {app}.permissions, {app}_0.clients, {app}_0.mutations;
CREATE TABLE {app}_0."shardConfig" (publications text[] NOT NULL, "ddlDetection" bool NOT NULL);
INSERT INTO {app}_0."shardConfig" VALUES (ARRAY['_{app}_metadata_0', '{publication}'], true);
"""


def track(*tables: str) -> str:
    """Statements that put both triggers on tables, given as in SQL."""
    return "".join(
        f"""
CREATE TRIGGER _zero_change_trigger AFTER INSERT OR UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION public._zero_track_change();
CREATE TRIGGER _zero_notify_trigger AFTER INSERT OR UPDATE OR DELETE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION public._zero_notify_change();"""
        for table in tables
    )


INCIDENT = CHAT + TRACKING + track("message", "channel", "session", "account")
"""Change tracking on all tables of `public`, and the publication has two of the four."""


_EMPTY = """
SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication
UNION ALL SELECT format('DROP EVENT TRIGGER %I', evtname) FROM pg_event_trigger
UNION ALL SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL SELECT 'CREATE SCHEMA public'
UNION ALL SELECT 'GRANT USAGE ON SCHEMA public TO PUBLIC'
"""


class Upstream:
    """A database on a server, empty but for what `sql` makes.

    Making one takes half a second, so it is the same one each time, emptied; `own` is for those that change what is not
    in a schema, or need two at once.
    """

    def __init__(self, server: Postgres, sql: str = "", *, own: bool = False) -> None:
        self.server = server
        self.name = f"chat_{next(_numbers)}" if own else "chat"
        exists = server.run("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{self.name}'")
        if not exists:
            server.run("postgres", f"CREATE DATABASE {self.name}")
        if exists:
            with psycopg.connect(self.url, autocommit=True, client_encoding="utf8") as connection:
                for (statement,) in connection.execute(_EMPTY).fetchall():
                    connection.execute(statement)
        if sql:
            self.run(sql)

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def run(self, sql: str) -> list[str]:
        return self.server.run(self.name, sql)

    def triggers(self) -> list[str]:
        """`schema|table|trigger` of every trigger that is not internal."""
        return self.run(
            "SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal ORDER BY 1, 2, 3"
        )


def diagnosed(url: str, *publications: str, settings: Mapping[str, str] | None = None, **options: object) -> Report:
    """The report on a database alone, without the command line."""
    configured = tuple(Setting(name, value) for name, value in (settings or {}).items())
    asked = Options(database_url=url, publications=publications, settings=configured, **options)  # type: ignore[arg-type]
    return run(sections(asked), lambda *_: None, secrets=[url])


def ids(report: Report) -> list[str]:
    return [each.id for each in report.findings]
