"""What a map means for counting, as SQL over the cells of a line.

The rules are the importer's own: the same dates, amounts and codes are accepted, the same lines
refused. Each distinct (kind, home class, sealed or not) that a line can be of is a *code*, a small
integer. SQL is composed from the map's words, always as quoted literals, and from column numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ledger.aggregates.door import FUTURE_TOLERANCE
from ledger.beginnings import KNOWN_BY
from ledger.calendar import (
    FIRST_YEAR,
    LAST_YEAR,
    Day,
    Instant,
    add_days,
    add_months,
    day_of,
    format_day,
)
from ledger.deciding import BEGINNINGS, ONE_PER_PERSON
from ledger.events import CustomerRegistered, Fact, MessageSent
from ledger.fields import BOOLEAN, CODES, DAY, INTEGER, MAX_TEXT, MONEY, TEXT, Spec
from ledger.importing.maps import FieldMap, ImportMap
from ledger.pan import SEPARATORS
from ledger.policy.model import Edition

_BLANKS = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT = (
    f"{_DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{{1,6}})?"
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
# A superset of what `ledger.pan` finds: every text it would refuse matches, few others do.
_CARD_CODE = "(?i:c[. -]?v[. -]?[vcn]|cav2|crypt|curit|contr|card v)"
_MONEY = "-?[0-9]{1,12}(?:\\.[0-9]{1,2})?"
_INTEGER = "-?[0-9]{1,15}"
assert SEPARATORS == r"[\W_]{0,3}"


class Code(NamedTuple):
    """What a line can be: the kind of its fact, its home class, whether it seals a second part."""

    cls: type[Fact]
    home: str | None
    seals: bool

    @property
    def kind(self) -> str:
        """The permanent name of the kind."""
        return self.cls.kind

    @property
    def registers(self) -> str | None:
        """The class through which a person whose first line this is becomes known."""
        if self.cls is CustomerRegistered:
            return self.home
        if self.cls.aggregate == "customer" and self.home != "account":
            return "contact"
        return KNOWN_BY[self.cls.aggregate][0]


@dataclass(frozen=True, slots=True)
class Terms:
    """The two dates that decide: of the question, and of the run."""

    as_of: Instant
    now: Instant

    @property
    def day(self) -> Day:
        """The day of the question."""
        return day_of(self.as_of)

    @property
    def last_day(self) -> Day:
        """The last day that is not in the future."""
        return day_of(self.now + FUTURE_TOLERANCE)

    def first_kept(self, months: int) -> Day:
        """The first day whose term of so many months is not over: earlier ones are past it."""
        day = add_days(add_months(self.day, -months), -4)
        while add_months(day, months) < self.day:
            day = add_days(day, 1)
        return day


class Plan:
    """The SQL of one map over one header."""

    def __init__(
        self, mapping: ImportMap, header: list[str], edition: Edition, terms: Terms
    ) -> None:
        self.mapping, self.edition, self.terms = mapping, edition, terms
        self.header = header
        self._column = {name: header.index(name) + 1 for name in mapping.columns}
        self.codes = list(dict.fromkeys(self._codes()))
        self.marketing = [p.id for p in edition.purposes.values() if p.marketing]

    # -- the cells of a line ---------------------------------------------------------------------

    def cell(self, name: str | None) -> str:
        """A mapped column as SQL; an absent one as an empty text."""
        return f"c[{self._column[name]}]" if name is not None else "''"

    def field(self, key: str) -> str:
        """A field of the fact as SQL: a cell, or the same value on every line, or empty."""
        found = self._mapped(key)
        if found is None:
            return "''"
        if found.column:
            return self.cell(found.column)
        return literal(str(found.spec.codec.dump(found.value)))

    def person(self, cell: str) -> str:
        """A reference in the form that is blinded: no outer blanks; an e-mail in lower case."""
        # Most references have no blank at all, and trimming all of Unicode's is slow.
        trimmed = (
            f"CASE WHEN regexp_full_match({cell}, '[!-~]+') THEN {cell}"
            f" ELSE trim({cell}, {literal(_BLANKS)}) END"
        )
        return f"lower({trimmed})" if "email" in self.mapping.person_kind else trimmed

    def blank(self, cell: str) -> str:
        """Whether nothing but blanks is there."""
        return f"trim({cell}, {literal(_BLANKS)}) = ''"

    # -- what the columns of a line come to -----------------------------------------------------

    def select(self) -> str:
        """The typed columns of a line."""
        occurred = self.cell(self.mapping.occurred_column)
        by_day = self.mapping.occurred_form == "day"
        columns = {
            "n": "n",
            "whole": f"len(c) = {len(self.header)}",
            "moment": _day(occurred) if by_day else _instant(occurred),
            "code": self._code(),
            "person": self.person(self.cell(self.mapping.person_column)),
            "ok": self._ok(),
            "reach": self._reach(),
            "suspect": f"CASE WHEN regexp_matches(l, {literal(self._suspicion())}) THEN l END",
            "purpose": self.field("purpose"),
            "channel": self.field("channel"),
            "grade": self.field("grade"),
            "decision": self.field("decision"),
            "type": self.field("type"),
            "until": _day(self.field("until")),
            "tacit": f"lower({self.field('tacit')}) IN ('1', 'true')"
            if self._mapped("tacit")
            else "NULL",
            "thing": self.cell(self.mapping.thing_column),
        }
        return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())

    def problem(self) -> str:
        """Why a line is no data, as an import would find; NULL for a good one."""
        return (
            "CASE WHEN NOT whole THEN 'columns' WHEN day IS NULL THEN 'date'"
            f" WHEN day > {day_literal(self.terms.last_day)} THEN 'future'"
            " WHEN code IS NULL THEN 'kind' WHEN person = '' THEN 'person'"
            " WHEN NOT ok THEN 'field' END"
        )

    def in_time(self) -> str:
        """Whether a line was true at the date of the question."""
        if self.mapping.occurred_form == "day":
            return f"day <= {day_literal(self.terms.day)}"
        return f"moment <= make_timestamptz({self.terms.as_of})"

    # -- parts ------------------------------------------------------------------------------------

    def _mapped(self, key: str) -> FieldMap | None:
        return next((f for f in self.mapping.fields if f.spec.key == key), None)

    def _codes(self) -> list[Code]:
        found = []
        for cls in self._kinds():
            for home in self._homes(cls):
                found.append(Code(cls, home, False))
                if cls.also and self._sealed(cls):
                    found.append(Code(cls, home, True))
        return found

    def _kinds(self) -> list[type[Fact]]:
        """The kinds of the map that are about a person: no line about nobody names one."""
        return [cls for cls in self.mapping.kinds.values() if not cls.about_nobody]

    def _homes(self, cls: type[Fact]) -> tuple[str | None, ...]:
        return cls.homes if cls is CustomerRegistered else (cls.homes[:1] or (None,))

    def _sealed(self, cls: type[Fact]) -> list[str]:
        """The cells whose text a fact of this kind would seal."""
        names = {spec.name for spec in cls.specs if spec.personal}
        return [
            self.cell(f.column) if f.column else literal(str(f.value))
            for f in self.mapping.fields
            if f.spec.name in names
        ]

    def _code(self) -> str:
        if self.mapping.kind_column is None:
            return self._code_of(self._kinds()[0]) if self.codes else "NULL::UTINYINT"
        cases = " ".join(
            f"WHEN {literal(said or '')} THEN {self._code_of(cls)}"
            for said, cls in self.mapping.kinds.items()
            if not cls.about_nobody
        )
        return f"CASE {self.cell(self.mapping.kind_column)} {cases} END" if cases else "NULL"

    def _code_of(self, cls: type[Fact]) -> str:
        if cls is CustomerRegistered:
            cases = " ".join(
                f"WHEN {literal(home)} THEN {self.codes.index(Code(cls, home, False))}"
                for home in cls.homes
            )
            return f"(CASE {self.field('class')} {cases} ELSE 0 END)"  # ELSE: `ok` refuses it
        plain = Code(cls, self._homes(cls)[0], False)
        cells = self._sealed(cls) if cls.also else []
        if not cells:
            return str(self.codes.index(plain))
        sealed = " OR ".join(f"{cell} <> ''" for cell in cells)
        whole = self.codes.index(plain._replace(seals=True))
        return f"(CASE WHEN {sealed} THEN {whole} ELSE {self.codes.index(plain)} END)"

    def _ok(self) -> str:
        checks = [
            f"({self.cell(f.column)} = '' OR {_valid(f.spec, self.cell(f.column))})"
            for f in self.mapping.fields
            if f.column
        ]
        for number, code in enumerate(self.codes):
            lacking = self._lacking(code.cls)
            if lacking:
                checks.append(f"(code IS DISTINCT FROM {number} OR NOT ({' OR '.join(lacking)}))")
        return " AND ".join(checks) or "true"

    def _lacking(self, cls: type[Fact]) -> list[str]:
        """What would make a line of this kind incomplete."""
        lacking = [f"{self.field(s.key)} = ''" for s in cls.specs if s.required]
        own_stream = cls.aggregate in ONE_PER_PERSON or issubclass(cls, BEGINNINGS)
        if not own_stream:
            lacking.append(self.blank(self.cell(self.mapping.thing_column)))
        return lacking

    def _reach(self) -> str:
        """Whether this line shows that the person can be, or was, written to for marketing."""
        ways = []
        if "email" in self.mapping.person_kind:
            ways.append("true")
        if self._mapped("email"):
            ways.append(f"{self.field('email')} <> ''")
        if any(code.cls is MessageSent for code in self.codes):
            purposes = ", ".join(map(literal, self.marketing)) or "''"
            sent = [str(n) for n, code in enumerate(self.codes) if code.cls is MessageSent]
            ways.append(
                f"(code IN ({', '.join(sent)}) AND {self.field('purpose')} IN ({purposes}))"
            )
        self.reaches = bool(ways)
        return " OR ".join(ways) or "false"

    def _suspicion(self) -> str:
        gap = f"[^0-9A-Za-z{_escaped(self.mapping.delimiter)}\x1f]{{0,3}}"
        begins = f"(?:[3-6]|1{gap}8|2{gap}[1-7]|8{gap}[126]|9{gap}[78])"
        return f"(?:^|[^0-9]){begins}(?:{gap}[0-9]){{11}}|{_CARD_CODE}"


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def day_literal(day: Day) -> str:
    """A day as an SQL literal."""
    return f"DATE '{format_day(day)}'"


def _escaped(character: str) -> str:
    return f"\\x{{{ord(character):x}}}"


def _in_range(text: str, sql: str) -> str:
    return f"{sql} AND substring({text}, 1, 4) BETWEEN '{FIRST_YEAR}' AND '{LAST_YEAR}'"


def _day(text: str) -> str:
    known = _in_range(text, f"regexp_full_match({text}, '{_DATE}')")
    return f"CASE WHEN {known} THEN TRY_CAST({text} AS DATE) END"


def _instant(text: str) -> str:
    known = _in_range(
        text, f"regexp_full_match({text}, '{_INSTANT}') AND {text} NOT LIKE '%-00:00'"
    )
    return f"CASE WHEN {known} THEN TRY_CAST({text} AS TIMESTAMPTZ) END"


def _valid(spec: Spec, cell: str) -> str:
    """Whether the importer reads this cell as a value of the field."""
    allowed = ", ".join(map(literal, spec.one_of))
    codec, schema = spec.codec, spec.codec.schema
    if codec is CODES:
        return "false"  # a list cannot be written in a cell
    if codec is BOOLEAN:
        return f"lower({cell}) IN ('0', '1', 'true', 'false')"
    if codec is DAY:
        return f"({_day(cell)}) IS NOT NULL"
    if codec is TEXT:
        return f"length({cell}) <= {MAX_TEXT}"
    form = _MONEY if codec is MONEY else _INTEGER if codec is INTEGER else schema.get("pattern")
    checked = f"regexp_full_match({cell}, {literal(form.strip('^$'))})" if form else "true"
    return f"({checked} AND {cell} IN ({allowed}))" if allowed else checked
