"""The fifteen questions over raw histories: what is counted, from which positions, at two times."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.calendar import parse_as_of
from ledger.fields import KeyProof
from replay.controls.model import Named, Said, Stored, Wrong
from replay.inspect.catalogue import QUESTIONS
from replay.inspect.model import Answer, Asked, Line, Sealed
from replay.inspect.run import ask
from replay.inspect.words import column, figure, text_of, title, value_of, words
from tests.controls.apart import Apart
from tests.controls.room import DIGEST, FORM, LETTER, OTHER, SHE, Company, furnished, key
from tests.stories.policy_room import edition

YES: dict[str, Any] = {**LETTER, **FORM}


@pytest.fixture
def shop() -> Company:
    """A company that has published its policy and one form, and one person who is known."""
    return furnished()


def asked(
    shop: Company,
    question: str,
    as_of: str = "2026-01-05",
    known: int | None = None,
    **how: Any,
) -> Answer:
    """The answer to one question; every line names no more positions than it counts."""
    before = shop.as_of, shop.known
    shop.as_of, shop.known = parse_as_of(as_of), known or shop.known
    try:
        (answer,) = ask(shop, [question], Asked(**how))
        if "subject" not in how:
            assert ask(Apart(shop), [question], Asked(**how)) == (answer,)
    finally:
        shop.as_of, shop.known = before
    assert answer.question == question
    for line in answer.lines:
        assert len(line.cells) == len(answer.columns)
        assert len(line.positions) <= line.of
    return answer


def told(line: Line) -> list[Any]:
    """The cells of a line, words as their codes."""
    return [value_of(cell) for cell in line.cells]


def rows(answer: Answer) -> list[list[Any]]:
    """All of them."""
    return [told(line) for line in answer.lines]


def test_q1_counts_people_by_class_and_age_and_says_who_is_past(shop: Company) -> None:
    shop.she("customer.registered", "2022-01-03", who=OTHER)
    contacted = shop.she("customer.contacted_us", "2022-01-03", who=OTHER, channel="form")
    answer = asked(shop, "Q1")
    assert rows(answer) == [
        ["contact", 36, 1, "in_use", 1, 1],
        ["contact", 36, 4, "past", 1, 1],
    ]
    assert answer.lines[1].positions == (contacted,)
    assert text_of(answer.lines[1].cells[0], "fr") == "échanges avec un prospect"
    assert (answer.figures["past"], answer.figures["held"]) == (1, 0)
    shop.she(
        "hold.placed",
        "2025-01-06",
        who=OTHER,
        article="C. civ. art. 2224",
        review=20270101,
        classes=("contact",),
    )
    assert asked(shop, "Q1").figures["held"] == 1
    assert asked(shop, "Q1", "2024-06-01").figures["past"] == 0


def test_q2_a_consent_with_its_form_act_and_time(shop: Company) -> None:
    given = shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    (line,) = asked(shop, "Q2", subject=SHE).lines
    assert told(line)[:7] == [
        *("newsletter", "email", "ConsentGiven", "proved", "account-1", "box_ticked"),
        "2024-03-01T09:00:00.000000Z",
    ]
    assert line.positions == (given,)
    shop.she("consent.withdrawn", "2024-05-01T10:00:00Z", **LETTER)
    assert rows(asked(shop, "Q2")) == [["newsletter", "email", "ConsentWithdrawn", 1, 1]]
    assert rows(asked(shop, "Q2", "2024-04-01")) == [["newsletter", "email", "ConsentGiven", 1, 1]]
    assert rows(asked(shop, "Q2", known=given)) == [["newsletter", "email", "ConsentGiven", 1, 1]]


def test_q3_and_q4_every_send_with_its_permission_and_its_delay(shop: Company) -> None:
    shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    shop.she("message.sent", "2024-04-01T09:00:00Z", **LETTER)
    no = shop.she("consent.withdrawn", "2024-05-01T10:00:00Z", **LETTER)
    sent = shop.she("message.sent", "2024-05-02T10:00:00Z", **LETTER)
    one, two = asked(shop, "Q3", subject=SHE).lines
    assert told(one)[1:5] == ["newsletter", "email", "allowed", "consent"]
    assert told(two)[1:6] == ["newsletter", "email", "refused", "withdrawn", "SS-LB-2"]
    assert [row[2:4] for row in rows(asked(shop, "Q3"))] == [
        ["allowed", "consent"],
        ["refused", "withdrawn"],
    ]
    (late,) = asked(shop, "Q4").lines
    assert (told(late)[-1], late.positions) == (24, (no, sent))
    assert asked(shop, "Q4", "2024-05-01").lines == ()


def test_q5_what_is_held_until_when_and_which_fields(shop: Company) -> None:
    shop.tells(
        "field.declared", "2024-01-02", name="phone", classes=("contact",), source="provided"
    )
    (line,) = asked(shop, "Q5", subject=SHE).lines
    assert told(line) == [
        *("contact", None, "operational", "2027-03-01", None, "GDPR art. 5(1)(e)", 0, "phone"),
    ]
    shop.she("customer.class_erased", "2025-01-02", of="contact", reason="request")
    assert rows(asked(shop, "Q5"))[0][:2] == ["contact", "erased"]


def test_q6_a_consultation_and_whether_it_was_granted(shop: Company) -> None:
    kid, grant = key(), uuid4()
    archived = {"of": "contact", "until": 20270301, "article": "x", "reason": "term"}
    shop.she("customer.class_archived", "2025-01-02", keys=(kid,), actor="system", **archived)
    given = {"holder": "staff-1", "classes": ("contact",), "until": 20250131, "approver": "staff-2"}
    granted = shop.tells("access.granted", "2025-01-03", stream=grant, **given)
    read = {"reader": "staff-1", "motive": "fraud", "of": "contact", "keys": (kid,), "grant": grant}
    case = (("access_log", key()),)
    at = shop.she("archive.consulted", "2025-01-06", parts=case, **read)
    shop.she("archive.consulted", "2025-02-06", parts=case, **read)  # the grant had ended
    answer = asked(shop, "Q6")
    assert [row[-1] for row in rows(answer)] == ["granted", "not_granted"]
    assert answer.lines[0].positions == (granted, at)
    assert answer.figures["wrong"] == 1


def test_q7_the_register_and_how_many_in_one_month_and_in_three(shop: Company) -> None:
    for received, answered in (("2025-01-06", "2025-01-20"), ("2025-02-03", "2025-04-01")):
        stream = uuid4()
        ask_for = {"right": "access", "channel": "email", "stream": stream}
        shop.she("request.received", received, **ask_for)
        shop.she("request.fulfilled", answered, stream=stream)
    shop.she("request.received", "2025-06-02", right="erasure", channel="letter", stream=uuid4())
    answer = asked(shop, "Q7")
    assert [row[6] for row in rows(answer)] == ["answered_in_time", "answered_late", "overdue"]
    names = ("requests", "answered", "in_one_month", "in_three_months", "overdue")
    assert [answer.figures[name] for name in names] == [3, 2, 1, 2, 1]


def test_q8_an_erasure_its_keys_and_the_restore_that_it_survived(shop: Company) -> None:
    kid = key()
    at = shop.she(
        "customer.class_erased", "2025-01-02", of="contact", keys=(kid,), reason="request"
    )
    (line,) = asked(shop, "Q8").lines
    assert told(line)[-3:] == [1, 0, 0]  # one key, not destroyed
    said = {"keys": (KeyProof(kid, DIGEST),), "reason": "request", "authority": shop.id_of(at)}
    done = shop.tells("ledger.key_destroyed", "2025-01-02", **said)
    back = shop.tells("ledger.restored", "2025-02-03", backup_head=3, last_checkpoint=done)
    answer = asked(shop, "Q8", stored=Stored((), {"destroyed": 2}, 9))
    assert told(answer.lines[0])[-3:] == [1, 1, 1]
    assert answer.lines[0].positions == (at, done, back)
    assert (answer.figures["complete"], answer.figures["store"]) == (1, 2)


def test_q9_recipients_by_name_for_what_is_held_of_her(shop: Company) -> None:
    for name, type_, classes in (("payline", "psp", ("order",)), ("routeur", "mailing", None)):
        shop.tells("recipient.declared", "2024-01-02", recipient=name, type=type_, classes=classes)
    given = {"recipient": "routeur", "purpose": "newsletter", "people": 9}
    handed = shop.tells("data.disclosed", "2025-01-02", classes=("contact",), **given)
    no = shop.she("consent.withdrawn", "2025-02-03", **LETTER)
    first = shop.she("recipient.told", "2025-02-04", recipient="routeur", fact=no)
    (line,) = asked(shop, "Q9", subject=SHE).lines
    assert told(line) == ["routeur", "mailing", None, 1, 1, 1, 0]
    assert {handed, no, first} <= set(line.positions)
    assert [row[0] for row in rows(asked(shop, "Q9"))] == ["payline", "routeur"]


def test_q10_the_policy_of_the_day(shop: Company) -> None:
    shop.publishes(edition("2025-01-01", {"contact": 24}), "2024-06-03T09:00:00Z")
    before, after = (asked(shop, "Q10", day) for day in ("2024-12-31", "2025-01-01"))
    term = {
        name: next(r for r in rows(a) if r[:2] == ["term", "contact"])[2]
        for name, a in (("before", before), ("after", after))
    }
    assert term == {"before": "36", "after": "24"}
    assert {row[0] for row in rows(after)} == {"edition", "purpose", "term", "form", "notice"}


def test_q11_what_was_believed_and_what_is_known(shop: Company) -> None:
    given = shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    late = shop.she(
        "consent.withdrawn", "2024-05-01T10:00:00Z", "2024-09-01T10:00:00Z", actor="agent", **LETTER
    )
    line, term = asked(shop, "Q11", "2024-06-01").lines
    assert told(term)[1:3] == ["term", "consent"]  # what she said moved its own clock
    assert told(line)[1:] == ["choice", "newsletter / email", "ConsentGiven", "ConsentWithdrawn"]
    assert line.positions == (given, late)
    assert asked(shop, "Q11", "2024-10-01").lines == ()
    assert asked(shop, "Q11", "2024-06-01", known=given).lines == ()


def test_q12_what_is_sealed_and_what_is_wrong(shop: Company) -> None:
    shop.tells("ledger.anchored", "2025-01-02", size=3, token=DIGEST, tsa="tsa-1")
    wrongs = (("leaf", 2, "not the hash"), ("live", 3, "x"))
    found = tuple(
        Wrong(code, at, Named(code, code, code), Named(why, why, why)) for code, at, why in wrongs
    )
    stored = Stored(found, {"leaf": 1, "live": 1}, 9)
    answer = asked(shop, "Q12", stored=stored, sealed=Sealed(4, "ab", ("k",)))
    assert [row[0] for row in rows(answer)] == ["anchored", "wrong", "wrong"]
    names = ("sealed", "anchored", "wrong")
    assert [answer.figures[name] for name in names] == [4, 3, 1]  # live tables are not the log


def test_q13_what_never_happened(shop: Company) -> None:
    assert all(row[1] == 0 for row in rows(asked(shop, "Q13")))
    at = shop.tells(
        "field.declared", "2025-01-05", name="gps", classes=("account",), source="observed"
    )
    shop.she("order.cancelled", "2025-01-02", reason="4111111111111111")
    shop.she("customer.minor_signalled", "2025-01-02", age="under_15", source="parent")
    found = {row[0]: row[1] for row in rows(asked(shop, "Q13"))}
    assert {name for name, n in found.items() if n} == {
        *("never_card", "never_place", "never_minor"),
    }
    place = [line for line in asked(shop, "Q13").lines if told(line)[0] == "never_place"]
    assert place[0].positions == (at,)


def test_q14_and_q15_the_register_and_the_assessments(shop: Company) -> None:
    who = {"controller": "softsystem", "registration": "rcs.nanterre.843877531"}
    shop.tells("controller.declared", "2024-01-02", **who)
    test = {"type": "balancing_test", "purpose": "studies", "document": DIGEST}
    shop.tells("assessment.recorded", "2024-01-03", outcome="unfavourable", **test)
    newer = shop.tells("assessment.recorded", "2025-01-03", outcome="favourable", **test)
    club = {"purpose": "club", "basis": "consent", "article": "GDPR art. 6(1)(a)"}
    shop.tells("purpose.declared", "2024-06-03", marketing=False, **club)
    register = asked(shop, "Q14")
    assert register.figures["controller"] == "rcs.nanterre.843877531"
    assert "club" in [row[0] for row in rows(register)]
    assert "club" not in [row[0] for row in rows(asked(shop, "Q14", "2024-05-01"))]
    (line,) = asked(shop, "Q15").lines
    assert (told(line)[3], line.positions) == ("favourable", (newer,))
    assert rows(asked(shop, "Q15", "2024-06-01"))[0][3] == "unfavourable"


def test_a_line_names_the_first_positions_and_counts_all(shop: Company) -> None:
    for day in range(2, 8):
        shop.she("message.sent", f"2025-01-0{day}T10:00:00Z", **LETTER)
    (line,) = asked(shop, "Q3", positions=2).lines
    assert (len(line.positions), line.of) == (2, 6)


def test_both_languages_say_all_of_it(shop: Company) -> None:
    french, english = words("fr"), words("en")
    assert {s: set(found) for s, found in french.items()} == {
        s: set(found) for s, found in english.items()
    }
    shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    for question in QUESTIONS:
        for who in (None, SHE):
            answer = asked(shop, question, subject=who)
            for lang in ("fr", "en"):
                assert title(question, lang)
                assert all(column(code, lang) for code in answer.columns)
                assert set(answer.columns) <= set(words(lang)["column"])
                assert set(answer.figures) <= set(words(lang)["figure"])
                assert all(figure(code, lang) for code in answer.figures)
                assert all(text_of(cell, lang) for line in answer.lines for cell in line.cells)
    assert text_of(Said("inspect", "past"), "fr") == "au-delà du terme"


def test_what_people_have_alike_is_counted_over_all_of_them(shop: Company) -> None:
    """However they are shared out: people, things, facts of a purpose and their last day."""
    shop.she("consent.given", "2024-03-03T09:00:00Z", **YES)
    for who in (OTHER, UUID(int=3)):
        shop.she("customer.registered", "2024-03-01", who=who)
        shop.she("customer.contacted_us", "2024-03-01", channel="form", who=who)
        shop.she("consent.given", "2024-03-02T09:00:00Z", who=who, **YES)
    assert {row[-2] for row in rows(asked(shop, "Q1"))} == {3}
    (newsletter,) = [row for row in rows(asked(shop, "Q2")) if row[0] == "newsletter"]
    assert newsletter[-2:] == [3, 3]
    (uses,) = [row for row in rows(asked(shop, "Q14")) if row[0] == "newsletter"]
    assert uses[-1] == 3
