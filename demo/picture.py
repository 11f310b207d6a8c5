"""`python demo/picture.py`: the picture of the README, docs/patch-and-verify.svg, from a real run of both commands.

A copy of zero-sqlite3 1.1.4 as npm installed it is patched and verified, with a terminal for output; what that shows
becomes an SVG by rich. Only the project's path is written as `~/chat`.
"""

from __future__ import annotations

import fcntl
import html
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402

import nodejs  # noqa: E402
from conftest import BUILD, copy_tree, installed  # noqa: E402

PICTURE = ROOT / "docs" / "patch-and-verify.svg"
WIDTH = 108
COMMANDS = ("patch", "verify")

# rich's own has a font from elsewhere, and buttons of a window.
_FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" \
height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def main() -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in record():
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    svg = console.export_svg(title="wasmfix", code_format=_FORMAT, unique_id="wf")
    PICTURE.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


def record() -> list[Text]:
    """The prompts and what the commands printed, a line each."""
    lines: list[Text] = []
    (BUILD / "scratch").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD / "scratch") as folder:
        # Its real path is what the commands print.
        project = copy_tree(installed("@rocicorp/zero-sqlite3", "1.1.4"), Path(folder).resolve() / "chat")
        for command in COMMANDS:
            lines.append(Text.assemble(("~/chat$", "green"), (f" wasmfix {command}", "bold")))
            shown = on_a_terminal(command, project).replace(str(project), "~/chat")
            lines += [Text.from_ansi(line) for line in shown.splitlines()]
    return lines


def on_a_terminal(command: str, project: Path) -> str:
    """What the command prints on a terminal of WIDTH columns; progress, which is on stderr, is left out."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
    environment = {name: value for name, value in nodejs.environment().items() if name not in ("NO_COLOR", "COLUMNS")}
    environment |= {
        "PYTHONPATH": str(ROOT / "cli"),
        "WASMFIX_CACHE_DIR": str(BUILD / "cache"),
        "TERM": "xterm-256color",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "wasmfix", command],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
    os.close(ours)
    _, complaint = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"wasmfix {command}: exit code {process.returncode}\n{complaint.decode()}")
    return said.decode().replace("\r\n", "\n")


def words(svg: str) -> list[str]:
    """The lines of text of a picture, from the top."""
    rows: dict[float, str] = {}
    for y, text in re.findall(r'<text class="wf-r[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        rows[float(y)] = rows.get(float(y), "") + html.unescape(text).replace("\xa0", " ")
    return [rows[y].rstrip() for y in sorted(rows)]


if __name__ == "__main__":
    main()
