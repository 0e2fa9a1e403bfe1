"""What stands around every page: drawn once for each menu, and filled in where visits differ.

The head, the menu and the foot are of nobody: whoever has the same roles, on the same page of the
menu and in the same language, is shown the same. What is hers (the token of her forms, the address
that she is at) is put in at each visit, and is kept nowhere. Read next: `templates/frame.html`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from api.access import Who
from api.console import rendering
from api.console.texts import speech
from api.settings import Language

_CUT = "\x01"


class Frame(NamedTuple):
    """The pieces between which a page puts its title, its head and its content."""

    top: Markup
    titled: Markup
    opened: Markup
    closed: Markup


class _Drawn(NamedTuple):
    """The same before a visit: every second one of `opened` names what is put there."""

    top: Markup
    titled: Markup
    opened: tuple[str, ...]
    closed: Markup


def framed(
    lang: Language,
    who: Who | None,
    path: str,
    *,
    is_sandbox: bool,
    is_themed: bool,
    hers: dict[str, str],
) -> Frame:
    """The frame of a page at `path`; `hers`: the token, the address and the moment of a visit."""
    from api.console.table import current_of

    roles = None if who is None else who.roles
    current = current_of(who, path, is_sandbox=is_sandbox)
    is_staff = who is not None and who.subject is None
    found = _drawn(lang, roles, current, is_staff, is_sandbox, is_themed)
    return Frame(found.top, found.titled, rendering.filled(found.opened, hers), found.closed)


@lru_cache(maxsize=512)
def _drawn(
    lang: Language,
    roles: frozenset[str] | None,
    current: str | None,
    is_staff: bool,
    is_sandbox: bool,
    is_themed: bool,
) -> _Drawn:
    from api.console.table import menu_at

    values = {
        "t": speech(lang),
        "lang": lang,
        "cut": _CUT,
        "menu": [] if roles is None else menu_at(roles, current, is_sandbox=is_sandbox),
        "is_known": roles is not None,
        "is_staff": is_staff,
        "sandbox": is_sandbox,
        "themed": is_themed,
        **{name: rendering.slot(name) for name in ("token", "here", "moment")},
    }
    top, titled, opened, closed = map(Markup, rendering.html("frame.html", values).split(_CUT))
    return _Drawn(top, titled, rendering.slotted(opened), closed)
