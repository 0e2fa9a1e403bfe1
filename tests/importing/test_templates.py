"""The bulk path writes the mapper's own bytes and columns."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import entry
from ledger.calendar import Grain, Moment, day_of, format_instant
from ledger.errors import BadData
from ledger.events import CustomerRegistered, Fact, MessageSent, OrderPlaced
from ledger.fields import Money
from ledger.store import mapper
from ledger.store.mapper import Draft
from ledger.store.templates import template

POL = entry.to_base64(bytes(32))
INSTANTS = st.integers(0, 4_000_000_000_000_000)
SHAPES: list[tuple[type[Fact], dict[str, Any], tuple[str, ...]]] = [
    (OrderPlaced, {}, ()),
    (OrderPlaced, {"amount": "EUR", "actor": "import"}, ("amount",)),
    (OrderPlaced, {"amount": "USD"}, ("amount", "quantity")),
    (OrderPlaced, {}, ("quantity",)),
    (MessageSent, {"purpose": "newsletter", "channel": "email", "template": "t-1"}, ()),
    (CustomerRegistered, {"klass": "order", "origin": "import"}, ()),
]


@pytest.mark.parametrize(("cls", "fixed", "varying"), SHAPES)
@given(at=INSTANTS, number=st.integers(-(2**40), 2**40), grain=st.sampled_from(["day", "instant"]))
def test_a_template_writes_what_the_mapper_writes(
    cls: type[Fact],
    fixed: dict[str, Any],
    varying: tuple[str, ...],
    at: int,
    number: int,
    grain: Grain,
) -> None:
    """Byte for byte, column for column, for any values of what varies."""
    cut = template(cls, fixed, varying, grain, 20181120, POL)
    values = dict(fixed)
    for name in varying:
        values[name] = Money(number, fixed[name]) if name in fixed else number
    stream, subject, event_id, salt = uuid4(), uuid4(), uuid4(), bytes(range(16))
    fact = cls(subject=subject, occurred=Moment(at, grain, day_of(at)), **values)
    draft = Draft(stream, 1, fact, event_id, 20181120, POL)
    texts = {
        "id": str(event_id),
        "stream": str(stream),
        "subject": str(subject),
        "occurred": format_instant(at),
        "salt": entry.to_base64(salt),
    } | {name: str(number) for name in varying}
    assert cut.prepared(texts) == mapper.prepare(draft, salt)
    row = mapper.row_of(draft)
    kept = {"stream", "subject", "occurred_at", "local_day", "amount_minor"}
    assert [v for k, v in cut.row._asdict().items() if k not in kept] == [
        v for k, v in row._asdict().items() if k not in kept
    ]


def test_a_shape_whose_marks_cannot_be_told_apart_is_refused() -> None:
    """A fixed value that looks like a mark would be cut in two places."""
    clash = {"purpose": "p", "channel": "c", "template": "00000000-0000-4000-8000-0000000000f1"}
    with pytest.raises(BadData):
        template(MessageSent, clash, (), "day", 20181120, POL)
