"""Whether a consent rests on words that are no longer ours: one rule, for a verdict and a count.

Its form was published again with another text that was not said to be editorial, or the purpose is
declared otherwise than in the edition of its day. A flag: what changed, a person must read. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ledger.calendar import Instant
from ledger.events import FormPublished
from ledger.policy.model import Edition, Purpose


class Text(NamedTuple):
    """One text of a form, as it was published; the order of the fields is the order in time."""

    at: Instant
    position: int
    document: str
    material: bool


def texts(facts: Iterable[tuple[int, Any]]) -> dict[str, list[Text]]:
    """The texts of each form among these facts (position, fact)."""
    found: dict[str, list[Text]] = {}
    for position, told in facts:
        if isinstance(told, FormPublished):
            text = Text(told.occurred.at, position, told.document, told.material is not False)
            found.setdefault(told.form, []).append(text)
    return found


def form_changed(of_form: Iterable[Text], at: Instant) -> bool:
    """Whether who agreed at this instant saw another text of the form than the last one."""
    known = list(of_form)
    shown = max((text for text in known if text.at <= at), default=None)
    later = [text for text in known if shown and text > shown and text.material]
    return shown is not None and bool(later) and max(later).document != shown.document


def purpose_changed(before: Edition | None, now: Edition, purpose: Purpose) -> bool:
    """Whether a later edition tells people something else of this purpose than an earlier one."""
    if before is None or before.number >= now.number:
        return False
    return _told(before, purpose) != _told(now, purpose)


def _told(edition: Edition, purpose: Purpose) -> tuple[object, ...]:
    """What a person reading that edition learns of a purpose."""
    told = edition.purposes.get(purpose.id, purpose)
    clause = edition.clauses.get(told.clause)
    return told.label_fr, told.basis, told.marketing, clause.fr if clause else None
