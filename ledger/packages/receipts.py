"""Consent receipts of one person: her expressions gathered, for `ledger/policy/dpv.py` to word.

Codes and times only: no sealed part is opened, so that a receipt is no read of personal data. What
this file never does: judge a choice (the verdicts are handed in).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import ledger.store.timeline as history
from ledger.application import Ledger
from ledger.errors import NotFound
from ledger.events import VOID, Choice
from ledger.packages.gathering import PAGE, Declared, declared_of
from ledger.policy.consents import status_of
from ledger.policy.dpv import Consent, Event, Parties, Recipient
from ledger.policy.model import Edition
from ledger.projections.model import ChoiceKey
from ledger.store import reader

Said = dict[ChoiceKey, list[Event]]


def consents(
    ledger: Ledger, people: Sequence[UUID], choices: Sequence[Mapping[str, Any]]
) -> tuple[list[Consent], Parties]:
    """What the ids of one person ever expressed, by purpose and channel, and who is concerned.
    `choices` are the states of today (`api/answers.py`). Raises NotFound."""
    epoch = ledger.epoch()
    edition = ledger.edition(epoch, ledger.clock.now())
    said = _said(ledger, people)
    found = []
    for choice in choices:
        purpose = edition.purposes.get(choice["purpose"])
        key = ChoiceKey(choice["purpose"], choice["channel"] or "")
        if purpose is not None and key in said:
            events = sorted(said[key], key=lambda event: (event.at, event.position))
            found.append(Consent(purpose, key.channel, events, choice["state"]))
    return found, _parties(ledger, people[0], edition, declared_of(ledger, epoch))


def _said(ledger: Ledger, people: Sequence[UUID]) -> Said:
    """Every expression that was not voided, as it stands."""
    found: Said = {}
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        if history.extent(connection, people, known) is None:
            raise NotFound("this ledger knows no such subject")
        for told, amended, _ in history.pages(connection, people, 0, known, PAGE):
            for one in told:
                row = (amended.get(one.row.position) or [one.row])[-1]
                fact = one.fact
                if not isinstance(fact, Choice) or row.kind == VOID or not status_of(fact.kind):
                    continue
                key = ChoiceKey(row.purpose or "", row.channel or "")
                event = Event(
                    one.row.position,
                    fact.kind,
                    row.occurred_at,
                    row.local_day,
                    one.row.actor,
                    fact.act,
                    fact.form,
                    row.grade,
                )
                found.setdefault(key, []).append(event)
    return found


def _parties(ledger: Ledger, subject: UUID, edition: Edition, declared: Declared) -> Parties:
    controller = declared.controllers[-1] if declared.controllers else None
    return Parties(
        subject,
        ledger.keyring.origin,
        edition,
        controller.registration if controller else None,
        controller.document if controller else None,
        [
            Recipient(code, fact.type, fact.country)
            for code, fact in sorted(declared.recipients.items())
        ],
    )
