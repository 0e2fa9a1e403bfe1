"""Segments: the sealed log as Parquet files that any tool can read (docs/segments.md).

`export` writes what is new since the last time; it can be cut off and run again. `verify` judges a
folder by its signed checkpoint, as an outsider would. `aside` lays its facts out for questions.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.options import Run, WithMemory, command, pins_of
from ledger.errors import Misuse


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    segments = typer.Typer(
        help="The log as Parquet files: export, verify, aside.", no_args_is_help=True
    )
    command(segments, "export")(export)
    command(segments, "verify")(verify)
    command(segments, "aside")(aside)
    app.add_typer(segments, name="segments")


def export(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A folder of segments, or one to be made.")],
    to: Annotated[
        str, typer.Option("--to", help="Who receives it, CODE:TYPE; declared if it is new.")
    ] = "analysis:other",
    compact: Annotated[
        bool, typer.Option("--compact", help="Join all files that are not full, whatever it takes.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--aside", help="Then keep the facts aside, as `segments aside` does.")
    ] = False,
    memory: WithMemory = None,
) -> None:
    """Write what was sealed since the last export: typed columns, entries and leaves, no name."""
    from ledger.segmenting.export import export as write

    recipient, _, type_ = to.partition(":")
    began = time.monotonic()
    with (
        run.ledger() as ledger,
        run.screen.progress(run.screen.word("segments.title")) as advance,
    ):
        made = write(
            ledger,
            run.settings.log,
            folder,
            recipient=recipient,
            recipient_type=type_ or "other",
            compact=compact,
            progress=advance,
        )
    content = asdict(made) | {"path": str(folder), "seconds": round(time.monotonic() - began, 1)}
    key = "segments.done" if made.written else "segments.nothing"
    lines = [run.screen.word(key, **content)]
    if made.disclosed:
        lines.append(run.screen.word("segments.disclosed", **content))
    if keep:
        content["aside"], told = _kept_aside(run, folder, memory)
        lines += told
    run.screen.answer(content, lambda: lines)


def aside(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A folder of segments.")],
    memory: WithMemory = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove what lies there; nothing is kept any more.")
    ] = False,
) -> None:
    """Keep the facts beside the segments for the next questions. Personal data, as the segments."""
    from api.replaying import not_kept_aside

    screen = run.screen
    if remove:
        removed = not_kept_aside(str(folder), pins_of(run))
        key = "segments.not_aside" if removed else "segments.never_aside"
        screen.answer({"removed": removed}, lambda: [screen.word(key)])
        return
    content, lines = _kept_aside(run, folder, memory)
    screen.answer(content, lambda: lines)


def _kept_aside(run: Run, folder: Path, memory: str | None) -> tuple[dict[str, object], list[str]]:
    """Lay the facts out unless they lie there; what to answer, and to say."""
    from api.replaying import kept_aside

    screen, pins = run.screen, pins_of(run)
    with screen.progress(screen.word("segments.laying")):
        content = kept_aside(str(folder), pins, memory)
    content["pinned"] = str(pins)
    key = "segments.aside_found" if content["found"] else "segments.aside"
    return content, [screen.word(key, **content), screen.word("segments.aside_is", **content)]


def verify(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A folder of segments.")],
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="Your own anchors (TOML); else the keys of our own log."),
    ] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option("--receipt", help="Look up the event of this receipt.")
    ] = None,
) -> int:
    """Run every check of a folder of segments; no database is asked, nor needed."""
    from api.trusting import own
    from replay import verify as verifier
    from replay.segments.verify import verify_segments

    screen = run.screen
    try:
        anchors = own(run.settings.log) if trust is None else verifier.Trust.load(trust)
        if anchors is None:
            raise Misuse("say --trust FILE: there is no log here whose keys could be taken")
        with screen.progress(screen.word("segments.verifying")) as advance:
            report = verify_segments(
                folder,
                anchors,
                screen.lang,
                receipts=receipt or (),
                progress=lambda done, total: advance(done, total, ""),
            )
    except verifier.Misuse as misuse:
        raise Misuse(verifier.WORDS[str(misuse)][0]) from None
    screen.answer(report.to_json(), lambda: list(report.lines()))
    return 0 if report.ok else 1
