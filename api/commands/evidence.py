"""Evidence: bundles for a stranger who checks them without us.

`export` records the disclosure first, then writes; it can be cut off and run again.
"""

from __future__ import annotations

import time
import zipfile
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.options import Run, command
from ledger.errors import Misuse

KINDS = ("whole", "range", "subject", "redacted")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    evidence = typer.Typer(help="Evidence bundles: export, verify.", no_args_is_help=True)
    command(evidence, "export")(export)
    app.add_typer(evidence, name="evidence")


def export(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or a .zip.")],
    to: Annotated[
        str, typer.Option("--to", help="Who receives it: a code, declared if it is new.")
    ] = "auditor",
    type_: Annotated[
        str, typer.Option("--type", help="What the recipient is: authority, accountant, other…")
    ] = "authority",
    kind: Annotated[
        str, typer.Option("--kind", help="whole, range, subject or redacted.")
    ] = "whole",
    first: Annotated[int | None, typer.Option("--from", help="First position (range).")] = None,
    last: Annotated[int | None, typer.Option("--until", help="Last position (range).")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="The random id of a person (subject).")
    ] = None,
    disclose: Annotated[
        bool, typer.Option("--disclose", help="Open her personal parts, with their salts.")
    ] = False,
    envelopes: Annotated[
        bool, typer.Option("--envelopes/--no-envelopes", help="Take the ciphertext along.")
    ] = True,
) -> None:
    """Write what a stranger needs to check this ledger, or a part of it, without us."""
    from ledger.evidence.disclosing import record_disclosure
    from ledger.evidence.export import PLAN, Wanted
    from ledger.evidence.export import export as write

    wanted = Wanted(_kind(kind, subject), first, last, _subject(subject), disclose, envelopes)
    target = folder.with_suffix("") if folder.suffix == ".zip" else folder
    if folder.suffix == ".zip" and folder.exists():
        raise Misuse("that file exists already; it will not be replaced")
    began = time.monotonic()
    with run.ledger() as ledger:
        if not (target / PLAN).exists():  # an export that goes on was recorded when it began
            record_disclosure(ledger, to, type_, wanted.subject, ledger.recorder.head().position)
        with run.screen.progress(run.screen.word("evidence.title")) as advance:
            certificates = run.settings.home / "certificates"
            log = run.settings.home / "log"
            made = write(ledger, log, target, wanted, certificates=certificates, progress=advance)
    if folder.suffix == ".zip":
        _zip(target, folder)
    content: dict[str, Any] = {
        "origin": made.origin,
        "size": made.size,
        "kind": made.kind,
        "files": made.files,
        "bytes": made.bytes,
        "path": str(folder),
        "seconds": round(time.monotonic() - began, 1),
    }
    run.screen.answer(content, lambda: [run.screen.word("evidence.done", **content)])


def _kind(kind: str, subject: str | None) -> Any:
    if kind not in KINDS:
        raise Misuse("--kind must be one of: " + ", ".join(KINDS))
    if (kind == "subject" or kind == "whole") and subject:
        return "subject"
    if kind == "subject" or subject:
        raise Misuse("--subject and --kind subject belong together")
    return kind


def _subject(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Misuse("--subject must be the random id of a person") from None


def _zip(folder: Path, file: Path) -> None:
    """The folder as one file, which appears whole or not at all; the folder stays."""
    aside = file.with_name(file.name + ".tmp")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                made.write(path, path.relative_to(folder).as_posix())
    aside.replace(file)
