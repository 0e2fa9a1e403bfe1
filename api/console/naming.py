"""What the policy in force calls its classes and purposes, in the language of the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from api.console.visiting import Visit
from ledger.policy.model import DataClass, Edition, Purpose


def edition_of(visit: Visit) -> Edition:
    """The edition in force now, with what was declared beside it."""
    return visit.ledger.edition(visit.ledger.epoch(), visit.now)


def class_labels(visit: Visit, *drafts: Edition) -> dict[str, str]:
    """Each class by its name, as a heading: of every edition and draft, the newest last."""
    known = (*visit.ledger.book(visit.ledger.epoch()).known(None), *drafts)
    return _labels(visit, [(name, one) for each in known for name, one in each.classes.items()])


def names(visit: Visit, *drafts: Edition) -> dict[str, dict[str, str]]:
    """What the parts of an edition are called, by sort and code: classes and purposes."""
    known = (*visit.ledger.book(visit.ledger.epoch()).known(None), *drafts)
    purposes = [(name, one) for each in known for name, one in each.purposes.items()]
    return {"class": class_labels(visit, *drafts), "purpose": _labels(visit, purposes)}


def _labels(visit: Visit, found: Iterable[tuple[str, DataClass | Purpose]]) -> dict[str, str]:
    is_french = visit.lang == "fr"
    return {
        name: capital((one.label_fr if is_french else one.label_en) or name) for name, one in found
    }


def sorting(name: str) -> str:
    """What a name is sorted by: an accent does not move it."""
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()


def capital(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]
