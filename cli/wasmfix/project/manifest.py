"""package.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from wasmfix.errors import WasmfixError, os_reason

FILE_NAME = "package.json"


@dataclass(frozen=True)
class Manifest:
    """What we read of a package.json; `content` is all of it."""

    name: str
    version: str
    main: str
    content: dict[str, object] = field(repr=False, compare=False)


def read_manifest(folder: Path) -> Manifest | None:
    """The package.json in `folder`, None if there is none.

    Raises:
        WasmfixError: it cannot be read, or is not a JSON object.
    """
    file = folder / FILE_NAME
    try:
        text = file.read_bytes().decode("utf-8-sig")
        content = json.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        remedy = "give yourself permission to read it, or reinstall the package"
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=file, remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise WasmfixError("is not valid JSON", where=file, remedy="correct it, or reinstall the package") from error
    if not isinstance(content, dict):
        raise WasmfixError("is not a JSON object", where=file, remedy="correct it, or reinstall the package")
    return Manifest(
        name=_text(content, "name"),
        version=_text(content, "version"),
        # Node's rule for a package without `main`.
        main=_text(content, "main") or "index.js",
        content=content,
    )


def _text(content: dict[str, object], key: str) -> str:
    value = content.get(key)
    return value if isinstance(value, str) else ""
