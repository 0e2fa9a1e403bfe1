"""A large made-up history as segments, to measure with (docs/benchmarks.md)."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from api.options import Run, command
from ledger.errors import Misuse

PATTERN, PATTERN_MOST = 400, 9999  # people of the company that is repeated


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    bench = typer.Typer(help="Made-up histories to measure with: generate.", no_args_is_help=True)
    command(bench, "generate")(generate)
    app.add_typer(bench, name="bench")


def generate(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A new folder of segments.", metavar="DIR")],
    events: Annotated[int | None, typer.Option("--events", help="So many events.", min=1)] = None,
    customers: Annotated[
        int | None, typer.Option("--customers", help="At least so many people.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another history.")] = 2018,
    entries: Annotated[
        bool, typer.Option("--entries", help="With their entries and true leaves; slower.")
    ] = False,
    pattern: Annotated[
        int, typer.Option("--pattern", help="People of the company that is repeated.")
    ] = PATTERN,
) -> None:
    """Write a large made-up history as segments: every kind of fact, ten years, no checkpoint."""
    from api.demo import cast
    from api.demo.playing import play, policies
    from replay.generating.pattern import pattern_of
    from replay.generating.writing import refuse_in_use, write

    if (events is None) == (customers is None):
        raise Misuse("say how much: either --events or --customers")
    if not cast.FEWEST <= pattern <= PATTERN_MOST:
        raise Misuse(f"--pattern must be between {cast.FEWEST} and {PATTERN_MOST}")
    refuse_in_use(folder)
    began, say = time.monotonic(), run.screen.word
    with (
        TemporaryDirectory(prefix="probant-pattern-") as aside,
        run.screen.progress(say("bench.playing", people=pattern)) as advance,
    ):
        found = pattern_of(play(Path(aside), pattern, seed, advance), seed)
    copies = found.copies_for(events) if events else -(-(customers or 1) // found.people)
    with run.screen.progress(say("bench.title")) as advance:
        written = write(
            folder,
            found,
            policies(),
            events=events,
            copies=copies,
            seed=seed,
            entries=entries,
            progress=lambda done, total: advance(done, total, ""),
        )
    content = written._asdict() | {"path": str(folder), "copies": copies, "seed": seed}
    content |= {"entries": entries, "seconds": round(time.monotonic() - began, 1)}
    run.screen.answer(content, lambda: [say("bench.done", **content), say("bench.made_up")])
