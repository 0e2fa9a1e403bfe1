"""Evidence: bundles for a stranger who checks them without us.

`export` records the disclosure first, then writes; it can be cut off and run again. `verify` judges
a bundle as an outsider would, with `replay/verify.py`.
"""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.options import Run, command
from ledger.errors import Misuse


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    evidence = typer.Typer(help="Evidence bundles: export, verify.", no_args_is_help=True)
    command(evidence, "export")(export)
    command(evidence, "verify")(verify)
    app.add_typer(evidence, name="evidence")


def export(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or a .zip.")],
    to: Annotated[
        str, typer.Option("--to", help="Who receives it, CODE:TYPE; declared if it is new.")
    ] = "auditor:authority",
    positions: Annotated[
        str | None, typer.Option("--positions", help="Only the entries FIRST-LAST.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only one person, by her random id.")
    ] = None,
    disclose: Annotated[
        bool, typer.Option("--disclose", help="Open her personal parts, with their salts.")
    ] = False,
    redacted: Annotated[
        bool, typer.Option("--redacted", help="Hash tiles and checkpoints only, no entry.")
    ] = False,
    envelopes: Annotated[
        bool, typer.Option("--envelopes/--no-envelopes", help="Take the ciphertext along.")
    ] = True,
) -> None:
    """Write what a stranger needs to check this ledger, or a part of it, without us."""
    from ledger.evidence.disclosing import record_disclosure
    from ledger.evidence.export import PLAN, Wanted
    from ledger.evidence.export import export as write

    if sum((positions is not None, subject is not None, redacted)) > 1:
        raise Misuse("--positions, --subject and --redacted exclude one another")
    if disclose and subject is None:
        raise Misuse("--disclose goes with --subject")
    kind: Any = "range" if positions else "subject" if subject else "whole"
    first, last = _positions(positions)
    wanted = Wanted(
        "redacted" if redacted else kind, first, last, _subject(subject), disclose, envelopes
    )
    target = folder.with_suffix("") if folder.suffix == ".zip" else folder
    if folder.suffix == ".zip" and folder.exists():
        raise Misuse("that file exists already; it will not be replaced")
    recipient, _, type_ = to.partition(":")
    began = time.monotonic()
    with run.ledger() as ledger:
        if not (target / PLAN).exists():  # an export that goes on was recorded when it began
            size = ledger.recorder.head().position
            record_disclosure(ledger, recipient, type_ or "authority", wanted.subject, size)
        with run.screen.progress(run.screen.word("evidence.title")) as advance:
            log, certificates = run.settings.log, run.settings.home / "certificates"
            more: Any = {"certificates": certificates, "progress": advance}
            zipped = folder if target != folder else None
            made = write(ledger, log, target, wanted, zipped=zipped, **more)
    content = asdict(made) | {"path": str(folder), "seconds": round(time.monotonic() - began, 1)}
    run.screen.answer(content, lambda: [run.screen.word("evidence.done", **content)])


def _positions(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    found = re.fullmatch(r"([0-9]{1,15})-([0-9]{1,15})", text, re.ASCII)
    if not found:
        raise Misuse("--positions must be FIRST-LAST, for example 1-5000")
    return int(found[1]), int(found[2])


def _subject(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Misuse("--subject must be the random id of a person") from None


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
        raise Misuse(verifier.WORDS[str(misuse)][0]) from None
    run.screen.answer(report.to_json(), lambda: list(report.lines()))
    return 0 if report.ok else 1
