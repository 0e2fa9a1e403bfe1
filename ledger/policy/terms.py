"""Which term applies to a fact: the editions in force, read with the era of that fact.

A later edition may shorten a term at once. It lengthens one only for facts of its own era: recorded
under it, or after the person was notified of it (SS-POL-2, GDPR art. 13(3)). The same holds for
what counts as activity and what suspends a clock, because adding to those lists lengthens too.

`rule_for` is the one definition. `terms_table`, `moving_rows` and `suspending_rows` tabulate it for
every era, so that a set-based engine can join the very same numbers. Read `evaluate.py` next.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ledger.calendar import Instant, day_of
from ledger.policy.book import Book
from ledger.policy.model import ArchiveFrom, ClockKind, DataClass, Edition, Term


class Rule(NamedTuple):
    """What one class means for a fact of one era, on one day."""

    data_class: DataClass  # the row that gave the operational term: its rule, clause, article
    edition: Edition  # the edition that row stands in
    months: int  # operational term
    archive: Term | None
    months_in_all: int  # as the edition that gave the archive counts them
    moved_by: frozenset[str]
    suspended_by: frozenset[str]
    not_lengthened: bool  # a later edition is longer, but not for facts of this era


class TermRow(NamedTuple):
    """The term of a class for facts of one era: a row to join in SQL."""

    klass: str
    clock: ClockKind
    era: int
    operational_months: int
    archive_months: int | None  # None: no archive
    archive_from: ArchiveFrom | None
    article: str  # of the operational term


class MovingRow(NamedTuple):
    """Facts of this kind and era move the clock of this class."""

    klass: str
    clock: ClockKind
    era: int
    kind: str


class SuspendingRow(NamedTuple):
    """Open contracts of this type and era stop the clock of this class."""

    klass: str
    clock: ClockKind
    era: int
    contract_type: str


@lru_cache(maxsize=4096)
def rule_for(chain: tuple[Edition, ...], klass: str, era: int) -> Rule | None:
    """The rule of a class for a fact of that era, under these editions in force (oldest first).

    None when no edition of the chain has the class.
    """
    rule: Rule | None = None
    for edition in chain:
        data_class = edition.classes.get(klass)
        if data_class is None:
            continue
        fresh = _as_written(edition, data_class)
        rule = fresh if rule is None or edition.number <= era else _only_shortened(rule, fresh)
    return rule


def chain_for(
    book: Book, klass: str, on_day: int, position: int | None
) -> tuple[tuple[Edition, ...], bool]:
    """The editions to judge a class by on that day, and whether they were already in force.

    A class that only a later known edition has is judged by that edition, not yet in force.
    """
    chain = book.chain(on_day, position)
    if not any(klass in edition.classes for edition in chain):
        chain = tuple(e for e in book.known(position) if klass in e.classes)[:1]
    return chain, bool(chain) and chain[0].effective_from <= on_day


def terms_table(book: Book, as_of: Instant, known: int | None = None) -> list[TermRow]:
    """The term of every class for every era that a fact known at that position can have."""
    return [
        TermRow(
            klass,
            rule.data_class.clock,
            era,
            rule.months,
            rule.archive.months if rule.archive else None,
            rule.archive.counted_from if rule.archive else None,
            rule.data_class.article,
        )
        for klass, era, rule in _all_rules(book, as_of, known)
    ]


def moving_rows(book: Book, as_of: Instant, known: int | None = None) -> list[MovingRow]:
    """Which kinds of fact move which class, for every era."""
    return [
        MovingRow(klass, rule.data_class.clock, era, kind)
        for klass, era, rule in _all_rules(book, as_of, known)
        for kind in sorted(rule.moved_by)
    ]


def suspending_rows(book: Book, as_of: Instant, known: int | None = None) -> list[SuspendingRow]:
    """Which types of contract suspend which class, for every era."""
    return [
        SuspendingRow(klass, rule.data_class.clock, era, contract_type)
        for klass, era, rule in _all_rules(book, as_of, known)
        for contract_type in sorted(rule.suspended_by)
    ]


def _as_written(edition: Edition, data_class: DataClass) -> Rule:
    return Rule(
        data_class,
        edition,
        data_class.operational_months,
        data_class.archive,
        data_class.months_in_all,
        frozenset(data_class.moved_by),
        frozenset(data_class.suspended_by),
        not_lengthened=False,
    )


def _only_shortened(before: Rule, fresh: Rule) -> Rule:
    """The rule after an edition newer than the fact: each part changes only if it gets shorter."""
    longer = fresh.months > before.months
    term = before if longer else fresh
    kept = before if fresh.months_in_all > before.months_in_all else fresh
    return Rule(
        term.data_class,
        term.edition,
        term.months,
        kept.archive,
        kept.months_in_all,
        before.moved_by & fresh.moved_by,
        before.suspended_by & fresh.suspended_by,
        not_lengthened=longer,
    )


def _all_rules(book: Book, as_of: Instant, known: int | None) -> list[tuple[str, int, Rule]]:
    today = day_of(as_of)
    editions = book.known(known)
    names = dict.fromkeys(name for edition in editions for name in edition.classes)
    found: list[tuple[str, int, Rule]] = []
    for klass in names:
        chain, _ = chain_for(book, klass, today, known)
        for edition in editions:
            rule = rule_for(chain, klass, edition.number)
            if rule is not None:
                found.append((klass, edition.number, rule))
    return found
