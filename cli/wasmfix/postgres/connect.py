"""A connection to PostgreSQL that reads one snapshot, never waits long, and whose errors are one line without secrets.

psycopg is imported late: most commands have no use for it, and where it has no wheel they shall run all the same.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wasmfix.diagnostics.redact import Redactor
from wasmfix.errors import WasmfixError

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT = 10
"""Seconds to connect and log in, of each host that the URL names."""
STATEMENT_TIMEOUT = 30
"""Seconds that one of our queries may take."""
SILENCE = STATEMENT_TIMEOUT + 10
"""Seconds after which a server that does not even say that a query took too long is given up."""
_ATTEMPTS, _PAUSE = 5, 0.3

_FOREIGN = ("pgbouncer", "connection_limit", "pool_timeout", "schema", "statement_cache_size", "sslaccept", "ssl")
"""Prisma's, a pooler's, a JavaScript library's: postgres.js, which Zero uses, takes any parameter."""

_REASONS = {
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    "28P01": ("the password is wrong", "correct it in the URL, or in PGPASSWORD"),
    "28000": ("the server does not let this user in", "look into its pg_hba.conf, or give another user"),
    "3D000": ("there is no such database", "correct the name at the end of the URL"),
    "53300": ("the server has no connection left", "raise max_connections, or stop a client"),
    "57P03": ("the server is starting or stopping", "try again in a moment"),
    "42501": ("this user lacks a right", "give another user, such as the one that Zero has, or the tables' owner"),
    "55P03": ("a table is in use", "try again when less is going on"),
    "57014": ("a query took too long", "try again when less is going on"),
    "40P01": ("there was a deadlock with another client", "try again"),
}


@dataclass(frozen=True)
class Database:
    """An open connection, in a transaction."""

    connection: psycopg.Connection[Any]
    shown: str
    """Whose it is, for people: host, port and database, never a password."""
    redactor: Redactor

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a query, by the names of their columns.

        Raises:
            WasmfixError: in one line.
        """
        from psycopg.rows import dict_row

        with self.errors(), _given_up(self.connection), self.connection.cursor(row_factory=dict_row) as cursor:
            # Without parameters % is a sign as any other.
            cursor.execute(query.encode(), parameters or None)
            return cursor.fetchall()

    def run(self, statement: str) -> None:
        """Run a statement without a result.

        Raises:
            WasmfixError: in one line.
        """
        with self.errors(), _given_up(self.connection), self.connection.cursor() as cursor:
            cursor.execute(statement.encode())

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails in it does not end the transaction for those that come after."""
        self.run("SAVEPOINT wasmfix")
        try:
            yield
        except WasmfixError:
            if not self.connection.closed:
                self.run("ROLLBACK TO SAVEPOINT wasmfix")
            raise
        self.run("RELEASE SAVEPOINT wasmfix")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """psycopg's errors become ours."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise _readable(error, self.shown, self.redactor) from None
        except UnicodeDecodeError:
            what = "has a name that is not valid UTF-8"
            raise WasmfixError(what, where=self.shown, remedy="give it a name in the database's encoding") from None


@contextmanager
def connected(url: str, *, write: bool = False) -> Iterator[Database]:
    """A connection in one transaction: a read-only snapshot, or (`write`) READ COMMITTED, committed at the end.

    Names in our queries mean what they mean to PostgreSQL, whatever the database's search path is.

    Args:
        url: a URL or a `key=value` connection string, as libpq takes them; may have a password.

    Raises:
        WasmfixError: one line, in which there is no password.
    """
    psycopg = _psycopg()
    redactor = Redactor([url])
    parameters = _parameters(url)
    shown = _shown(parameters)
    try:
        connection = _connect(psycopg.connect, parameters)
    except psycopg.Error as error:
        raise _readable(error, shown, redactor) from None
    # What the server says besides is for nobody.
    connection.add_notice_handler(lambda _notice: None)
    # None: a pooler between us and the server may give each statement to another session.
    connection.prepare_threshold = None
    info = connection.info
    database = Database(connection, _place(info.host, str(info.port), info.dbname), redactor)
    try:
        mode = "READ COMMITTED, READ WRITE" if write else "REPEATABLE READ, READ ONLY"
        database.run(f"BEGIN ISOLATION LEVEL {mode}")
        database.run(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}s'")
        database.run("SET LOCAL lock_timeout = '3s'")
        database.run("SET LOCAL search_path = pg_catalog")
        yield database
        if write:
            database.run("COMMIT")
    finally:
        # Said in words: behind a socket of PGlite's, a transaction outlives its connection.
        with suppress(psycopg.Error):
            connection.rollback()
        connection.close()


def _connect(connect: Callable[..., psycopg.Connection[Any]], parameters: dict[str, Any]) -> psycopg.Connection[Any]:
    """A socket of PGlite's serves one connection, and for a moment after its end sends the next one away."""
    import psycopg

    for attempt in range(_ATTEMPTS):
        try:
            return connect(**parameters, autocommit=True)
        except psycopg.OperationalError as error:
            if attempt == _ATTEMPTS - 1 or "closed the connection unexpectedly" not in str(error):
                raise
            time.sleep(_PAUSE)
    raise AssertionError("unreachable")


def has_password(url: str) -> bool:
    """Whether the URL may be shown to nobody."""
    return any("pass" in name for name in _parameters(url))


