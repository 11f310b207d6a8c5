"""Keeping passwords out of reports: of URLs in any text, and those that the user gave us in particular."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from wasmfix.diagnostics.facts import Item
from wasmfix.diagnostics.finding import Finding, Remedy

HIDDEN = "***"
# What stands between `//` and the last `@` before the path is credentials; a password may hold any sign but a blank.
_URL = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^\s/:@]*):(?P<password>\S*)@")
_PARAMETER = re.compile(
    r"(?P<name>\b\w*(?:password|passwd|passfile|pwd|secret|token|apikey|api_key)\w*\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&;'\"]+)",
    re.IGNORECASE,
)
# Shorter ones would be found in half of all words; a URL hides them by its form.
_SHORTEST = 3


def redact(text: str) -> str:
    """The text with the passwords of URLs and of `password=…` hidden."""
    hidden = _URL.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)
    return _PARAMETER.sub(rf"\g<name>{HIDDEN}", hidden)


class Redactor:
    """Hides what `redact` hides, and the passwords in `secrets` (URLs, connection strings) wherever they turn up."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {part for secret in secrets for part in _passwords(secret) if len(part) >= _SHORTEST}
        # Long ones first: one may be a part of another.
        self._secrets = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        text = redact(text)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def item(self, item: Item) -> Item:
        """The same item without secrets in any of its strings."""
        if isinstance(item, Finding):
            return self.finding(item)
        changed: dict[str, Any] = {
            each.name: self.text(value) for each in fields(item) if isinstance(value := getattr(item, each.name), str)
        }
        return replace(item, **changed)

    def finding(self, found: Finding) -> Finding:
        remedy = found.remedy
        if remedy is not None:
            command = self.text(remedy.command) if remedy.command is not None else None
            remedy = Remedy(self.text(remedy.text), command)
        return replace(
            found,
            subject=self.text(found.subject),
            what=self.text(found.what),
            evidence=tuple(self.text(line) for line in found.evidence),
            remedy=remedy,
            data={name: self._value(value) for name, value in found.data.items()},
        )

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self._value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(each) for each in value]
        return value


def _passwords(secret: str) -> set[str]:
    """The passwords in a URL or a `key=value` connection string, as written and decoded."""
    found: set[str] = set()
    for match in _URL.finditer(secret):
        found.add(match["password"])
    for match in _PARAMETER.finditer(secret):
        value = match[0][len(match["name"]) :]
        if value[:1] == value[-1:] == "'" and len(value) > 1:
            # libpq's quotes, with \ before a quote or another \.
            found.update((value[1:-1], re.sub(r"\\(.)", r"\1", value[1:-1])))
        else:
            found.add(value)
    try:
        parts = urlsplit(secret)
        found.add(parts.password or "")
        found.update(value for name, value in parse_qsl(parts.query) if "pass" in name.lower())
    except ValueError:
        pass
    return {each for password in found if password for each in (password, unquote(password))}
