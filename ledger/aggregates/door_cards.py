"""The card gate: no card number, security code or magnetic track enters, in any field. Pure.

The refusal names the field and never the value. Fields and references declared as another number
(`ledger.pan.FORMS`) are validated as such: a SIRET of fourteen digits is no card. Read next:
`ledger/pan.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ledger import pan
from ledger.commands import Reference
from ledger.errors import Refusal
from ledger.events import Fact

_SAID = {
    "pan-detected": (
        "holds what looks like a full card number: keep only the first six and last four digits",
        "RGPD art. 5(1)(c); CNIL délib. 2018-303",
    ),
    "cvv-detected": (
        "holds what looks like a card's security code, which nobody may keep",
        "CNIL délib. 2018-303 art. 4; PCI DSS 4.0 3.3.1.2",
    ),
    "track-data-detected": (
        "holds what looks like a card's magnetic track, which nobody may keep",
        "CNIL délib. 2018-303 art. 4; PCI DSS 4.0 3.3.1.1",
    ),
}
_LONG = 10 ** (pan.FEWEST - 1)  # the smallest integer with as many digits as a card


def refuse_card(fact: Fact) -> Refusal | None:
    """The first field of a fact that holds card data, personal or clear, or None."""
    for spec in fact.specs:
        value = getattr(fact, spec.name)
        if value is None:
            continue
        for text in _texts(value):
            problem = pan.problem(text)
            if problem and not _is_as_declared(fact, spec.key, text):
                return _refusal(problem, spec.key)
    return None


def refuse_references(*references: Reference | None) -> Refusal | None:
    """The first reference whose value is card data, or is not of the kind it is declared as."""
    for reference in references:
        if reference is None:
            continue
        form = pan.FORMS.get(reference.kind)
        value = reference.value.strip()
        if form is not None and form(value):
            continue
        problem = pan.problem(value)
        if problem:
            return _refusal(problem, "reference")
        if reference.kind in pan.CHECKED:
            return Refusal(
                "malformed",
                f"field 'reference' is not a valid {reference.kind}: its digits do not add up",
                field="reference",
            )
    return None


def refuse_names(names: Iterable[str]) -> Refusal | None:
    """The first field name that announces a security code or a track. The name is not echoed:
    where a file has no header, a name in its place is a value."""
    for name in names:
        problem = pan.problem_of_name(name)
        if problem:
            _, article = _SAID[problem]
            said = "a field is named after a card's security code or magnetic track: leave it out"
            return Refusal(problem, said, "SS-PAY-1", article)
    return None


def _texts(value: Any) -> Sequence[str]:
    """The texts and the long integers of a field's value; amounts and lists are looked into."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, int):
        return (str(abs(value)),) if abs(value) >= _LONG else ()
    if isinstance(value, tuple):
        return [text for part in value for text in _texts(part)]
    return ()


def _is_as_declared(fact: Fact, key: str, text: str) -> bool:
    """Whether the field is declared as another number and holds one.

    A payment identifier is sealed and kept, so its form is not enough: the first six or last four
    digits beside it must prove that it is not the number of that card.
    """
    form = pan.FORMS.get(key)
    if form is None or not form(text):
        return False
    if key != "psp_id":
        return True
    begins, ends = getattr(fact, "bin6", None), getattr(fact, "last4", None)
    return (isinstance(begins, str) and not text.startswith(begins)) or (
        isinstance(ends, str) and not text.endswith(ends)
    )


def _refusal(problem: str, field: str) -> Refusal:
    said, article = _SAID[problem]
    return Refusal(problem, f"field '{field}' {said}", "SS-PAY-1", article, field)
