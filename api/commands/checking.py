"""`probant check`: may we write to this person, or call her? The verdict, and every reason."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from api.commands.asking import ByReference, Subject, reference_of, subject_of
from api.options import KnownAt, Run, command
from ledger.errors import Misuse


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "check")(check)


def check(
    run: Run,
    subject: Subject = None,
    reference: ByReference = None,
    purpose: Annotated[str, typer.Option("--purpose", help="What for: newsletter, for one.")] = "",
    channel: Annotated[
        str | None, typer.Option("--channel", help="How: email, sms, phone… if it has channels.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="When: RFC 3339, or YYYY-MM-DD; now by default.")
    ] = None,
    known_at: KnownAt = None,
    offer: Annotated[
        str | None, typer.Option("--offer", help="What is offered: analogous, contract or other.")
    ] = None,
) -> None:
    """May we write to this person, or call her? Yes or no, with every reason."""
    if (subject is None) == (reference is None):
        raise Misuse("name one person: a SUBJECT, or --reference KIND=VALUE")
    if not purpose:
        raise Misuse("--purpose is required: what the message or the call is for")
    named = subject_of(subject) if subject is not None else reference_of(reference or "")
    from api.permissions import question_of, verdict_json
    from ledger.permitting.gate import Gate
    from replay.fold import fold_subject

    asked: dict[str, Any] = {"purpose": purpose, "channel": channel, "offer": offer}
    with run.ledger() as ledger:
        gate = Gate(ledger, fold_subject)
        who = named if isinstance(named, UUID) else gate.blinded(named)
        (answered,) = gate.ask([question_of(who, {**asked, "at": at, "known_at": known_at})])
    answer = verdict_json(answered, run.screen.lang)
    run.screen.answer(answer, lambda: list(answer["explanation"]))
