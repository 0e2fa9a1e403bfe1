"""How far a file is from the published policy, before anything of it is imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.keeping import read_file
from api.options import AsOf, Run, command, instant
from api.screen import Screen, table
from ledger.errors import Misuse, unwritten

if TYPE_CHECKING:
    from ledger.calendar import Instant
    from ledger.policy.model import Edition

SHOWN = 5  # line numbers printed for people
REJECTED = (
    *("not-text", "too-long", "quote", "not-csv", "not-json", "columns"),
    *("date", "future", "kind", "person", "field"),
)
CARDS = ("pan-detected", "cvv-detected", "track-data-detected")


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    command(app, "audit")(audit)


def audit(
    run: Run,
    file: Annotated[Path, typer.Argument(help="CSV or NDJSON.", metavar="FILE")],
    map_: Annotated[Path, typer.Option("--map", help="What its columns mean (TOML).")],
    as_of: AsOf = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", help="The edition to judge by; else the ledger's, else SoftSystem's."
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also draw it, as OUT.svg.", metavar="OUT.svg")
    ] = None,
) -> None:
    """Count what a file would bring in against the policy; nothing is stored."""
    if not map_.is_file():
        raise Misuse("--map: there is no such file")
    if not file.is_file():
        raise Misuse("FILE does not exist, or is no file")
    if picture is not None and picture.suffix.lower() != ".svg":
        raise Misuse("--picture: only SVG is drawn; give a name that ends with .svg")
    from ledger.audit import audit as audit_file
    from ledger.audit import picture as drawn
    from ledger.calendar import SystemClock
    from ledger.importing import load_map

    now = SystemClock().now()
    moment = instant("--as-of", as_of)
    mapping = load_map(map_)
    edition, origin = _edition(run, policy, now if moment is None else moment)
    with run.screen.progress(run.screen.word("audit.title")) as advance:
        report = audit_file(
            file,
            mapping,
            edition,
            now=now,
            as_of=moment,
            progress=lambda done, total, lines: advance(done, total, str(lines)),
        )
    report.edition["origin"] = origin
    if picture is not None:
        _write(picture, drawn(report, run.screen.lang))
    answer = report.to_json()
    run.screen.answer(answer, lambda: list(_lines(answer, run.screen)))


def _edition(run: Run, policy: Path | None, moment: Instant) -> tuple[Edition, str]:
    """The edition to judge by, and where it comes from: 'file', 'ledger' or 'shipped'."""
    from ledger.calendar import day_of
    from ledger.events import KINDS
    from ledger.policy.book import shipped
    from ledger.policy.loader import load_edition

    if policy is not None:
        return load_edition(read_file("--policy", policy), policy.name, frozenset(KINDS)), "file"
    try:
        ledger = run.open()
    except Misuse:
        return shipped(), "shipped"
    try:
        found = ledger.book(ledger.epoch()).in_force(day_of(moment), None)
    finally:
        ledger.close()
    return (shipped(), "shipped") if found is None else (found, "ledger")


def _write(path: Path, svg: str) -> None:
    from ledger.sealing.files import write_whole

    try:
        write_whole(path, svg.encode())
    except OSError as error:
        raise unwritten("--picture", error) from None


def _lines(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    lines, edition = answer["lines"], answer["edition"]
    yield screen.word("audit.header", file=answer["file"], day=answer["as_of"], **edition)
    yield screen.word(
        "audit.read", **{k: _n(lines[k]) for k in ("read", "accepted", "later", "undated")}
    )
    yield ""
    yield screen.word("audit.people", n=_n(answer["people"]), past=_n(answer["past"]))
    yield from _tables(answer, screen)
    yield ""
    yield from _findings(answer, screen)
    yield screen.word("audit.done", seconds=round(answer["seconds"], 1))


def _tables(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    from ledger.audit.picture import age_label

    yield ""
    head = [screen.word(f"audit.{name}") for name in ("class", "months", "here", "over")]
    rows = [
        [
            f"{c['name']} ({c['label_' + screen.lang]})",
            f"{c['months']}{'' if c['published'] else ' *'}",
            _n(c["people"]),
            _n(c["past"]),
        ]
        for c in answer["classes"]
    ]
    yield from table(head, rows)
    if not all(c["published"] for c in answer["classes"]):
        yield screen.word("audit.chosen")
    yield ""
    head = [screen.word(f"audit.{name}") for name in ("age", "here", "over")]
    rows = [
        [age_label(a["years_from"], a["years_to"], screen.lang), _n(a["people"]), _n(a["past"])]
        for a in answer["ages"]
    ]
    if answer["inactive"]["people"]:
        gone = answer["inactive"]
        rows.append([screen.word("audit.inactive"), _n(gone["people"]), _n(gone["past"])])
    yield from table(head, rows)


def _findings(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    proof = answer["proof"]
    if proof["reachable"] is None and not proof["people"]:
        yield screen.word("audit.proof_unasked")
    else:
        yield screen.word("audit.proof", **{k: _n(proof[k]) for k in ("people", "none", "weak")})
    found = {**answer["lines"]["rejected"], **answer["cards"]}
    for name in (*REJECTED, *CARDS):
        lines = found[name]
        if lines["count"]:
            said = screen.word(f"audit.{name}")
            key = "audit.cards" if name in CARDS else "audit.rejected"
            yield screen.word(key, n=_n(lines["count"]), what=said, where=_where(lines))
    for column in answer["columns"]:
        yield screen.word("audit.column", **column)
    if answer["sanction"] is not None:
        near = answer["sanction"]
        words = {**near, "euros": _n(near["euros"]), "what": near[screen.lang]}
        yield screen.word("audit.sanction", **words)


def _where(found: dict[str, Any]) -> str:
    shown = ", ".join(map(str, found["numbers"][:SHOWN]))
    return shown + (", …" if found["count"] > SHOWN else "")


def _n(number: int) -> str:
    from ledger.audit.picture import spaced

    return spaced(number)
