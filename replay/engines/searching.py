"""Entries searched as they lie, where columns cannot tell, in SQL: each search unpacks them once.

Unpacking is most of what a search costs. So whoever asks the same of people and of nobody has one
search, and what is found is remembered: of a sort of events where they are, which is a number for
each. Of an entry no more is looked at than the fields that are asked about; one that cannot be
taken apart is found by every search, and whoever judges it says so.

What this file never does: decide what is a finding. Read next: `tallying.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ledger.calendar import Instant
from ledger.errors import BadData
from ledger.events import KINDS, Row
from ledger.policy.book import Book
from replay.engines.asking import COLUMNS, row_of
from replay.engines.contract import Files
from replay.engines.lanes import META
from replay.engines.seeking import ENTRY, HERS, WITHOUT_ENTRIES, Seeking, of_kinds, said_of, told_of
from replay.engines.sql import listed

LONG_AGO = -(2**62)


class Searching(Seeking):
    """An engine that finds events by what their entries say."""

    def __init__(self, files: Files, book: Book) -> None:
        super().__init__(files, book)
        self._searched: dict[str, str] = {}  # what was kept last, by the name of its relation

    def _search(self, name: str, text: str) -> None:
        """Keep what a search finds, unless it is kept."""
        self._begin()
        if self._searched.get(name) != text:
            self._keep(name, text)
            self._searched[name] = text

    def holding_digits(
        self, known: int, pattern: str, whose: str = HERS
    ) -> Iterator[tuple[Row, bytes]]:
        """The events of people (or of nobody) of which a field holds what a pattern finds."""
        columns = ", ".join((*COLUMNS, "entry"))
        text = f"""SELECT {columns} FROM events e
            WHERE position <= {known:d} AND {of_digits(pattern)}"""
        self._search("with_digits", text)
        yield from self._in_full(f"SELECT {columns} FROM with_digits WHERE {whose}")

    def has(self, known: int, kinds: Collection[str]) -> bool:
        """Whether anybody has a fact of these kinds."""
        self._begin()
        text = (
            f"SELECT 1 FROM events e WHERE {HERS} AND position <= {known:d} AND {of_kinds(kinds)}"
        )
        return any(True for _ in self._rows(f"{text} LIMIT 1"))

    def of_other(self, known: int, classes: Collection[str]) -> str:
        """Whoever has an event of a class that is none of these, or a part of one. Which parts are
        together is asked first: there are few answers. Raises BadData where an entry is missing."""
        self._search(
            "parted",
            f"""SELECT DISTINCT {_PARTS} AS names, e.entry IS NULL AS bare FROM events e
            WHERE {HERS} AND e.kind IS NOT NULL AND e.position <= {known:d}""",
        )
        found = list(self._rows("SELECT names, bare FROM parted"))
        if any(bare for _, bare in found):
            raise BadData(WITHOUT_ENTRIES)
        others = [names for names, _ in found if not set(names or ()) <= set(classes)]
        parted = " OR ".join(f"{_PARTS} = {_texts(names)}" for names in others) or "FALSE"
        known_classes = listed(classes) if classes else "('')"
        of = f"(e.class IS NOT NULL AND e.class NOT IN {known_classes}) OR {parted}"
        return self.seek(known, of)

    # -- sorts -------------------------------------------------------------------------------------

    def samples(
        self,
        known: int,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        moments: Sequence[Instant] = (),
    ) -> Iterator[tuple[int, Row, bytes, Instant]]:
        """One event of each sort, with the number of the sort, which those below are told, and the
        last of the `moments` that had come by the instant of all of it. Sorts are told apart by
        kind, by what stands in these fields of the entry, by whether they are about somebody, and
        by the turns between which they were recorded."""
        turn = stepped("e.position", turns)
        moment = stepped("e.occurred_at", moments, ">=")
        self._search(
            "of_a_sort",
            f"""SELECT kind, hers, turn, moment, said, MIN(position) AS position,
                LIST(position) AS these, BOOL_OR(bare) AS bare
            FROM (SELECT e.position, e.kind, {HERS} AS hers, {turn} AS turn, {moment} AS moment,
                    {said_of(fields)} AS said, e.entry IS NULL AS bare
                FROM events e WHERE e.position <= {known:d} AND e.kind IN {listed(fields)}) s
            GROUP BY kind, hers, turn, moment, said""",
        )
        if next(self._rows("SELECT COUNT(*) FROM of_a_sort WHERE bare"))[0]:
            raise BadData(WITHOUT_ENTRIES)
        text = f"""SELECT {", ".join(f"e.{name}" for name in COLUMNS)}, e.entry, s.moment
            FROM events e JOIN of_a_sort s ON s.position = e.position"""
        for *typed, entry, since in self._rows(text):
            row = row_of(typed)
            yield row.position, row, bytes(entry), since

    def having_sorts(self, numbers: Collection[int]) -> str:
        """The people who have an event of these sorts."""
        return self._sought(f"""SELECT DISTINCT subject_hi AS hi, subject_lo AS lo FROM events e
            WHERE {HERS} AND {_of_sorts(numbers)}""")

    def of_sorts(self, numbers: Collection[int]) -> Iterator[tuple[Row, bytes]]:
        """All events of these sorts, with their entries."""
        if numbers:
            yield from self._in_full(f"""SELECT {", ".join(COLUMNS)}, entry FROM events e
                WHERE {_of_sorts(numbers)}""")

    def positions_of(self, apart: str, numbers: Collection[int]) -> str:
        """The events of these sorts of everybody but those apart: hi, lo, position, and sort."""
        chosen = ", ".join(map(str, sorted(numbers))) or "NULL"
        return f"""SELECT e.subject_hi AS hi, e.subject_lo AS lo, e.position, s.sort FROM events e
            JOIN (SELECT UNNEST(these) AS position, position AS sort FROM of_a_sort
                WHERE position IN ({chosen})) s ON s.position = e.position
            ANTI JOIN {apart} a ON a.hi = e.subject_hi AND a.lo = e.subject_lo WHERE {HERS}"""


def _of_sorts(numbers: Collection[int]) -> str:
    chosen = ", ".join(map(str, sorted(numbers))) or "NULL"
    return f"""e.position IN (SELECT UNNEST(these) FROM of_a_sort WHERE position IN ({chosen}))"""


def stepped(column: str, turns: Collection[int], comes: str = ">") -> str:
    """The last of these turns that what a column says comes after (`>`), or has reached (`>=`); the
    long ago before the first. Few comparisons, where a join would sort what is joined."""
    return _stepped(column, sorted({LONG_AGO, *turns}), comes)


def _stepped(column: str, turns: Sequence[int], comes: str) -> str:
    if len(turns) == 1:
        return f"CAST({turns[0]:d} AS BIGINT)"
    half = len(turns) // 2
    before, after = (_stepped(column, some, comes) for some in (turns[:half], turns[half:]))
    return f"CASE WHEN {column} {comes} {turns[half]:d} THEN {after} ELSE {before} END"


def _texts(texts: Collection[str]) -> str:
    quoted = ((text or "").replace("'", "''") for text in texts)
    return "[" + ", ".join(f"'{text}'" for text in quoted) + "]::VARCHAR[]"


def of_amended(kinds: Collection[str]) -> str:
    """An event that corrects or voids one of these kinds, or one that is gone."""
    root = f"SELECT e.position FROM events e WHERE e.kind IS NULL OR {of_kinds(kinds)}"
    return f"({of_kinds(META)} AND e.ref_position IN ({root}))" if kinds else "1 = 0"


_PARTS = f"""CASE WHEN NOT contains({ENTRY}, '"parts":') THEN NULL
    ELSE COALESCE(TRY(json_extract_string({ENTRY}, '$.parts[*].n')), ['']) END"""
"""The names of the parts of an entry, by which their classes are told (`ledger/entry.py`): NULL if
it has none, and no name of a class if it is not whole."""


def of_digits(pattern: str) -> str:
    """An event that says this in a clear field of which the values are not listed, ids within it
    apart; or one that cannot be taken apart, or is of another kind than its column says."""
    told, quoted = told_of(SAYING), pattern.replace("'", "''")
    without = f"regexp_replace({told}, '{_IDS}', '', 'g')"
    first, then = (
        f"COALESCE(regexp_matches({text}, '{quoted}'), TRUE)" for text in (told, without)
    )
    typed = f'contains({ENTRY}, concat(\'"type":"\', e.kind, \'","v":\'))'
    found = f"CASE WHEN {first} THEN {then} ELSE NOT {typed} END"
    return f"{of_kinds(SAYING)} AND {found}"


def _is_free(schema: Mapping[str, Any]) -> bool:
    return (schema.get("format") or schema.get("items", {}).get("format")) not in ("uuid", "date")


_ALL = [(kind, spec) for kind, cls in KINDS.items() for spec in cls.specs if not spec.personal]
_FREE = [(kind, spec.key) for kind, spec in _ALL if not spec.one_of and _is_free(spec.codec.schema)]
SAYING = {kind: tuple(key for other, key in _FREE if other == kind) for kind in sorted(dict(_FREE))}
"""The kinds that have a clear field of which the values are not listed, with these fields."""
_UUID = '"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"'
_IDS = f'"kid":{_UUID}'
"""The id of a key, as entries write it among what else is said of it."""
