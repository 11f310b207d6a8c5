"""Keeping passwords out of reports: of URLs in any text, and those that the user gave us in particular."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from wasmfix.diagnostics.facts import Item
from wasmfix.diagnostics.finding import Finding, Remedy

HIDDEN = "***"
# What stands between `//` and the last `@` before the path is credentials; a password may hold any sign but a blank.
_URL = re.compile(
    r"(?P<scheme>\b(?:[A-Za-z][A-Za-z0-9+.-]*://|postgres(?:ql)?:/?(?!/)))(?P<user>[^\s/:@]*):(?P<password>\S*)@"
)
# A connection string's value ends at a blank that has no \ before it; a URL's parameters are another case.
_VALUE = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")?(?:\\.|[^\s\\])*"
_SECRET_NAME = r"\w*(?:password|passwd|passfile|pwd|secret|token|apikey|api_key)\w*"
_PARAMETER = re.compile(rf"(?P<name>(?<![?&\w]){_SECRET_NAME}\s*=\s*){_VALUE}", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"(?<=[?&])(?P<name>[^\s=&?]+)=(?P<value>[^\s&]*)")
# What anybody may have meant as `user:password@`, however the rest is misspelt.
_MEANT = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:/{1,2}|postgres(?:ql)?:)?[^:@]*:(?!//)(?P<password>.*)@", re.DOTALL)
# Shorter ones would be found in half of all words; a URL hides them by its form.
_SHORTEST = 3


def redact(text: str) -> str:
    """The text with the passwords of URLs and of `password=…` hidden."""
    hidden = _URL.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)
    hidden = _PARAMETER.sub(rf"\g<name>{HIDDEN}", hidden)
    return _QUERY.sub(lambda match: f"{match['name']}={HIDDEN}" if _is_secret(match["name"]) else match[0], hidden)


class Redactor:
    """Hides what `redact` hides, and the passwords in `secrets` (URLs, connection strings) wherever they turn up."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {part for secret in secrets for part in _parts(secret) if len(part) >= _SHORTEST}
        # Long ones first: one may be a part of another.
        self._secrets = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        # First what is known: the rules for text in general may leave a part of it.
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return redact(text)

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


def _is_secret(name: str) -> bool:
    return re.fullmatch(_SECRET_NAME, unquote(name), re.IGNORECASE) is not None


def _parts(secret: str) -> set[str]:
    """What must not be shown of a URL or a connection string: its passwords, and with one of them all of it."""
    passwords = _passwords(secret)
    if not passwords:
        return set()
    whole = {secret, secret.strip(), " ".join(secret.split()), unquote(secret), repr(secret)[1:-1], shlex.quote(secret)}
    # Messages repeat a word of what could not be read.
    words = {word for password in passwords for word in password.split()}
    return passwords | whole | words


def _passwords(secret: str) -> set[str]:
    """As written, and decoded."""
    found: set[str] = set()
    for match in _URL.finditer(secret):
        found.add(match["password"])
    meant = _MEANT.match(secret)
    if meant is not None and "=" not in secret.partition("@")[0].partition(":")[0]:
        found.add(meant["password"])
    for match in _PARAMETER.finditer(secret):
        value = match[0][len(match["name"]) :]
        found.add(value)
        if value[:1] == value[-1:] == "'" and len(value) > 1:
            value = value[1:-1]
            found.add(value)
        # libpq's quotes, with \ before a quote, a blank or another \.
        found.add(re.sub(r"\\(.)", r"\1", value))
    for match in _QUERY.finditer(secret):
        if _is_secret(match["name"]):
            found.add(match["value"])
    with suppress(ValueError):
        found.add(urlsplit(secret).password or "")
    return {each for password in found if password for each in (password, unquote(password))}
