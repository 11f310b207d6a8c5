"""Node processes that do what a test says, and stop where it says (actor.cjs)."""

from __future__ import annotations

import json
import resource
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs

HERE = Path(__file__).resolve().parent


class SqliteError(Exception):
    """What an actor's statement ended with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Actor:
    """One process on one package. A context: the process ends with it."""

    def __init__(self, package: Path, *, without: Sequence[int | str] = ()) -> None:
        command = [nodejs.node(), str(HERE / "actor.cjs"), str(package)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        if without:
            self.ask("without", rules=list(without))

    def __enter__(self) -> Actor:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def begin(self, op: str, **arguments: Any) -> None:
        """Give an order without waiting for the answer."""
        self._send({"op": op, **arguments})

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the actor has ended: {self.process.wait(10)}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def paused(self) -> str:
        """Wait until a hook stops the actor; where it is."""
        answer = self._hear()
        assert "paused" in answer, answer
        return str(answer["paused"])

    def go(self) -> None:
        """Let a paused actor go on."""
        self._send({})

    def answer(self) -> Any:
        answer = self._hear()
        if "error" in answer:
            raise SqliteError(answer["error"], answer["message"])
        assert "value" in answer, answer
        return answer["value"]

    def answers_within(self, seconds: float) -> bool:
        """Whether there is something to hear."""
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def ask(self, op: str, **arguments: Any) -> Any:
        self.begin(op, **arguments)
        return self.answer()

    def open(self, file: Path, *, name: str = "db", **options: Any) -> Actor:
        self.ask("open", file=str(file), name=name, options=options)
        return self

    def exec(self, sql: str, *, name: str = "db") -> None:
        self.ask("exec", sql=sql, name=name)

    def value(self, sql: str, *, name: str = "db") -> Any:
        return self.ask("value", sql=sql, name=name)

    def pragma(self, sql: str, *, name: str = "db") -> Any:
        return self.ask("pragma", sql=sql, name=name)

    def close(self, *, name: str = "db") -> None:
        self.ask("close", name=name)

    def hook(self, kind: str, **how: Any) -> None:
        self.ask("hook", kind=kind, **how)

    def end(self) -> None:
        """Let it exit by itself."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)

    def limit_files(self, size: int) -> None:
        """From now on no file can be written beyond `size` bytes: the process's own full disk."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def limit_open_files(self, count: int) -> None:
        """From now on no file can be opened."""
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (count, count))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