def place_of(url: str) -> str:
    """`host:port/database`, or whatever else may be shown of a URL; never raises."""
    try:
        return _shown(_parameters(url))
    except (WasmfixError, ImportError):
        return "a URL that is not shown"


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        remedy = "pip install 'psycopg[binary]'; where that has no wheel, install libpq and pip install psycopg"
        raise WasmfixError(f"psycopg cannot be loaded ({_one_line(str(error))})", remedy=remedy) from error
    return psycopg


def _parameters(url: str) -> dict[str, Any]:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        # Line breaks would come back in messages.
        parameters: dict[str, Any] = dict(conninfo_to_dict(url.strip())) if url.strip().isprintable() else {}
    except ProgrammingError:
        # Its message repeats pieces of the URL, a password perhaps.
        parameters = {}
    if not parameters and (foreign := _foreign_parameters(url.strip())):
        raise WasmfixError(
            f"has parameters that PostgreSQL does not understand: {', '.join(foreign)}",
            where="the database's URL",
            remedy="take them out, they are for another program",
        )
    ports = str(parameters.get("port", "")).replace(",", "")
    if not parameters or _is_cut_wrong(url.strip()) or (ports and not ports.isdecimal()):
        remedy = (
            "it looks like postgres://user:password@host:5432/database; signs such as @ / # ? % in a password are "
            "written as %40 %2F %23 %3F %25"
        )
        raise WasmfixError("is not a URL that PostgreSQL understands", where="the database's URL", remedy=remedy)
    parameters.setdefault("connect_timeout", CONNECT_TIMEOUT)
    parameters.setdefault("application_name", "wasmfix")
    parameters["client_encoding"] = "utf8"
    return parameters


def _foreign_parameters(url: str) -> list[str]:
    """What stands in the way of a URL that was made for another program, such as `?pgbouncer=true`.

    Only names that are known to be nobody's password, and none if there is anything else that libpq does not know.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    server, _, query = url.partition("?")
    parts = query.split("&")
    names = [name for part in parts if (name := part.partition("=")[0]) in _FOREIGN]
    kept = "&".join(part for part in parts if part.partition("=")[0] not in _FOREIGN)
    try:
        return names if url.isprintable() and conninfo_to_dict(f"{server}?{kept}" if kept else server) else []
    except ProgrammingError:
        return []


def _is_cut_wrong(url: str) -> bool:
    """Whether a password that is not written as it should be makes libpq see the host, or the database, in it."""
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalpha():
        return False
    server, _, name = rest.partition("?")[0].partition("/")
    return server.count("@") > 1 or "@" in name


def _shown(parameters: dict[str, Any]) -> str:
    """For an error before there is a connection."""
    if "service" in parameters:
        return f"the service {parameters['service']}"
    host = parameters.get("host") or parameters.get("hostaddr") or os.environ.get("PGHOST") or "localhost"
    port = parameters.get("port") or os.environ.get("PGPORT") or "5432"
    user = parameters.get("user") or os.environ.get("PGUSER") or ""
    return _place(str(host), str(port), str(parameters.get("dbname") or os.environ.get("PGDATABASE") or user))


def _place(host: str, port: str, name: str) -> str:
    return f"[{host}]:{port}/{name}" if ":" in host else f"{host}:{port}/{name}"


def _readable(error: psycopg.Error, shown: str, redactor: Redactor) -> WasmfixError:
    """One line: what the server or libpq said, behind our reading of it."""
    import psycopg

    said = redactor.text(_one_line(error.diag.message_primary or str(error)))
    what, remedy = _REASONS.get(error.sqlstate or "", (None, None))
    if what is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        what, remedy = _by_words(said)
    if what is None:
        return WasmfixError(said, where=shown)
    return WasmfixError(f"{what} ({said})", where=shown, remedy=remedy)


def _by_words(said: str) -> tuple[str | None, str | None]:
    """Before a session there are no error codes in libpq, but a few words that stay the same."""
    words = said.lower()
    if "password authentication failed" in words:
        return _REASONS["28P01"]
    if "no password supplied" in words:
        return "the server wants a password", "put it into the URL, or into PGPASSWORD"
    if "pg_hba.conf" in words:
        return _REASONS["28000"]
    if "does not exist" in words and "database" in words:
        return _REASONS["3D000"]
    if "does not exist" in words and "role" in words:
        return "there is no such user", "correct the name in front of the @ in the URL"
    if "not permitted to log in" in words:
        return "this role may not log in", "give another user, or let it: ALTER ROLE … LOGIN"
    if "starting up" in words or "shutting down" in words:
        return _REASONS["57P03"]
    if "too many clients" in words or "too many connections" in words:
        return _REASONS["53300"]
    if "timeout" in words or "timed out" in words:
        return "the server does not answer", "look whether the address is right and a firewall is in the way"
    if "resolve" in words or "translate host name" in words or "name or service not known" in words:
        return "the host is not known", "correct its name in the URL"
    if "ssl" in words:
        return "no encrypted connection could be made", "look at sslmode in the URL"
    if "refused" in words or "no such file" in words or "unreachable" in words:
        return "nothing listens there", "start the server, or correct host and port in the URL"
    if "closed" in words or "lost" in words or "terminat" in words or "reset" in words:
        remedy = "try again; a PGlite behind a socket serves one connection at a time"
        return "the server closed the connection", remedy
    return None, None


@contextmanager
def _given_up(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Close the socket under a query that is not answered at all: the server was stopped, the network has gone."""

    def close() -> None:
        try:
            with socket.socket(fileno=os.dup(connection.fileno())) as ours:
                ours.shutdown(socket.SHUT_RDWR)
        except Exception:  # closed in the meantime
            return

    timer = threading.Timer(SILENCE, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _one_line(text: str) -> str:
    return " ".join(text.split())
