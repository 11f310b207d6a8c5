"""The command line: a group that loads the file of a command only when that command is wanted."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeGuard

import click

from wasmfix import __version__
from wasmfix.errors import INTERRUPTED, STOPPED, WasmfixError, os_reason
from wasmfix.jsonout import emit_error

COMMANDS = Path(__file__).parent / "commands"
_ORDER = ("diagnose", "patch", "verify", "status", "restore", "triggers", "ci", "build")
"""In the help: as they are needed. Any other comes after these."""


class LazyGroup(click.Group):
    """`commands/NAME.py` is the command NAME: its module has a click command called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = sorted(file.stem for file in COMMANDS.glob("*.py") if not file.stem.startswith("_"))
        return sorted(names, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"wasmfix.commands.{cmd_name}").command
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(_debug_option())
        return command


def _debug_option() -> click.Option:
    # main() looks for it itself: an error may come before or after click has read the options.
    return click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.")


group = LazyGroup(
    name="wasmfix",
    params=[_debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Run @rocicorp/zero-sqlite3 and better-sqlite3 on SQLite in WebAssembly: no compiler, no native binary.",
)
click.version_option(__version__, "-V", "--version", prog_name="wasmfix")(group)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; every way to fail becomes one line on stderr and an exit code.

    With --json it is an object with `error` on stdout, too.
    """
    debug = "--debug" in arguments
    complain = partial(_complain, arguments=arguments)
    if sys.stdout is None:  # `>&-`
        complain("standard output: is closed; send it to a file or to /dev/null")
        return STOPPED
    try:
        result = group.main(list(arguments), prog_name="wasmfix", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return STOPPED
    except click.ClickException as error:
        complain(error.format_message() + _usage_hint(error))
        return STOPPED
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return INTERRUPTED
    except WasmfixError as error:
        _trace(error, debug, arguments)
        complain(str(error))
        return STOPPED
    except BrokenPipeError:
        # The reader of our output (`head`) has gone; flushing at exit must not fail a second time.
        _drop_output()
        return STOPPED
    except Exception as error:
        if _is_of_stdout(error):
            _drop_output()
            complain(f"standard output: cannot be written ({os_reason(error)})")
            return STOPPED
        _trace(error, debug, arguments)
        if not _has_folder():
            complain("the current folder: is gone, or may not be entered; go to the project's folder again")
            return STOPPED
        hint = "report the traceback" if debug else "run again with --debug and report the traceback"
        complain(f"unexpected {type(error).__name__}: {error}; {hint}")
        return STOPPED
    return result if isinstance(result, int) else 0


def _is_of_stdout(error: Exception) -> TypeGuard[OSError]:
    """Whether what we printed does not arrive (a full disk): such an error names no file."""
    return (
        isinstance(error, OSError) and error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF)
    )


def _has_folder() -> bool:
    """Whether we stand in a folder: a shell may stand in one that was deleted, or made anew."""
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _drop_output() -> None:
    """What is still in the buffer goes nowhere: Python would try again at exit, and fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _trace(error: BaseException, debug: bool, arguments: Sequence[str]) -> None:
    if debug:
        click.echo(_without_secrets("".join(traceback.format_exception(error)), arguments), err=True, nl=False)


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f" (see: {context.command_path} -h)" if context is not None else ""


def _complain(line: str, *, arguments: Sequence[str]) -> None:
    line = " ".join(_without_secrets(line, arguments).split("\n"))
    # The stream may be closed, and this is the last word.
    with suppress(OSError):
        if "--json" in arguments and sys.stdout is not None:
            emit_error(line)
            sys.stdout.flush()
    with suppress(OSError):
        click.echo(f"wasmfix: {line}", err=True)


def _without_secrets(text: str, arguments: Sequence[str]) -> str:
    """Messages repeat what was given, and a URL with a password may stand where none belongs."""
    # Imported late: nothing may have gone wrong.
    from wasmfix.diagnostics.redact import Redactor

    given = [*arguments, *(argument.partition("=")[2] for argument in arguments if argument.startswith("--"))]
    return Redactor([*given, os.environ.get("WASMFIX_DATABASE_URL", "")]).text(text)
