"""Retention: what is past its term, and the run that archives and erases it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from api.commands.erasing import desk
from api.options import AsOf, Run, command, instant
from api.screen import Screen, table

HEAD = ("retention.class", "retention.archive", "retention.erase", "retention.held")
WHAT = ("archive", "erase", "held")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    retention = typer.Typer(help="What is past its term: due, run.", no_args_is_help=True)
    command(retention, "due")(due)
    command(retention, "run")(run_)
    app.add_typer(retention, name="retention")


def due(run: Run, as_of: AsOf = None) -> None:
    """What is past its end, by class: to archive, to erase, or blocked by a hold."""
    from ledger.retention.run import counted
    from ledger.retention.run import due as asked

    at = instant("--as-of", as_of)
    with run.ledger() as ledger:
        made, by_class = counted(asked(ledger, at))
    _say(run, made, by_class, rehearsal=True)


def run_(
    run: Run,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count, record that it was a rehearsal, stop there.")
    ] = False,
) -> None:
    """Archive, erase and certify what is due; run again after a crash, it does the rest."""
    from ledger.retention import run as retention
    from ledger.store.recipient import ArchiveRecipient

    settings = run.settings
    with run.ledger() as ledger, run.screen.progress(run.screen.word("retention.title")) as advance:
        if dry_run:
            made, by_class = retention.counted(retention.due(ledger))
            retention.record_run(ledger, made, rehearsal=True)
        else:
            key = settings.archive_recipient
            recipient = ArchiveRecipient.parse(key.read_bytes()) if key.exists() else None
            with desk(run) as where:
                made = retention.run(
                    ledger, recipient, settings.journal, lambda n: advance(n, 0, ""), where
                )
            by_class = {}
    _say(run, made, by_class, rehearsal=dry_run)


def _say(run: Run, made: Any, by_class: dict[Any, int], *, rehearsal: bool) -> None:
    classes: dict[str, dict[str, int]] = {}
    for (klass, what), n in by_class.items():
        classes.setdefault(klass, dict.fromkeys(WHAT, 0))[what] = n
    held_by = dict(made.held_by)
    content = made._asdict() | {"rehearsal": rehearsal, "classes": classes, "held_by": held_by}
    run.screen.answer(content, lambda: list(_told(content, run.screen)))


def _told(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("retention.due" if content["rehearsal"] else "retention.done", **content)
    for article, n in content["held_by"].items():
        yield screen.word("retention.held_by", n=n, article=article)
    if content["certified"]:
        yield screen.word("retention.certified", n=content["certified"])
    if content["classes"]:
        head = [screen.word(word) for word in HEAD]
        rows = [[k, *(str(n[what]) for what in WHAT)] for k, n in content["classes"].items()]
        yield from table(head, rows)
