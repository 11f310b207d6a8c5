"""Change-tracking triggers on tables that are not published: Zero ends with "Unknown table"."""

from __future__ import annotations

from collections.abc import Iterator

from wasmfix.diagnostics.checks.database_subject import URL_VARIABLE, DatabaseSubject, check
from wasmfix.diagnostics.facts import Item
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Tell
from wasmfix.postgres.publications import find_unreadable_shards
from wasmfix.postgres.triggers import Trigger, find_triggers

_SHOWN = 20


@check("triggers", "WF302", "WF315", "WF319")
def triggers(subject: DatabaseSubject, _tell: Tell) -> Iterator[Item]:
    found = find_triggers(subject.database, subject.publications, subject.chosen)
    for trigger in found.doubtful:
        yield finding(
            "WF319",
            f"{trigger.name} on {trigger.table.shown}",
            f"the trigger looks like change tracking, but {trigger.doubt}",
            remedy="Look at it; `wasmfix triggers` never drops it.",
            data=trigger.to_json(),
        )
    if not found.stale:
        return
    tables = list(dict.fromkeys(trigger.table for trigger in found.stale))
    if not subject.chosen.names:
        yield finding(
            "WF315",
            subject.name,
            f"{len(tables)} tables have change-tracking triggers, but it is not known which publications Zero uses",
            evidence=_lines(found.stale),
            remedy="Name them with --publication, or set ZERO_APP_PUBLICATIONS.",
        )
        return
    # Without a published table every trigger is stale: the publication is what is wrong, WF303 or WF304 says it.
    curable = len(subject.used) == len(subject.chosen.names) and any(each.tables for each in subject.used)
    # The command names the publications, so it would not refuse what it refuses of itself.
    unreadable = find_unreadable_shards(subject.database)
    sure = bool(subject.options.publications) or not (unreadable or any(each.published_by for each in found.stale))
    command = subject.triggers_command() if curable and sure else None
    remedy = "The command shows the statements, asks, and drops exactly these triggers."
    if not curable:
        remedy = "Put the publication right first, then look again."
    elif not sure:
        remedy = (
            "Find out who uses the other publications; then: wasmfix triggers --drop, with a --publication for each"
        )
        remedy += " that Zero uses."
    elif command is None:
        remedy = f"Put the URL into {URL_VARIABLE}, then run: wasmfix triggers --drop"
        remedy += "".join(f" --publication {name}" for name in subject.chosen.names)
    names = ", ".join(subject.chosen.names)
    yield finding(
        "WF302",
        subject.name,
        f"{len(found.stale)} change-tracking triggers on {len(tables)} tables that are not published ({names})",
        evidence=[
            *_lines(found.stale),
            f"publications: {subject.chosen.source}",
            *(f"not readable by this user: which publications Zero uses in {schema}" for schema in unreadable),
        ],
        remedy=remedy,
        command=command,
        data={"triggers": [trigger.to_json() for trigger in found.stale]},
    )


def _lines(triggers: tuple[Trigger, ...]) -> list[str]:
    lines = [f"{each.table.shown}: {each.name} → {each.function.shown}{_also(each)}" for each in triggers[:_SHOWN]]
    if len(triggers) > _SHOWN:
        lines.append(f"… and {len(triggers) - _SHOWN} more")
    return lines


def _also(trigger: Trigger) -> str:
    also = f", in the publication {', '.join(trigger.published_by)}" if trigger.published_by else ""
    return also if trigger.enabled else f"{also}, disabled"


CHECKS = (triggers,)
