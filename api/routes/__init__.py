"""The table of what is offered over HTTP, and to whom: one row for each method and path.

Each file of this room holds the endpoints of one subject and, at its end, its rows: `ROUTES`. What
an endpoint answers is made elsewhere (`answers.py`, `timeline.py`, `sealed.py`); here it is asked
for and sent. Nothing is offered that is not in the table, and nobody is let in whom a row does not
name. Read next: `table.py`, then `access.py` in the room above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

RECORDER = "recorder"  # a shop, a CRM: a machine that records what happened
READER = "reader"  # a mailing tool: a machine that asks what may be done
AGENT = "agent"  # somebody who serves customers
DPO = "dpo"  # who answers for the data
AUDITOR = "auditor"  # who checks it all, and changes nothing
SUBJECT = "subject"  # one person, for a few minutes, about herself only
OPERATOR = "operator"  # who keeps the machine running, and reads nobody
ROLES = (RECORDER, READER, AGENT, DPO, AUDITOR, SUBJECT, OPERATOR)

PUBLIC = frozenset({"public"})  # open to everybody, key or no key: said, never left out


class Route(NamedTuple):
    """One thing that is offered. `roles`: who may ask it, or PUBLIC; an empty set is refused when
    the application is built. `extra`: further arguments of FastAPI's `add_api_route`. `once`: it
    records, and under an Idempotency-Key it does so once. `direct`: it is asked so often that it is
    reached past the framework (`direct.py`); its endpoint takes the request and no more."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    tag: str
    summary: str
    roles: frozenset[str]
    extra: dict[str, Any]
    once: bool = False
    direct: bool = False
