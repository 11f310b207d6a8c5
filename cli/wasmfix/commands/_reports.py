"""What the commands that make a report have in common: what it is about, and where it goes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from wasmfix.errors import WasmfixError, os_reason

if TYPE_CHECKING:
    from wasmfix.diagnostics.options import Options

_Command = TypeVar("_Command", bound=Callable[..., Any])

_BESIDE = ("-journal", "-wal", "-shm", "-wasmfix")
"""How the names of files that belong to a replica go on."""


class NamedFile(click.Path):
    """A path that has to be said: `--output "$REPORT"` with an unset variable names no file."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty and names nothing", param, ctx)
        return super().convert(value, param, ctx)


_SUBJECT_OPTIONS = (
    click.option("--replica", type=NamedFile(), metavar="FILE", help="The replica of a zero-cache."),
    click.option(
        "--database-url",
        metavar="URL",
        envvar="WASMFIX_DATABASE_URL",
        help="The PostgreSQL that Zero replicates from.  [default: WASMFIX_DATABASE_URL]",
    ),
    click.option(
        "--publication", "publications", multiple=True, metavar="NAME", help="A publication; may be given again."
    ),
    click.option("--heap-limit", metavar="SIZE", help="The heap that hydration may take, such as 8GB."),
    click.option("--queries", type=NamedFile(), metavar="FILE", help="Queries to project, as Zero ASTs."),
)


def subject_options(command: _Command) -> _Command:
    """The options that name a replica, a database, and what is asked of them."""
    for option in reversed(_SUBJECT_OPTIONS):
        command = option(command)
    return command


def database_source() -> str:
    """Where the database's URL was given: the option, or the variable that stands for it."""
    source = click.get_current_context().get_parameter_source("database_url")
    return "WASMFIX_DATABASE_URL" if source is ParameterSource.ENVIRONMENT else "--database-url"


def size_option(option: str, text: str | None) -> int | None:
    """The bytes of a heap limit that an option says."""
    if text is None:
        return None
    from wasmfix.diagnostics.sizes import parse_heap_limit

    try:
        return parse_heap_limit(text)
    except ValueError as error:
        raise WasmfixError(str(error), where=option) from error


def looked_at(options: Options) -> tuple[tuple[str, str], ...]:
    """The subjects of the report."""
    found = []
    if options.project is not None:
        found.append(("project", f"{options.project.root} ({options.project.manager})"))
    if options.replica is not None:
        found.append(("replica", f"{options.replica} ({options.replica_source})"))
    elif options.replica_source.startswith("none"):
        found.append(("replica", options.replica_source))
    if options.database_url is not None:
        # Imported late: it is long, and most have no database.
        from wasmfix.postgres.connect import place_of

        found.append(("database", f"{place_of(options.database_url)} ({options.database_source})"))
    return tuple(found)


def annotated_from(root: Path) -> Path:
    """What paths in annotations are relative to: the checkout, where CI tells it and the project lies in it."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        checkout = Path(os.environ.get(name) or os.devnull).resolve()
        if root.is_relative_to(checkout):
            return checkout
    return root


def check_outputs(outputs: Iterable[Path], options: Options) -> None:
    """Before the run: that each can be written, and is not what the run reads.

    Raises:
        WasmfixError: a file is the replica, one of those beside it, or the queries; or it cannot be written.
    """
    read = [(options.replica, "the replica"), (options.queries, "the queries")]
    for output in outputs:
        for file, called in read:
            if file is not None and _is_or_belongs_to(output, file):
                raise WasmfixError(f"is {called}, or belongs to it", where=output, remedy="name another file to write")
        if output.is_dir():
            raise WasmfixError("is a folder", where=output, remedy="name a file to write")
        if output.exists() and not output.is_file():
            continue  # a pipe: whoever reads it would be woken
        try:
            handle, name = tempfile.mkstemp(dir=Path(os.path.realpath(output)).parent, prefix=".wasmfix.")
        except OSError as error:
            raise WasmfixError(f"cannot be written ({os_reason(error)})", where=output) from error
        os.close(handle)
        Path(name).unlink()


def _is_or_belongs_to(output: Path, file: Path) -> bool:
    """By name, through symlinks, and by inode; of the files beside it also those that are not there yet."""
    target = Path(os.path.realpath(output))
    for base in {file.absolute(), Path(os.path.realpath(file))}:
        folder = Path(os.path.realpath(base.parent))
        try:
            beside = [each for each in folder.iterdir() if _goes_with(each.name, base.name)]
        except OSError:
            beside = []
        if target.parent == folder and _goes_with(target.name, base.name):
            return True
        if any(_same(target, each) for each in (base, *beside)):
            return True
    return False


def _goes_with(name: str, base: str) -> bool:
    return name == base or any(name.startswith(base + ending) for ending in _BESIDE)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def write_file(output: Path, content: bytes) -> None:
    """All of it or nothing; what is no ordinary file (a pipe, /dev/stdout) is written to, not replaced.

    Raises:
        WasmfixError: it cannot be written.
    """
    try:
        _write(output, content)
    except OSError as error:
        raise WasmfixError(f"cannot be written ({os_reason(error)})", where=output) from error


def _write(output: Path, content: bytes) -> None:
    if output.exists() and not output.is_file():
        with output.open("wb") as file:
            file.write(content)
        return
    # A link stays one.
    target = Path(os.path.realpath(output))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
