"""Streams: as one round of decisions sees them, which ones a wish names, and the fact that corrects
one of their facts.

Nothing here reads or writes. Read next: `ledger/deciding.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ledger.aggregates import AGGREGATES, fold
from ledger.commands import Command, Correct, Record
from ledger.entry import derived_id
from ledger.errors import BadData
from ledger.events import Fact, FactCorrected
from ledger.projections.joins import Joins
from ledger.store import reader


def consent_stream(subject: UUID) -> UUID:
    """The stream of a person's choices, derived from her random id so that two writers cannot
    begin two of them."""
    return derived_id(b"probant/consent\x00" + subject.bytes)


def streams_of(command: Command) -> set[UUID]:
    """The streams that a wish names by their ids, or by that of a person."""
    if not isinstance(command, Record):
        return set()
    streams = {command.stream} if command.stream else set()
    subject = command.fact.subject
    if subject:
        streams.add(subject)
        if command.fact.aggregate == "consent":
            streams.add(consent_stream(subject))
    return streams


class Stream:
    """A stream as this session sees it."""

    def __init__(
        self,
        aggregate: str,
        tip: reader.Tip | None,
        subject: UUID | None,
        history: Iterable[tuple[int, Fact]],
    ) -> None:
        self.aggregate = aggregate
        self.version = tip.version if tip else 0
        self.subject = tip.subject if tip else subject
        self.history = list(history)
        known = AGGREGATES[aggregate]
        self.state = fold(known, self.history) if self.history else known.initial()

    def add(self, fact: Fact) -> None:
        """One more fact at the end; a correction is folded in where it points."""
        self.version += 1
        self.subject = fact.subject
        self.history.append((-self.version, fact))  # no position yet
        if fact.aggregate == "any":
            self.state = fold(AGGREGATES[self.aggregate], self.history)
        else:
            self.state = AGGREGATES[self.aggregate].evolve(self.state, fact)


def decided_on(joins: Joins, subject: UUID) -> set[UUID]:
    """The streams on which a fact of one person is decided beside its own, under all her
    references."""
    hers = joins.family(subject)
    return {*hers, *(consent_stream(one) for one in hers if one != subject)}


def correction_of(root: reader.Found, command: Correct) -> FactCorrected:
    """The correcting fact, with every clear column complete. Raises BadData."""
    typed = {spec.key: spec for spec in root.fact.specs if spec.column}
    names = {spec.column or "": spec.name for spec in FactCorrected.specs}
    values: dict[str, Any] = {}
    for key, spec in typed.items():
        given = spec.load(command.changes[key]) if key in command.changes else None
        value = getattr(root.fact, spec.name) if given is None else given
        if value is not None:
            tacit = spec.name == "tacit"
            values[names[spec.column or ""]] = ("tacit" if value else "express") if tacit else value
    unknown = sorted(set(command.changes) - set(typed))
    if unknown:
        raise BadData(f"{root.fact.kind} has no such field that a correction could change")
    return FactCorrected(
        subject=root.subject,
        occurred=command.occurred or root.fact.occurred,
        actor=command.actor,
        item=root.fact.item,
        ref=root.position,
        root=root.fact.kind,
        klass=root.fact.home,
        reason=command.reason,
        **values,
    )
