"""Controls: what must never be found in history, asked at any two times, once or every day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.erasing import desk
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

if TYPE_CHECKING:
    from api.answers import Times
    from api.replaying import Source

FOUND, UNCHECKED = 1, 2  # exit codes
SHOWN = 5  # findings printed of each control
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Control = Annotated[
    list[str] | None,
    typer.Option("--control", help="Only this one (C01 to C18); may be given again."),
]
OpenParts = Annotated[
    bool,
    typer.Option("--open-parts", help="Open sealed parts too, to look for card data (C09)."),
]
Trust = Annotated[
    Path | None,
    typer.Option(
        "--trust", help="With --segments: your own anchors (TOML); else the keys of our own log."
    ),
]
Recorded = Annotated[
    bool,
    typer.Option("--record/--no-record", help="Put the run on record and sign its result."),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    controls = typer.Typer(help="Controls: list, run, history, watch.", no_args_is_help=True)
    command(controls, "list")(list_)
    command(controls, "run")(run_)
    command(controls, "history")(history)
    command(controls, "watch")(watch)
    app.add_typer(controls, name="controls")


def list_(run: Run) -> None:
    """What each control asks, and the clauses it proves."""
    from api.controls import list_answer

    answer = list_answer(run.screen.lang)
    run.screen.answer(answer, lambda: list(_listed(answer)))


def run_(  # noqa: PLR0913, PLR0917 - its options
    run: Run,
    control: Control = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    open_parts: OpenParts = False,
    record: Recorded = True,
    segments: FromSegments = None,
    trust: Trust = None,
    engine: ByEngine = None,
    memory: WithMemory = None,
    master: OnMaster = None,
) -> int:
    """Ask the controls; exit code 0 only when none of them finds a violation."""
    from api.answers import Times

    times = Times(instant("--as-of", as_of), instant("--known-at", known_at))
    if segments is None and trust is not None:
        raise Misuse("--trust goes with --segments")
    files = files_of(run, segments, engine, memory, master)
    if files is None:
        answer = _ran(run, times, control or (), open_parts=open_parts, record=record)
    elif open_parts:
        raise Misuse("segments hold no sealed part: --open-parts needs the database")
    else:
        answer = _ran_alone(run, files, times, control or (), trust)
    run.screen.answer(answer, lambda: list(_told(answer, run.screen)))
    if answer["unchecked"]:
        return UNCHECKED
    return 0 if answer["ok"] else FOUND


def history(
    run: Run, limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50
) -> None:
    """The runs on record, newest first."""
    from api.controls import history_answer

    with run.ledger() as ledger:
        answer = history_answer(ledger, limit)
    run.screen.answer(answer, lambda: list(_past(answer, run.screen)))


def watch(
    run: Run,
    every: Annotated[
        str, typer.Option("--every", help="Time between two runs: 30m, 12h, 1d.")
    ] = "1d",
    runs: Annotated[int | None, typer.Option("--runs", min=1, help="Stop after so many.")] = None,
    open_parts: OpenParts = False,
) -> None:
    """Ask all controls again and again, each run on record, until told to stop."""
    from api.answers import Times
    from api.controls import every as repeated

    seconds, stop = seconds_of(every), Event()

    def once() -> None:
        answer = _ran(run, Times(), (), open_parts=open_parts, record=True)
        run.screen.answer(answer, lambda: list(_told(answer, run.screen)))

    repeated(seconds, once, stop.wait, runs)


def seconds_of(text: str) -> int:
    """'12h' as seconds. Raises Misuse."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text, re.ASCII)
    if found is None:
        raise Misuse("--every is written with a unit: 30m, 12h, 1d")
    return int(found[1]) * UNITS[found[2]]


def _ran_alone(
    run: Run, files: Source, times: Times, names: Sequence[str], trust: Path | None
) -> dict[str, Any]:
    """The controls, asked of segments: not put on record."""
    from api.controls import result_json
    from api.replaying import Reader, controlled_alone

    lang = run.screen.lang
    reader = Reader(trust, run.settings.log)
    with run.screen.progress(run.screen.word("controls.title")) as advance:
        heard = lambda n: advance(n, 0, str(n))  # noqa: E731
        result = controlled_alone(files, times, names, reader, heard)
    return {**result_json(result, lang), "recorded": None}


def _ran(run: Run, times: Times, names: Any, *, open_parts: bool, record: bool) -> dict[str, Any]:
    from api.controls import asked_of, put_on_record, result_json

    settings, screen = run.settings, run.screen
    with run.ledger() as ledger:
        with screen.progress(screen.word("controls.title")) as advance:
            result = asked_of(
                ledger,
                times,
                names,
                journal=settings.journal,
                open_parts=open_parts,
                progress=lambda n: advance(n, 0, str(n)),
            )
        answer = result_json(result, screen.lang)
        answer["recorded"] = None
        if record:
            with desk(run) as where:
                answer["recorded"] = put_on_record(ledger, result, where)
    return answer


# --- lines for people -----------------------------------------------------------------------------


def _listed(answer: dict[str, Any]) -> Iterator[str]:
    for one in answer["controls"]:
        yield f"{one['id']}  {one['title']}"
        yield f"     {one['about']}"
        yield f"     {one['article']}; {' '.join(one['clauses'])}"


def _told(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("controls.header", **answer)
    if answer["pruned"]:
        yield screen.word("controls.pruned", n=answer["pruned"])
    for one in answer["controls"]:
        nothing = "?" if one["checked"] == "no" else "-"
        count = str(one["violations"]) if one["violations"] else nothing
        yield f"{one['id']}  {count:>7}  {one['title']}"
        if one["unchecked"]:
            said = "controls.checked_no" if one["checked"] == "no" else "controls.checked_part"
            yield "        " + screen.word(said, because=one["unchecked"])
        for finding in one["findings"][:SHOWN]:
            yield from _finding(finding, screen)
        rest = one["violations"] + one["exceptions"] + one["differs"] - SHOWN
        if rest > 0:
            yield "        " + screen.word("controls.more", n=rest)
    recorded = answer["recorded"]
    if recorded is not None:
        said = "controls.signed" if recorded["signed"] else "controls.unsigned"
        yield screen.word(said, **recorded)
    bad = [one["id"] for one in answer["controls"] if one["violations"]]
    if bad:
        yield screen.word("controls.failed", n=answer["violations"], names=", ".join(bad))
    elif not answer["unchecked"]:
        yield screen.word("controls.ok")
    missing = [one["id"] for one in answer["controls"] if one["checked"] == "no"]
    if missing:
        yield screen.word("controls.unchecked", names=", ".join(missing))


def _finding(finding: dict[str, Any], screen: Screen) -> Iterator[str]:
    weight = {
        "violation": "",
        "exception": screen.word("controls.exception"),
        "differs": screen.word("controls.differs"),
    }[finding["weight"]]
    where = ", ".join(map(str, finding["positions"][:8])) or "-"
    yield f"        {weight}{finding['explanation']}"
    place = screen.word(
        "controls.where",
        positions=where,
        **{
            "clause": finding["clause"],
            "article": finding["article"],
            "subject": finding["subject"] or "-",
        },
    )
    yield f"          {place}"


def _past(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    if not answer["runs"]:
        yield screen.word("controls.never")
    for one in answer["runs"]:
        found = ", ".join(f"{name} {n}" for name, n in one["found"].items() if n)
        yield screen.word("controls.past", **{**one, "found": found or "-"})
