"""After a death, on every kind of database: the account, what heirs may ask, at two times."""

from __future__ import annotations

from uuid import UUID

import pytest

from api.answers import Times, subject_answer
from ledger.errors import Refused
from ledger.events import AccountOpened, ConsentGiven, Died, DirectiveSet, HeirRequested
from tests.requests.conftest import Office
from tests.stories.facts_room import on


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
