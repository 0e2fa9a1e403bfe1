"""The pages: what people without a terminal are served, in French first and in English too.

A page is a row of `table.py`: method, path, endpoint, roles; nobody is let in whom a row does not
name, and a page that names no role is not served. An endpoint is handed a `Visit` (who asks, of
which ledger, in which language, with which form) and calls the same functions as the HTTP routes;
it never asks our own server. Templates hold no text: every word is in `words/*.toml`. Everything
works without JavaScript; `static/` holds what makes it quicker with it. What this room never does:
keep a search, put anything personal into a URL, or load anything from another server. Read next:
`visiting.py`, then `table.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Page(NamedTuple):
    """One page, or one form that is sent. `roles`: who may open it, or PUBLIC. `endpoint` takes a
    Visit and answers a response; it runs in a thread. `embeddable`: pages of the company's own
    origins may show it in a frame. `takes`: the field that may bring a file ('': none)."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    roles: frozenset[str]
    embeddable: bool = False
    takes: str = ""
