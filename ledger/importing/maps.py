"""The map file: which column of somebody else's file says what, in TOML.

    source = "cdnow"                    # names the import for ever: never change it
    format = "csv"                      # csv | ndjson
    [person]
    kind = "shop"                       # the family of references
    column = "customer_id"
    [fact]
    kind = "order.placed"               # or {column = "action", values = {"in" = "consent.given"}}
    [fact.occurred]
    column = "date"
    form = "day"                        # day: YYYY-MM-DD in Paris | instant: RFC 3339 with zone
    [fact.fields.amount]
    column = "amount_usd"
    currency = "USD"                    # a decimal column read as money
    [fact.fields.grade]
    value = "asserted"                  # the same for every line
    [thing]                             # optional: the order's or contract's own reference
    kind = "order_ref"
    column = "order"

Optional at the top: `key` (a column that identifies a line), `encoding` (utf-8, latin-1, cp1252),
`delimiter`. Read strictly: an unknown key is a mistake, and says where. Read next:
`reading.py`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.aggregates import door
from ledger.commands import Reference
from ledger.errors import BadData, Refused
from ledger.events import Fact, fact_class
from ledger.fields import BOOLEAN, INTEGER, MONEY, Money, Spec
from ledger.naming import unusable

ENCODINGS = ("utf-8", "latin-1", "cp1252")


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Where one field of the fact comes from: a column, or the same value on every line."""

    spec: Spec
    column: str | None
    value: Any
    currency: str | None

    def read(self, text: str) -> Any:
        """The value a cell states. Raises BadData naming the field, never the value."""
        if self.spec.codec is MONEY:
            return Money(minor_units(text, self.spec.key), self.currency or "EUR")
        if self.spec.codec is INTEGER:
            digits = text[1:] if text.startswith("-") else text
            if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
                raise BadData(f"field '{self.spec.key}': must be an integer")
            return int(text)
        if self.spec.codec is BOOLEAN:
            known = {"1": True, "true": True, "0": False, "false": False}.get(text.lower())
            return self.spec.load(text if known is None else known)
        return self.spec.load(text)


@dataclass(frozen=True, slots=True)
class ImportMap:
    """A map file, checked."""

    source: str
    format: str
    encoding: str
    delimiter: str
    key: str | None
    person_kind: str
    person_column: str
    kinds: dict[str | None, type[Fact]]  # None: every line is of this kind
    kind_column: str | None
    occurred_column: str
    occurred_form: str
    fields: tuple[FieldMap, ...]
    thing_kind: str | None
    thing_column: str | None

    @property
    def columns(self) -> list[str]:
        """Every column the map reads."""
        named = [self.key, self.person_column, self.kind_column, self.occurred_column]
        named += [f.column for f in self.fields] + [self.thing_column]
        return list(dict.fromkeys(name for name in named if name))


