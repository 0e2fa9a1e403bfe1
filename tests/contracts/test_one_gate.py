"""What check and filter both remember: a no under another reference, and a no that outlived her."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.application import Ledger
from ledger.choosing import joining
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.events import ConsentGiven, ContactedUs, Fact, ObjectionRaised
from ledger.handlers import record
from ledger.opening import create
from ledger.permitting.filtering import Campaign, Short, short
from ledger.permitting.gate import Gate, Question, Who
from ledger.policy.looks import OFFERED, RARE
from ledger.store.tables import GATED
from ledger.store.vault import Scope
from replay.fold import fold_subject
from tests.clock import StepClock
from tests.contracts.props import now

LETTERS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
PROVED: dict[str, Any] = {**LETTERS, "grade": "proved"}


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, clock: StepClock) -> Iterator[Ledger]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    said(made, "yes", ConsentGiven, **PROVED)
    said(made, "no", ObjectionRaised, **LETTERS)
    said(made, "silent", ContactedUs, channel="form", text="Bonjour")
    yield made
    made.close()


def said(ledger: Ledger, who: str, fact: type[Fact], **fields: Any) -> UUID:
    wish = Record(fact(occurred=now(ledger), **fields), person=Reference("shop", who))
    found = record(ledger, wish).subject
    assert found is not None
    return found


def answer(ledger: Ledger, who: str | UUID) -> Short:
    """What check says, and filter says the same of her among people who are like her but for what
    is remembered, whoever comes first."""
    gate = Gate(ledger, fold_subject)
    her: Who = who if isinstance(who, UUID) else gate.blinded(Reference("shop", who))
    question = Question(her, "newsletter", "email", now(ledger))
    crowd = [gate.blinded(Reference("shop", like)) for like in ("yes", "no", "silent", "unknown")]
    alone = [short(o.verdict) for o in gate.ask([question._replace(who=w) for w in (*crowd, her)])]
    campaign = Campaign(gate, question)
    assert campaign.judge([*crowd, her]) == alone
    assert campaign.judge([her, *crowd]) == [alone[-1], *alone[:-1]]
    return alone[-1]


def test_a_no_under_either_reference_is_a_no(ledger: Ledger, clock: StepClock) -> None:
    """Although she said yes later under the other one (decision 0020)."""
    other = said(ledger, "crm-7", ObjectionRaised, **LETTERS)
    clock.advance(days=1)
    kept = said(ledger, "0042", ConsentGiven, **PROVED)
    assert [answer(ledger, who).reason for who in ("0042", "crm-7")] == ["consent", "objected"]
    clock.advance(days=1)
    joining.join(ledger, kept, other)
    for who in ("0042", "crm-7", kept, other):
        assert answer(ledger, who).reason == "objected"
    clock.advance(days=1)
    said(ledger, "crm-7", ConsentGiven, **PROVED)
    for who in ("0042", "crm-7", kept, other):
        assert answer(ledger, who).reason == "consent", "said as the one person she is"
    joining.undo(ledger, kept, other)
    assert answer(ledger, "crm-7").reason == "objected"


def test_as_known_before_the_join_they_were_two(ledger: Ledger, clock: StepClock) -> None:
    other = said(ledger, "crm-7", ObjectionRaised, **LETTERS)
    kept = said(ledger, "0042", ConsentGiven, **PROVED)
    clock.advance(days=1)
    before = ledger.clock.now()
    clock.advance(days=1)
    joining.join(ledger, kept, other)
    gate = Gate(ledger, fold_subject)
    asked = Question(kept, "newsletter", "email", now(ledger), before)
    (found,) = gate.ask([asked])
    assert found.verdict.reasons == ("consent",)
    assert Campaign(gate, asked).judge([kept]) == [short(found.verdict)]


def test_an_erased_objector_is_refused_unknown_or_back_again(
    ledger: Ledger, tmp_path: Path, clock: StepClock
) -> None:
    """Until she says yes herself; whoever was erased without a no is told apart."""
    first = said(ledger, "anna", ContactedUs, channel="form", text="Bonjour")
    said(ledger, "anna", ObjectionRaised, **LETTERS)
    silent = said(ledger, "zoe", ContactedUs, channel="form", text="Bonjour")
    scopes = [Scope(her, k, "") for her in (first, silent) for k in ("contact", "consent")]
    erase_scopes(ledger, scopes, journal=tmp_path, reason="request")
    clock.advance(days=1)
    assert [answer(ledger, who).reason for who in ("anna", "zoe")] == ["objected", "erased"]
    assert answer(ledger, "nobody").reason == "unknown_person"
    said(ledger, "anna", ContactedUs, channel="form", text="Bonjour")
    assert answer(ledger, "anna").reason == "objected"
    clock.advance(days=1)
    said(ledger, "anna", ConsentGiven, **PROVED)
    assert answer(ledger, "anna").reason == "consent"


def test_the_index_of_the_rare_holds_all_of_them() -> None:
    """A kind that it left out would be overlooked by every campaign."""
    assert {f"'{kind}'" in GATED for kind in (*RARE, OFFERED)} == {True}
