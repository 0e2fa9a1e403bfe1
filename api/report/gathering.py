"""What a report is made of, as the ledger answers it at two times."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from api.answers import Times, population_answer
from api.controls import asked_of
from api.inspecting import answer_json, inspected, sealed_of
from api.settings import Language
from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import day_of, moment_of_instant
from ledger.entry import to_base64
from ledger.errors import NotFound
from ledger.events import ReportIssued
from ledger.policy.lint import Report, lint
from ledger.policy.model import Edition
from ledger.register.reading import read as read_register
from ledger.register.telling import content as register_content
from ledger.sealing.files import read_if_there
from replay.controls.run import Result
from replay.inspect.model import Sealed

Progress = Callable[[int, int, str], None]
"""Hears (done, of how many, what): the parts of the report."""

PARTS = ("population", "register", "controls", "inspection")


class Gathered(NamedTuple):
    """Everything a report tells, at one state of the ledger."""

    origin: str
    as_of: str
    day: int
    position: int
    edition: Edition
    findings: Report
    population: dict[str, Any]
    register: dict[str, Any]
    controls: Result
    questions: dict[str, Any]
    seal: Sealed
    tokens: int  # checkpoints with an RFC 3161 token beside them
    bundle: str | None  # SHA-256 of the manifest of the bundle that goes with it


def gather(
    ledger: Ledger,
    times: Times,
    lang: Language,
    *,
    log: Path | None = None,
    journal: Path | None = None,
    bundle: Path | None = None,
    progress: Progress = lambda _done, _of, _what: None,
) -> Gathered:
    """Ask everything at the same two times. Raises NotFound where no edition was known."""
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    asked = Times(as_of, ledger.clock.now() if times.known_at is None else times.known_at)
    progress(0, len(PARTS), PARTS[0])
    population = population_answer(ledger, asked)
    progress(1, len(PARTS), PARTS[1])
    register = register_content(read_register(ledger, *asked), lang)
    progress(2, len(PARTS), PARTS[2])
    controls = asked_of(ledger, asked, journal=journal)
    progress(3, len(PARTS), PARTS[3])
    about, answers = inspected(ledger, asked, (), log=log, journal=journal)
    progress(4, len(PARTS), PARTS[3])
    position: int = population["position"]
    edition = ledger.book(ledger.epoch()).in_force(day_of(as_of), position)
    if edition is None:
        raise NotFound("no edition of the policy was known at that time")
    return Gathered(
        ledger.keyring.origin,
        population["as_of"],
        day_of(as_of),
        position,
        edition,
        lint(edition, day_of(as_of)),
        population,
        register,
        controls,
        answer_json(about, answers, lang),
        sealed_of(log),
        _tokens(log),
        None if bundle is None else _hash_of(bundle),
    )


def issued(ledger: Ledger, found: Gathered, lang: Language, content: bytes) -> int:
    """Put on record that this file was made. Its position."""
    fact = ReportIssued(
        occurred=moment_of_instant(ledger.clock.now()),
        actor="system",
        as_of=found.day,
        known=found.position,
        language=lang,
        document=to_base64(sha256(content).digest()),
    )
    (written,) = act(ledger, [act_of(fact)])
    return written.position


def _tokens(log: Path | None) -> int:
    return 0 if log is None else sum(1 for _ in (log / "tsa").glob("*.tsr"))


def _hash_of(bundle: Path) -> str:
    """Of its manifest, which names every file by its own hash. Raises NotFound."""
    raw = read_if_there(bundle / "manifest.json")
    if raw is None:
        raise NotFound("there is no finished bundle in that folder: it has no manifest")
    return sha256(raw).hexdigest()
