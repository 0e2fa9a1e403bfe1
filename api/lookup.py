"""`POST /v1/subjects/lookup`: from business identifiers to ids, in the body and nowhere else.

A reference in a URL would rest in logs, histories and caches. Whom nobody knows is answered as
such, explicitly: not knowing somebody is an answer, not a failure. An erased person is unknown.
"""

from __future__ import annotations

from typing import Any

from api import problems
from api.facts import Parsed, an_object, check_keys, check_strict, reference_of
from ledger.application import Ledger
from ledger.commands import Reference
from ledger.errors import BadData, Refusal, Refused
from ledger.naming import blinded, unusable
from ledger.store import reader


def lookup_answer(ledger: Ledger, parsed: Parsed) -> dict[str, Any]:
    """What is known of each person asked for; of one, or of many in the order asked.

    Raises Refused when the one question cannot be read; among many, it has its own outcome.
    """
    asked = [_read(item) for item in parsed.items]
    if parsed.is_single and isinstance(asked[0], Refusal):
        raise Refused(asked[0])
    keys = [None if isinstance(one, Refusal) else blinded(ledger, "person", one) for one in asked]
    with ledger.database.read() as connection:
        found = reader.lookups(connection, {key for key in keys if key is not None})
    joins = ledger.joins(ledger.epoch())
    items: list[dict[str, Any]] = []
    for one, key in zip(asked, keys, strict=True):
        if isinstance(one, Refusal):
            items.append(problems.body(one))
        elif key in found:
            items.append({"known": True, "subject": str(joins.kept(found[key].subject))})
        else:
            items.append({"known": False})
    if parsed.is_single:
        return items[0]
    known = sum(item.get("known") is True for item in items)
    unknown = sum(item.get("known") is False for item in items)
    refused = len(items) - known - unknown
    return {"known": known, "unknown": unknown, "refused": refused, "items": items}


def _read(value: Any) -> Reference | Refusal:
    """The reference that one item names, or why it names none."""
    if isinstance(value, Refusal):
        return value
    try:
        check_strict(value)
        item = an_object("item", value)
        check_keys("item", item, ("person",))
        reference = reference_of("person", item.get("person"))
        if reference is None:
            raise BadData('field \'person\' is required: {"kind", "value"}')
        return unusable(reference) or reference
    except Refused as refused:
        return refused.refusal
    except BadData as error:
        return Refusal("malformed", str(error))
