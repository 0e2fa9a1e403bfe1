"""What was erased and which keys were destroyed for it, in SQL: of entries, where columns end.

An erasure names its keys and the fact that destroys one names its order, in their entries: both are
laid out as relations of ids when they are first asked for. Which erasures that makes unfinished is
the control's to say (`replay/controls/keeping.py`): here is whom it can say it of. Read next:
`tallying.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from uuid import UUID

from ledger.calendar import Instant
from ledger.errors import BadData
from ledger.events import ClassErased, KeyDestroyed
from replay.controls.at_once import Erasure
from replay.engines.seeking import HERS, NOBODYS, WITHOUT_ENTRIES, Seeking
from replay.segments.layout import whole

_SAID = "json_extract_string(decode(e.entry), '{}')"
_KEYS = _SAID.format("$.meta.keys[*]")
_PROOFS = _SAID.format("$.meta.keys[*].kid")
_PARTS = _SAID.format("$.parts[*].kid")
_SEALED = "contains(decode(e.entry), '\"parts\":')"


def _id(text: str) -> str:
    return f"TRY_CAST({text} AS UUID)"


def _each(texts: str) -> str:
    """Each of these of an entry; one row, of none, where there is no entry."""
    return f"UNNEST(CASE WHEN e.entry IS NULL THEN [NULL::VARCHAR] ELSE {texts} END)"


class Ending(Seeking):
    """An engine that knows what was erased, and on which order which key was destroyed."""

    def having_unfinished(self, known: int) -> str:
        """The people who have an erasure of which a key was not destroyed on its order, or a part
        that was sealed under a key which an erasure of hers had named before."""
        self._lay_out_ends(known)
        self._keep(
            "after_ends",
            f"""SELECT e.position, b.hi, b.lo FROM events e
            JOIN (SELECT hi, lo, MIN(position) AS since FROM named GROUP BY hi, lo) b
                ON b.hi = e.subject_hi AND b.lo = e.subject_lo AND e.position >= b.since
            WHERE e.position <= {known:d}""",
        )
        sealed = f"CASE WHEN {_SEALED} THEN {_PARTS} END"
        self._keep(
            "sealed",
            f"""SELECT a.*, {_id(_each(sealed))} AS kid, e.entry IS NULL AS bare
            FROM events e JOIN after_ends a ON a.position = e.position""",
        )
        self._whole("sealed")
        return self._sought("""SELECT n.hi, n.lo FROM named n
            LEFT JOIN destroyed d ON d.kid = n.kid WHERE d.on_order IS DISTINCT FROM n.id
            UNION SELECT s.hi, s.lo FROM sealed s
            JOIN named n ON n.kid = s.kid AND n.hi = s.hi AND n.lo = s.lo
                AND s.position >= n.position""")

    def destroyed(self, known: int, whose: str) -> Iterator[tuple[UUID, int, UUID]]:
        """The keys that erasures of these people name and that were destroyed."""
        self._lay_out_ends(known)
        text = f"""SELECT kid, position, on_order FROM destroyed WHERE kid IN (
            SELECT kid FROM named n SEMI JOIN {whose} w ON w.hi = n.hi AND w.lo = n.lo)"""
        for kid, position, order in self._rows(text):
            yield kid, int(position), order

    def erased(self, known: int, apart: str, by: Instant) -> tuple[int, int]:
        """How many erasures had happened by then, but of those apart, and of how many of them each
        key was destroyed."""
        self._lay_out_ends(known)
        text = f"""SELECT COUNT(*), COUNT(*) FILTER (WHERE l.position IS NULL)
            FROM ({_erasures(known, apart, by)}) e
            LEFT JOIN (SELECT DISTINCT position FROM proved WHERE proof IS NULL) l
                ON l.position = e.position"""
        number, complete = next(self._rows(text))
        return int(number), int(complete)

    def erasures(
        self, known: int, apart: str, by: Instant, limit: int | None = None
    ) -> Iterator[Erasure]:
        """These erasures in position order, or the first so many."""
        self._lay_out_ends(known)
        some = "" if limit is None else f"ORDER BY e.position LIMIT {limit:d}"
        text = f"""SELECT e.*, p.position IS NOT NULL, p.proof
            FROM ({_erasures(known, apart, by)} {some}) e
            LEFT JOIN proved p ON p.position = e.position ORDER BY e.position"""
        for one, keys in groupby(self._rows(text), key=lambda row: row[:7]):
            position, at, hi, lo, klass, item, reason = one
            found = [proof for *_, named, proof in keys if named]
            proofs = tuple(proof for proof in found if proof is not None)
            whose = whole(hi, lo)
            yield Erasure(position, at, whose, klass, item, reason, len(found), proofs)

    def _lay_out_ends(self, known: int) -> None:
        """`named`: each key that an erasure names, with whose it is and the id and position of that
        fact. `destroyed`: each key that was, with the last position that says so, and the order.
        `proved`: of each key named, by the position that names it, where that is on its order."""
        self._begin()
        if self._ends_of == known:
            return
        self._keep(
            "named",
            f"""SELECT e.position, subject_hi AS hi, subject_lo AS lo,
                {_id(_SAID.format("$.id"))} AS id, {_id(_each(_KEYS))} AS kid,
                e.entry IS NULL AS bare FROM events e
            WHERE {HERS} AND kind = '{ClassErased.kind}' AND position <= {known:d}""",
        )
        self._keep(
            "destroyed",
            f"""SELECT kid, MAX(position) AS position, ARG_MAX(on_order, position) AS on_order,
                BOOL_OR(bare) AS bare
            FROM (SELECT position, {_id(_SAID.format("$.meta.authority"))} AS on_order,
                    {_id(_each(_PROOFS))} AS kid, e.entry IS NULL AS bare FROM events e
                WHERE {NOBODYS} AND kind = '{KeyDestroyed.kind}' AND position <= {known:d}) k
            GROUP BY kid""",
        )
        self._whole("named")
        self._whole("destroyed")
        self._keep(
            "proved",
            """SELECT n.position, CASE WHEN d.on_order = n.id THEN d.position END AS proof
            FROM named n LEFT JOIN destroyed d ON d.kid = n.kid""",
        )
        self._ends_of = known

    def _whole(self, name: str) -> None:
        """Raise BadData where an entry was not there to be read."""
        if next(self._rows(f"SELECT COUNT(*) FROM {name} WHERE bare"))[0]:
            raise BadData(WITHOUT_ENTRIES)


def _erasures(known: int, apart: str, by: Instant) -> str:
    return f"""SELECT e.position, occurred_at, subject_hi, subject_lo, decision, item, basis
        FROM events e ANTI JOIN {apart} a ON a.hi = e.subject_hi AND a.lo = e.subject_lo
        WHERE {HERS} AND kind = '{ClassErased.kind}' AND e.position <= {known:d}
            AND occurred_at <= {by:d}"""
