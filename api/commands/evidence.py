"""What leaves the house to prove what happened in it: judged here as an outsider would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.options import Run, command
from ledger.errors import Misuse

evidence = typer.Typer(help="Bundles that anybody can verify.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.add_typer(evidence, name="evidence")
    command(evidence, "verify")(verify)


def verify(
    run: Run,
    bundle: Annotated[
        Path,
        typer.Argument(help="A folder, zip, .receipt or .certificate.", metavar="BUNDLE"),
    ],
    trust: Annotated[Path, typer.Option("--trust", help="Your own anchors (TOML).")],
    receipt: Annotated[
        list[Path] | None, typer.Option("--receipt", help="Look up the event of this receipt.")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64)] = 1,
) -> int:
    """Run every check of a bundle; nothing of this ledger is asked, nor needed."""
    from replay import verify as verifier

    try:
        anchors = verifier.Trust.load(trust)
        with run.screen.progress(run.screen.word("evidence.verifying")):
            report = verifier.verify(
                bundle, anchors, run.screen.lang, receipts=receipt or (), processes=processes
            )
    except verifier.Misuse as misuse:
        raise Misuse(verifier.WORDS[str(misuse)][run.screen.lang == "fr"]) from None
    run.screen.answer(report.to_json(), lambda: list(report.lines()))
    return 0 if report.ok else 1
