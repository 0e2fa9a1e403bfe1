"""What is told of two states of history at once, and counted by sort, is what one person after the
other tells: of stories that differ in one thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.answers import Times
from ledger.calendar import parse_as_of
from ledger.fields import KeyProof
from replay.inspect.model import Answer
from replay.inspect.run import ask
from replay.inspect.words import value_of
from tests.controls.room import DIGEST, FORM, LETTER, OTHER, SHE, Company, key
from tests.controls.seldom import later
from tests.controls.test_at_once import OPENERS, Opener, differing, opened

WAYS = pytest.mark.parametrize("way", ["one share", "many", "aside"])


def asked(made: Company, question: str, way: Opener, folder: Path) -> Answer:
    """An answer, the same at once and folded."""
    with opened(made, way, folder) as history:
        (found,) = ask(history, [question])
        everybody = history.at_once
        history.__dict__["at_once"] = None
        (folded,) = ask(history, [question])
        history.__dict__["at_once"] = everybody
        assert found == folded
        return found._replace(lines=tuple(found.lines))


def moved(made: Company, since: str, way: Opener, folder: Path, limit: int = 100) -> Answer:
    """What changed since, counted."""
    with opened(made, way, folder) as history:
        return differing(history, Times(parse_as_of(since)), limit)[0]


def rows(answer: Answer) -> list[list[Any]]:
    """Its lines as plain values."""
    return [[value_of(cell) for cell in line.cells] for line in answer.lines]


def several(made: Company, number: int, *also: UUID) -> list[UUID]:
    """People who registered, on both sides of the sign of their ids."""
    people = [UUID(int=(n << 122) + n) for n in range(number)]
    for who in (*people, *also):
        made.she("customer.registered", "2019-03-01", who=who)
    return people


@WAYS
def test_a_choice_that_is_unknown_for_another_reason_did_not_change(
    way: str, tmp_path: Path
) -> None:
    """Her objection was lifted; then she said yes, of which the proof was erased."""
    made = Company()
    made.she("objection.raised", "2022-01-01", **LETTER)
    made.she("objection.lifted", "2022-02-01", **LETTER)
    made.she("consent.given", "2022-03-01T09:00:00Z", **LETTER, **FORM)
    gone = {"of": "consent", "reason": "term", "keys": (key(),), "actor": "system"}
    made.she("customer.class_erased", "2022-04-01", **gone)
    found = rows(moved(made, "2022-02-15", OPENERS[way], tmp_path))
    assert [row for row in found if row[0] == "choice"] == []
    found = rows(moved(made, "2022-03-15", OPENERS[way], tmp_path))
    (row,) = (row for row in found if row[0] == "choice")
    assert row[2:] == ["ConsentGiven", "ConsentUnknown, proof_erased", 1, 1]


@WAYS
def test_yeses_of_two_days_grow_old_on_two_days(way: str, tmp_path: Path) -> None:
    """Of what was said about the same on two days, one is over."""
    made, edition = Company(), later("ageing", 20200301)
    ageing = replace(edition.purposes["newsletter"], validity_months=36)
    edition = replace(edition, purposes={**edition.purposes, "newsletter": ageing})
    made.publishes(edition, "2018-12-01T08:00:00Z")
    for who, when in ((SHE, "2019-03-01"), (OTHER, "2021-03-01")):
        made.she("consent.given", when, **LETTER, **FORM, who=who)
    made.as_of = parse_as_of("2023-01-01")
    (row,) = (
        r for r in rows(moved(made, "2021-06-01", OPENERS[way], tmp_path)) if r[0] == "choice"
    )
    assert row[2:] == ["ConsentGiven", "ConsentExpired", 1, 1]


@WAYS
@pytest.mark.parametrize("limit", [0, 1, 3, 100])
def test_what_is_new_and_what_is_gone(way: str, limit: int, tmp_path: Path) -> None:
    """Whoever came since, whose things are several, in whichever share; the first are told in the
    order of their ids, among those who have cards."""
    made = Company()
    people = several(made, 40)
    for n, who in enumerate(people):
        if n % 7 != 3:
            made.she("order.placed", "2024-05-02", who=who)
        for item in ("a", "b")[: 1 + n % 2]:
            made.she("order.invoiced", f"2024-0{1 + n % 9}-02", item=item, who=who)
        if n % 7 == 3:
            said = {"item": "c", "ground": "wallet", "expiry": 20241231}
            made.she("card.kept", "2024-03-01", **said, who=who)
            made.she("consent.given", "2024-03-01", purpose="wallet", **FORM, who=who)
    made.as_of = parse_as_of("2026-01-01")
    found = moved(made, "2024-04-01", OPENERS[way], tmp_path, limit)
    assert found.figures["people"] == 40
    assert any(row[1:4] == ["invoice", "nothing", "operational"] for row in rows(found))
    assert max(line.of for line in found.lines) > 20


@WAYS
def test_what_was_learnt_since_moves_a_term_or_does_not(way: str, tmp_path: Path) -> None:
    """Of an earlier day something else is known: a later contact, a contract; of another person
    something that moves nothing, of a third that another edition counts for her."""
    made = Company()
    one, two, three, four = several(made, 4)
    for who in (one, two, three, four):
        made.she("order.placed", "2020-01-01", who=who)
        made.she("message.sent", "2020-01-01", **LETTER, who=who)
    for when in ("2020-03-01", "2020-06-01"):  # so that being told of the edition moves nothing
        made.she("optout.offered", when, **LETTER, who=three)
    edition = later("longer", 20200301)  # longer for whoever was told of it
    longer = replace(edition.classes["message"], operational_months=120)
    edition = replace(edition, classes={**edition.classes, "message": longer})
    made.publishes(edition, "2020-02-01T08:00:00Z")
    made.she("order.placed", "2020-05-01", "2023-01-01", who=one)
    made.she("order.placed", "2019-05-01", "2023-01-01", who=two)
    made.she(
        "policy.notified", "2020-04-01", "2023-01-01", who=three, edition=20200301, channel="email"
    )
    made.she("consent.refused", "2020-04-01", "2023-01-01", who=four, **LETTER)
    made.as_of = parse_as_of("2021-01-01")
    found = asked(made, "Q11", OPENERS[way], tmp_path)
    about = {(row[0], row[1]) for row in rows(found)}
    assert {(str(one), "term"), (str(three), "term"), (str(four), "choice")} <= about
    assert str(two) not in {who for who, _ in about}
    with opened(made, OPENERS[way], tmp_path) as history:
        assert history.at_once is not None
        people, _ = history.at_once.size(history.at_once.having_otherwise(made.as_of))
    assert people == 3


@WAYS
def test_whom_recipients_were_to_be_told_of_by_sort(way: str, tmp_path: Path) -> None:
    """Before and after each was declared, imported, of the future, corrected, by classes."""
    made = Company()
    people = several(made, 9)
    for who in people[:4]:
        made.she("consent.withdrawn", "2019-12-01", **LETTER, who=who)
    made.tells("recipient.declared", "2020-01-01", recipient="first", type="mailing")
    for n, who in enumerate(people):
        made.she("consent.withdrawn", "2020-02-01", **LETTER, who=who)
        by = "import" if n % 2 else "self"
        made.she("objection.raised", "2020-02-01", **LETTER, who=who, actor=by)
    made.tells(
        "field.declared", "2020-02-02", name="phone", classes=("contact",), source="provided"
    )
    said = {"recipient": "second", "type": "partner", "classes": ("contact",)}
    made.tells("recipient.declared", "2020-03-01", **said)
    for n, who in enumerate(people):
        changed = ("phone",) if n % 3 else ("email",)
        at = made.she("customer.profile_rectified", "2020-04-01", changed=changed, who=who)
        gone = {"reason": "request", "keys": (key(),), "who": who}
        made.she("customer.class_erased", "2020-04-02", of=("order", "contact")[n % 2], **gone)
        made.she(
            "recipient.told", "2020-04-03", recipient=("first", "second")[n % 2], fact=at, who=who
        )
        made.she("recipient.acknowledged", "2020-04-04", recipient="second", fact=at, who=who)
        made.she("consent.withdrawn", "2027-02-01", "2020-05-01", **LETTER, who=who)
    void = made.she("consent.withdrawn", "2020-05-01", **LETTER, who=people[2])
    made.she("fact.voided", "2020-05-02", ref=void, reason="error", who=people[2])
    found = {row[0]: row[3:] for row in rows(asked(made, "Q9", OPENERS[way], tmp_path))}
    assert found == {"first": [0, 32, 5, 0], "second": [0, 10, 4, 9]}


@WAYS
def test_erasures_between_those_of_whoever_was_corrected(way: str, tmp_path: Path) -> None:
    """In the order of their positions, with the proofs of their own orders only."""
    made = Company()
    people = several(made, 6)
    for n, who in enumerate(people):
        kids = tuple(key() for _ in range(n % 3 + 1)) if n else None
        said = {"of": "contact", "keys": kids, "reason": "request", "who": who}
        order = made.id_of(made.she("customer.class_erased", "2020-04-02", **said))
        for m, kid in enumerate((kids or ())[: n % 3 + n // 4]):
            by = key() if (n, m) == (5, 1) else order
            proofs = {"keys": (KeyProof(kid, DIGEST),), "reason": "request", "authority": by}
            made.tells("ledger.key_destroyed", "2020-04-02", **proofs)
        if n in (2, 4):
            at = made.she("consent.withdrawn", "2020-05-01", **LETTER, who=who)
            made.she("fact.voided", "2020-05-02", ref=at, reason="error", who=who)
    made.tells("ledger.restored", "2020-06-01", backup_head=3, last_checkpoint=1)
    found = asked(made, "Q8", OPENERS[way], tmp_path)
    assert [row[5:] for row in rows(found)] == [
        *([0, 0, 1], [2, 1, 1], [3, 2, 1], [1, 0, 1], [2, 2, 1], [3, 2, 1])
    ]
    assert found.figures == {"erasures": 6, "complete": 2}
    with opened(made, OPENERS[way], tmp_path) as history:
        (answer,) = ask(history, ["Q8"])
        assert answer.lines[:3] == found.lines[:3]
        assert answer.lines[4] == found.lines[4]
