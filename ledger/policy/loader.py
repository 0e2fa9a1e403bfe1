"""A strict reader of edition files: what it accepts can be applied, the rest is refused by name.

Refused: an unknown or a missing key, an unknown kind, a term given as a range, a class without an
end, an archive without an article (SS-RET-7), a clock other than subject or item, a reference to a
clause that is not listed. Every refusal is a `PolicyError` that names the file and the place.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, TypeVar, cast, get_args

from ledger.calendar import FIRST_YEAR, LAST_YEAR
from ledger.policy.model import (
    CHANNELS,
    CONTRACT_TYPES,
    REGISTERED,
    ArchiveFrom,
    Basis,
    Clause,
    ClockKind,
    DataClass,
    Edition,
    Label,
    Motive,
    MotiveEffect,
    PolicyError,
    Purpose,
    Statement,
    Term,
)
from ledger.policy.motives import normal_text
from ledger.policy.statements import TOPICS

LONGEST_MONTHS = 1200  # a term beyond a century is a typing error
_KIND = re.compile(r"[a-z_]+\.[a-z_]+\.v[1-9][0-9]*")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_EDITION_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_CLAUSE_ID = re.compile(r"[A-Z]{2,}(?:-[A-Z0-9]+)+")
_HEX64 = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


def load_edition(data: bytes, where: str, kinds: Collection[str] | None = None) -> Edition:
    """Read one edition from the bytes of its TOML file.

    `where` is the file name that refusals cite. `kinds` is the catalogue of permanent kinds; with
    None, kinds are only checked for their form. Raises PolicyError.
    """
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(f"{where}: this is not UTF-8 TOML ({type(error).__name__}).") from None
    top = _Table(document, where)
    header = top.table("edition")
    listed = [_clause(t) for t in top.tables("clause")]
    clauses = _by_name([(c.id, c) for c in listed], "clause", where)
    found = [_data_class(t, clauses, kinds) for t in top.tables("class")]
    classes = _by_name([(c.name, c) for c in found], "class", where)
    purposes = [_purpose(t, clauses, classes) for t in top.tables("purpose")]
    motives = [_motive(t, clauses, classes) for t in top.optional_tables("motive")]
    statements = [_statement(t, clauses, classes) for t in top.optional_tables("statement")]
    labels = [t.label({p.id for p in purposes}) for t in top.optional_tables("label")]
    top.close()
    _check_homes(found, where)
    _check_said_once(statements, where)
    edition = Edition(
        id=header.text("id", _EDITION_ID),
        company=header.text("company"),
        title=header.text("title"),
        language=header.text("language"),
        effective_from=header.day("effective_from"),
        published_sha256=header.text("published_sha256", _HEX64),
        pol=hashlib.sha256(data).hexdigest(),
        classes=classes,
        purposes=_by_name([(p.id, p) for p in purposes], "purpose", where),
        clauses=clauses,
        motives=_by_name([(m.id, m) for m in motives], "motive", where),
        statements=tuple(statements),
        labels=_by_name(labels, "label", where),
    )
    header.close()
    return edition


class _Table:
    """One TOML table being read: every key is asked for once, what is left over is refused."""

    def __init__(self, content: dict[str, Any], place: str) -> None:
        self.left = dict(content)
        self.place = place

    def refuse(self, what: str) -> PolicyError:
        return PolicyError(f"{self.place}: {what}")

    def take(self, key: str) -> Any:
        if key not in self.left:
            raise self.refuse(f"the key '{key}' is missing.")
        return self.left.pop(key)

    def close(self) -> None:
        if self.left:
            raise self.refuse(f"unknown key '{min(self.left)}'.")

    def table(self, key: str) -> _Table:
        found = self.take(key)
        if not isinstance(found, dict):
            raise self.refuse(f"'{key}' must be a table.")
        return _Table(found, f"{self.place}, {key}")

    def tables(self, key: str) -> list[_Table]:
        found = self.take(key)
        if not isinstance(found, list) or not all(isinstance(t, dict) for t in found):
            raise self.refuse(f"'{key}' must be a list of tables, written [[{key}]].")
        return [
            _Table(t, f"{self.place}, {key} {t.get('name') or t.get('id') or number}")
            for number, t in enumerate(found, start=1)
        ]

    def optional_tables(self, key: str) -> list[_Table]:
        return self.tables(key) if key in self.left else []

    def text(self, key: str, form: re.Pattern[str] | None = None) -> str:
        found = self.take(key)
        if not isinstance(found, str) or not found.strip():
            raise self.refuse(f"'{key}' must be a text.")
        if form and not form.fullmatch(found):
            raise self.refuse(f"'{key}' does not have the form it must have.")
        return found

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if key in self.left else None

    def flag(self, key: str) -> bool:
        found = self.take(key)
        if not isinstance(found, bool):
            raise self.refuse(f"'{key}' must be true or false.")
        return found

    def choice(self, key: str, allowed: Collection[str]) -> str:
        found = self.take(key)
        if not isinstance(found, str) or found not in allowed:
            raise self.refuse(f"'{key}' must be one of {', '.join(allowed)}.")
        return found

    def texts(self, key: str, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        found = self.take(key)
        if not isinstance(found, list) or not all(isinstance(x, str) for x in found):
            raise self.refuse(f"'{key}' must be a list of texts.")
        if len(set(found)) != len(found):
            raise self.refuse(f"'{key}' says the same thing twice.")
        for item in found:
            if allowed is not None and item not in allowed:
                raise self.refuse(f"'{key}' may only hold {', '.join(allowed)}.")
        return tuple(found)

    def optional_texts(self, key: str, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        return self.texts(key, allowed) if key in self.left else ()

    def kinds(self, key: str, catalogue: Collection[str] | None) -> tuple[str, ...]:
        found = self.texts(key)
        for kind in found:
            if not _KIND.fullmatch(kind) or (catalogue is not None and kind not in catalogue):
                raise self.refuse(f"'{key}' names an unknown kind of fact, '{kind}'.")
        return found

    def months(self, key: str) -> int:
        found = self.take(key)
        if isinstance(found, (list, dict, str)):
            raise self.refuse(f"'{key}' is a range or a text; a term is one whole number.")
        if not isinstance(found, int) or isinstance(found, bool):
            raise self.refuse(f"'{key}' must be a whole number of months.")
        if not 1 <= found <= LONGEST_MONTHS:
            raise self.refuse(f"'{key}' must lie between 1 and {LONGEST_MONTHS} months.")
        return found

    def optional_months(self, key: str) -> int | None:
        return self.months(key) if key in self.left else None

    def day(self, key: str) -> int:
        found = self.take(key)
        if not isinstance(found, date) or isinstance(found, datetime):
            raise self.refuse(f"'{key}' must be a date.")
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise self.refuse(f"'{key}' must lie between {FIRST_YEAR} and {LAST_YEAR}.")
        return found.year * 10000 + found.month * 100 + found.day

    def label(self, purposes: Collection[str]) -> tuple[str, Label]:
        purpose = self.text("purpose", _NAME)
        if purpose in purposes:
            raise self.refuse("this purpose is declared in this edition, with its labels.")
        found = Label(self.optional_text("label_fr"), self.optional_text("label_en"))
        self.close()
        if not (found.label_fr or found.label_en):
            raise self.refuse("this label says nothing: 'label_fr' and 'label_en' are missing.")
        return purpose, found


def _clause(t: _Table) -> Clause:
    clause = Clause(t.text("id", _CLAUSE_ID), t.text("article"), t.text("fr"), t.text("en"))
    t.close()
    return clause


def _known_clause(t: _Table, clauses: Collection[str]) -> str:
    found = t.text("clause")
    if found not in clauses:
        raise t.refuse(f"clause '{found}' is not listed in this edition.")
    return found


def _data_class(
    t: _Table, clauses: Collection[str], catalogue: Collection[str] | None
) -> DataClass:
    if "operational_months" not in t.left:
        raise t.refuse("this class has no end: 'operational_months' is missing.")
    found = DataClass(
        name=t.text("name", _NAME),
        label_fr=t.text("label_fr"),
        label_en=t.text("label_en"),
        rule=t.text("rule"),
        clock=cast(ClockKind, t.choice("clock", get_args(ClockKind))),
        home=t.kinds("home", catalogue),
        parts_of=t.kinds("parts_of", catalogue) if "parts_of" in t.left else (),
        moved_by=t.kinds("moved_by", catalogue),
        suspended_by=t.texts("suspended_by", CONTRACT_TYPES),
        operational_months=t.months("operational_months"),
        archive=_archive(t),
        published_months=t.optional_months("published_months"),
        published=t.optional_text("published"),
        clause=_known_clause(t, clauses),
        article=t.text("article"),
        choice=t.flag("choice"),
        why_fr=t.optional_text("why_fr"),
        why_en=t.optional_text("why_en"),
    )
    t.close()
    if not (found.home or found.parts_of):
        raise t.refuse("nothing lives in this class: 'home' and 'parts_of' are empty.")
    if found.choice and not (found.why_fr and found.why_en):
        raise t.refuse("a choice of ours needs its reason: 'why_fr' or 'why_en' is missing.")
    if found.months_in_all < found.operational_months:
        raise t.refuse("the archive would end before the operational term does.")
    return found


def _archive(t: _Table) -> Term | None:
    if t.left.get("archive") == "none":
        del t.left["archive"]
        return None
    if isinstance(t.left.get("archive"), (str, list)):
        raise t.refuse("'archive' is a range or a text; it must be one term, or 'none'.")
    inner = t.table("archive")
    months = inner.months("months")
    counted_from = cast(ArchiveFrom, inner.choice("from", get_args(ArchiveFrom)))
    term = Term(months, counted_from, inner.text("article"))
    inner.close()
    return term


def _purpose(t: _Table, clauses: Collection[str], classes: Collection[str]) -> Purpose:
    found = Purpose(
        id=t.text("id", _NAME),
        label_fr=t.text("label_fr"),
        label_en=t.text("label_en"),
        basis=cast(Basis, t.choice("basis", get_args(Basis))),
        channels=t.texts("channels", CHANNELS),
        marketing=t.flag("marketing"),
        validity_months=t.optional_months("validity_months"),
        clause=_known_clause(t, clauses),
        article=t.text("article"),
        cross_context=t.flag("cross_context") if "cross_context" in t.left else False,
        classes=t.optional_texts("classes", classes),
        people=t.optional_texts("people"),
    )
    t.close()
    return found


def _statement(t: _Table, clauses: Collection[str], classes: Collection[str]) -> Statement:
    name = t.choice("topic", TOPICS)
    topic = TOPICS[name]
    value = topic.takes(t.take("value"))
    if value is None:
        raise t.refuse(f"'value' of {name} must be {topic.form}.")
    about = t.choice("class", classes) if topic.of_class else ""
    found = Statement(name, value, about, _known_clause(t, clauses))
    t.close()
    return found


def _check_said_once(statements: list[Statement], where: str) -> None:
    said: set[tuple[str, str]] = set()
    for one in statements:
        if (one.topic, one.about) in said:
            raise PolicyError(f"{where}, statement {one.topic}: this is said twice.")
        said.add((one.topic, one.about))


def _motive(t: _Table, clauses: Collection[str], classes: Collection[str]) -> Motive:
    effect = cast(MotiveEffect, t.choice("effect", get_args(MotiveEffect)))
    stops = effect == "stop_marketing"
    found = Motive(
        id=t.text("id", _NAME),
        text=t.text("text"),
        effect=effect,
        channel=t.choice("channel", CHANNELS) if stops else None,
        klass=None if stops else t.choice("class", classes),
        near=tuple(tuple(normal_text(group).split()) for group in t.texts("near")),
        clause=_known_clause(t, clauses),
        article=t.text("article"),
    )
    t.close()
    if not normal_text(found.text):
        raise t.refuse("'text' has no letter: any text would be taken for it.")
    if not all(found.near):
        raise t.refuse("'near' has a group without a word: any text would resemble it.")
    return found


def _by_name(items: list[tuple[str, T]], what: str, where: str) -> dict[str, T]:
    """The items under their names, in the order of the file; a name given twice is refused."""
    found: dict[str, T] = {}
    for name, item in items:
        if name in found:
            raise PolicyError(f"{where}, {what} {name}: this name is given twice.")
        found[name] = item
    return found


def _check_homes(classes: list[DataClass], where: str) -> None:
    """One home per kind, so that each entry dies once; registrations name theirs themselves."""
    homes: dict[str, str] = {}
    for data_class in classes:
        for kind in data_class.home:
            if kind in homes and kind != REGISTERED:
                raise PolicyError(
                    f"{where}, class {data_class.name}: '{kind}' already has a home, "
                    f"class {homes[kind]}."
                )
            homes[kind] = data_class.name
