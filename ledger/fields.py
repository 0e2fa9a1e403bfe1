"""What a field of a fact may hold: one codec each, used by every door and by the entry. Pure.

`load` turns what a caller or an entry says into the Python value, refusing anything else with a
sentence that names the field and never the value; `dump` gives the canonical entry form (strings,
integers, lists, objects; a boolean is 0 or 1, money is `{minor, currency}`). A *clear* field
travels in the entry's `meta`; a *personal* one is sealed under the key of its data class.
Read next: `ledger/events/`, which declares every fact with these fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from ledger.calendar import Day, add_days, add_months, format_day, parse_day
from ledger.errors import BadData

MAX_TEXT = 4000  # characters of one personal field
MAX_KEYS = 100  # keys named by one fact, so that its entry stays well under 16 KiB
MAX_RANGES = 400
_CODE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_VKEY = re.compile(r"[\x21-\x2a\x2c-\x7e]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{40,}={0,2}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)
# The codes and laws that may be cited, so that a citation is never a name or a free text.
_LAWS = r"(?:GDPR|RGPD|LIL|LCEN|CPCE|CMF|LPF|CGI|C\. (?:civ|com|conso|proc\. civ|pén|trav)\.)"
_ARTICLE = re.compile(rf"{_LAWS} art\. [LRDA]?[0-9][0-9A-Za-z(). ,;-]{{0,39}}", re.ASCII)


class Unreadable(Enum):
    """Why a personal field has no plaintext. Never None, never an empty string."""

    SEALED = "sealed"  # there, and nobody opened it for this reader
    ERASED = "erased"  # its key was destroyed, at a known position
    ARCHIVED = "archived"  # only the opener can read it
    LOST = "lost"  # its envelope is missing although its key lives


Personal = str | Unreadable | None


class KeyProof(NamedTuple):
    """A data key by its id, with the commitment `kc` that exposes a surviving copy of it."""

    kid: UUID
    kc: str


class Money(NamedTuple):
    """An amount in minor units (cents) of an ISO 4217 currency."""

    minor: int
    currency: str


class Codec(NamedTuple):
    """How one type of value is checked and written; `schema` is its JSON Schema for the API."""

    load: Callable[[Any], Any]
    dump: Callable[[Any], Any]
    schema: dict[str, Any]


def _code(value: Any) -> str:
    if isinstance(value, str) and _CODE.fullmatch(value):
        return value
    raise ValueError("must be a code of lower-case letters, digits and _ . : - (64 at most)")


def _integer(value: Any) -> int:
    if type(value) is int and -(2**53) < value < 2**53:
        return value
    raise ValueError("must be an integer within ±2**53")


def _boolean(value: Any) -> bool:
    if value in (0, 1) and isinstance(value, int):
        return bool(value)
    raise ValueError("must be true or false")


def _day(value: Any) -> Day:
    if isinstance(value, str):
        return parse_day(value)
    raise ValueError("must be a date written YYYY-MM-DD")


def _month(value: Any) -> Day:
    if isinstance(value, str) and _MONTH.fullmatch(value):
        return add_days(add_months(parse_day(f"{value}-01"), 1), -1)
    raise ValueError("must be a month written YYYY-MM")


def _article(value: Any) -> str:
    if isinstance(value, str) and _ARTICLE.fullmatch(value):
        return value
    raise ValueError("must cite an article, such as 'C. com. art. L123-22'")


def _money(value: Any) -> Money:
    if isinstance(value, Money):
        return value
    if isinstance(value, dict) and value.keys() == {"minor", "currency"}:
        minor, currency = value["minor"], value["currency"]
        if isinstance(currency, str) and _CURRENCY.fullmatch(currency):
            return Money(_integer(minor), currency)
    raise ValueError("must be {minor: integer, currency: three capital letters}")


def _digest(value: Any) -> str:
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value
    raise ValueError("must be a SHA-256 in base64url without padding (43 characters)")


def _uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str) and len(value) == 36:
        try:
            parsed = UUID(value)
        except ValueError:
            parsed = None
        if parsed is not None and str(parsed) == value:
            return parsed
    raise ValueError("must be a UUID in lower case with dashes")


def _text(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value) <= MAX_TEXT:
        if value.isascii() or not _SURROGATE.search(value):
            return value
        raise ValueError("must be Unicode text (it holds half a character)")
    raise ValueError(f"must be a non-empty text of {MAX_TEXT} characters at most")


def _codes(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and value and len(value) <= 32:
        return tuple(_code(x) for x in value)
    raise ValueError("must be a list of 1 to 32 codes")


def _identifiers(value: Any) -> tuple[UUID, ...]:
    if isinstance(value, list | tuple) and 0 < len(value) <= MAX_KEYS:
        return tuple(_uuid(x) for x in value)
    raise ValueError(f"must be a list of 1 to {MAX_KEYS} UUIDs")


def _keys(value: Any) -> tuple[KeyProof, ...]:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_KEYS:
        raise ValueError(f"must be a list of 1 to {MAX_KEYS} keys")
    found = []
    for one in value:
        if isinstance(one, KeyProof):
            found.append(one)
        elif isinstance(one, dict) and one.keys() == {"kid", "kc"}:
            found.append(KeyProof(_uuid(one["kid"]), _digest(one["kc"])))
        else:
            raise ValueError("must be a list of {kid: UUID, kc: SHA-256 in base64url}")
    return tuple(found)


def _ranges(value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_RANGES:
        raise ValueError(f"must be a list of 1 to {MAX_RANGES} ranges")
    found: list[tuple[int, int]] = []
    for one in value:
        if not isinstance(one, list | tuple) or len(one) != 2:
            raise ValueError("must be a list of [first, last]")
        first, last = _integer(one[0]), _integer(one[1])
        if not 0 < first <= last or (found and first <= found[-1][1] + 1):
            raise ValueError("must be positions in order: disjoint ranges, merged where they touch")
        found.append((first, last))
    return tuple(found)


def _vkey(value: Any) -> str:
    if isinstance(value, str) and _VKEY.fullmatch(value):
        return value
    raise ValueError("must be a C2SP verifier key: name+hash+key")


def _same(value: Any) -> Any:
    return value


CODE = Codec(_code, _same, {"type": "string", "pattern": f"^{_CODE.pattern}$"})
INTEGER = Codec(_integer, _same, {"type": "integer"})
BOOLEAN = Codec(_boolean, int, {"type": "boolean"})
DAY = Codec(_day, format_day, {"type": "string", "format": "date"})
MONEY = Codec(
    _money,
    lambda m: {"minor": m.minor, "currency": m.currency},
    {
        "type": "object",
        "required": ["minor", "currency"],
        "additionalProperties": False,
        "properties": {
            "minor": {"type": "integer"},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        },
    },
)
# A month is held as its last day: what is valid until a month ends is valid on that day.
MONTH = Codec(
    _month,
    lambda day: format_day(day)[:7],
    {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"},
)
ARTICLE = Codec(_article, _same, {"type": "string", "examples": ["C. com. art. L123-22"]})
DIGEST = Codec(_digest, _same, {"type": "string", "pattern": f"^{_DIGEST.pattern}$"})
IDENTIFIER = Codec(_uuid, str, {"type": "string", "format": "uuid"})
CODES = Codec(
    _codes, list, {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 32}
)
IDENTIFIERS = Codec(
    _identifiers,
    lambda ids: [str(one) for one in ids],
    {"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": MAX_KEYS},
)
KEYS = Codec(
    _keys,
    lambda keys: [{"kid": str(one.kid), "kc": one.kc} for one in keys],
    {"type": "array", "items": {"type": "object"}, "maxItems": MAX_KEYS},
)
RANGES = Codec(
    _ranges,
    lambda ranges: [list(one) for one in ranges],
    {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
)
VKEY = Codec(_vkey, _same, {"type": "string"})
TEXT = Codec(_text, _same, {"type": "string", "minLength": 1, "maxLength": MAX_TEXT})


class Spec(NamedTuple):
    """One declared field: its entry key, its codec, the typed column it also fills, whether it is
    personal, and the closed list of its values if there is one."""

    name: str
    key: str
    codec: Codec
    column: str | None
    personal: bool
    required: bool
    one_of: tuple[str, ...]

    def load(self, value: Any) -> Any:
        """The Python value. Raises BadData naming the field, never the value."""
        try:
            loaded = self.codec.load(value)
        except ValueError as error:
            raise BadData(f"field '{self.key}': {error}") from None
        if self.one_of:
            said = loaded if isinstance(loaded, tuple) else (loaded,)
            if not set(said) <= set(self.one_of):
                raise BadData(f"field '{self.key}' must be one of: {', '.join(self.one_of)}")
        return loaded


def clear(
    codec: Codec,
    *,
    key: str = "",
    column: str | None = None,
    required: bool = False,
    one_of: tuple[str, ...] = (),
) -> Any:
    """Declare a clear field: a code, an id, an amount or a time; never a name or a free text."""
    metadata = {"spec": (key, codec, column, False, required, one_of)}
    return field(metadata=metadata) if required else field(default=None, metadata=metadata)


def personal() -> Any:
    """Declare a sealed personal field (a text)."""
    return field(default=None, repr=False, metadata={"spec": ("", TEXT, None, True, False, ())})
