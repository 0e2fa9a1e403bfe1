"""Inspector mode: the fifteen questions of an authority, at any two times, down to the proofs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.asking import ByReference, reference_of, subject_of
from api.options import (
    AsOf,
    ByEngine,
    FromSegments,
    KnownAt,
    OnMaster,
    Run,
    WithMemory,
    command,
    files_of,
    instant,
)
from api.screen import Screen
from ledger.errors import Misuse

SHOWN = 40  # lines printed of each question
WIDTH = 44  # of a cell printed for people

Question = Annotated[
    list[str] | None, typer.Argument(help="Q1 to Q15; all of them when none is.", metavar="[Q]...")
]


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "inspect")(inspect)
    command(app, "diff")(diff)


def inspect(  # noqa: PLR0913, PLR0917 - its options
    run: Run,
    question: Question = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Of one person, by id.")] = None,
    reference: ByReference = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout, every line.")] = False,
    positions: Annotated[
        int, typer.Option("--positions", help="Positions named by a line, at most.")
    ] = 20,
    proofs: Annotated[
        Path | None,
        typer.Option(
            "--proofs", help="Also write the proof of each position named.", metavar="DIR"
        ),
    ] = None,
    segments: FromSegments = None,
    engine: ByEngine = None,
    memory: WithMemory = None,
    master: OnMaster = None,
) -> None:
    """Answer an inspector: tables whose numbers lead to events and their proofs."""
    from uuid import UUID

    from api import inspecting as made
    from api.answers import Times, find

    if as_csv and run.screen.as_json:
        raise Misuse("--csv and --json exclude one another")
    if subject is not None and reference is not None:
        raise Misuse("name one person: --subject ID, or --reference KIND=VALUE")
    times = Times(instant("--as-of", as_of), instant("--known-at", known_at))
    named: Any = subject_of(subject) if subject is not None else None
    named = reference_of(reference) if reference is not None else named
    files = files_of(run, segments, engine, memory, master)
    settings, screen = run.settings, run.screen
    with ExitStack() as stack:
        advance = stack.enter_context(screen.progress(screen.word("inspect.title")))

        def heard(people: int) -> None:
            advance(people, 0, str(people))

        if files is not None:
            if reference is not None:
                raise Misuse("only the database knows a reference: name the person by --subject ID")
            from api.replaying import Reader, inspected_alone

            about, answers = stack.enter_context(
                inspected_alone(
                    files,
                    times,
                    question or (),
                    subject=named,
                    positions=positions,
                    reader=Reader(log=settings.log),
                    progress=heard,
                    proofs=proofs,
                )
            )
        else:
            ledger = stack.enter_context(run.ledger())
            who = named if named is None or isinstance(named, UUID) else find(ledger, named)
            about, answers = made.inspected(
                ledger,
                times,
                question or (),
                subject=who,
                log=settings.log,
                journal=settings.journal,
                positions=positions,
                progress=heard,
            )
            if proofs is not None:
                about["proofs"] = made.write_proofs(answers, settings.log, proofs)
        if as_csv:
            sys.stdout.writelines(made.answer_csv(answers, screen.lang))
            return
        content = {"proofs": None} | made.answer_json(about, answers, screen.lang)
        screen.answer(content, lambda: list(_told(content, screen)))


def diff(  # noqa: PLR0913, PLR0917 - its options
    run: Run,
    since: Annotated[
        str, typer.Option("--from", help="D1 or D1,R1: a day or instant, and what was known when.")
    ],
    until: Annotated[str, typer.Option("--to", help="D2 or D2,R2: same forms.")],
    subject: Annotated[str | None, typer.Option("--subject", help="Of one person, by id.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout, every line.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Changes told person by person, at most.")
    ] = 1000,
    segments: FromSegments = None,
    engine: ByEngine = None,
    memory: WithMemory = None,
    master: OnMaster = None,
) -> None:
    """Whose choices changed, and whose data moved, from one instant to another."""
    from api import inspecting as made

    times = _times("--from", since), _times("--to", until)
    who = subject_of(subject) if subject is not None else None
    files = files_of(run, segments, engine, memory, master)
    screen = run.screen
    with ExitStack() as stack:
        advance = stack.enter_context(screen.progress(screen.word("inspect.title")))

        def heard(people: int) -> None:
            advance(people, 0, str(people))

        if files is not None:
            from api.replaying import segment_history

            new = stack.enter_context(segment_history(files, times[1], who))
            about, answers = made.compared(new.at(times[0]), new, who, limit, heard)
        else:
            ledger = stack.enter_context(run.ledger())
            about, answers = made.differing(
                ledger, *times, subject=who, limit=limit, progress=heard
            )
    if as_csv:
        sys.stdout.writelines(made.answer_csv(answers, screen.lang))
        return
    content = made.answer_json(about, answers, screen.lang)
    screen.answer(content, lambda: list(_differing(content, screen)))


def _times(option: str, text: str) -> Any:
    """'D' or 'D,R' as two times."""
    from api.answers import Times

    when, _, known = text.partition(",")
    return Times(instant(option, when), instant(option, known) if known else None)


def _differing(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    first, second = content["from"], content["to"]
    shown = {"day1": first["day"], "known1": first["position"]}
    yield screen.word("inspect.diff", **shown, day2=second["day"], known2=second["position"])
    yield from _answers(content["answers"], screen)


def _told(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("inspect.header", **content)
    yield from _answers(content["answers"], screen)
    if content["proofs"] is not None:
        yield ""
        yield screen.word("inspect.proofs", n=content["proofs"])


def _answers(answers: list[dict[str, Any]], screen: Screen) -> Iterator[str]:
    for answer in answers:
        name = answer["question"] if answer["question"].startswith("Q") else ""
        yield ""
        yield f"{name}  {answer['title']}".strip()
        for told in answer["figures"].values():
            shown = "-" if told["value"] is None else told["value"]
            yield f"    {told['label']}: {shown}"
        if answer["lines"]:
            yield from _table(answer, screen)


def _table(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    """The lines as a rich table, as wide as the terminal, or as it takes in a file."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 4))
    for told in answer["columns"]:
        drawn.add_column(told["label"], overflow="fold", max_width=WIDTH)
    drawn.add_column(screen.word("inspect.positions"), overflow="fold", max_width=WIDTH)
    for line in answer["lines"][:SHOWN]:
        more = line["of"] - len(line["positions"][:3])
        on = " ".join(map(str, line["positions"][:3])) + (f" +{more}" if more > 0 else "")
        drawn.add_row(*line["text"], on)
    width = None if sys.stdout.isatty() else 240
    console = Console(width=width, color_system=None, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(drawn)
    yield from (line.rstrip() for line in captured.get().rstrip("\n").split("\n"))
    if len(answer["lines"]) > SHOWN:
        yield "    " + screen.word("inspect.more", n=len(answer["lines"]) - SHOWN)
