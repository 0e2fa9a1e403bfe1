"""What the policy in force calls its classes and purposes, in the language of the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from api.console.visiting import Visit
from api.settings import Language
from ledger.policy.model import DataClass, Edition, Label, Purpose

Names: TypeAlias = Mapping[str, Mapping[str, str]]
"""What a reader calls a code, by sort."""


def edition_of(visit: Visit) -> Edition:
    """The edition in force now, with what was declared beside it."""
    return visit.ledger.edition(visit.ledger.epoch(), visit.now)


def class_labels(visit: Visit, *drafts: Edition) -> Mapping[str, str]:
    """Each class by its name, as a heading: of every edition and draft, the newest last."""
    return names(visit, *drafts)["class"]


def names(visit: Visit, *drafts: Edition) -> Names:
    """What the parts of an edition are called, by sort and code: classes and purposes."""
    known = visit.ledger.book(visit.ledger.epoch()).known(None)
    return names_of((*known, *drafts), visit.lang)


@lru_cache(maxsize=32)
def names_of(known: tuple[Edition, ...], lang: Language) -> Names:
    """The same of these editions, the newest last."""
    classes = [(name, one) for each in known for name, one in each.classes.items()]
    purposes: list[tuple[str, Purpose | Label]] = []
    for each in known:
        purposes += [*each.labels.items(), *each.purposes.items()]
    return {"class": _labels(classes, lang), "purpose": _labels(purposes, lang)}


def _labels(
    found: Sequence[tuple[str, DataClass]] | Sequence[tuple[str, Purpose | Label]], lang: Language
) -> Mapping[str, str]:
    return {
        name: capital((one.label_fr if lang == "fr" else one.label_en) or name)
        for name, one in found
    }


def sorting(name: str) -> str:
    """What a name is sorted by: an accent does not move it."""
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()


def capital(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]
