"""What the commands that make a report have in common: what it is about, and where it goes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from wasmfix.errors import WasmfixError, os_reason

if TYPE_CHECKING:
    from wasmfix.diagnostics.options import Options


def size_option(option: str, text: str | None) -> int | None:
    """The bytes that an option says."""
    if text is None:
        return None
    from wasmfix.diagnostics.sizes import parse_size

    try:
        return parse_size(text)
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
        found.append(("database", f"{options.database_url} ({options.database_source})"))
    return tuple(found)


def annotated_from(root: Path) -> Path:
    """What paths in annotations are relative to: the checkout, where CI tells it and the project lies in it."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        checkout = Path(os.environ.get(name) or os.devnull).resolve()
        if root.is_relative_to(checkout):
            return checkout
    return root


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
