"""Numbers over everybody while they are counted, and what a page asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event

from api import today
from api.console.audit import home
from tests.console.conftest import Opened
from tests.console.room import Visitor, seen
from tests.console.sights import SIGHTS

REFRESH = '<noscript><meta http-equiv="refresh"'


@pytest.mark.parametrize("path", ["/console", "/console/retention"])
def test_the_first_page_of_a_day_says_what_was_known_and_that_it_is_counted_again(
    open_visitor: Opened, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Whoever opens it waits for no count: first there is none, then yesterday's, then today's."""
    visitor = open_visitor()
    board = visitor.client.app.state.board  # type: ignore[attr-defined]
    board.counting.patience, may = 0, Event()
    for name in ("counted", "calendar_answer"):
        monkeypatch.setattr(today, name, _held(getattr(today, name), may))
    visitor.play("dpo")
    none = visitor.get(path)
    assert "Le premier compte est en cours" in seen(none.text)
    assert REFRESH in none.text
    assert "Personne n'est gardé au-delà" not in seen(none.text)
    may.set()
    board.counting.close()
    whole = visitor.get(path).text
    assert "en cours, et cette page" not in seen(whole)
    assert REFRESH not in whole
    may.clear()
    visitor.company.clock.advance(hours=16)  # past midnight
    visitor.play("dpo")  # her session ended with the day
    again = visitor.get(path)
    said = "Compté le 5 janvier 2026 à 10:00 ; un nouveau compte est en cours"
    assert said in seen(again.text).replace("\xa0", " ").replace("\u202f", " ")
    assert REFRESH in again.text
    may.set()
    board.counting.close()
    assert REFRESH not in visitor.get(path).text


@pytest.mark.parametrize("path", ["/audit", "/console/retention/due/account"])
def test_nobody_waits_for_the_desk_or_for_a_list_of_what_is_due(
    open_visitor: Opened, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """It is said that they are counted, and the page renews itself; then they are there."""
    visitor = open_visitor()
    board = visitor.client.app.state.board  # type: ignore[attr-defined]
    board.counting.patience, may = 0, Event()
    for room, name in ((home, "population_answer"), (today, "due_page")):
        monkeypatch.setattr(room, name, _held(getattr(room, name), may))
    visitor.play("auditor" if path == "/audit" else "dpo")
    none = visitor.get(path)
    assert "Le premier compte est en cours" in seen(none.text)
    assert REFRESH in none.text
    assert "data-number" not in none.text
    assert "Personne n'est gardé au-delà" not in seen(none.text)
    may.set()
    board.counting.close()
    assert "Compté le 5 janvier 2026" in seen(visitor.get(path).text)
    board.counting.close()  # the desk's comparison with history comes after its numbers
    whole = visitor.get(path).text
    assert REFRESH not in whole
    assert "data-number" in whole or "/console/people/" in whole


def _held(count: Any, may: Event) -> Any:
    def counted(*values: Any, **more: Any) -> Any:
        assert may.wait(60)
        return count(*values, **more)

    return counted


@pytest.mark.parametrize("part", ["dpo", "auditor", "customer"])
def test_what_a_page_shows_is_read_in_one_transaction(visitor: Visitor, part: str) -> None:
    """Of one moment, whatever is written meanwhile; but what is counted beside it."""
    visitor.play(part)
    paths = {sight.path(visitor.company) for sight in SIGHTS if sight.part == part}
    assert paths
    for path in sorted(paths):
        visitor.get(path)  # what it counts is remembered now
        with begun(visitor) as beginnings:
            assert visitor.get(path).status_code < 500, path
        assert len(beginnings) <= 1, path


@contextmanager
def begun(visitor: Visitor) -> Iterator[list[None]]:
    """Each transaction that begins."""
    found: list[None] = []

    def beginning(_connection: Any) -> None:
        found.append(None)

    engine = visitor.company.ledger.database.engine
    event.listen(engine, "begin", beginning)
    try:
        yield found
    finally:
        event.remove(engine, "begin", beginning)
