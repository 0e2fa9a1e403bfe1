"""`probant package`: everything about one person in a file, or what she may take away.

With `--request` it is made for a request of hers, of whose right it takes its scope; with
`--answer` that request is answered by it, once the file is on the disk and nothing archived is
missing. Crash between the two: the file is there and the request is open. Read next:
`api/packages.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.commands.asking import ByReference, Subject, reference_of, subject_of
from api.options import Run, command
from api.screen import Screen
from ledger.errors import Misuse, unwritten

if TYPE_CHECKING:
    from api.packages import Package, Wanted
    from ledger.application import Ledger
    from ledger.packages.gathering import Scope

PRIVATE = 0o600


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "package")(package)


def package(  # noqa: PLR0913, PLR0917
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write it.")],
    reader: Annotated[str, typer.Option("--reader", help="Who makes it: a staff code.")],
    subject: Subject = None,
    reference: ByReference = None,
    request: Annotated[
        str | None, typer.Option("--request", metavar="ID", help="The request it answers.")
    ] = None,
    scope: Annotated[
        str, typer.Option("--scope", help="access, portability or estate.")
    ] = "access",
    form: Annotated[str, typer.Option("--format", help="zip, csv or json.")] = "zip",
    consultation: Annotated[
        list[int] | None,
        typer.Option("--consultation", help="A consultation of her archive, to be opened."),
    ] = None,
    klass: Annotated[
        list[str] | None,
        typer.Option("--class", help="Of an estate: only this class, if her directive says so."),
    ] = None,
    answer: Annotated[
        str | None,
        typer.Option("--answer", metavar="CHANNEL", help="Answer the request: page, letter…"),
    ] = None,
) -> None:
    """Everything about one person in one file, what she may take away, or what her heirs may be
    handed; the read is recorded."""
    if sum(one is not None for one in (subject, reference, request)) != 1:
        raise Misuse("name one person: a SUBJECT, --reference KIND=VALUE, or --request ID")
    if answer is not None and request is None:
        raise Misuse("--answer needs the --request that is answered")
    stream = None if request is None else _id(request)
    named = None if subject is None else subject_of(subject)
    wish = None if reference is None else reference_of(reference)
    from api.answers import find
    from api.packages import FORMATS, HEIRS, REASON, Wanted
    from ledger.packages.gathering import SCOPES

    chosen = next((one for one in SCOPES if one == scope), None)
    written = next((one for one in FORMATS if one == form), None)
    if chosen is None or written is None:
        raise Misuse(
            f"--scope must be one of: {', '.join(SCOPES)}; --format one of: {', '.join(FORMATS)}"
        )
    with run.ledger() as ledger:
        who = named if wish is None else find(ledger, wish)
        if stream is not None:
            who, chosen = _asked(ledger, stream)
        assert who is not None
        case = None if stream is None else str(stream)
        wanted = Wanted(
            *(chosen, written, HEIRS if chosen == "estate" else REASON, case),
            consultations=tuple(consultation or ()),
            classes=tuple(klass or ()),
            is_answer=stream is not None,
        )
        path = out / f"{wanted.scope}.{'json' if wanted.form == 'json' else 'zip'}"
        if path.exists():
            raise Misuse("this file exists already and is not replaced; name another --out")
        made, digest = _written(run, ledger, reader, who, wanted, path)
        answered = _answered(ledger, stream, answer, digest) if answer and made.is_whole else None
    content = {
        "file": str(path),
        "scope": wanted.scope,
        "sha256": digest,
        "missing": list(made.missing),
        "answered": answered,
    }
    run.screen.answer(content, lambda: list(_lines(content, answer is not None, run.screen)))


def _asked(ledger: Ledger, stream: UUID) -> tuple[UUID, Scope]:
    """Whose request this is, and the package that answers it."""
    from api.packages import scope_of
    from ledger.requests.reading import one

    found = one(ledger, stream)
    scope = scope_of(ledger, found.subject, found.right) if found.subject else None
    if scope is None or found.subject is None:
        raise Misuse("this request is neither one of access nor one of portability")
    return found.subject, scope


def _written(
    run: Run, ledger: Ledger, reader: str, subject: UUID, wanted: Wanted, path: Path
) -> tuple[Package, str]:
    """Made on its way to the disk, whole or not at all, for the eyes of this account only; with
    the SHA-256 of the file, hex."""
    from api.access import Who
    from api.packages import package_of
    from ledger.archiving.asking import ask
    from ledger.packages.archived import opened
    from ledger.packages.gathering import everybody
    from ledger.sealing.files import write_all

    settings = run.settings
    archive = opened(
        ledger,
        settings.log,
        everybody(ledger, subject),
        wanted.consultations,
        partial(ask, settings.opener / "socket"),
    )
    staff = Who(reader, frozenset())
    made = package_of(ledger, staff, subject, wanted, run.screen.lang, archive)
    digest = sha256()

    def hashed() -> Iterator[bytes]:
        for chunk in made.chunks:
            digest.update(chunk)
            yield chunk

    try:
        write_all(path, hashed(), PRIVATE)
    except OSError as error:
        raise unwritten("DIR", error) from None
    return made, digest.hexdigest()


def _answered(ledger: Ledger, stream: UUID | None, channel: str, digest: str) -> int:
    """The position of the answer, which names the package by its SHA-256."""
    from ledger.requests.fulfilling import Deed, carry_out

    assert stream is not None
    deed = Deed(channel=channel, package=digest)
    return carry_out(ledger, stream, deed).answer.position


def _lines(content: dict[str, Any], is_answer: bool, screen: Screen) -> Iterator[str]:
    yield screen.word("package.done", **content)
    for one in content["missing"]:
        yield screen.word(f"package.{one['state']}", **{**one, "until": one["until"] or "–"})
    if content["answered"] is not None:
        yield screen.word("package.answered", position=content["answered"])
    elif is_answer:
        yield screen.word("package.not_answered")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Misuse("--request must be the id of a request (a UUID)") from None
