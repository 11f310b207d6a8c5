"""The registry's Markdown where there is no Markdown, or where its links lead nowhere."""

from __future__ import annotations

import re
from html import escape

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`([^`]*)`")


def without_links(markdown: str) -> str:
    """The same text, each link as its words: pages beside each other are not where reports are read."""
    return _LINK.sub(r"\1", markdown)


def as_html(markdown: str) -> str:
    """Escaped, with code spans as elements and without links."""
    return _CODE.sub(r"<code>\1</code>", escape(without_links(markdown)))
