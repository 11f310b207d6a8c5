"""Runs the steps of a composite action as GitHub's runner does, as far as our action.yml goes.

What it knows of the syntax: `${{ }}` with names, strings, `!`, `&&`, `||`, `==`, `!=`, parentheses and `cancelled()`; a
step's `if`, `env`, `run` with `shell: bash`; `uses` is noted, with what it is given, and not run. Anything else is an
error, so that the action cannot come to use something that is not tested here.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*(&&|\|\||==|!=|[()!]|'(?:[^']|'')*'|[\w.-]+)")


@dataclass(frozen=True)
class Step:
    """A step that was not skipped."""

    name: str
    code: int
    """0 for a `uses`."""
    log: str
    outputs: Mapping[str, str]
    uses: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    """The `with` of a `uses`."""


@dataclass(frozen=True)
class Job:
    steps: list[Step]
    outputs: dict[str, str]
    summary: str

    @property
    def failed(self) -> bool:
        return any(step.code for step in self.steps)

    def step(self, name: str) -> Step:
        (found,) = (step for step in self.steps if step.name == name)
        return found

    @property
    def annotations(self) -> list[tuple[str, dict[str, str], str]]:
        """Kind, properties and message of each that the runner would show, unescaped."""
        shown = []
        for step in self.steps:
            stopped = ""
            for line in step.log.splitlines():
                found = re.fullmatch(r"::([\w-]+)(?: ([^:]*))?::(.*)", line)
                if stopped:
                    stopped = "" if line == f"::{stopped}::" else stopped
                elif found and found[1] == "stop-commands":
                    stopped = found[3]
                elif found and found[1] in ("error", "warning", "notice"):
                    pairs = (pair.partition("=") for pair in (found[2] or "").split(",") if pair)
                    shown.append((found[1], {key: _unescaped(value) for key, _, value in pairs}, _unescaped(found[3])))
        return shown


def _unescaped(text: str) -> str:
    for escaped, meant in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, meant)
    return text


@dataclass
class Runner:
    """The runner of one job: its workspace, its temporary folder, what its environment has besides GitHub's own."""

    action: Path
    """The folder of action.yml."""
    workspace: Path
    temp: Path
    environment: Mapping[str, str]
    use: Callable[[str, Mapping[str, str]], None] = lambda _uses, _given: None
    """Called with each `uses` and its `with`, in place of that action."""
    done: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Outputs of steps, by id, that an earlier run has made and that are not run again."""

    def run(self, **inputs: str) -> Job:
        """The action, with these inputs (`_` for `-`)."""
        content = yaml.safe_load((self.action / "action.yml").read_text(encoding="utf-8"))
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(named) <= set(content["inputs"])
        context: dict[str, Any] = {
            "inputs": {name: named.get(name, one["default"]) for name, one in content["inputs"].items()},
            "runner": {"os": "Linux", "arch": "X64", "temp": str(self.temp)},
            "steps": {name: {"outputs": outputs} for name, outputs in self.done.items()},
        }
        self.temp.mkdir(parents=True, exist_ok=True)
        steps: list[Step] = []
        summaries = []
        assert content["runs"]["using"] == "composite"
        for number, step in enumerate(content["runs"]["steps"]):
            assert set(step) <= {"name", "id", "if", "shell", "env", "run", "uses", "with"}, step
            failed = any(done.code for done in steps)
            if step.get("id") in self.done or not self._wanted(step.get("if"), context, failed):
                continue
            given = {key: evaluated(str(value), context) for key, value in step.get("with", {}).items()}
            if "uses" in step:
                self.use(step["uses"], given)
                steps.append(Step(step["name"], 0, "", {}, step["uses"], given))
                continue
            done, summary = self._shell(number, step, context)
            steps.append(done)
            summaries.append(summary)
            if "id" in step:
                context["steps"][step["id"]] = {"outputs": done.outputs}
        outputs = {name: evaluated(one["value"], context) for name, one in content.get("outputs", {}).items()}
        return Job(steps, outputs, "".join(summaries))

    def _wanted(self, condition: str | None, context: Mapping[str, Any], failed: bool) -> bool:
        if condition is None:
            return not failed
        # A condition without one of the status functions has `success() &&` before it.
        if failed and not re.search(r"\b(always|cancelled|failure|success)\(", condition):
            return False
        inner = _EXPRESSION.fullmatch(condition.strip())
        assert inner, condition
        return bool(_Parser(inner[1], context).value())

    def _shell(self, number: int, step: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[Step, str]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an input would become part of the shell's text"
        files = {
            name: self.temp / f"_{name.lower()}-{number}"
            for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.write_text("")
        script = self.temp / f"_step-{number}.sh"
        script.write_text(step["run"])
        environment = {
            **self.environment,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_TEMP": str(self.temp),
            **{name: str(file) for name, file in files.items()},
            **{name: evaluated(str(value), context) for name, value in step.get("env", {}).items()},
        }
        # As the runner calls `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        done = subprocess.run(
            command,
            cwd=self.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert files["GITHUB_ENV"].read_text() == "", "later steps of the user's job would inherit it"
        assert files["GITHUB_PATH"].read_text() == ""
        ran = Step(step["name"], done.returncode, done.stdout, _read_outputs(files["GITHUB_OUTPUT"]))
        return ran, files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")


def _read_outputs(file: Path) -> dict[str, str]:
    """`name=value` lines, and `name<<END`, lines, `END`; the later one counts."""
    outputs: dict[str, str] = {}
    lines = iter(file.read_text(encoding="utf-8").split("\n"))
    for line in lines:
        heredoc = re.fullmatch(r"([^=]+)<<(.+)", line)
        if heredoc:
            value = []
            for inner in lines:
                if inner == heredoc[2]:
                    break
                value.append(inner)
            outputs[heredoc[1]] = "\n".join(value)
        elif line:
            name, equals, text = line.partition("=")
            assert equals, f"the runner refuses this line of GITHUB_OUTPUT: {line!r}"
            outputs[name] = text
    return outputs


def evaluated(text: str, context: Mapping[str, Any]) -> str:
    """A text with its `${{ }}` replaced."""
    return _EXPRESSION.sub(lambda found: _text(_Parser(found[1], context).value()), text)


def _text(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


class _Parser:
    def __init__(self, text: str, context: Mapping[str, Any]) -> None:
        self._tokens = _TOKEN.findall(text)
        assert "".join(self._tokens) == re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text), text
        self._context = context

    def value(self) -> Any:
        value = self._or()
        assert not self._tokens, self._tokens
        return value

    def _or(self) -> Any:
        return self._chain(self._and, "||", lambda left, right: left or right)

    def _and(self) -> Any:
        return self._chain(self._equal, "&&", lambda left, right: left and right)

    def _equal(self) -> Any:
        left = self._one()
        while self._tokens[:1] in (["=="], ["!="]):
            equal = self._tokens.pop(0) == "=="
            right = self._one()
            # GitHub compares texts without regard to case.
            left = (str(left).lower() == str(right).lower()) is equal
        return left

    def _chain(self, part: Callable[[], Any], operator: str, joined: Callable[[Any, Any], Any]) -> Any:
        value = part()
        while self._tokens[:1] == [operator]:
            self._tokens.pop(0)
            value = joined(value, part())
        return value

    def _one(self) -> Any:
        token = self._tokens.pop(0)
        if token == "!":
            return not self._one()
        if token == "(":
            value = self._or()
            assert self._tokens.pop(0) == ")"
            return value
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._tokens[:2] == ["(", ")"]:
            del self._tokens[:2]
            return {"cancelled": False, "always": True}[token]
        value: Any = self._context
        names = token.split(".")
        assert names[0] in self._context, f"unknown context {names[0]}"
        for name in names:
            # What is not there is an empty text.
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        return value
