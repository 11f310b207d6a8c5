"""The style of the HTML page."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark;
  --ground: #ffffff; --raised: #f6f7f9; --line: #d9dde3; --text: #1c2128; --quiet: #5b6470; --bar: #3b6fd4;
  --error: #b3261e; --warning: #8a5a00; --note: #1f6f8b; --ok: #1a7f37; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171c; --raised: #1d2128; --line: #343b45; --text: #e4e7eb; --quiet: #9aa4b0; --bar: #6f9cf0;
  --error: #ff8a80; --warning: #e8b04a; --note: #6cc3de; --ok: #5fd07a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header { border-left: .4rem solid var(--tone); padding: .2rem 0 .2rem 1rem; }
header p { margin: .2rem 0; color: var(--quiet); }
h1 { font-size: 1.5rem; line-height: 1.3; margin: .2rem 0 .6rem; overflow-wrap: anywhere; }
h1 b, h3 b { color: var(--tone); }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h2 span { color: var(--quiet); font-weight: normal; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
.error { --tone: var(--error); } .warning { --tone: var(--warning); }
.note { --tone: var(--note); } .ok { --tone: var(--ok); }
dl { margin: 1.4rem 0 0; }
dl div { display: grid; grid-template-columns: minmax(8rem, 17rem) 1fr; gap: 0 1rem; padding: .25rem 0;
  border-top: 1px solid var(--line); }
dt { color: var(--quiet); } dt, dd { margin: 0; overflow-wrap: anywhere; }
article { background: var(--raised); border: 1px solid var(--line); border-left: .25rem solid var(--tone);
  border-radius: .4rem; padding: .8rem 1rem; margin: .7rem 0; }
article p { margin: .6rem 0 .3rem; }
pre { margin: .5rem 0 0; font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  color: var(--quiet); white-space: pre-wrap; overflow-wrap: anywhere; }
pre.command { color: var(--text); background: var(--ground); border: 1px solid var(--line); border-radius: .4rem;
  padding: .5rem .7rem; }
pre.command span { color: var(--quiet); user-select: none; }
pre.command code { font: inherit; user-select: all; }
details { margin-top: .6rem; color: var(--quiet); font-size: .9rem; }
details code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
details p { white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; }
figure { margin: 1rem 0 1.6rem; }
figcaption { color: var(--quiet); margin-bottom: .3rem; }
svg { display: block; width: 100%; overflow: visible; }
svg text { font-size: 14px; fill: var(--text); }
svg text.mark { fill: var(--error); }
svg rect { fill: var(--bar); } svg rect.track { fill: var(--line); opacity: .5; } svg rect.over { fill: var(--error); }
svg line { stroke: var(--error); stroke-width: 2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .35rem .6rem; border-top: 1px solid var(--line); text-align: right; white-space: nowrap; }
thead th { border-top: 0; color: var(--quiet); font-weight: normal; }
th:first-child { text-align: left; padding-left: 0; }
tbody th { font-weight: 600; }
tr.own { color: var(--quiet); } td.over { color: var(--error); font-weight: 600; }
footer { margin-top: 2.5rem; color: var(--quiet); font-size: .85rem; }
@media (max-width: 34rem) { dl div { grid-template-columns: 1fr; } h1 { font-size: 1.25rem; } }
@media print { body { background: #fff; } article { break-inside: avoid; } }
"""
