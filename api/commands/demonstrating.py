"""A made-up company of ten years to try Probant with, recorded in an empty ledger."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from api.options import Run, command
from ledger.errors import Misuse

MOST = 9990  # people: their references have four digits, and a few more live in the last weeks


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "demo")(demo)


def demo(
    run: Run,
    people: Annotated[int, typer.Option("--people", help="So many people.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another company.")] = 2018,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Leave a ledger that holds facts as it is.")
    ] = False,
    until_today: Annotated[
        bool,
        typer.Option(
            "--until-today", help="Also the last weeks: requests and holds that are under way."
        ),
    ] = False,
) -> None:
    """Fill an empty ledger with a made-up company: ten years, every kind of fact, some disorder."""
    from api.demo import cast, telling

    if not cast.FEWEST <= people <= MOST:
        raise Misuse(f"--people must be between {cast.FEWEST} and {MOST}")
    began, say = time.monotonic(), run.screen.word
    with run.ledger() as ledger, run.screen.progress(say("demo.title")) as advance:
        position = ledger.recorder.head().position
        if if_empty and not telling.is_empty(ledger):
            kept = {"recorded": False, "position": position}
            run.screen.answer(kept, lambda: [say("demo.company_kept", position=position)])
            return
        told = telling.fill(ledger, people, seed, advance, until_today=until_today)
        position = ledger.recorder.head().position
    seconds = round(time.monotonic() - began, 1)
    said: dict[str, Any] = {"people": people, "facts": sum(told.values()), "seconds": seconds}
    find = {reference: say(f"cast.{reference}") for reference in cast.FIND}
    content = {"recorded": True, "position": position, **said, "seed": seed}
    content |= {"kinds": dict(sorted(told.items())), "find": find}
    lines = [say("demo.company", **said, kinds=len(told)), say("demo.find")]
    lines += [say("demo.found", reference=r, what=what) for r, what in find.items()]
    run.screen.answer(content, lambda: lines)
