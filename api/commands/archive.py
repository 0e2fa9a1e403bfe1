"""The archive: its key, grants, consultations, and the opener (docs/archive.md).

`probant opener serve` is another process than the service, under another account; `archive open`
asks it. The passphrase comes from a file or the environment, never from the command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.commands.asking import ByReference, reference_of
from api.options import Run, command
from api.screen import Screen
from ledger.calendar import FarAway, parse_day
from ledger.errors import Misuse

PASSPHRASE = "PROBANT_PASSPHRASE"  # noqa: S105 (the name of a variable)
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help=f"A file with the passphrase (or set {PASSPHRASE})."),
]
Approver = Annotated[str, typer.Option("--approver", help="The second pair of eyes: a staff code.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    archive = typer.Typer(help="The archive: grants, consultations.", no_args_is_help=True)
    for name, function in (
        ("init", init),
        ("grant", grant),
        ("revoke", revoke),
        ("consult", consult),
        ("open", open_),
    ):
        command(archive, name)(function)
    app.add_typer(archive, name="archive")
    opener = typer.Typer(help="The process that holds the archive's key.", no_args_is_help=True)
    command(opener, "serve")(serve)
    app.add_typer(opener, name="opener")


def init(
    run: Run,
    passphrase_file: PassphraseFile = None,
    log_key: Annotated[
        list[str] | None,
        typer.Option("--log-key", help="A public key of the log, for the opener to pin."),
    ] = None,
) -> None:
    """Generate the archive key: private half for the opener, public half for the service."""
    from ledger.archiving import opener
    from ledger.entry import to_base64

    home = run.settings.opener
    public = run.settings.archive_recipient
    digest = opener.init(home, public, _passphrase(passphrase_file), tuple(log_key or ()))
    content = {"recipient": to_base64(digest), "opener": str(home), "public": str(public)}
    run.screen.answer(content, lambda: [run.screen.word("archive.made", **content)])


def grant(
    run: Run,
    holder: Annotated[str, typer.Option("--holder", help="Who may read: a staff code.")],
    classes: Annotated[str, typer.Option("--classes", help="Data classes, with commas between.")],
    until: Annotated[str, typer.Option("--until", help="The last day: YYYY-MM-DD.")],
    approver: Approver,
) -> None:
    """Let somebody consult archived classes until a day, as somebody else decides."""
    from ledger.archiving import granting

    try:
        day = parse_day(until)
    except FarAway as error:
        raise Misuse(f"--until: {error}") from None
    except ValueError:
        raise Misuse("--until must be a day, YYYY-MM-DD") from None
    names = tuple(name.strip() for name in classes.split(","))
    with run.ledger() as ledger:
        given, position = granting.grant(ledger, holder, names, day, approver)
    content = {"grant": str(given), "position": position}
    run.screen.answer(content, lambda: [run.screen.word("archive.granted", **content)])


def revoke(
    run: Run,
    grant_id: Annotated[str, typer.Argument(metavar="GRANT", help="The id of the grant.")],
    approver: Approver,
) -> None:
    """End a grant now."""
    from ledger.archiving import granting

    with run.ledger() as ledger:
        position = granting.revoke(ledger, _id(grant_id, "GRANT"), approver)
    content = {"grant": str(_id(grant_id, "GRANT")), "position": position}
    run.screen.answer(content, lambda: [run.screen.word("archive.revoked", **content)])


def consult(  # noqa: PLR0913, PLR0917
    run: Run,
    klass: Annotated[str, typer.Option("--class", help="The archived data class.")],
    reader: Annotated[str, typer.Option("--reader", help="Who reads: a staff code.")],
    grant_id: Annotated[str, typer.Option("--grant", help="The id of the reader's grant.")],
    subject: Annotated[str | None, typer.Option("--subject", help="The person's id.")] = None,
    reference: ByReference = None,
    scope: Annotated[str | None, typer.Option("--scope", help="One item of the class.")] = None,
    motive: Annotated[str | None, typer.Option("--motive", help="Why: a closed list.")] = None,
    case: Annotated[str | None, typer.Option("--case", help="Which case: kept sealed.")] = None,
    approver: Annotated[
        str | None, typer.Option("--approver", help="A second pair of eyes: for many keys.")
    ] = None,
) -> None:
    """Record that somebody consults the archive, before anything is opened."""
    from ledger.archiving.granting import Consultation
    from ledger.archiving.granting import consult as recorded

    if (subject is None) == (reference is None):
        raise Misuse("name one person: --subject ID, or --reference KIND=VALUE")
    named = _id(subject, "--subject") if subject else reference_of(reference or "")
    from api.answers import find

    with run.ledger() as ledger:
        who = named if isinstance(named, UUID) else find(ledger, named)
        given = _id(grant_id, "--grant")
        wish = Consultation(who, klass, reader, given, motive, case, scope, approver)
        consultation, position = recorded(ledger, wish)
    content = {"consultation": str(consultation), "position": position}
    run.screen.answer(content, lambda: [run.screen.word("archive.consulted", **content)])


def open_(
    run: Run,
    position: Annotated[int, typer.Argument(metavar="POSITION", help="That of a consultation.")],
) -> None:
    """Ask the opener for what a recorded consultation is about, and show it: nothing is kept."""
    from ledger.archiving import asking

    with run.ledger() as ledger:
        request = asking.gather(ledger, run.settings.log, position)
    content = asking.ask(run.settings.opener / "socket", request)
    run.screen.answer(content, lambda: list(_told(content, run.screen)))


def serve(run: Run, passphrase_file: PassphraseFile = None) -> None:
    """Hold the archive's private key and open what is proven to be consulted, until interrupted."""
    from ledger.archiving import opener

    home = run.settings.opener
    loaded = opener.Opener.load(home, _passphrase(passphrase_file))
    path = home / opener.SOCKET
    said = run.screen.word("archive.serving", path=path)
    opener.serve(loaded, path, lambda: print(said, file=sys.stderr, flush=True))


def _told(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    for part in content["opened"]:
        yield screen.word("archive.part", **part)
        for name, value in part["fields"].items():
            yield f"  {name}: {value}"
    if not content["opened"]:
        yield screen.word("archive.nothing")


def _id(text: str, option: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Misuse(f"{option} must be an id (a UUID)") from None


def _passphrase(file: Path | None) -> str:
    if file is None:
        said = os.environ.get(PASSPHRASE, "")
    else:
        try:
            said = file.read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Misuse("the file of the passphrase cannot be read") from error
    if not said:
        raise Misuse(f"give a passphrase: --passphrase-file FILE, or {PASSPHRASE}")
    return said
