"""Passwords: whatever a check lets through, no report has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmfix.diagnostics import Check, Fact, HeapLimit, Item, Projection, Section, TableFacts, Tell, finding, run
from wasmfix.diagnostics.redact import Redactor, redact
from wasmfix.errors import WasmfixError
from wasmfix.report import FORMATS, rendered

# No words of ours have these letters.
passwords = st.text("QZ0123456789!$&'()*+,;=-._~@:/?#[]%| é", max_size=16).map(lambda text: f"QZ{text}ZQ")


def urls(password: str) -> list[str]:
    return [
        f"postgres://user:{quote(password, safe='')}@db.example:5432/zero?sslmode=require",
        f"postgresql://user@db.example/zero?password={quote(password, safe='')}",
        f"host=db.example user=user password='{escaped(password)}' dbname=zero",
    ]


def escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace("'", "\\'")


@settings(deadline=None, max_examples=60)
@given(passwords, st.sampled_from([0, 1, 2]), st.booleans())
def test_no_format_has_the_password(password: str, kind: int, plain: bool) -> None:
    """A server's words may repeat the URL, or the password as it is."""
    url = urls(password)[kind]
    said = f"could not connect to {url}" if not plain else f'authentication failed for "{password}"'

    @contextmanager
    def opened(_tell: Tell) -> Iterator[None]:
        yield

    def look(_subject: None, _tell: Tell) -> Iterator[Item]:
        yield finding("WF002", said, said, evidence=[said], remedy=said, command=said, data={"x": [{"y": said}]})
        yield Fact("database", "server", said)
        yield TableFacts(said, 1)
        yield Projection(said, "table", 1, 1, 1)
        yield HeapLimit(1, said)
        raise WasmfixError(said, where=said, remedy=said)

    section = Section("database", "the database", opened, (Check("database.x", (), look),))
    report = run([section], lambda *_: None, subjects=(("database", url),), secrets=[url], root="/srv")
    for secret in {password, quote(password, safe=""), escaped(password)}:
        for format_ in FORMATS:
            assert secret not in rendered(report, format_).decode(), (format_, secret)
        assert secret not in repr(report)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://me:geheim@host/db", "postgres://me:***@host/db"),
        ("postgres://me:a@b:c@host/db", "postgres://me:***@host/db"),
        ("at s3://key:secret@bucket and http://x:y@z.", "at s3://key:***@bucket and http://x:***@z."),
        ("host=h password=geheim user=u", "host=h password=*** user=u"),
        ("?sslpassword=geheim&x=1", "?sslpassword=***&x=1"),
        ("password='ge\\'h eim' user=u", "password=*** user=u"),
        ("postgres://me@host/db", "postgres://me@host/db"),
        # A password that nobody encoded may hold a slash: rather hide a port than show that.
        ("postgres://me:a/b@host/db", "postgres://me:***@host/db"),
        ("http://host:80/a@b", "http://host:***@b"),
        ("a mail to me:you@there", "a mail to me:you@there"),
        ("no password here", "no password here"),
    ],
)
def test_urls_and_parameters_lose_their_password_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "url",
    [
        "host=h user=u password=s3cret&Tail9 dbname=d",
        "host=h password=s3cret;Tail9",
        r"host=h password=s3cret\ Tail9",
        "host=h password=s3c'Tail9",
        'host=h password=s3c"Tail9',
        "postgres://u:pw\tTail9@h/d",
        "postgres://u:pw\nTail9@h/d",
        "postgres://u:pw Tail9@h/d",
        "u:Tail9@h/d",
        "postgres:u:Tail9@h/d",
        "postgres:/u:Tail9@h/d",
        "postgres://h/d?p%61ssword=%54ail9",
        "postgres://u:a&Tail9=b@h/d",
    ],
)
def test_no_part_of_a_password_is_shown_however_the_url_is_written(url: str) -> None:
    redactor = Redactor([url])
    for said in (url, " ".join(url.split()), repr(url), f'invalid "{url}"', f'after "{url.split()[-1]}"'):
        assert "ail9" not in redactor.text(said)
