"""`probant report`: the evidence report for the authority, as a PDF; its hash goes on record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.options import AsOf, KnownAt, Run, command, instant
from ledger.errors import Misuse, unwritten


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "report")(report)


def report(
    run: Run,
    output: Annotated[Path, typer.Argument(help="The file to write (.pdf).", metavar="FILE")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle", help="The evidence bundle that goes with it: its hash is printed."
        ),
    ] = None,
) -> None:
    """Policy, retention, register, an inspector's questions, controls and integrity, in one PDF."""
    if output.suffix.lower() != ".pdf":
        raise Misuse("FILE must end in .pdf")
    from api.answers import Times
    from api.report.gathering import gather, issued
    from api.report.rendering import pdf
    from api.report.sections import document
    from ledger.sealing.files import write_whole

    times = Times(instant("--as-of", as_of), instant("--known-at", known_at))
    settings, screen = run.settings, run.screen
    with run.ledger() as ledger:
        with screen.progress(screen.word("report.title")) as advance:
            found = gather(
                ledger,
                times,
                screen.lang,
                log=settings.log,
                journal=settings.journal,
                bundle=bundle,
                progress=lambda done, of, what: advance(done, of, screen.word(f"report.{what}")),
            )
            content = pdf(document(found, screen.lang))
        try:
            write_whole(output, content)
        except OSError as error:
            raise unwritten("FILE", error) from None
        # The file is there and whole; cut here, it is on nobody's record and can be made again.
        position = issued(ledger, found, screen.lang, content)
    answer: dict[str, Any] = {"file": str(output), "bytes": len(content), "position": position}
    screen.answer(answer, lambda: [screen.word("report.written", **answer)])
