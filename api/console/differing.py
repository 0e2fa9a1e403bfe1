"""What one edition changes in another, in the words of the reader: never the keys of a file.

Which parts and fields are compared is told by `ledger/policy/diff.py`; here each is only spoken.
Read next: `editions.py`, which draws it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from api.console.naming import Names
from api.console.stating import code
from api.console.texts import Speech
from ledger.policy.diff import Change, Value, diff, lengthened
from ledger.policy.model import Edition

_KINDS = ("home", "parts_of", "moved_by")
_FLAGS = ("choice", "marketing")


class Difference(NamedTuple):
    """One change. `name`: what it is about, or '' where that has only a code; `tongue`: the
    language of a text that is in one language, or ''."""

    code: str
    name: str
    field: str
    effect: str
    before: str
    after: str
    tongue: str


def told_change(old: Edition, new: Edition, called: Names, say: Speech) -> dict[str, Any]:
    """What changes, part by part, and what is kept longer."""
    return {
        "old": old.id,
        "new": new.id,
        "longer": ", ".join(called["class"].get(one, one) for one in lengthened(old, new)),
        "changes": [_spoken(change, called, say) for change in diff(old, new)],
    }


def _spoken(change: Change, called: Names, say: Speech) -> Difference:
    field = change.field
    is_whole = not field  # the part itself appears or disappears: its name is said already
    return Difference(
        change.name,
        called.get(change.part, {}).get(change.name, ""),
        "" if is_whole else say(f"changed_field.{field}"),
        say(f"effect.{change.effect}"),
        "–" if is_whole else _value(field, change.before, called, say),
        "–" if is_whole else _value(field, change.after, called, say),
        tongue if (tongue := field.rpartition("_")[2]) in ("fr", "en") else "",
    )


def _value(field: str, value: Value, called: Names, say: Speech) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return say.number(value)
    if field in _KINDS:
        return say.policy("kind", value)
    if field in _FLAGS:
        return say("page.yes" if value == "true" else "page.no")
    if field == "classes":
        return called["class"].get(value, value)
    if field == "article":
        return say.article(value)
    return code("channel" if field == "channels" else field, value, say) or value
