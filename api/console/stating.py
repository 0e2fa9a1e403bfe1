"""What a fact states in clear, in the words of the reader: days, amounts, and codes by their names.

Which fields a kind has, and what each may hold, is declared with it (`ledger/events/`); here each
kind of value is only spoken. Never a personal part. Read next: `words/facts-en.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from api.console.naming import Names
from api.console.texts import Speech
from ledger import fields
from ledger.events import KINDS
from ledger.fields import Codec

_CLASSES, _PURPOSES = ("class", "of", "classes"), ("purpose", "purposes")
_OF_POLICY = {
    **dict.fromkeys(("channel", "channels"), "channel"),
    **{"right": "right", "grade": "grade", "grounds": "request_ground"},
}
"""Codes that the policy's own words name, with their section there."""
_OF_PAGES = {"motive": "motive", "method": "method", "evidence": "identity_evidence"}
"""Codes that are chosen on a page, with the section of its words."""


def stated(kind: str, data: Mapping[str, Any], called: Names, say: Speech) -> list[tuple[str, str]]:
    """Each clear field of a fact, as a caller states it (`timeline.stated`): what it is called, and
    what it says."""
    codecs = _codecs(kind)
    return [
        (say.maybe(f"clear.{key}", key), _said(key, codecs.get(key), value, called, say))
        for key, value in data.items()
    ]


@cache
def _codecs(kind: str) -> Mapping[str, Codec]:
    return {spec.key: spec.codec for spec in KINDS[kind].specs}


def _said(key: str, codec: Codec | None, value: Any, called: Names, say: Speech) -> str:
    if isinstance(value, list):
        return ", ".join(_said(key, codec, one, called, say) for one in value)
    if key in _CLASSES:
        return called["class"].get(value, str(value))
    if key in _PURPOSES:
        return called["purpose"].get(value, str(value))
    if codec in (fields.CODE, fields.CODES):
        return code(key, value, say) or str(value)
    spoken = next((spoken for of, spoken in _SPOKEN if of is codec), None)
    return spoken(value, say) if spoken else _plain(value)


def code(key: str, value: str, say: Speech) -> str:
    """A code of a field by its name; '' where nobody named it, for a company may have its own."""
    named = say.maybe(f"code.{key}_{value}", say.maybe(f"code.{value}", ""))
    if key in _OF_PAGES:
        return say.maybe(f"{_OF_PAGES[key]}.{value}", named)
    return say.policy(_OF_POLICY[key], value, named) if key in _OF_POLICY else named


def _month(value: str, _say: Speech) -> str:
    year, _, month = value.partition("-")
    return f"{month}/{year}"


_SPOKEN: tuple[tuple[Codec, Callable[[Any, Speech], str]], ...] = (
    (fields.DAY, lambda value, say: say.day(value)),
    (fields.MONTH, _month),
    (fields.BOOLEAN, lambda value, say: say("page.yes" if value else "page.no")),
    (fields.INTEGER, lambda value, say: say.number(value)),
    (fields.MONEY, lambda value, say: say.amount(value["minor"], value["currency"])),
    (fields.ARTICLE, lambda value, say: say.article(value)),
)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items())
    return str(value)
