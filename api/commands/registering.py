"""`probant register`: the register of processing activities (GDPR art. 30) at any two times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from api.options import AsOf, KnownAt, Run, command, instant
from api.screen import Screen, table
from ledger.errors import Misuse, unwritten

HEAD = ("activity", "basis", "recipients", "facts", "people", "past")


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "register")(register_of)


def register_of(
    run: Run,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="A file: .ods, .csv, .md or .json.", metavar="FILE"),
    ] = None,
) -> None:
    """The register of processing, made from the policy and compared with what events show."""
    asked = instant("--as-of", as_of), instant("--known-at", known_at)
    from ledger.register.formats import MEDIA, written
    from ledger.register.reading import read
    from ledger.register.telling import content
    from ledger.sealing.files import write_whole

    kind = None if output is None else output.suffix.removeprefix(".").lower()
    if kind is not None and kind not in MEDIA:
        raise Misuse(f"--output must end in one of: {', '.join(f'.{name}' for name in MEDIA)}")
    with run.ledger() as ledger:
        found = content(read(ledger, *asked), run.screen.lang)
    if output is None or kind is None:
        run.screen.answer(found, lambda: list(_lines(found, run.screen)))
        return
    try:
        write_whole(output, written(found, kind, run.screen.lang))
    except OSError as error:
        raise unwritten("--output", error) from None
    answer = {"file": str(output), "activities": len(found["activities"])}
    answer["gaps"] = len(found["gaps"])
    run.screen.answer(answer, lambda: [run.screen.word("register.written", **answer)])


def _lines(found: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("register.header", **found)
    yield ""
    rows = [
        [
            one["name"],
            one["basis_said"],
            ", ".join(to["recipient"] for to in one["recipients"]) or "-",
            str(one["observed"]["facts"]),
            str(one["observed"]["people"]),
            str(one["observed"]["past_term"]),
        ]
        for one in found["activities"]
    ]
    yield from table([screen.word(f"register.{name}") for name in HEAD], rows, left=3)
    yield ""
    yield screen.word("register.gaps" if found["gaps"] else "register.no_gap", n=len(found["gaps"]))
    for gap in found["gaps"]:
        yield f"  {gap['said']} ({gap['clause']}, {gap['article']})"
    yield screen.word("register.output")
