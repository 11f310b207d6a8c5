"""A running zero-cache and clients that talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

import nodejs
from zero_cache.postgres import free_ports

HERE = Path(__file__).parent
# Seconds, that only a hang takes.
START_TIMEOUT = 300.0
STOP_TIMEOUT = 120.0
# What Zero deletes with a replica: nothing else may lie beside it.
SUFFIXES = ("", "-wal", "-wal2", "-shm", "-journal")

TASK = "the-task"

Reply = dict[str, Any]


def program(project: Path, name: str) -> list[str]:
    """The command of a program that npm installed in a project."""
    return [nodejs.node(), str(project / "node_modules" / ".bin" / name)]


def environment(project: Path, settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ZERO_", "NODE_"))}
    inherited.pop("SINGLE_PROCESS", None)
    return {**inherited, "DO_NOT_TRACK": "1", "ZERO_PROJECT": str(project), **settings}


def deploy_permissions(project: Path, settings: Mapping[str, str]) -> None:
    command = [*program(project, "zero-deploy-permissions"), "--schema-path", str(HERE / "schema.mjs")]
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(project, settings),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=START_TIMEOUT,
    )
    assert "Deployed new permissions" in done.stdout + done.stderr, done.stdout + done.stderr


def peak_memory(process: psutil.Process) -> int:
    """The most memory that a process has had, in bytes; 0 where /proc does not tell, or if it is gone."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmHWM", "0 kB").split()[0]) * 1024


def addons(process: psutil.Process) -> set[str]:
    """The names of the files *.node with "sqlite" in their path that a process has loaded; none where /proc is not."""
    try:
        maps = Path(f"/proc/{process.pid}/maps").read_text()
    except OSError:
        return set()
    files = (line.split(maxsplit=5)[5] for line in maps.splitlines() if line.endswith(".node"))
    return {Path(file).name for file in files if "sqlite" in file}


class ZeroCache:
    """zero-cache as users run it: the command, and all its settings in the environment."""

    def __init__(self, project: Path, folder: Path, database: str, name: str, workers: int) -> None:
        self.project = project
        self.folder = folder
        self.replica = folder / "replica.db"
        self.port = free_ports(3)
        self.settings = {
            "ZERO_UPSTREAM_DB": database,
            # Names the replication slot, of which databases of one server share the names.
            "ZERO_APP_ID": name,
            "ZERO_REPLICA_FILE": str(self.replica),
            "ZERO_NUM_SYNC_WORKERS": str(workers),
            "ZERO_PORT": str(self.port),
            "ZERO_ADMIN_PASSWORD": "of the test",
            "ZERO_ENABLE_TELEMETRY": "false",
            "ZERO_LOG_LEVEL": os.environ.get("ZERO_CACHE_LOG", "info"),
            "ZERO_LOG_FORMAT": "json",
            "ZERO_STORAGE_DB_TMP_DIR": str(folder),
            "ZERO_TASK_ID": TASK,
        }
        self.starts = 0
        self.peak = 0
        # Addons with a native SQLite that a process of it has loaded.
        self.native_sqlite: set[str] = set()
        self.process: subprocess.Popen[bytes] | None = None
        self.members: list[psutil.Process] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"zero-cache-{self.starts}.log"

    def start(self) -> float:
        """Start it, and wait until it serves; seconds that it took."""
        self.starts += 1
        began = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                program(self.project, "zero-cache"),
                cwd=self.folder,
                env=environment(self.project, self.settings),
                stdout=log,
                stderr=log,
            )
        while not self._serves():
            exited = self.process.poll() is not None
            assert not exited and time.monotonic() < began + START_TIMEOUT, self.log.read_text()[-5000:]
            time.sleep(0.05)
        self.observe()
        return time.monotonic() - began

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/keepalive", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def observe(self) -> None:
        """Note the peak memory of the largest process so far."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            self.members = [parent, *parent.children(recursive=True)]
        self.peak = max(self.peak, *(peak_memory(member) for member in self.members))
        self.native_sqlite.update(*(addons(member) for member in self.members))

    def workers(self, program: str) -> list[psutil.Process]:
        """Its processes that run PROGRAM.js."""
        self.observe()
        name = f"{program}.js"
        return [
            one for one in self.members if one.is_running() and any(Path(word).name == name for word in one.cmdline())
        ]

    def syncers_used(self) -> int:
        """How many syncers have hydrated queries."""
        pids = set()
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("{") and "query-pipeline-hydrate-finish" in line:
                pids.add(json.loads(line)["pid"])
        return len(pids & {one.pid for one in self.workers("syncer")})

    def kill(self, program: str) -> int:
        """SIGKILL one of its workers. It ends as a whole then; whoever runs it in production starts it again.

        Returns the exit status, as `stop()` does.
        """
        self.workers(program)[0].kill()
        return self._wait()

    def kill_all(self) -> None:
        """SIGKILL all of it at once, as when a machine dies."""
        self.observe()
        for member in self.members:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self._wait()

    def stop(self) -> int:
        assert self.process is not None
        self.observe()
        self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def _wait(self) -> int:
        assert self.process is not None
        status = self.process.wait(STOP_TIMEOUT)
        _, alive = psutil.wait_procs(self.members, STOP_TIMEOUT)
        assert alive == []
        return status

    def end(self) -> None:
        """Whatever is left of it goes."""
        for member in self.members:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def beside_the_replica(self) -> list[str]:
        """The endings of the files that share the replica's name."""
        names = (path.name for path in self.folder.iterdir())
        return sorted(name.removeprefix("replica.db") for name in names if name.startswith("replica.db"))

    def delete_replica(self) -> None:
        for suffix in SUFFIXES:
            self.replica.with_name(self.replica.name + suffix).unlink(missing_ok=True)


class Clients:
    """A process with Zero clients (client.mjs): one, or one for each syncer."""

    def __init__(self, server: ZeroCache, syncers: int | None = None) -> None:
        command = [nodejs.node(), str(HERE / "client.mjs"), server.url, server.settings["ZERO_UPSTREAM_DB"]]
        if syncers is not None:
            command += [TASK, str(syncers)]
        self.process = subprocess.Popen(
            command,
            env=environment(server.project, {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, command: str, **arguments: Any) -> Reply:
        self.begin(command, **arguments)
        return self.reply()

    def begin(self, command: str, **arguments: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()

    def reply(self) -> Reply:
        assert self.process.stdout is not None
        reply: Reply = json.loads(self.process.stdout.readline())
        assert "error" not in reply, reply["error"]
        return reply

    def suspend(self) -> None:
        """Hold the clients still: zero-cache 1.9.0 forgets connections that arrive while it starts, on any driver."""
        psutil.Process(self.process.pid).suspend()

    def resume(self) -> None:
        psutil.Process(self.process.pid).resume()

    def close(self) -> None:
        self.ask("close")
        self.process.wait(STOP_TIMEOUT)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
