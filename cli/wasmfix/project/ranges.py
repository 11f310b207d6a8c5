"""npm's version ranges, as dependencies and `engines` use them: `^1.2.3`, `~1.2`, `>=20 <23`, `1.x`, `a || b`."""

from __future__ import annotations

import re

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?")
_COMPARATOR = re.compile(r"(\^|~|>=|<=|>|<|=)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+][\w.+-]+)?")
_Number = tuple[int, int, int]


def satisfies(version: str, wanted: str) -> bool | None:
    """Whether a version is in a range; None if either is nothing that we can read (a tag, a URL, `workspace:`).

    Tags of pre-releases are not compared: 1.2.0-beta.1 counts as 1.2.0.
    """
    number = _VERSION.fullmatch(version.strip())
    if number is None:
        return None
    at = (int(number[1]), int(number[2]), int(number[3]))
    answers = [_all(at, part.strip()) for part in wanted.split("||")]
    if True in answers:
        return True
    return None if None in answers else False


def _all(at: _Number, part: str) -> bool | None:
    if part in ("", "*", "latest"):
        return True
    hyphen = re.fullmatch(r"(\S+)\s+-\s+(\S+)", part)
    if hyphen:
        part = f">={hyphen[1]} <={hyphen[2]}"
    part = re.sub(r"([\^~<>=]+)\s+", r"\1", part)
    for word in part.split():
        match = _COMPARATOR.fullmatch(word)
        if match is None:
            return None
        low, high = _bounds(match)
        if not low <= at < high:
            return False
    return True


_END: _Number = (2**31, 0, 0)
_START: _Number = (0, 0, 0)


def _bounds(match: re.Match[str]) -> tuple[_Number, _Number]:
    """The half-open interval that a comparator stands for."""
    sign = match[1] or "="
    given = [int(text) for text in match.groups()[1:] if text is not None and text not in "xX*"]
    low: _Number = (*given, 0, 0, 0)[:3]  # type: ignore[assignment]
    after = _after(low, len(given))
    if sign == ">=":
        return low, _END
    if sign == ">":
        return after, _END
    if sign == "<":
        return _START, low
    if sign == "<=":
        return _START, after
    if sign == "~":
        return low, _after(low, min(2, len(given)))
    if sign == "^":
        # The first number that is not 0 must stay.
        fixed = next((place for place, value in enumerate(given) if value), len(given) - 1)
        return low, _after(low, fixed + 1)
    return low, after


def _after(low: _Number, places: int) -> _Number:
    """The first version that differs in one of the first `places` numbers."""
    if places == 0:
        return _END
    raised = [*low[: places - 1], low[places - 1] + 1, 0, 0]
    return raised[0], raised[1], raised[2]
