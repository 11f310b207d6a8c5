"""Bar charts as inline SVG. Widths are shares of the chart's own, so that text keeps its size on a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from wasmfix.report.plain import plain

_ROW = 40
_TOP = 4
_MARK = 22


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    shown: str


def bar_chart(
    title: str,
    bars: Sequence[Bar],
    *,
    most: int,
    show: Callable[[float], str],
    mark: tuple[float, str] | None = None,
) -> str:
    """A figure of horizontal bars, the longest first.

    Args:
        most: of more bars than these the rest becomes one.
        show: how the value of the rest is written.
        mark: a line at a value, and its label; bars beyond it are of class `over`.
    """
    shown = sorted(bars, key=lambda bar: -bar.value)
    if len(shown) > most:
        rest = shown[most:]
        total = sum(bar.value for bar in rest)
        # Heaps are not added up: only one of them is the limit's.
        words = show(total) if mark is None else f"at most {show(rest[0].value)} each"
        value = total if mark is None else rest[0].value
        shown = [*shown[:most], Bar(f"{len(rest)} more", value, words)]
    largest = max([bar.value for bar in shown] + ([mark[0]] if mark else [])) or 1
    top = _TOP + (_MARK if mark else 0)
    height = top + _ROW * len(shown)
    label = escape(f"{title}: " + "; ".join(f"{plain(bar.label)} {bar.shown}" for bar in shown))
    parts = [f'<figure><figcaption>{escape(title)}</figcaption><svg role="img" aria-label="{label}" height="{height}">']
    for place, bar in enumerate(shown):
        parts += _bar(bar, top + place * _ROW, bar.value / largest, bool(mark and bar.value > mark[0]))
    if mark is not None:
        parts += _mark(mark[0] / largest, mark[1], [top + place * _ROW for place in range(len(shown))])
    return "".join([*parts, "</svg></figure>"])


def _bar(bar: Bar, top: float, share: float, over: bool) -> list[str]:
    kind = ' class="over"' if over else ""
    # Something is seen of what is more than nothing.
    width = max(share * 100, 0.4 if bar.value else 0)
    return [
        f'<text x="0" y="{top + 15}">{escape(_short(plain(bar.label)))}</text>',
        f'<text x="100%" y="{top + 15}" text-anchor="end">{escape(bar.shown)}</text>',
        f'<rect class="track" x="0" y="{top + 21}" width="100%" height="10" rx="3"/>',
        f'<rect{kind} x="0" y="{top + 21}" width="{width:.2f}%" height="10" rx="3"/>',
    ]


def _mark(share: float, label: str, tops: Sequence[float]) -> list[str]:
    """The label above the chart, and a line across each bar: one through all would cross the numbers between them."""
    at = f"{share * 100:.2f}%"
    anchor = "end" if share > 0.5 else "start"
    lines = [f'<line x1="{at}" x2="{at}" y1="{top + 17}" y2="{top + 35}"/>' for top in tops]
    return [f'<text class="mark" x="{at}" y="14" text-anchor="{anchor}">{escape(plain(label))}</text>', *lines]


def _short(label: str, length: int = 32) -> str:
    return label if len(label) <= length else label[: length - 1] + "…"
