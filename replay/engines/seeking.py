"""Whom a question concerns, in SQL: people by one event of theirs, and what of them need not be
looked at one by one. Every answer is for `api/everybody.py`, which makes lives of it.

People that were found are kept as a relation of their halves (`sought_N`): a question may be about
half of everybody, and memory is bounded. What is counted is counted of the same relations as any
other question's (`judging.py`), people by share. Entries are searched as they lie there, and only
where columns cannot tell.

What this file never does: decide what is a finding. Whatever it names is judged again, from the
life or the event itself. Read next: `ending.py`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from uuid import UUID

from ledger.calendar import Instant
from ledger.errors import BadData
from ledger.events import Row
from ledger.policy.book import Book
from replay.engines.asking import COLUMNS, SqlEngine, at_positions, row_of
from replay.engines.contract import Files
from replay.engines.lanes import META
from replay.engines.sql import listed
from replay.segments.layout import halves

WITHOUT_ENTRIES = "these segments hold no entries, without which this cannot be answered"
PEOPLE = "SELECT DISTINCT subject_hi AS hi, subject_lo AS lo FROM events e"
HERS, NOBODYS = "subject_hi IS NOT NULL", "subject_hi IS NULL AND kind IS NOT NULL"
ENTRY = "decode(e.entry)"
_FEW = 1000  # people: beyond, theirs lie on every page
IN_ORDER = """CASE WHEN subject_hi < 0 THEN 1 ELSE 0 END, subject_hi,
    CASE WHEN subject_lo < 0 THEN 1 ELSE 0 END, subject_lo, e.position"""


class Seeking(SqlEngine):
    """An engine that finds people by what one of their events is."""

    def __init__(self, files: Files, book: Book) -> None:
        super().__init__(files, book)
        self._numbers = count(1)
        self._with_entries = 0  # up to which position entries are known to be there
        self._ends_of: int | None = None  # as known at which position ends lie laid out

    @abstractmethod
    def _add(self, name: str, people: Sequence[tuple[int, int]]) -> None:
        """Add people, by the halves of their ids, to a relation that is kept."""

    # -- people ------------------------------------------------------------------------------------

    def seek(self, known: int, condition: str) -> str:
        """The people of whom an event `e` fulfils a condition: the name of their relation."""
        return self._sought(f"{PEOPLE} WHERE {HERS} AND position <= {known:d} AND ({condition})")

    def of_amended(self, known: int, kinds: Collection[str]) -> str:
        """Of whom a fact of these kinds, or one that is gone, was corrected or voided."""
        people = f"SELECT subject_hi AS hi, subject_lo AS lo FROM ({amended(known, kinds)}) m"
        return self._sought(f"SELECT DISTINCT * FROM ({people}) p")

    def add(self, name: str, people: Collection[UUID]) -> None:
        """Add people to those sought."""
        self._add(name, [halves(one) for one in people])

    def _sought(self, text: str) -> str:
        self._begin()
        name = f"sought_{next(self._numbers)}"
        self._keep(name, text)
        return name

    def of_sought(
        self, known: int, names: Collection[str], kinds: Collection[str] | None
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows of those sought with their entries, by (subject, position); of these kinds, if
        some are named, and what corrects them."""
        self._begin()
        which = "" if kinds is None else f"AND {of_kinds({*kinds, *META})}"
        where = f"{self._of(known, names)} {which}"
        (number,) = next(self._rows(f"SELECT COUNT(*) FROM ({_all_of(names)}) w"))
        text = f"""SELECT {", ".join(COLUMNS)}, entry FROM events e
            WHERE {at_positions(where) if number <= _FEW else where} ORDER BY {IN_ORDER}"""
        yield from self._in_full(text)

    def _in_full(self, text: str) -> Iterator[tuple[Row, bytes]]:
        """Rows with their entries. Raises BadData where one is not there."""
        for *typed, entry in self._rows(text):
            if entry is None:
                raise BadData(WITHOUT_ENTRIES)
            yield row_of(typed), bytes(entry)

    def size(self, known: int, names: Collection[str] | None) -> tuple[int, int]:
        """How many people there are, of those sought (None: of all), and how many events of
        theirs."""
        self._begin()
        text = f"""SELECT COUNT(*), COALESCE(SUM(n), 0) FROM (SELECT COUNT(*) AS n FROM events e
            WHERE {self._of(known, names)} GROUP BY subject_hi, subject_lo) p"""
        people, events = next(self._rows(text))
        return int(people), int(events)

    def _of(self, known: int, names: Collection[str] | None) -> str:
        own = f"{HERS} AND position <= {known:d}"
        if names is None:
            return own
        return f"{own} AND (subject_hi, subject_lo) IN ({_all_of(names)})"

    # -- entries -----------------------------------------------------------------------------------

    def need_entries(self, known: int) -> None:
        """Raise BadData where there are none: nothing that is searched for would be found."""
        self._begin()
        if known <= self._with_entries:
            return
        text = f"""SELECT COUNT(*) FROM events
            WHERE kind IS NOT NULL AND entry IS NULL AND position <= {known:d}"""
        if next(self._rows(text))[0]:
            raise BadData(WITHOUT_ENTRIES)
        self._with_entries = known

    def need_some_entries(self) -> None:
        """Raise BadData for files that were written without. Of whatever is searched afterwards,
        each entry that is not there is found missing then."""
        self._begin()
        text = "SELECT entry IS NULL FROM events WHERE kind IS NOT NULL LIMIT 1"
        if any(bare for (bare,) in self._rows(text)):
            raise BadData(WITHOUT_ENTRIES)

    def heard(self, known: int, until: Instant | None = None) -> int:
        """How many facts about nobody there are, that had happened by then."""
        self._begin()
        by = "" if until is None else f"AND occurred_at <= {until:d}"
        text = f"SELECT COUNT(*) FROM events WHERE {NOBODYS} AND position <= {known:d} {by}"
        return int(next(self._rows(text))[0])

    def counted(
        self,
        known: int,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        by: Instant,
        apart: str,
        limit: int,
    ) -> Iterator[tuple[Row, bytes, int, Sequence[int]]]:
        """One event of each sort that had happened by then, but of those apart, how many there are
        and the first positions. Sorts are told apart by columns, by what stands in these fields of
        the entry, and by the turns between which they were recorded."""
        self._begin()
        spoken = f"kind IN {listed([kind for kind, names in fields.items() if names])}"
        self._keep(
            "spoken",
            f"""SELECT e.position, {said_of(fields)} AS said FROM events e
            WHERE {at_positions(f"{HERS} AND {spoken} AND position <= {known:d}")}""",
        )
        key = "kind, class, purpose, channel, decision, actor, turn, said"
        self._keep(
            "counted",
            f"""SELECT {key}, COUNT(*) AS n, MIN(position, {limit:d}) AS these
            FROM (SELECT e.position, kind, class, purpose, channel, decision, actor, turn, said
                FROM events e ASOF JOIN {_turns(turns)} t ON e.position > t.turn
                LEFT JOIN spoken s ON s.position = e.position
                ANTI JOIN {apart} a ON a.hi = subject_hi AND a.lo = subject_lo
                WHERE {HERS} AND e.position <= {known:d} AND kind IN {listed(fields)}
                    AND occurred_at <= {by:d}) e
            GROUP BY {key}""",
        )
        text = f"""SELECT {", ".join(f"e.{name}" for name in COLUMNS)}, e.entry, c.n, c.these
            FROM events e JOIN counted c ON c.these[1] = e.position"""
        for *typed, entry, n, these in self._rows(text):
            yield row_of(typed), bytes(entry), int(n), these


