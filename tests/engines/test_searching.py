"""What a search of entries is made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.engines.searching import LONG_AGO, SAYING, of_digits, stepped
from replay.engines.seeking import said_of

ID = "41111111-1111-1111-8111-111111111111"
NUMBERS = st.integers(-20, 20)


@given(value=NUMBERS, turns=st.lists(NUMBERS, max_size=9))
def test_the_last_turn_is_found_by_few_comparisons(value: int, turns: list[int]) -> None:
    """Of positions the last before it, of instants the last that has come."""
    each = sorted({LONG_AGO, *turns})
    before, come = stepped("x", turns), stepped("x", turns, ">=")
    found = duckdb.execute(f"SELECT {before}, {come} FROM (SELECT {value} AS x)").fetchone()
    assert found == (each[bisect_left(each, value) - 1], each[bisect_right(each, value) - 1])


def test_what_stands_in_the_fields_of_its_kind_is_said() -> None:
    """An entry that is not whole says what no other does."""
    fields = {"a.v1": ("b", "a"), "c.v1": ("b",)}
    rows = [
        (1, "a.v1", b'{"meta":{"a":"x","b":1}}'),
        (2, "c.v1", b'{"meta":{"a":"x","b":1}}'),
        (3, "c.v1", b'{"meta":{"a":"x","b":'),
        (4, "c.v1", b'{"meta":{}}'),
    ]
    values = ", ".join(f"({at}, '{kind}', '{raw.decode()}'::BLOB)" for at, kind, raw in rows)
    text = f"SELECT {said_of(fields)} FROM (VALUES {values}) e (position, kind, entry)"
    said = [one for (one,) in duckdb.execute(f"{text} ORDER BY position").fetchall()]
    assert said == ['["x", 1]', "[1]", "3", "[NULL]"]


@pytest.mark.parametrize(
    ("kind", "meta", "found"),
    [
        ("ticket.opened.v1", '"topic":"4111 1111 1111 1111"', True),
        ("ticket.opened.v1", '"topic":"41"', False),
        ("ticket.opened.v1", '"item":"4111111111111111"', False),  # no field of its own
        ("order.placed.v1", '"quantity":4111111111111111', True),
        ("order.placed.v1", '"amount":{"currency":"EUR","minor":4111111111111111}', True),
        ("customer.logged_in.v1", '"topic":"4111 1111 1111 1111"', False),  # nothing to say
        (
            "ledger.key_destroyed.v1",
            '"keys":[{"kid":"41111111-1111-1111-8111-111111111111"}]',
            False,
        ),
        ("ledger.key_destroyed.v1", f'"keys":[{{"kc":"{ID}"}}]', True),
    ],
)
def test_what_a_clear_field_holds_is_found(kind: str, meta: str, found: bool) -> None:
    """In the fields that may hold anything, but for the ids within."""
    assert searched(kind, kind, meta) is found


def test_an_entry_of_another_kind_than_its_column_is_found() -> None:
    """Its fields are those of the kind that it says itself, which nobody looked into."""
    assert searched("ticket.opened.v1", "order.placed.v1", '"quantity":4111111111111111')
    assert searched("ticket.opened.v1", "order.placed.v1", "")


def searched(kind: str, typed: str, meta: str) -> bool:
    """Whether an entry of this kind is found under the kind of its column."""
    entry = f'{{"meta":{{{meta}}},"type":"{typed}","v":1}}'
    said = f"SELECT 1 AS position, '{kind}' AS kind, '{entry}'::BLOB AS entry"
    pattern = r"\d(?:[\W_]{0,3}\d){12}"
    ((n,),) = duckdb.execute(
        f"SELECT COUNT(*) FROM ({said}) e WHERE {of_digits(pattern)}"
    ).fetchall()
    return bool(n)


def test_an_entry_that_is_missing_or_not_whole_is_found() -> None:
    """Whoever judges it says so."""
    rows = "(1, 'ticket.opened.v1', NULL), (123456789012345, 'ticket.opened.v1', '{'::BLOB)"
    text = f"SELECT COUNT(*) FROM (VALUES {rows}) e (position, kind, entry)"
    assert duckdb.execute(f"{text} WHERE {of_digits('x')}").fetchone() == (2,)
    assert "consent.given.v1" in SAYING
