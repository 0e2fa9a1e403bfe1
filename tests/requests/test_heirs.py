"""After a death, on every kind of database: the account, what heirs may ask, at two times."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.answers import Times, subject_answer
from ledger.errors import Refused
from ledger.events import (
    REMEDIES,
    AccountOpened,
    ConsentGiven,
    Died,
    DirectiveSet,
    HeirRequested,
    RequestPartiallyFulfilled,
    RequestRefused,
)
from ledger.requests.steps import record_step
from tests.requests.conftest import FILE, Office
from tests.stories.facts_room import on

NOW = Times()


@pytest.mark.clause("SS-DSR-7")
def test_a_death_is_told_at_two_times(office: Office) -> None:
    office.told(AccountOpened(**on("2020-03-01")))
    before = office.clock.now()
    office.clock.advance(days=1)
    office.told(DirectiveSet(**on("2025-01-05"), wish="erase", trustee="Canari"))
    subject = office.told(Died(**on("2026-01-31"), source="heir")).subject
    office.told(HeirRequested(**on("2026-02-03"), wish="access", name="Canari"))
    assert isinstance(subject, UUID)
    found = subject_answer(office.ledger, subject, Times(), "en")["death"]
    assert (found["died"], found["learnt"]) == ("2026-01-31", "2026-02-04")
    assert (found["directive"], found["account"], found["close_by"]) == ("erase", "closed", None)
    (asked,) = found["asked"]
    assert (asked["due"], asked["is_allowed"]) == ("2026-03-03", False)
    assert (
        "Heirs may not see the data: the directive says otherwise. LIL art. 85 I."
        in (found["explanation"])
    )
    earlier = subject_answer(office.ledger, subject, Times(None, before), "en")
    assert earlier["death"] is None
    with pytest.raises(Refused):
        office.told(ConsentGiven(**on("2026-02-04"), purpose="newsletter", channel="email"))


def asked_of(office: Office, subject: UUID, times: Times = NOW) -> list[tuple[str, Any, Any]]:
    """What heirs asked: the wish, the position of the answer, its day."""
    found = subject_answer(office.ledger, subject, times, "en")["death"]
    return [(one["wish"], one["answered"], one["answered_on"]) for one in found["asked"]]


@pytest.mark.clause("SS-DSR-7", "SS-DSR-1")
def test_what_heirs_ask_is_answered_by_the_fact_that_does_it(office: Office) -> None:
    """Seeing the data: the answer to the letter that was received as a request, and no other."""
    subject = office.told(AccountOpened(**on("2020-03-01"))).subject
    assert isinstance(subject, UUID)
    sign = office.told(Died(**on("2026-01-20"), source="returned_mail")).position
    said = [
        office.told(HeirRequested(**on("2026-02-02"), wish=wish, name="Canari")).position
        for wish in ("access", "closing", "objection", "update")
    ]
    assert asked_of(office, subject) == [
        ("access", None, None),
        ("closing", None, None),
        ("objection", said[2], "2026-02-02"),
        ("update", None, None),
    ]
    before = office.clock.advance(hours=1)
    office.clock.advance(days=1)
    proof = office.told(Died(**on("2026-01-20"), source="heir")).position
    assert proof > sign
    found = {wish: (at, day) for wish, at, day in asked_of(office, subject)}
    assert found["update"] == (proof, "2026-02-02"), "not before it was asked"
    assert found["closing"][1] == "2026-02-04", "with the proof"
    other, letter = office.asks("complaint"), office.asks("access", "2026-02-02")
    office.carry_out(other)
    assert asked_of(office, subject)[0] == ("access", None, None)
    answered = office.carry_out(letter, package=FILE).answer.position
    assert asked_of(office, subject)[0] == ("access", answered, "2026-02-04")
    assert asked_of(office, subject, Times(None, before))[0] == ("access", None, None)
    told = subject_answer(office.ledger, subject, NOW, "en")["death"]
    assert answered in told["rests_on"]
    line = "Asked by an heir on February 2, 2026: to see the data; answered on February 4, 2026."
    assert line in told["explanation"]


@pytest.mark.clause("SS-DSR-7", "SS-DSR-1")
def test_nothing_of_hers_is_handed_over_against_her_directive(office: Office) -> None:
    """Neither wholly nor partly, whatever is named; a refusal says so, and answers the heir."""
    office.told(DirectiveSet(**on("2025-01-05"), wish="erase"))
    letter = office.asks("access")
    subject = office.told(Died(**on("2026-01-31"), source="notary")).subject
    office.told(HeirRequested(**on("2026-02-03"), wish="access", name="Canari"))
    no: dict[str, Any] = {**on("2026-02-03"), "grounds": ("others_rights",), "remedies": REMEDIES}
    for try_it in (
        lambda: office.carry_out(letter, package=FILE),
        lambda: record_step(
            office.ledger, letter.stream, RequestPartiallyFulfilled(**no, package=FILE)
        ),
    ):
        with pytest.raises(Refused) as refused:
            try_it()
        assert refused.value.refusal.problem == "deceased"
        assert refused.value.refusal.article == "LIL art. 85 I"
    said = record_step(office.ledger, letter.stream, RequestRefused(**no)).position
    assert asked_of(office, subject or letter.subject) == [("access", said, "2026-02-03")]
