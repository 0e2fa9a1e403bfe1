"""What one edition changes in another: what shortens, what lengthens, what appears and disappears.

Pure data out of two editions, for whoever publishes the next one and for whoever reads about it.
`lengthened` is the question that publishing asks (SS-POL-2, GDPR art. 13(3)); its answer comes from
`terms.py`, the definition of what a longer edition grants to whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

from ledger.calendar import Day, format_day
from ledger.errors import Refusal
from ledger.policy.book import Book
from ledger.policy.model import DataClass, Edition, Label, Purpose
from ledger.policy.terms import rule_for

Part: TypeAlias = Literal["edition", "class", "purpose", "clause"]
Effect: TypeAlias = Literal["longer", "shorter", "appears", "disappears", "changed"]
Value: TypeAlias = str | int | None

_EDITION = ("company", "title", "language", "published_sha256")
_CLASS = (
    *("label_fr", "label_en", "rule", "clock", "published_months", "published"),
    *("clause", "article", "choice", "why_fr", "why_en"),
)
_PURPOSE = ("label_fr", "label_en", "basis", "marketing", "clause", "article")
_CLAUSE = ("article", "fr", "en")
_LISTED: tuple[Effect, Effect] = ("disappears", "appears")


class Change(NamedTuple):
    """One change. `field` is the key of the edition file, '' when a whole part appears or
    disappears; `months_in_all` is the operational term and the archive together."""

    part: Part
    name: str
    field: str
    effect: Effect
    before: Value
    after: Value


def lengthened(old: Edition, new: Edition) -> tuple[str, ...]:
    """The classes in which something is kept longer under `new` than under `old`: a longer term or
    archive, more kinds that move the clock, more contracts that suspend it."""
    found = []
    for name in old.classes:
        early, late = (rule_for((old, new), name, era.number) for era in (old, new))
        if early is None or late is None:
            continue
        kept = (early.months, early.months_in_all, early.moved_by, early.suspended_by)
        if kept != (late.months, late.months_in_all, late.moved_by, late.suspended_by):
            found.append(name)
    return tuple(found)


def refuse_lengthening(book: Book, edition: Edition, today: Day) -> Refusal | None:
    """Why an edition that is to follow this book may not be published today without notice."""
    if not book.entries or edition.effective_from > today:
        return None
    classes = lengthened(book.entries[-1].edition, edition)
    if not classes:
        return None
    return Refusal(
        "conflict",
        f"this edition keeps {', '.join(classes)} longer and takes effect on "
        f"{format_day(edition.effective_from)}, which is not after today: give it a later day, or"
        " tell people first",
        "SS-POL-2",
        "RGPD art. 13(3)",
        "effective_from",
    )


def media_of(document: bytes) -> str:
    """The media type of a published text, by its first bytes."""
    if document.startswith(b"%PDF-"):
        return "application/pdf"
    try:
        text = document.decode("utf-8").lstrip("\ufeff \t\r\n").lower()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/html" if text.startswith(("<!doctype html", "<html")) else "text/plain"


def diff(old: Edition, new: Edition) -> tuple[Change, ...]:
    """Every difference in what two editions say, in the order of the file."""
    return (
        *_fields("edition", old.id, old, new, _EDITION),
        *_parts("class", old.classes, new.classes, _classes),
        *_parts("purpose", old.purposes, new.purposes, _purposes),
        *_labels(old.labels, new.labels),
        *_parts(
            "clause",
            old.clauses,
            new.clauses,
            lambda name, a, b: _fields("clause", name, a, b, _CLAUSE),
        ),
    )


def _parts(part: Part, old: dict[str, Any], new: dict[str, Any], compare: Any) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield Change(part, name, "", "disappears", name, None)
        elif name not in old:
            yield Change(part, name, "", "appears", None, name)
        else:
            yield from compare(name, old[name], new[name])


def _classes(name: str, old: DataClass, new: DataClass) -> Iterator[Change]:
    for field in ("operational_months", "months_in_all"):
        yield from _term("class", name, field, getattr(old, field), getattr(new, field))
    for field in ("moved_by", "suspended_by"):
        yield from _members("class", name, field, (old, new), ("shorter", "longer"))
    for field in ("home", "parts_of"):
        yield from _members("class", name, field, (old, new), _LISTED)
    if old.archive != new.archive and old.months_in_all == new.months_in_all:
        said = (_archive(old), _archive(new))
        yield Change("class", name, "archive", "changed", *said)
    yield from _fields("class", name, old, new, _CLASS)


def _archive(c: DataClass) -> str:
    if c.archive is None:
        return "none"
    return f"{c.archive.months} ({c.archive.counted_from}, {c.archive.article})"


def _purposes(name: str, old: Purpose, new: Purpose) -> Iterator[Change]:
    before, after = old.validity_months, new.validity_months
    yield from _term("purpose", name, "validity_months", before, after)
    for field in ("channels", "classes", "people"):
        yield from _members("purpose", name, field, (old, new), _LISTED)
    yield from _fields("purpose", name, old, new, _PURPOSE)


def _labels(old: dict[str, Label], new: dict[str, Label]) -> Iterator[Change]:
    """How purposes that are declared beside the editions are called."""
    none = Label(None, None)
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name, none), new.get(name, none)
        yield from _fields("purpose", name, before, after, ("label_fr", "label_en"))


def _term(
    part: Part, name: str, field: str, before: int | None, after: int | None
) -> Iterator[Change]:
    """A number of months; None is for ever."""
    if before != after:
        longer = after is None or (before is not None and after > before)
        yield Change(part, name, field, "longer" if longer else "shorter", before, after)


def _members(
    part: Part,
    name: str,
    field: str,
    both: tuple[Any, Any],
    effects: tuple[Effect, Effect],
) -> Iterator[Change]:
    """What left a list, then what joined it, with the effects of leaving and of joining."""
    old, new = (getattr(one, field) for one in both)
    for gone in (one for one in old if one not in new):
        yield Change(part, name, field, effects[0], gone, None)
    for come in (one for one in new if one not in old):
        yield Change(part, name, field, effects[1], None, come)


def _fields(part: Part, name: str, old: Any, new: Any, fields: tuple[str, ...]) -> Iterator[Change]:
    for field in fields:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield Change(part, name, field, "changed", _said(before), _said(after))


def _said(value: Any) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, int) else str(value)
