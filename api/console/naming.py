"""What the policy in force calls its classes and purposes, in the language of the page."""

from __future__ import annotations

from api.console.visiting import Visit
from ledger.policy.model import Edition


def edition_of(visit: Visit) -> Edition:
    """The edition in force now, with what was declared beside it."""
    return visit.ledger.edition(visit.ledger.epoch(), visit.now)


def class_labels(visit: Visit) -> dict[str, str]:
    """Each class by its name, as a heading: of every edition, the newest last."""
    book = visit.ledger.book(visit.ledger.epoch())
    found = {name: one for edition in book.known(None) for name, one in edition.classes.items()}
    is_french = visit.lang == "fr"
    return {
        name: capital(one.label_fr if is_french else one.label_en) for name, one in found.items()
    }


def capital(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]
