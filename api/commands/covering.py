"""What the code does about each clause of the policy, as a table made from the code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from api.options import Run, command
from api.screen import table


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "coverage")(coverage)


def coverage(
    run: Run,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As docs/coverage.md holds it.")
    ] = False,
) -> None:
    """Each clause with its events, derivations, refusals, controls and tests."""
    from api import coverage as made

    found = made.table()
    if markdown and not run.screen.as_json:
        sys.stdout.write(made.markdown(found))
        return
    say = run.screen.word
    names = ("clause", "events", "derivation", "enforcement", "control", "tests")
    counts = [
        [
            row.clause,
            *(str(len(x)) for x in (row.events, row.derivation, row.enforcement)),
            " ".join(row.controls) or "-",
            str(len(row.tests)),
        ]
        for row in found.rows
    ]
    content = {
        "clauses": [row._asdict() for row in found.rows],
        "unknown": list(found.unknown),
    }
    lines = table([say(f"coverage.{name}") for name in names], counts, left=1)
    run.screen.answer(content, lambda: list(lines))