def told_of(fields: Mapping[str, Collection[str]]) -> str:
    """What stands in these fields of an entry, by its kind; NULL of one that is not whole."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind, names in fields.items():
        kinds.setdefault(tuple(sorted(names)), []).append(kind)
    each = " ".join(f"WHEN {of_kinds(some)} THEN {_said(keys)}" for keys, some in kinds.items())
    return f"TRY(CASE {each} END)"


def _all_of(names: Collection[str]) -> str:
    return " UNION ALL ".join(f"SELECT hi, lo FROM {name}" for name in names)


def said_of(fields: Mapping[str, Collection[str]]) -> str:
    """The same; an entry that is not whole says what no other does."""
    return f"COALESCE({told_of(fields)}, CAST(e.position AS VARCHAR))"


def _said(keys: Sequence[str]) -> str:
    said = ", ".join(f"'$.meta.{key}'" for key in keys)
    return f"CAST(json_extract({ENTRY}, [{said}]) AS VARCHAR)" if keys else "''"


def _turns(turns: Sequence[int]) -> str:
    between = ", ".join(f"({at:d})" for at in sorted({0, *turns}))
    return f"(SELECT * FROM (VALUES {between}) v (turn))"


def of_kinds(kinds: Collection[str]) -> str:
    """An event of one of these kinds."""
    return f"e.kind IN {listed(kinds)}" if kinds else "1 = 0"


def amended(known: int, about: Collection[str] | None = None) -> str:
    """The people of whom a fact was corrected or voided; if some kinds are named, one of these or
    one that is gone, or any so that it is for a purpose."""
    of = (
        ""
        if about is None
        else f"""JOIN events r ON r.position = m.ref_position
        AND (r.kind IS NULL OR r.kind IN {listed(about)} OR m.purpose <> '')"""
    )
    return f"""SELECT m.subject_hi, m.subject_lo FROM events m {of}
        WHERE m.kind IN {listed(META)} AND m.subject_hi IS NOT NULL AND m.position <= {known:d}"""


def within(spans: Mapping[str, tuple[Instant, Instant]]) -> str:
    """An event of a kind that happened within its span."""
    each = (
        f"(e.kind = '{kind}' AND e.occurred_at >= {since:d} AND e.occurred_at < {before:d})"
        for kind, (since, before) in sorted(spans.items())
    )
    return " OR ".join(each) or "1 = 0"