def load_map(path: Path) -> ImportMap:
    """Read a map file. Raises BadData with a sentence that says where."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadData(f"there is no map file at {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path.name}: the map cannot be read") from error
    except tomllib.TOMLDecodeError as error:
        raise BadData(f"{path.name}: not TOML: {error}") from error
    top = _Table(document, path.name)
    person, fact = top.table("person"), top.table("fact")
    occurred, things = fact.table("occurred"), top.optional_table("thing")
    kinds, kind_column = _kinds(fact)
    made = ImportMap(
        source=top.text("source"),
        format=top.one_of("format", ("csv", "ndjson"), "csv"),
        encoding=top.one_of("encoding", ENCODINGS, "utf-8"),
        delimiter=top.text("delimiter", ","),
        key=top.optional("key"),
        person_kind=person.text("kind"),
        person_column=person.text("column"),
        kinds=kinds,
        kind_column=kind_column,
        occurred_column=occurred.text("column"),
        occurred_form=occurred.one_of("form", ("day", "instant"), "day"),
        fields=_fields(fact, list(kinds.values())),
        thing_kind=things.text("kind") if things else None,
        thing_column=things.text("column") if things else None,
    )
    for table in (top, person, fact, occurred, things):
        if table:
            table.close()
    for kind in (made.person_kind, made.thing_kind):
        if kind is not None and unusable(Reference(kind, "x")):
            raise BadData(f"{path.name}: 'kind' of a reference must be a code such as shop")
    refusal = door.refuse_names(made.columns)
    if refusal:
        raise Refused(refusal)
    if len(made.delimiter) != 1:
        raise BadData(f"{path.name}: 'delimiter' must be one character")
    return made


def minor_units(text: str, field: str) -> int:
    """'11.77' -> 1177, '-3' -> -300: a plain decimal with two places at most. Raises BadData."""
    whole, dot, cents = text.removeprefix("-").partition(".")
    digits = whole + cents
    if not (whole and digits.isascii() and digits.isdigit()) or len(whole) > 12:
        raise BadData(f"field '{field}': must be a decimal number such as 11.77")
    if (dot and not cents) or len(cents) > 2:
        raise BadData(f"field '{field}': must have one or two decimals, or none")
    minor = int(whole) * 100 + int(cents.ljust(2, "0"))
    return -minor if text.startswith("-") else minor


def _kinds(fact: _Table) -> tuple[dict[str | None, type[Fact]], str | None]:
    named = fact.take("kind")
    if isinstance(named, str):
        return {None: fact_class(named)}, None
    inner = _Table(named if isinstance(named, dict) else {}, f"{fact.where}.kind")
    column, values = inner.text("column"), inner.take("values")
    inner.close()
    if not isinstance(values, dict) or not values:
        raise BadData(f"{inner.where}: 'values' must map what the column says to kinds")
    return {said: fact_class(str(kind)) for said, kind in values.items()}, column


def _fields(fact: _Table, classes: list[type[Fact]]) -> tuple[FieldMap, ...]:
    mapped = []
    tables = fact.optional_table("fields")
    for key in list(tables.content) if tables else []:
        assert tables is not None
        table = tables.table(key)
        spec = next((s for cls in classes for s in cls.specs if s.key == key), None)
        if spec is None:
            raise BadData(f"{table.where}: these kinds of fact have no field '{key}'")
        column, value, currency = (table.optional(n) for n in ("column", "value", "currency"))
        if (column is None) == (value is None):
            raise BadData(f"{table.where}: give either 'column' or 'value'")
        field = FieldMap(spec, column, None, currency)
        if value is not None:
            field = FieldMap(spec, None, field.read(str(value)), currency)
        if spec.codec is MONEY and currency is None:
            raise BadData(f"{table.where}: an amount needs its 'currency'")
        mapped.append(field)
        table.close()
    return tuple(mapped)


class _Table:
    """A TOML table being read: every key is asked for, what is left over is a mistake."""

    def __init__(self, content: dict[str, Any], where: str) -> None:
        self.content, self.where = dict(content), where

    def take(self, key: str) -> Any:
        if key not in self.content:
            raise BadData(f"{self.where}: '{key}' is missing")
        return self.content.pop(key)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.content.pop(key, default) if default is not None else self.take(key)
        if not isinstance(value, str) or not value:
            raise BadData(f"{self.where}: '{key}' must be a text")
        return value

    def optional(self, key: str) -> str | None:
        value = self.content.pop(key, None)
        return None if value is None else str(value)

    def one_of(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise BadData(f"{self.where}: '{key}' must be one of: {', '.join(allowed)}")
        return value

    def table(self, key: str) -> _Table:
        value = self.take(key)
        if not isinstance(value, dict):
            raise BadData(f"{self.where}: '{key}' must be a table")
        return _Table(value, f"{self.where} [{key}]")

    def optional_table(self, key: str) -> _Table | None:
        return self.table(key) if key in self.content else None

    def close(self) -> None:
        if self.content:
            raise BadData(f"{self.where}: unknown key '{next(iter(self.content))}'")
