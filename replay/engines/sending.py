"""Whose sends, and whose archives, need be judged one by one, in SQL: the others' are sorted out.

A send is of a sort by all that the rules of permission can ask about it: what it was for, what she
had said of that by then and how old it was, what else stops any send, and between which two turns
of what the company told. Where anything else might matter it is `plain` no more, and she is looked
at. What the answer is, this file never says: a rule judges one send of each sort
(`replay/controls/sending.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from ledger.calendar import Instant
from ledger.events import ClassArchived
from ledger.sqltime import add_months_sql
from replay.controls.at_once import Heeded, Kept
from replay.engines.lanes import META
from replay.engines.seeking import Seeking, amended, of_kinds
from replay.engines.sql import listed, table
from replay.segments.layout import whole

_SAME = "{0}.subject_hi = {1}.subject_hi AND {0}.subject_lo = {1}.subject_lo"
_ABOUT = """COALESCE({0}.purpose, '') = COALESCE({1}.purpose, '')
    AND COALESCE({0}.channel, '') IN ('', COALESCE({1}.channel, ''))"""


class Sending(Seeking):
    """An engine that tells apart those whose sends or archives need be looked at."""

    def of_about(
        self,
        known: int,
        kinds: Collection[str],
        purposes: Collection[str] | None,
        channels: Collection[str] | None,
    ) -> str:
        """Whoever has a fact of these kinds for one of these purposes, over one of these channels;
        or one of them that was corrected."""
        such = [of_kinds(kinds)]
        for column, codes in (("purpose", purposes), ("channel", channels)):
            if codes is not None:
                such.append(f"e.{column} IN {listed(codes)}" if codes else "1 = 0")
        return self.seek(known, f"{' AND '.join(such)} OR {self._amended(known, kinds, kinds)}")

    def of_after(self, known: int, later: Collection[str], earlier: Collection[str]) -> str:
        """Whoever has a fact of the first kinds that was recorded after one of the others about the
        same, and had happened no earlier; or a fact of the first, and one of either corrected."""
        after = f"""(e.subject_hi, e.subject_lo) IN (
            SELECT s.subject_hi, s.subject_lo FROM events s JOIN events n
            ON {_SAME.format("n", "s")} AND n.position < s.position
                AND n.occurred_at <= s.occurred_at AND {_ABOUT.format("n", "s")}
            WHERE s.kind IN {listed(later)} AND n.kind IN {listed(earlier)}
                AND s.position <= {known:d})"""
        more = self._amended(known, later, (*later, *earlier))
        return self.seek(known, f"{of_kinds(later)} AND {after} OR {more}")

    def _amended(
        self, known: int, kinds: Collection[str], about: Collection[str] | None = None
    ) -> str:
        """An event of these kinds, of somebody of whom something (of these kinds) was corrected."""
        return f"""({of_kinds(kinds)}
            AND (e.subject_hi, e.subject_lo) IN ({amended(known, about)}))"""

    def of_kept(self, known: int, kept: Sequence[Kept]) -> str:
        """Whoever has something of a class in the archive until later than it is kept at least,
        counted from any fact of hers before; or an archive, and a fact that was corrected."""
        rows = [
            (*one[:3], kind, int(one.by_item), one.months, one.archive or 0, int(one.from_start))
            for one in kept
            for kind in sorted(one.kinds)
        ]
        columns = "class since before kind by_item months archive from_start"
        due = add_months_sql("f.local_day", "k.months", divided="//")
        within = f"""WITH {table("kept", columns, rows)}
            SELECT position FROM (
                SELECT a.position, a.until_day, k.archive, {due} AS due,
                    CASE WHEN k.from_start = 1 THEN f.local_day ELSE {due} END AS start
                FROM events a JOIN kept k ON k.class = a.decision
                    AND a.local_day >= k.since AND a.local_day < k.before
                JOIN events f ON {_SAME.format("f", "a")} AND f.kind = k.kind
                    AND f.class IS NOT NULL AND f.position < a.position
                    AND f.occurred_at <= a.occurred_at
                    AND (k.by_item = 0 OR (f.item = a.item AND a.item <> ''))
                WHERE a.kind = '{ClassArchived.kind}') d
            WHERE until_day <= due
                OR until_day <= {add_months_sql("start", "archive", divided="//")}"""
        archived = of_kinds((ClassArchived.kind,))
        beyond = f"{archived} AND e.position NOT IN ({within})"
        return self.seek(known, f"{beyond} OR {self._amended(known, (ClassArchived.kind,))}")

    # -- sorts of sends ----------------------------------------------------------------------------

    def sort_sends(self, as_of: Instant, known: int, heeded: Heeded) -> Iterator[tuple[UUID, int]]:
        """Every send is sorted out: one of each sort, whose and its position, which is the number
        of the sort."""
        self._begin()
        self._keep("sends", _sends(as_of, known, heeded))
        self._keep("sorted_sends", _sorted(known, heeded))
        text = "SELECT hi, lo, position FROM sorted_sends WHERE position = sort"
        for hi, lo, position in self._rows(text):
            yield whole(hi, lo), int(position)

    def of_sends(self, sorts: Collection[int]) -> str:
        """Whoever has a send of these sorts, or of none."""
        chosen = ", ".join(map(str, sorted(sorts))) or "NULL"
        return self._sought(
            f"SELECT DISTINCT hi, lo FROM sorted_sends WHERE sort IS NULL OR sort IN ({chosen})"
        )

    def count_sends(
        self, apart: str, lines: Mapping[int, int], limit: int
    ) -> Iterator[tuple[int, int, int, list[tuple[UUID, int]]]]:
        """Of each line, how many people but those apart have how many sends of its sorts (`lines`:
        sort -> line), and the first of both."""
        self._begin()
        rank = "ROW_NUMBER() OVER (PARTITION BY line ORDER BY hi < 0, hi, lo < 0, lo, position)"
        self._keep(
            "counted_sends",
            f"""WITH {table("lines", "sort line", sorted(lines.items()))}
            SELECT s.hi, s.lo, s.position, l.line FROM sorted_sends s
            JOIN lines l ON l.sort = s.sort
            ANTI JOIN {apart} a ON a.hi = s.hi AND a.lo = s.lo""",
        )
        first: dict[int, list[tuple[UUID, int]]] = {}
        text = f"""SELECT line, hi, lo, position FROM (
            SELECT *, {rank} AS n FROM counted_sends) c WHERE n <= {limit:d} ORDER BY line, n"""
        for line, hi, lo, position in self._rows(text):
            first.setdefault(int(line), []).append((whole(hi, lo), int(position)))
        text = """SELECT line, COUNT(DISTINCT (hi, lo)), COUNT(*) FROM counted_sends
            GROUP BY line ORDER BY line"""
        for line, people, things in self._rows(text):
            yield int(line), int(people), int(things), first.get(int(line), [])


def _sends(as_of: Instant, known: int, heeded: Heeded) -> str:
    """The sends, each with whether it was told late, and how many turns of what the company told
    were known to it, had happened by then, and had come by its day."""
    began = "FALSE" if heeded.began is None else f"e.occurred_at < {heeded.began:d}"
    late = f"(e.actor = 'import' OR {began})"
    position, recorded, happened = (
        (list(turn) for turn in zip(*heeded.told, strict=True)) if (heeded.told) else ([], [], [])
    )
    return f"""WITH {_turns("by_position", position)}, {_turns("by_record", recorded)},
        {_turns("by_instant", sorted(happened))}, {_turns("by_day", sorted(heeded.days))}
        SELECT e.position, e.subject_hi AS hi, e.subject_lo AS lo, e.occurred_at, e.local_day,
            COALESCE(e.purpose, '') AS purpose, COALESCE(e.channel, '') AS channel, {late} AS late,
            CASE WHEN {late} THEN p.n ELSE LEAST(p.n, r.n) END AS known,
            i.n AS happened, d.n AS day
        FROM events e
        ASOF JOIN by_position p ON e.position > p.turn
        ASOF JOIN by_record r ON e.occurred_at >= r.turn
        ASOF JOIN by_instant i ON e.occurred_at >= i.turn
        ASOF JOIN by_day d ON e.local_day >= d.turn
        WHERE e.subject_hi IS NOT NULL AND e.kind IN {listed(heeded.sends)}
            AND e.position <= {known:d} AND e.occurred_at <= {as_of:d}"""


def _turns(name: str, turns: Sequence[int]) -> str:
    """So many of them have come, by the last one that has; none before the first."""
    distinct = sorted(set(turns))
    return table(name, "turn n", [(-(2**62), 0), *((t, n) for n, t in enumerate(distinct, 1))])


def _sorted(known: int, heeded: Heeded) -> str:
    """The sends, each with the number of its sort: NULL where more may matter than what is told of
    it here."""
    hers = f"e.subject_hi IS NOT NULL AND e.position <= {known:d}"
    heard = {*heeded.sends, *heeded.saying, *heeded.stopping, *heeded.endings}
    ending = f"e.kind IN {listed(heeded.endings)} AND e.decision = '{heeded.choices}'"
    known_then = "{0}.position < s.position AND (s.late OR {0}.recorded_at <= s.occurred_at)"
    granted = f"x.kind IN {listed(heeded.grants)}"
    backdated = f"x.actor <> 'import' AND x.occurred_at < x.recorded_at - {heeded.backdated:d}"
    earliest = """SELECT e.subject_hi AS hi, e.subject_lo AS lo, MIN(e.position) AS position,
        ARG_MIN(e.occurred_at, e.position) AS occurred_at,
        ARG_MIN(e.recorded_at, e.position) AS recorded_at FROM events e
        SEMI JOIN sends s ON s.hi = e.subject_hi AND s.lo = e.subject_lo
        ANTI JOIN amending m ON m.position = e.position
        WHERE {} GROUP BY e.subject_hi, e.subject_lo"""
    had = f"{{0}}.occurred_at <= s.occurred_at AND {known_then}"
    outlived = " ".join(
        f"WHEN '{purpose}' THEN " + " + ".join(_outlived("g.agreed_day", one) for one in months)
        for purpose, months in sorted(heeded.validity.items())
    )
    age = f"CASE s.purpose {outlived} ELSE 0 END" if outlived else "0"
    serving = f"s.purpose NOT IN {listed(heeded.served)}" if heeded.served else "TRUE"
    key = "purpose, channel, known, happened, day, said, age"
    return f"""WITH amending AS (SELECT ref_position AS position FROM events
            WHERE kind IN {listed(META)} AND ref_position IS NOT NULL AND position <= {known:d}),
        x AS (
            SELECT e.subject_hi AS hi, e.subject_lo AS lo, e.position, e.kind, e.decision, e.grade,
                COALESCE(e.purpose, '') AS purpose, COALESCE(e.channel, '') AS channel, e.actor,
                e.occurred_at, e.recorded_at, e.local_day,
                e.kind IN {listed(heeded.saying)} AS says, COALESCE(e.basis, '') AS basis,
                CASE WHEN {ending} THEN COALESCE(e.item, '') ELSE '' END AS item
            FROM events e WHERE {hers} AND (e.kind IN {listed({*heeded.saying, *heeded.stopping})}
                OR {ending})),
        grouped AS (
            SELECT s.position,
                STRING_AGG(CONCAT_WS(',', x.kind, COALESCE(x.decision, ''), CASE WHEN x.says
                    THEN CONCAT_WS(',', x.channel, COALESCE(x.grade, ''))
                    ELSE CONCAT_WS(',', x.basis, x.item) END), ' '
                    ORDER BY x.occurred_at, x.position) AS said,
                COUNT(*) = COUNT(DISTINCT x.occurred_at) AND BOOL_AND({known_then.format("x")})
                    AS told,
                BOOL_AND(x.says) AS says, LIST(x.position ORDER BY x.occurred_at) AS facts,
                COALESCE(BOOL_OR({granted} AND {backdated}), FALSE) AS backdated,
                ARG_MAX(x.local_day, x.occurred_at) FILTER ({granted} AND x.channel = s.channel)
                    AS agreed_day
            FROM sends s JOIN x ON x.hi = s.hi AND x.lo = s.lo AND x.occurred_at <= s.occurred_at
                AND (NOT x.says OR (x.purpose = s.purpose AND x.channel IN ('', s.channel)))
            GROUP BY s.position),
        keyed AS (
            SELECT s.position, s.hi, s.lo, s.purpose, s.channel, s.known, s.happened, s.day,
                COALESCE(g.said, '') AS said, {age} AS age,
                COALESCE(g.told AND (g.says OR g.facts = LIST_SORT(g.facts)), TRUE)
                    AND {had.format("first")}
                    AND ({serving} OR COALESCE({had.format("service")}, FALSE))
                    AND NOT (COALESCE(g.backdated, FALSE) AND stopped.hi IS NOT NULL)
                    AND amended.hi IS NULL AS plain
            FROM sends s LEFT JOIN grouped g ON g.position = s.position
            LEFT JOIN ({earliest.format(f"{hers} AND e.kind NOT IN {listed(META)}")}) first
                ON first.hi = s.hi AND first.lo = s.lo
            LEFT JOIN ({earliest.format(f"{hers} AND e.kind IN {listed(heeded.serving)}")}) service
                ON service.hi = s.hi AND service.lo = s.lo
            LEFT JOIN (SELECT DISTINCT subject_hi AS hi, subject_lo AS lo
                FROM ({amended(known, heard)}) m) amended
                ON amended.hi = s.hi AND amended.lo = s.lo
            LEFT JOIN (SELECT DISTINCT e.subject_hi AS hi, e.subject_lo AS lo FROM events e
                WHERE {hers} AND e.kind IN {listed(heeded.stops)}) stopped
                ON stopped.hi = s.hi AND stopped.lo = s.lo)
        SELECT position, hi, lo, CASE WHEN plain
            THEN MIN(position) OVER (PARTITION BY plain, {key}) END AS sort FROM keyed"""


def _outlived(day: str, months: int) -> str:
    """1 where what was said on a day is older than so many months on the day of the send."""
    until = add_months_sql(day, f"{months:d}", divided="//")
    return f"CASE WHEN {until} < s.local_day THEN 1 ELSE 0 END"
