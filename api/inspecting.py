"""The inspector's questions as plain values, as CSV, and with the proofs of what they rest on.

Read next: `controlling.py`, which hands the ledger to the questions; `replay/inspect/`.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from api.answers import Times
from api.controlling import history
from api.pieces import Rows
from api.settings import Language
from ledger.application import Ledger
from ledger.calendar import Instant, day_of, format_day, format_instant
from ledger.errors import Misuse, NotFound
from ledger.packages.rendering import unformula
from ledger.seal import proof, tiles
from ledger.seal.checkpoint import parse_checkpoint
from ledger.seal.merkle import prove_inclusion
from ledger.sealing.files import read_if_there
from ledger.sealing.keys import LOG_KEYS
from replay.controls.model import History
from replay.controls.run import Progress
from replay.inspect.catalogue import OF_THE_STORE, QUESTIONS
from replay.inspect.diff import changes
from replay.inspect.model import Answer, Asked, Line, Sealed
from replay.inspect.run import ask
from replay.inspect.words import column, figure, text_of, title, value_of

POSITIONS, MOST = 20, 10_000  # that a line names
LISTED = 1000  # changes told person by person


def list_answer(lang: Language) -> dict[str, Any]:
    """Every question."""
    return {"questions": [{"id": name, "title": title(name, lang)} for name in QUESTIONS]}


def wanted(names: Iterable[str]) -> tuple[str, ...]:
    """The questions named; all when none is. Raises NotFound."""
    asked = tuple(dict.fromkeys(name.upper() for name in names))
    if not set(asked) <= set(QUESTIONS):
        raise NotFound("there is no such question: they are Q1 to Q15")
    return asked or tuple(QUESTIONS)


def inspected(
    ledger: Ledger,
    times: Times,
    names: Sequence[str],
    *,
    subject: UUID | None = None,
    log: Path | None = None,
    journal: Path | None = None,
    positions: int = POSITIONS,
    progress: Progress = lambda _people: None,
) -> tuple[dict[str, Any], tuple[Answer, ...]]:
    """The answers, and what they speak of: the two times, the last position known, the seal.

    Raises NotFound when the ledger knows no such person, Misuse for too many positions.
    """
    asked, positions = wanted(names), checked_positions(positions)
    check = any(name in OF_THE_STORE for name in asked) and subject is None
    with history(ledger, times, journal, check=check, subject=subject) as found:
        stored = found.stored() if check else None
        told = Asked(subject, positions, stored, sealed_of(log))
        return answered(found, times, asked, told, progress)


def checked_positions(positions: int) -> int:
    """How many positions a line names at most. Raises Misuse."""
    if not 1 <= positions <= MOST:
        raise Misuse(f"a line names between 1 and {MOST} positions")
    return positions


def answered(
    found: History, times: Times, names: Sequence[str], told: Asked, progress: Progress
) -> tuple[dict[str, Any], tuple[Answer, ...]]:
    """The answers from one state of history, wherever it was read, and what they speak of."""
    answers = ask(found, wanted(names), told, progress)
    about = {
        "as_of": format_instant(found.as_of),
        "day": format_day(day_of(found.as_of)),
        "known_at": None if times.known_at is None else format_instant(times.known_at),
        "position": found.known,
        "sealed": told.sealed.size,
        "pruned": found.pruned,
        "subject": told.subject and str(told.subject),
    }
    return about, answers


def differing(
    ledger: Ledger,
    before: Times,
    after: Times,
    *,
    subject: UUID | None = None,
    limit: int = LISTED,
    progress: Progress = lambda _people: None,
) -> tuple[dict[str, Any], tuple[Answer, ...]]:
    """What changed from one instant to another, each as known at its own.

    Raises Misuse when less was known at the second one than at the first.
    """
    with history(ledger, after, subject=subject) as new:
        old = new.at(before)
        return compared(old, new, subject, limit, progress)


def compared(
    old: History, new: History, subject: UUID | None, limit: int, progress: Progress
) -> tuple[dict[str, Any], tuple[Answer, ...]]:
    """What changed from one state of history to another. Raises Misuse as `differing` does."""
    if old.known > new.known:
        raise Misuse("the second instant must know no less than the first: give both a R")
    answers = changes(old, new, Asked(subject), limit, progress)
    about = {
        "from": _when(old.as_of, old.known),
        "to": _when(new.as_of, new.known),
        "subject": subject and str(subject),
    }
    return about, answers


def _when(as_of: Instant, known: int) -> dict[str, Any]:
    return {"as_of": format_instant(as_of), "day": format_day(day_of(as_of)), "position": known}


def sealed_of(log: Path | None) -> Sealed:
    """How far the exported log is sealed; nothing, where none is."""
    note = read_if_there(log / "checkpoint") if log is not None else None
    if note is None or log is None:
        return Sealed()
    keys = (read_if_there(log / LOG_KEYS) or b"").decode().split()
    return sealed_by(note.decode("utf-8"), keys)


def sealed_by(note: str, keys: Iterable[str]) -> Sealed:
    """What a signed checkpoint seals. It is read, not verified."""
    head = parse_checkpoint(note.partition("\n\n")[0] + "\n")
    return Sealed(head.size, head.root.hex(), tuple(keys))


def answer_json(about: dict[str, Any], answers: Sequence[Answer], lang: Language) -> dict[str, Any]:
    """The answers as plain values: codes, with their words where they have some. Their lines are
    `Rows`, made as they are read."""
    return {**about, "answers": [_json(answer, lang) for answer in answers]}


def _json(answer: Answer, lang: Language) -> dict[str, Any]:
    def row(line: Line) -> dict[str, Any]:
        return {
            "values": dict(zip(answer.columns, map(value_of, line.cells), strict=True)),
            "text": [text_of(cell, lang) for cell in line.cells],
            "positions": list(line.positions),
            "of": line.of,
        }

    return {
        "question": answer.question,
        "title": title(answer.question, lang),
        "columns": [{"id": code, "label": column(code, lang)} for code in answer.columns],
        "figures": {
            code: {"label": figure(code, lang), "value": value_of(cell)}
            for code, cell in answer.figures.items()
        },
        "lines": Rows(answer.lines, row),
    }


def answer_csv(answers: Sequence[Answer], lang: Language) -> Iterator[str]:
    """The answers as CSV (RFC 4180), line by line: a head and lines for each question, its id
    first."""
    write = csv.writer(_Echo(), lineterminator="\r\n").writerow
    for answer in answers:
        heads = [column(code, lang) for code in answer.columns]
        yield write(["", *heads, column("of", lang), column("positions", lang)])
        for line in answer.lines:
            yield write([answer.question, *_plain(line, lang)])


class _Echo:
    """A file that hands back what is written into it."""

    def write(self, text: str) -> str:
        return text


def _plain(line: Line, lang: Language) -> list[str]:
    """The cells of a line. A text that a spreadsheet would take for a formula is marked as text."""
    cells = ["" if cell is None else text_of(cell, lang) for cell in line.cells]
    return [*map(unformula, cells), str(line.of), " ".join(map(str, line.positions))]


def write_proofs(answers: Sequence[Answer], log: Path, folder: Path) -> int:
    """Write the inclusion proof of each position that the answers name and the log has sealed
    (`POSITION.tlog-proof`). Returns how many. Raises Misuse when nothing is sealed."""
    note = read_if_there(log / "checkpoint")
    if note is None:
        raise Misuse("nothing is sealed yet; run `probant seal` first")
    return proofs_written(named_in(answers), note, tiles.folder(log), folder)


def named_in(answers: Sequence[Answer]) -> frozenset[int]:
    """Every position that an answer names."""
    return frozenset(p for a in answers for line in a.lines for p in line.positions)


def proofs_written(
    positions: Collection[int], note: bytes, fetch: tiles.Fetch, folder: Path
) -> int:
    """The same for positions sealed by this checkpoint, with the tiles that `fetch` gives."""
    size = parse_checkpoint(note.decode("utf-8").partition("\n\n")[0] + "\n").size
    reader = tiles.tile_reader(size, fetch)
    named = sorted(position for position in positions if position <= size)
    folder.mkdir(parents=True, exist_ok=True)
    for position in named:
        hashes = prove_inclusion(position - 1, size, reader)
        made = proof.InclusionProof(position - 1, tuple(hashes), note)
        (folder / f"{position}.tlog-proof").write_bytes(proof.format_inclusion(made))
    return len(named)
