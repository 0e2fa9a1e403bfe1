"""Kinds of people for one question, a chunk of ten thousand at a time, read from the live tables.

The shape of a person is a text: people with the same text are alike in all that the rules look at
(`ledger/policy/looks.py` says what that is). Without a text she is not settled, or not simple, and
must be looked at whole. Another order of words in a text costs time, never truth. Nothing here
judges. Read next: `ledger/permitting/filtering.py`.

The live tables hold all that is known, at no given date; so whoever has a fact that may lie after
the moment asked about (of that day or later, recorded after position `recent`) gets no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Moment
from ledger.policy.looks import COLLECTING, OFFERED, RARE, SERVING, UNSETTLING, Looks

AT_ONCE_SQLITE = 500


class Shape(NamedTuple):
    """Whom a reference or an id means, and what she is like."""

    subject: UUID | None
    text: str | None


# What is read of each person. Everything is one row of a table whose key begins with her id.
_ACTIVITY = """(SELECT CASE WHEN COUNT(*) = 0 OR MAX(CASE WHEN a.kind IN ({rare})
  OR a.last_day > :day OR (a.last_day = :day AND a.last_position > :recent)
  THEN 1 ELSE 0 END) = 1 THEN NULL ELSE {bits} END
  FROM activity a WHERE a.subject = {subject})"""
_HAS = "CAST(MAX(CASE WHEN a.kind IN ({kinds}) THEN 1 ELSE 0 END) AS TEXT)"
_MUST_HAVE = "MAX(CASE WHEN a.kind IN ({kinds}) THEN 'served' END)"
# Both expressions that may count, and which came first; at one instant, whoever asks must look.
_CHOICES = """(SELECT CASE WHEN MAX(c.at) > :at THEN NULL
  WHEN MIN(c.at) = MAX(c.at) AND COUNT(*) > 1 THEN NULL ELSE {said} || {order} END
  FROM consents c WHERE c.subject = {subject} AND c.purpose = :purpose
  AND c.channel IN (:channel, ''))"""
_SAID = """COALESCE(MAX(CASE WHEN c.channel = {channel} THEN c.kind || '.'
  || COALESCE(c.grade, '') || '.' || CAST(c.edition AS TEXT) || '.' || {day} || '.'
  || {form} END), '-')"""
_ORDER = """CASE WHEN COUNT(*) < 2 THEN ''
  WHEN MAX(CASE WHEN c.channel = '' THEN c.at END) = MAX(c.at) THEN '<' ELSE '>' END"""
_UNSURE = "?"  # no code holds it: a fact that was corrected has no form here
_FORM = """(SELECT COALESCE({json}, '') || '.' || {published} FROM events v
  WHERE v.position = c.position
  AND NOT EXISTS (SELECT 1 FROM events w WHERE w.ref_position = v.position))"""
_LISTED = """ CASE WHEN EXISTS (SELECT 1 FROM lookups n JOIN suppressions s
  ON s.kind = n.kind AND s.blind = n.blind
  WHERE n.subject = {subject} AND s.reason = 'objected' AND s.purpose = :purpose)
  THEN NULL ELSE '' END"""
_PROFILE = """SELECT {subject_text}, CASE WHEN MAX(p.unsettled) = 1 THEN NULL
  ELSE {join_days} END FROM (
  SELECT v.subject AS subject, MAX(CASE WHEN v.kind IN ({unsettling}) THEN 1 ELSE 0 END)
  AS unsettled, {join_facts} AS facts FROM {people} JOIN events v ON v.subject = q.subject
  WHERE v.kind IN ({kinds}) GROUP BY v.subject, v.local_day) p GROUP BY p.subject"""
_FACT = """v.kind || '/' || COALESCE(v.actor, '') || '/' || CASE WHEN v.kind <> '{offered}' THEN ''
  WHEN v.purpose = :purpose AND (v.channel IS NULL OR v.channel = :channel) THEN 'y'
  ELSE 'n' END || '/' || COALESCE({origin}, '') || '/' || COALESCE({changed}, '')"""


def of_references(
    connection: sa.Connection,
    looks: Looks,
    moment: Moment,
    recent: int,
    family: str,
    blinds: Sequence[bytes],
    *,
    is_listed: bool,
) -> list[Shape]:
    """The shape of whomever each of these references of a family means, in order."""
    asked = _Asked(connection, looks, moment, recent)
    join = " LEFT JOIN lookups l ON l.kind = :family AND l.blind = q.key"
    select = asked.select("l.subject", join, is_listed=is_listed)
    return asked.shapes(select, blinds, {"family": family})


def of_subjects(
    connection: sa.Connection,
    looks: Looks,
    moment: Moment,
    recent: int,
    subjects: Sequence[UUID],
    *,
    is_listed: bool,
) -> list[Shape]:
    """The shape of each of these people, in order."""
    asked = _Asked(connection, looks, moment, recent)
    return asked.shapes(asked.select("q.key", "", is_listed=is_listed), subjects, {})


def profiles(
    connection: sa.Connection, looks: Looks, moment: Moment, subjects: Sequence[UUID]
) -> dict[UUID, str | None]:
    """How the address of each of these people was collected: which facts stand on the same day.
    None for those of whom a fact was corrected, voided or cancelled."""
    return _Asked(connection, looks, moment, 0).profiles(subjects)


class _Asked:
    """One question in the SQL of one database."""

    def __init__(
        self, connection: sa.Connection, looks: Looks, moment: Moment, recent: int
    ) -> None:
        self._connection, self._looks = connection, looks
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._values: dict[str, Any] = {
            **{"day": moment.day, "at": moment.at, "recent": recent},
            **{"purpose": looks.purpose, "channel": looks.channel},
            **{f"form{n}": at for n, at in enumerate(looks.forms)},
        }

    def select(self, subject: str, join: str, *, is_listed: bool) -> str:
        """The statement up to the people it is about, who are `{people}`."""
        parts = [self._activity(subject), self._choices(subject)]
        if is_listed:
            parts.append(_LISTED.format(subject=subject))
        text = " || ' ' || ".join(parts)
        return f"SELECT q.n, {self._text(subject)}, {text} FROM {{people}}{join}"

    def shapes(self, select: str, keys: Sequence[Any], more: dict[str, Any]) -> list[Shape]:
        """The rows of the statement, in the order of the keys."""
        found: list[Shape] = [Shape(None, None)] * len(keys)
        for start, people, values in self._people(keys):
            statement = select.replace("{people}", people)
            for n, subject, text in self._rows(statement, {**self._values, **more, **values}):
                is_sure = text is not None and _UNSURE not in text
                found[start + n] = Shape(
                    UUID(subject) if subject else None, text if is_sure else None
                )
        return found

    def profiles(self, subjects: Sequence[UUID]) -> dict[UUID, str | None]:
        """See the function of that name."""
        fact = _FACT.format(
            offered=OFFERED,
            origin=self._json("$.meta.origin"),
            changed=self._json("$.meta.changed"),
        )
        statement = _PROFILE.format(
            subject_text=self._text("p.subject"),
            join_days=self._join("'{' || p.facts || '}'"),
            join_facts=self._join(f"{fact} || ';'"),
            unsettling=_listed(UNSETTLING),
            kinds=_listed((*COLLECTING, OFFERED, *UNSETTLING)),
            people="{people}",
        )
        found: dict[UUID, str | None] = dict.fromkeys(subjects)
        for _, people, values in self._people(subjects):
            said = statement.replace("{people}", people).replace("q.subject", "q.key")
            for subject, text in self._rows(said, {**self._values, **values}):
                found[UUID(subject)] = text
        return found

    def _activity(self, subject: str) -> str:
        bits = "'.'"
        if self._looks.serving:
            bits = _MUST_HAVE.format(kinds=_listed(SERVING))
        elif self._looks.offers:
            bits = _HAS.format(kinds=_listed((OFFERED,)))
        return _ACTIVITY.format(rare=_listed(RARE), bits=bits, subject=subject)

    def _choices(self, subject: str) -> str:
        day = "CAST(c.day AS TEXT)" if self._looks.dated else "''"
        form = "''"
        if self._looks.forms:
            counted = " + ".join(
                f"CASE WHEN c.at >= :form{n} THEN 1 ELSE 0 END"
                for n in range(len(self._looks.forms))
            )
            published = f"CAST({counted} AS TEXT)"
            form = _FORM.format(json=self._json("$.meta.form"), published=published)
            form = f"COALESCE({form}, '{_UNSURE}')"
        channels = (":channel", "''") if self._looks.channel else ("''",)
        said = " || ' ' || ".join(_SAID.format(channel=c, day=day, form=form) for c in channels)
        order = _ORDER if self._looks.channel else "''"
        return _CHOICES.format(said=said, order=order, subject=subject)

    # -- dialects ----------------------------------------------------------------------------

    def _people(self, keys: Sequence[Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """The keys as a relation q(n, key), in pieces that the database takes."""
        if not self._is_sqlite:
            kind = "uuid" if keys and isinstance(keys[0], UUID) else "bytea"
            texts = (
                [str(k) for k in keys] if kind == "uuid" else [f'"\\\\x{k.hex()}"' for k in keys]
            )
            people = f"""(SELECT u.n - 1 AS n, u.key AS key FROM
              unnest(CAST(:keys AS {kind}[])) WITH ORDINALITY AS u(key, n)) q"""
            yield 0, people, {"keys": "{" + ",".join(texts) + "}"}
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
        if self._is_sqlite:
            return list(self._connection.exec_driver_sql(statement, values))
        for name in sorted(values, key=len, reverse=True):
            statement = statement.replace(f":{name}", f"%({name})s")
        # Ten thousand probes of an index, never a scan of everybody.
        for way in ("hashjoin", "mergejoin", "seqscan", "bitmapscan", "material"):
            self._connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        return list(self._connection.exec_driver_sql(statement, values))

    def _text(self, subject: str) -> str:
        return f"hex({subject})" if self._is_sqlite else f"CAST({subject} AS TEXT)"

    def _json(self, path: str) -> str:
        """A clear field of an entry `v.entry`, which is canonical JSON in UTF-8."""
        if self._is_sqlite:
            return f"json_extract(CAST(v.entry AS TEXT), '{path}')"
        _, *names = path.split(".")
        return f"(convert_from(v.entry, 'UTF8')::json #>> '{{{','.join(names)}}}')"

    def _join(self, value: str) -> str:
        """The different values in one text; each brings its own brackets, which no code holds."""
        if self._is_sqlite:
            return f"group_concat(DISTINCT {value})"
        return f"string_agg(DISTINCT {value}, ',')"


def _listed(kinds: Sequence[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
