"""Texts that must never rest in plaintext, and a search that finds them in any disguise."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

CANARIES = {
    "email": "Canari.Zanzibar+7731@exemple-secret.fr",
    "name": "Zoé-Ysaline Quétlavie",
    "first_name": "Xanthippe-Canari",
    "company": "Établissements Zygomar & Fils",
    "ip": "203.0.113.77",
    "user_agent": "CanariBrowser/77.31 (Zanzibar)",
    "phone": "+33 1 99 00 77 31",
    "address": "7731 impasse du Canari, 29242 Ouessant",
    "text": "Bonjour, je m'appelle Zoé et j'ai mal au genou gauche.",
    "customer": "CUST-ZANZIBAR-0077310",
    "order": "CMD-ZANZIBAR-7731-B",
    "psp_id": "psp_zanzibar_9c2f7731",
    "author": "Maître Ysengrin Quolibet-Canari",
    "reason": "Litige Zanzibar 7731 devant le tribunal de Brest",
    "trustee": "Ulysse Zwingelstein, légataire",
    "comment": "Un canari jaune, livré deux jours trop tard à Ouessant",
    # Six and four digits alone are found anywhere by chance: sought as a part would say them.
    "bin6": '"bin6":"497731"',
    "last4": '"last4":"7731"',
}
PLANTED = {name: text[::-1] for name, text in CANARIES.items()}
"""Other texts of the same shape: what a test plants in clear must not be found by the next one."""

END = 12  # characters of its beginning or end that give a text away
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")


class Disguises(NamedTuple):
    """The byte forms in which one text might lie somewhere."""

    folded: frozenset[bytes]  # to look for where ASCII letters were put in lower case
    exact: frozenset[bytes]


Needles = dict[str, Disguises]


def needles(texts: Mapping[str, str]) -> Needles:
    """What to look for: every encoding, case and escape, their hex, their base64."""
    return {name: disguises(text) for name, text in texts.items()}


def disguises(text: str) -> Disguises:
    """Hex in both cases; base64 in both alphabets, wherever in it the text begins. The beginning or
    the end alone gives a text away too."""
    cases = {
        c for part in (text, text[:END], text[-END:]) for c in (part, part.lower(), part.upper())
    }
    plain = {form.encode(encoding, "replace") for form in cases for encoding in ENCODINGS}
    escaped = {_escaped(form).encode() for form in cases}
    folded = {raw.lower() for raw in plain | escaped} | {raw.hex().encode() for raw in plain}
    exact = {b64 for form in (text, text.lower(), text.upper()) for b64 in _base64(form.encode())}
    exact |= set(_base64(text.encode("utf-16-le")))
    return Disguises(frozenset(folded), frozenset(exact))


def _escaped(text: str) -> str:
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in text)


def _base64(raw: bytes) -> Iterator[bytes]:
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw)
        # Characters that the neighbours of the text would help to decide are left out.
        core = encoded[(0, 2, 3)[shift] : len(encoded) - 4]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")


REAL, DECOYS = needles(CANARIES), needles(PLANTED)


def seen_in(content: bytes, sought: Needles = REAL) -> set[str]:
    """Which texts this content holds, by name."""
    content = re.sub(rb"\0{64,}", b"\0", content)  # the empty part of a log segment
    folded = content.lower()
    return {
        name
        for name, forms in sought.items()
        if any(form in folded for form in forms.folded)
        or any(form in content for form in forms.exact)
    }


def in_files(paths: Iterable[Path], sought: Needles = REAL) -> dict[str, set[str]]:
    """Which texts are in these files, by file."""
    found = {}
    for path in paths:
        try:
            names = seen_in(path.read_bytes(), sought)
        except FileNotFoundError:  # a server tidies up while we look
            continue
        if names:
            found[str(path)] = names
    return found


def in_tables(connection: sa.Connection, sought: Needles = REAL) -> dict[str, set[str]]:
    """Which texts are in any column of any table of the schema, by table."""
    found: dict[str, set[str]] = {}
    for table in sa.inspect(connection).get_table_names():
        for row in connection.execute(sa.text(f'SELECT * FROM "{table}"')):
            names = seen_in(b"\0".join(_bytes(value) for value in row), sought)
            if names:
                found.setdefault(table, set()).update(names)
    return found


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
