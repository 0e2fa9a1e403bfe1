"""Identifiers of a business as they are looked for: their form, blinded, or why they name nobody.

Their values are never stored (`ledger/commands.py`). Read next: `ledger/deciding.py`, which asks.
"""

from __future__ import annotations

from ledger.application import Ledger
from ledger.commands import Reference
from ledger.errors import Refusal
from ledger.fields import CODE

Key = tuple[str, bytes]
"""A blinded reference: its family, its keyed hash."""


def unusable(reference: Reference) -> Refusal | None:
    """Why an identifier names nobody: its family must be a code, its value must not be empty."""
    try:
        CODE.load(reference.kind)
    except ValueError as error:
        return Refusal("malformed", f"the kind of a reference {error}")
    if not reference.value.strip():
        return Refusal("malformed", "a reference is empty: it names nobody")
    return None


def blinded(ledger: Ledger, family: str, reference: Reference) -> Key:
    """An identifier of a family as it is looked for: family and kind, and the keyed hash."""
    kind = f"{family}/{reference.kind}"
    return kind, ledger.keyring.blind(kind, normal(reference))


def normal(reference: Reference) -> str:
    """The form of an identifier that is blinded: no outer spaces; an e-mail in lower case."""
    value = reference.value.strip()
    return value.lower() if "email" in reference.kind else value
