"""Erasing one person, one class of hers or one thing: shown first, confirmed, certified.

What the law keeps is kept and said, with its article and its day. Nothing is decided here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.commands.asking import ByReference, reference_of, subject_of
from api.commands.signing import signer_of
from api.options import Run, command
from api.screen import Screen
from ledger.errors import Misuse

if TYPE_CHECKING:
    from ledger.erasing.certificate import Desk
    from ledger.sealing.client import SignerClient

REASONS = ("request", "minor", "objection", "unlawful", "order", "death")
"""What a person or an authority may ask for; ends of terms are the retention run's."""

WHY = {
    "hold": "erasing.why_hold",
    "open_contract": "erasing.why_open_contract",
    "obligation": "erasing.why_obligation",
    "claims": "erasing.why_claims",
    "proof": "erasing.why_proof",
}


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    command(app, "erase")(erase)
    command(app, "certify")(sign_certificates)
    command(app, "prune")(prune)


def erase(
    run: Run,
    reason: Annotated[str, typer.Option("--reason", help=" | ".join(REASONS))],
    subject: Annotated[str | None, typer.Option("--subject", help="Subject id (a UUID).")] = None,
    reference: ByReference = None,
    klass: Annotated[str | None, typer.Option("--class", help="One class only.")] = None,
    item: Annotated[str | None, typer.Option("--item", help="One thing of that class.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase a person, or one class or thing of hers, for ever; what the law keeps is said."""
    _check(reason, subject, reference, klass, item)
    named = subject_of(subject) if subject is not None else reference_of(reference or "")
    from api.answers import find
    from ledger.erasing.certificate import certificate, issue, outcome_json
    from ledger.erasing.erase import history
    from ledger.erasing.journal import Journal
    from ledger.erasing.request import erase_everywhere, planned_everywhere

    settings, screen = run.settings, run.screen
    with run.ledger() as ledger:
        who = named if isinstance(named, UUID) else find(ledger, named)
        plan = planned_everywhere(ledger, who, reason, klass, item)
        content: dict[str, Any] = {"subject": str(who), "reason": reason, "rehearsal": dry_run}
        content["outcome"] = [
            {"subject": str(whose), **outcome_json(one)}
            for whose, outcomes in plan.items()
            for one in outcomes
        ]
        content["joined"] = [str(other) for other in plan if other != who]
        labels = labels_of(ledger, screen)
        if dry_run:
            screen.answer(content, lambda: list(_told(content, labels, screen)))
            return
        if not yes:
            _confirm(content, labels, screen)
        erase_everywhere(ledger, plan, journal=settings.journal, reason=reason)
        journal = Journal(settings.journal, ledger.keyring.origin)
        done = [one for whose in plan for one in history(ledger, journal, whose)]
        if done:
            horizon, days = settings.horizon, settings.acknowledge_days
            made = certificate(ledger, who, done, plan, reason=reason, horizon=horizon, days=days)
            with desk(run) as where:
                issued = issue(where, made)
            content |= {"certificate": str(issued.path), "signed": issued.is_signed}
            content["backups"] = made["backups"]
    screen.answer(content, lambda: list(_told(content, labels, screen)))


def sign_certificates(run: Run) -> None:
    """Sign the certificates that were written while no signer answered."""
    from ledger.erasing.certificate import certify

    with signer_of(run) as sign:
        if sign is None:
            raise Misuse("no signer answers; start `probant signer serve` first")
        done = certify(run.settings.certificates, sign)
    content = {"signed": [str(path) for path in done]}
    run.screen.answer(content, lambda: [run.screen.word("erasing.signed", n=len(done))])


def desk_of(run: Run, signer: SignerClient) -> Desk:
    """Where erasures are certified; whether the signer answers is found out each time."""
    from ledger.erasing.certificate import Desk

    def sign(text: bytes) -> bytes:
        return signer.statements([text.decode()])[0]

    settings = run.settings
    return Desk(settings.certificates, settings.horizon, settings.acknowledge_days, sign)


@contextmanager
def desk(run: Run) -> Iterator[Desk]:
    """The same, for one command."""
    from ledger.sealing.client import SignerClient

    client = SignerClient(run.settings.signer)
    try:
        yield desk_of(run, client)
    finally:
        client.close()


def prune(
    run: Run,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
) -> None:
    """Empty the log entries of what was erased; what stays still verifies, no answer changes."""
    from ledger.erasing.prune import prune as pruned
    from ledger.sealing.sealer import export_entries
    from ledger.store.pruning import named

    screen = run.screen
    with run.ledger() as ledger, screen.progress(screen.word("erasing.pruning")) as advance:
        where, heard = run.settings.journal, partial(_heard, advance)
        done = pruned(ledger, where, rehearsal=dry_run, progress=heard)
        if not dry_run:
            # All that was ever pruned: whatever a crash left in the exported bundles goes now.
            export_entries(ledger.database, run.settings.log, named(ledger.database))
    content = {"rehearsal": dry_run, "people": done.people, "entries": done.entries}
    sentence = "erasing.to_prune" if dry_run else "erasing.pruned"
    screen.answer(content, lambda: [screen.word(sentence, **content)])


def _heard(advance: Callable[[int, int, str], None], people: int, _entries: int) -> None:
    advance(people, 0, "")


def _check(
    reason: str, subject: str | None, reference: str | None, klass: str | None, item: str | None
) -> None:
    if reason not in REASONS:
        raise Misuse(f"--reason must be one of: {', '.join(REASONS)}")
    if (subject is None) == (reference is None):
        raise Misuse("name one person: --subject ID, or --reference KIND=VALUE")
    if item is not None and klass is None:
        raise Misuse("--item needs --class")


def _confirm(content: dict[str, Any], labels: dict[str, str], screen: Screen) -> None:
    if screen.as_json or not sys.stdin.isatty():
        raise Misuse("erasing cannot be undone: say --yes (or --dry-run to see what would happen)")
    for line in _told(content | {"rehearsal": True}, labels, screen):
        typer.echo(line)
    if not typer.confirm(screen.word("erasing.confirm")):
        raise typer.Abort


def labels_of(ledger: Any, screen: Screen) -> dict[str, str]:
    """What people call each class, in any edition."""
    editions = [known.edition for known in ledger.book(ledger.epoch()).entries]
    return {
        name: found.label_fr if screen.lang == "fr" else found.label_en
        for edition in editions
        for name, found in edition.classes.items()
    }


def _told(content: dict[str, Any], labels: dict[str, str], screen: Screen) -> Iterator[str]:
    yield screen.word("erasing.header", subject=content["subject"], reason=content["reason"])
    if not content["outcome"]:
        yield screen.word("erasing.nothing")
    for other in content["joined"]:
        yield screen.word("erasing.joined", subject=other)
    whose = content["subject"]
    for one in content["outcome"]:
        if one["subject"] != whose:
            whose = one["subject"]
            yield screen.word("erasing.under", subject=whose)
        label = labels.get(one["class"], one["class"]) + (
            f" ({one['item']})" if one["item"] else ""
        )
        if one["outcome"] == "erased":
            verb = "erasing.to_erase" if content["rehearsal"] else "erasing.erased"
            yield screen.word(verb, label=label)
            continue
        until = screen.word("erasing.while_open")
        if one["until"]:
            until = screen.word("erasing.until", day=one["until"])
        why = screen.word(WHY[one["why"]])
        shown = {"ground": cited(one["ground"], screen), "article": cited(one["article"], screen)}
        yield screen.word("erasing.kept", label=label, until=until, why=why, **shown)
    if content["rehearsal"]:
        yield screen.word("erasing.rehearsal")
    if "certificate" in content:
        yield screen.word("erasing.certificate", path=content["certificate"])
        if not content["signed"]:
            yield screen.word("erasing.unsigned")
        yield screen.word("erasing.dead", day=content["backups"]["dead_on"])


def cited(article: str, screen: Screen) -> str:
    """An article as the reader's language cites it."""
    return article.replace("GDPR", "RGPD") if screen.lang == "fr" else article
