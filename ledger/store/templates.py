"""Facts by the thousand: the mapper's own bytes, cut once where they vary.

A template runs the ordinary mapper on a sample whose varying values are markers, cuts the prepared
entry at the markers, and from then on only joins. Whatever the mapper writes, the template writes
(a test compares them byte for byte); only codes, ids, integers and times may vary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from ledger.calendar import Grain, Moment
from ledger.entry import to_base64
from ledger.errors import BadData
from ledger.events import Fact, Row
from ledger.fields import INTEGER, MONEY, Money, Spec
from ledger.store import mapper
from ledger.store.mapper import Draft

_MARK_ID = UUID("00000000-0000-4000-8000-0000000000f1")
_MARK_STREAM = UUID("00000000-0000-4000-8000-0000000000f2")
_MARK_SUBJECT = UUID("00000000-0000-4000-8000-0000000000f3")
_MARK_AT = 951_782_400_123_456  # 2000-02-29T00:00:00.123456Z
_MARK_INTEGER = 8_007_199_254_740_900  # a distinct value per field is added
_MARK_SALT = bytes(range(16))


def varies(spec: Spec) -> bool:
    """Whether a field may differ between facts of one template."""
    return spec.codec in (INTEGER, MONEY)


@dataclass(frozen=True, slots=True)
class Template:
    """The shape of a fact: everything but its ids, its times and its varying numbers."""

    fact: Fact
    row: Row
    form: str  # the prepared entry, '%s' where it varies
    holes: Callable[[dict[str, str]], tuple[str, ...]]  # what goes there, in order
    copied: str  # the typed columns from `class` to `ref_position` as COPY text

    def prepared(self, values: dict[str, str]) -> bytes:
        """The entry without its record time, the holes filled with the texts of 'id', 'stream',
        'subject', 'occurred', 'salt' and the varying fields."""
        return (self.form % self.holes(values)).encode()


def template(
    cls: type[Fact],
    fixed: dict[str, Any],
    varying: tuple[str, ...],
    grain: Grain,
    edition: int,
    pol: str,
) -> Template:
    """A template for facts of `cls` with these fixed fields; `varying` names the number fields.

    Money among the varying fields takes its currency from `fixed[name]`. Raises BadData for a
    sample that is no fact.
    """
    marks: dict[str, str] = {
        "id": str(_MARK_ID),
        "stream": str(_MARK_STREAM),
        "subject": str(_MARK_SUBJECT),
        "occurred": "2000-02-29T00:00:00.123456Z",
    }
    values = dict(fixed)
    for index, name in enumerate(varying):
        number = _MARK_INTEGER + index
        marks[name] = str(number)
        currency = fixed.get(name)
        values[name] = Money(number, currency) if isinstance(currency, str) else number
    fact = cls(subject=_MARK_SUBJECT, occurred=Moment(_MARK_AT, grain, 20000229), **values)
    draft = Draft(_MARK_STREAM, 1, fact, _MARK_ID, edition, pol)
    text = mapper.prepare(draft, salt=_MARK_SALT).decode()
    marks["salt"] = to_base64(_MARK_SALT)
    found = sorted((text.index(mark), name, mark) for name, mark in marks.items())
    pieces, start = [], 0
    for at, _, mark in found:
        if text.count(mark) != 1:
            raise BadData("this shape cannot be imported in bulk")
        pieces.append(text[start:at])
        start = at + len(mark)
    pieces.append(text[start:])
    row = mapper.row_of(draft)
    middle = row[row._fields.index("klass") : row._fields.index("amount_minor")]
    copied = "\t".join("\\N" if value is None else str(value) for value in middle)
    form = "%s".join(piece.replace("%", "%%") for piece in pieces)
    return Template(fact, row, form, itemgetter(*(name for _, name, _ in found)), copied)
