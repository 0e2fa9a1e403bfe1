"""The two times of a page of the desk, as its address states them.

`as_of` and `known_at` are the interface's own, in the same forms, so that an address of the desk
and one of `/v1` ask the same. Forms and sliders state R as a position, which an auditor counts by;
they are led on to the address that says it as the instant at which that position was recorded.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from api.answers import Times
from api.console.visiting import Visit
from api.problems import Problem
from api.routes.taking import instant_of
from ledger.calendar import Instant, day_of, format_day, format_instant
from ledger.store import reader

AT_MOST = 2**53  # a position that a script can count with


class Asked(NamedTuple):
    """Both times, as an address and as people read them. `day` is that of D (YYYY-MM-DD),
    `position` the last one known at R, `recorded_at` when it was recorded; `head` is the last one
    there is."""

    times: Times
    stated: dict[str, str]
    day: str
    position: int
    recorded_at: Instant | None
    head: int

    def link(self, path: str, **more: str) -> str:
        """A page of ours that asks of the same two times."""
        query = urlencode({**self.stated, **more})
        return f"{path}?{query}" if query else path


def asked_of(visit: Visit) -> Asked:
    """The two times of this address. Raises Problem for one that cannot be read."""
    given = {name: _given(visit, name) for name in ("as_of", "known_at")}
    times = Times(*(instant_of(name, text or None) for name, text in given.items()))
    with visit.ledger.database.read() as connection:
        head = reader.position_at(connection, None)
        position = reader.position_at(connection, times.known_at) if times.known_at else head
        recorded_at = reader.recorded_at(connection, position)
    day = format_day(day_of(visit.now if times.as_of is None else times.as_of))
    stated = {name: text for name, text in given.items() if text}
    return Asked(times, stated, day, position, recorded_at, head)


def led_on(visit: Visit, *kept: str) -> Response | None:
    """Where a form that states R as a position is led; None for an address that is settled. Today
    and the last position are what is asked when nothing is: they are left out."""
    text = _given(visit, "position")
    if not text:
        return None
    position = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= position <= AT_MOST:
        raise Problem("malformed-question", "'position' is a number above zero", field="position")
    query = {name: _given(visit, name) for name in kept if _given(visit, name)}
    if (day := _given(visit, "as_of")) and day != format_day(day_of(visit.now)):
        query["as_of"] = day
    with visit.ledger.database.read() as connection:
        if position < reader.position_at(connection, None):
            at = reader.recorded_at(connection, position)
            query |= {} if at is None else {"known_at": format_instant(at)}
    here = visit.request.url.path
    return RedirectResponse(f"{here}?{urlencode(query)}" if query else here, 303)


def _given(visit: Visit, name: str) -> str:
    return visit.request.query_params.get(name, "").strip()
