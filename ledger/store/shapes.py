"""Kinds of people for one question, a chunk of tens of thousands at a time, from the live tables.

The shape of a person is a text: people with the same text are alike in all that the rules look at
(`ledger/policy/looks.py` says what that is). Without a text she is not simple, and must be looked
at whole. Another order of words in a text costs time, never truth. Nothing here judges. Read next:
`ledger/permitting/filtering.py`.

One statement finds whom the references mean, who is rare (a small index of the log,
`tables.GATED`), and what each said about the purpose, by probes in the order of each index; and
gathers those who are alike, so that a chunk is answered with a few rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Moment
from ledger.policy.looks import COLLECTING, JSON_READ, OFFERED, RARE, SERVING, UNSETTLING, Looks
from ledger.store.keyring import BLIND
from ledger.store.tables import GATED

AT_ONCE_SQLITE = 500
NOBODY = "nobody"  # the shape of all those whom nobody knows


class Alike(NamedTuple):
    """Some of a chunk who are alike: where they stand in it, and their names for `profiles` ('' of
    somebody whom nobody knows, and where names were not needed)."""

    members: list[int]
    names: list[str]


Shapes: TypeAlias = dict[str | None, Alike]
"""A chunk of people by their shape; under None those who are to be looked at whole."""


class About(NamedTuple):
    """The question, and what is known before anybody is looked at."""

    looks: Looks
    moment: Moment
    closer: Collection[UUID]  # those who are to be looked at whole
    has_erased: bool  # whether anybody was ever erased: only then a reference may be on a list


# In the order of each index that is probed: neighbours are on one page.
_NAMED = """(SELECT q.n AS n, q.key AS key, l.subject AS subject FROM {people}
  LEFT JOIN lookups l ON l.kind = :family AND l.blind = q.key ORDER BY l.subject) q"""
_ERASED = """ LEFT JOIN (SELECT DISTINCT blind FROM suppressions WHERE kind = :family) e
  ON e.blind = q.key AND q.subject IS NULL"""
_RARE = """ LEFT JOIN (SELECT r.subject AS subject FROM events r
  WHERE r.{gated} AND r.kind IN ({rare}) {listed}) r ON r.subject = {subject}"""
_OPPOSED = """UNION SELECT n.subject FROM suppressions s JOIN lookups n
  ON n.kind = s.kind AND n.blind = s.blind
  WHERE s.reason = 'objected' AND s.purpose = :purpose"""
# What she said over this channel and over all of them, the earlier first; said at one instant,
# whoever asks must look. (IN would be two probes.)
_SAID = """(SELECT CASE WHEN s.overall IS NULL THEN COALESCE(s.own, '-')
  WHEN s.own IS NULL THEN s.overall WHEN s.own_at = s.overall_at THEN NULL
  WHEN s.own_at < s.overall_at THEN s.own || ' < ' || s.overall
  ELSE s.overall || ' < ' || s.own END FROM (
  SELECT MAX({code}) FILTER (WHERE c.channel <> '') AS own,
  MAX({code}) FILTER (WHERE c.channel = '') AS overall,
  MAX(c.at) FILTER (WHERE c.channel <> '') AS own_at,
  MAX(c.at) FILTER (WHERE c.channel = '') AS overall_at
  FROM consents c WHERE c.subject = {subject} AND c.purpose = :purpose
  AND (c.channel = :channel OR c.channel = '')) s)"""
_CODE = """c.channel || '/' || c.kind || '.' || COALESCE(c.grade, '') || '.'
  || CAST(c.edition AS TEXT){day}{form}"""
_GATHERED = """SELECT t.shape, {members}, {names} FROM (
  SELECT q.n AS n, {name} AS name, CASE {cases} ELSE {said} END AS shape
  FROM {people}{rare}) t GROUP BY t.shape"""
_UNSURE = "?"  # no code holds it: a fact that was corrected has no form here
_FORM = """ || '.' || COALESCE((SELECT COALESCE({json}, '') || '.' || {published} FROM events v
  WHERE v.position = c.position
  AND NOT EXISTS (SELECT 1 FROM events w WHERE w.ref_position = v.position)), '?')"""
_HAS = "EXISTS (SELECT 1 FROM activity a WHERE a.subject = {subject}{kinds})"
_PROFILE = """SELECT {subject_text}, CASE WHEN MAX(p.unsettled) = 1 THEN NULL
  ELSE {join_days} END FROM (
  SELECT v.subject AS subject, MAX(CASE WHEN v.kind IN ({unsettling}) THEN 1 ELSE 0 END)
  AS unsettled, {join_facts} AS facts FROM {people} JOIN events v ON v.subject = q.key
  WHERE v.kind IN ({kinds}) AND EXISTS (SELECT 1 FROM events o WHERE o.subject = q.key
  AND o.{gated} AND o.kind = '{offered}')
  GROUP BY v.subject, v.local_day) p GROUP BY p.subject"""
_FACT = """v.kind || '/' || COALESCE(v.actor, '') || '/' || CASE WHEN v.kind <> '{offered}' THEN ''
  WHEN v.purpose = :purpose AND (v.channel IS NULL OR v.channel = :channel) THEN 'y'
  ELSE 'n' END || CASE WHEN v.kind NOT IN ({read}) THEN '' ELSE '/' || COALESCE({origin}, '')
  || '/' || COALESCE({changed}, '') END"""


def of_references(
    connection: sa.Connection, about: About, family: str, blinds: Sequence[bytes]
) -> Shapes:
    """The shapes of those whom these references of a family mean."""
    asked = _Asked(connection, about)
    join, doubts = "", [f"q.subject IS NULL THEN '{NOBODY}'"]
    if about.has_erased:
        join, doubts = _ERASED, ["e.blind IS NOT NULL THEN NULL", *doubts]
    statement = asked.select("q.subject", _NAMED + join, doubts)
    return asked.shapes(statement, blinds, {"family": family})


def of_subjects(connection: sa.Connection, about: About, subjects: Sequence[UUID]) -> Shapes:
    """The shapes of these people."""
    asked = _Asked(connection, about)
    doubts = [f"NOT {_HAS.format(subject='q.key', kinds='')} THEN NULL"]
    return asked.shapes(asked.select("q.key", "{people}", doubts), subjects, {})


def profiles(
    connection: sa.Connection, about: About, names: Sequence[str]
) -> dict[str, str | None]:
    """How the address of each of these people was collected: which facts stand on the same day.
    Those who were never offered a way out are left out; None for those of whom a fact was
    corrected, voided or cancelled."""
    return _Asked(connection, about).profiles(names)


class _Asked:
    """One question in the SQL of one database."""

    def __init__(self, connection: sa.Connection, about: About) -> None:
        self._connection, self._about = connection, about
        self._looks = looks = about.looks
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._values: dict[str, Any] = {
            **{"purpose": looks.purpose, "channel": looks.channel},
            **{f"form{n}": at for n, at in enumerate(looks.forms)},
        }
        self._needs_names = bool(about.closer) or looks.offers

    def select(self, subject: str, people: str, doubts: Sequence[str]) -> str:
        """The statement, up to the keys, which are `{people}`."""
        looks = self._looks
        whens = ["r.subject IS NOT NULL THEN NULL", *doubts]
        if looks.serving:
            kinds = f" AND a.kind IN ({_listed(SERVING)})"
            whens.append(f"NOT {_HAS.format(subject=subject, kinds=kinds)} THEN NULL")
        listed = _OPPOSED if self._about.has_erased else ""
        # UNION, or DISTINCT where there is nothing to unite: each person once.
        rare = _RARE.format(gated=GATED, rare=_listed(RARE), listed=listed, subject=subject)
        if not listed:
            rare = rare.replace("SELECT r.subject", "SELECT DISTINCT r.subject")
        return _GATHERED.format(
            members=self._join("CAST(t.n AS TEXT)"),
            names=self._join("t.name") if self._needs_names else "NULL",
            name=self._text(subject) if self._needs_names else "NULL",
            cases=" ".join(f"WHEN {when}" for when in whens),
            said=_SAID.format(code=self._code(), subject=subject),
            people=people,
            rare=rare,
        )

    def shapes(self, select: str, keys: Sequence[Any], more: dict[str, Any]) -> Shapes:
        """The rows of the statement."""
        found: Shapes = defaultdict(lambda: Alike([], []))
        closer = {self._name(subject) for subject in self._about.closer}
        for start, people, values in self._people(keys):
            statement = select.replace("{people}", people)
            rows = self._rows(statement, {**self._values, **more, **values})
            for shape, numbers, named in rows:
                members = [start + int(number) for number in numbers.split(",")]
                names = named.split(",") if named else [""] * len(members)
                if shape is None or _UNSURE in shape:
                    found[None].members.extend(members)
                elif closer.isdisjoint(names):
                    found[shape].members.extend(members)
                    found[shape].names.extend(names)
                else:
                    for member, name in zip(members, names, strict=True):
                        into = found[None if name in closer else shape]
                        into.members.append(member)
                        into.names.append(name)
        return found

    def profiles(self, names: Sequence[str]) -> dict[str, str | None]:
        """See the function of that name."""
        fact = _FACT.format(
            offered=OFFERED,
            read=_listed(JSON_READ),
            origin=self._json("$.meta.origin"),
            changed=self._json("$.meta.changed"),
        )
        statement = _PROFILE.format(
            subject_text=self._text("p.subject"),
            join_days=self._join("DISTINCT '{' || p.facts || '}'"),
            join_facts=self._join(f"DISTINCT {fact} || ';'"),
            unsettling=_listed(UNSETTLING),
            kinds=_listed((*COLLECTING, OFFERED, *UNSETTLING)),
            people="{people}",
            gated=GATED,
            offered=OFFERED,
        )
        found: dict[str, str | None] = {}
        keys = [UUID(name) for name in names] if self._is_sqlite else names
        for _, people, values in self._people(keys, "uuid"):
            said = statement.replace("{people}", people)
            found.update(self._rows(said, {**self._values, **values}))
        return found

    def _code(self) -> str:
        day = " || '.' || CAST(c.day AS TEXT)" if self._looks.dated else ""
        form = ""
        if self._looks.forms:
            counted = " + ".join(
                f"CASE WHEN c.at >= :form{n} THEN 1 ELSE 0 END"
                for n in range(len(self._looks.forms))
            )
            published = f"CAST({counted} AS TEXT)"
            form = _FORM.format(json=self._json("$.meta.form"), published=published)
        return _CODE.format(day=day, form=form)

    # -- dialects ----------------------------------------------------------------------------

    def _people(
        self, keys: Sequence[Any], kind: str = ""
    ) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """The keys as a relation q(n, key), in pieces that the database takes."""
        if not self._is_sqlite:
            if kind or (keys and isinstance(keys[0], UUID)):
                people = """(SELECT u.n - 1 AS n, u.key AS key FROM
                  unnest(CAST(:keys AS uuid[])) WITH ORDINALITY AS u(key, n) ORDER BY u.key) q"""
                yield 0, people, {"keys": "{" + ",".join(map(str, keys)) + "}"}
            elif keys:  # one value is read faster than so many
                people = f"""(SELECT k.n, substring(CAST(:keys AS bytea) FROM k.n * {BLIND} + 1
                  FOR {BLIND}) AS key FROM generate_series(0, {len(keys) - 1}) k(n) ORDER BY 2) q"""
                yield 0, people, {"keys": f"\\x{b''.join(keys).hex()}"}
            return
        for start in range(0, len(keys), AT_ONCE_SQLITE):
            some = keys[start : start + AT_ONCE_SQLITE]
            rows = ", ".join(f"({n}, :key{n})" for n in range(len(some)))
            people = f"(SELECT column1 AS n, column2 AS key FROM (VALUES {rows})) q"
            values = {
                f"key{n}": key.bytes if isinstance(key, UUID) else key for n, key in enumerate(some)
            }
            yield start, people, values

    def _rows(self, statement: str, values: dict[str, Any]) -> list[Any]:
        if not self._is_sqlite:
            for name in sorted(values, key=len, reverse=True):
                statement = statement.replace(f":{name}", f"%({name})s")
            # What is asked for is in memory, mostly; and so is what a chunk takes for sorting.
            self._connection.exec_driver_sql(
                "SET LOCAL random_page_cost = 1.1; SET LOCAL work_mem = '16MB'"
            )
        found = self._connection.exec_driver_sql(statement, values)
        # From the driver itself: a row of SQLAlchemy's costs as much as finding it.
        assert found.cursor is not None
        rows = list(found.cursor.fetchall())
        found.close()
        return rows

    def _text(self, subject: str) -> str:
        return f"hex({subject})" if self._is_sqlite else f"CAST({subject} AS TEXT)"

    def _name(self, subject: UUID) -> str:
        return subject.hex.upper() if self._is_sqlite else str(subject)

    def _json(self, path: str) -> str:
        """A clear field of an entry `v.entry`, which is canonical JSON in UTF-8."""
        if self._is_sqlite:
            return f"json_extract(CAST(v.entry AS TEXT), '{path}')"
        _, *names = path.split(".")
        return f"(convert_from(v.entry, 'UTF8')::json #>> '{{{','.join(names)}}}')"

    def _join(self, value: str) -> str:
        """The values in one text; each brings its own brackets, which no code holds."""
        return f"group_concat({value})" if self._is_sqlite else f"string_agg({value}, ',')"


def _listed(kinds: Sequence[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
