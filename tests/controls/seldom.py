"""Stories that chance does not bring together, each told to a made-up company: what is said of
everybody at once is held to the fold on them (`test_at_once.py`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from ledger.events import KINDS
from ledger.fields import KeyProof
from ledger.policy.book import shipped
from ledger.policy.model import Edition
from tests.controls.room import FORM, LETTER, OTHER, SHE, Company, key


def payments(made: Company) -> None:
    """One payment; one told of twice, of somebody else; one that was erased, and paid for again, of
    a third; one that was corrected to the thing of another, of a fourth."""
    twice, again, same = (UUID(int=n) for n in (11, 12, 13))
    made.she("order.paid", "2024-04-01", item="a1")
    for _ in range(2):
        made.she("order.paid", "2024-04-01", item="a2", who=twice)
    gone = {"of": "card_proof", "item": "a4", "reason": "term", "keys": (key(),)}
    made.she("customer.class_erased", "2024-05-01", actor="system", who=again, **gone)
    made.she("order.paid", "2024-06-01", item="a4", who=again)
    paid = [made.she("order.paid", "2024-04-01", item=item, who=same) for item in ("a5", "a6")]
    restated = {"ref": paid[0], "root": "order.paid.v1", "class": "order"}
    made.she("fact.corrected", "2024-04-01", **corrected_to(restated), item="a6", who=same)


def corrected_to(said: dict[str, Any]) -> dict[str, Any]:
    """By the names of its fields in Python."""
    by_key = {spec.key: spec.name for spec in KINDS["fact.corrected.v1"].specs}
    return {by_key[name]: value for name, value in said.items()}


def cards(made: Company) -> None:
    """A card that was removed; one whose consent was never given."""
    for item in ("c1", "c2"):
        made.she("card.kept", "2024-04-01", item=item, ground="wallet", expiry=20280131)
    made.she("card.removed", "2024-05-01", item="c1", psp_ack=True)


def cards_and_more(made: Company) -> None:
    """A card beside what is past its term; the same of somebody else, of whom a hold keeps it, and
    of a third, whose hold is known under another reference of hers."""
    kept = UUID(int=14), UUID(int=15)
    for who in (OTHER, *kept):
        made.she("card.kept", "2024-04-01", item="c1", ground="wallet", expiry=20280131, who=who)
        made.she("message.sent", "2019-01-01", **LETTER, who=who)
        made.she("order.placed", "2024-01-01", who=who)
    held = {"article": "C. civ. art. 2224", "review": 20240601, "classes": ("message",)}
    made.she("hold.placed", "2024-05-01", **held, who=kept[0])
    made.she("customer.joined", "2024-05-02", other=kept[1], who=kept[0])


def cards_by_their_own_facts(made: Company) -> None:
    """Kept by a consent that was taken back, or was not; for a contract that ended, or runs; one
    that was erased."""
    agreed = {"purpose": "wallet", **FORM}
    for n in range(2):
        who, contract = UUID(int=60 + n), UUID(int=70 + n)
        made.she("consent.given", "2022-04-01", who=who, **agreed)
        said = {"ground": "wallet", "expiry": 20390131, "who": who}
        made.she("card.kept", "2022-04-01", item="w1", **said)
        other = UUID(int=80 + n)
        begun = {"type": "subscription", "until": 20230331, "tacit": False}
        made.she("contract.started", "2022-04-01", stream=contract, who=other, **begun)
        said = {"ground": "subscription", "contract": contract, "expiry": 20390131, "who": other}
        made.she("card.kept", "2022-04-01", item="s1", **said)
        if n:
            made.she("consent.withdrawn", "2022-05-01", who=who, purpose="wallet")
            made.she("contract.ended", "2022-06-01", stream=contract, who=other, reason="notice")
    gone = {"of": "card", "item": "w1", "reason": "term", "keys": (key(),)}
    made.she("customer.class_erased", "2023-05-01", actor="system", who=UUID(int=61), **gone)


def holds(made: Company) -> None:
    """A hold that nobody looked at again, on what is past its term."""
    made.she("message.sent", "2019-01-01", **LETTER)
    held = {"article": "C. civ. art. 2224", "review": 20240601, "classes": ("message",)}
    made.she("hold.placed", "2024-05-01", **held)


def restricted(made: Company) -> None:
    """She asked that what is past its term be kept."""
    made.she("message.sent", "2019-01-01", **LETTER)
    made.she("customer.restricted", "2024-05-01", ground="claims")


def archived(made: Company) -> None:
    """Archived, told of again, archived again, past the end of the archive."""
    said = {"article": "C. com. art. L123-22", "reason": "term", "actor": "system"}
    for when in ("2015-01-01", "2016-01-01"):
        made.she("order.placed", when, actor="import")
        made.she("customer.class_archived", when, of="order", until=20160601, **said)


def told(made: Company) -> None:
    """Told of a later edition, twice, after what her term counts from."""
    made.she("message.sent", "2019-01-01", **LETTER)
    made.publishes(later("later", 20200301), "2020-02-01T08:00:00Z")
    for when in ("2020-03-05", "2020-03-04"):
        made.she("policy.notified", when, edition=20200301, channel="email")


def told_early(made: Company) -> None:
    """Told of an edition that is not in force yet."""
    made.she("message.sent", "2019-01-01", **LETTER)
    made.publishes(later("later", 20290101), "2020-02-01T08:00:00Z")
    made.she("policy.notified", "2020-03-05", edition=20290101, channel="email")


def later(name: str, since: int, *without: str) -> Edition:
    """An edition after the shipped one: messages are kept for a year, some purposes are gone."""
    classes = {
        name: replace(found, operational_months=12) if name == "message" else found
        for name, found in shipped().classes.items()
    }
    purposes = {name: one for name, one in shipped().purposes.items() if name not in without}
    return replace(shipped(), id=name, effective_from=since, classes=classes, purposes=purposes)


def no_longer_declared(made: Company) -> None:
    """Declared when she was asked; an edition that was published late has it no more, and somebody
    else is asked then."""
    said = {"purpose": "newsletter", "channel": "email"}
    made.she("consent.requested", "2024-04-01", **said)
    made.publishes(later("less", 20200301, "newsletter"), "2024-05-01T08:00:00Z")
    made.she("consent.requested", "2024-06-01", who=OTHER, **said)


def destroyed(made: Company) -> None:
    """Erased under a hold."""
    held = {"article": "C. civ. art. 2224", "review": 20290601, "classes": ("contact",)}
    made.she("hold.placed", "2024-05-01", **held)
    gone = {"of": "contact", "reason": "request", "keys": (key(),)}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)


def learnt_since(made: Company) -> None:
    """What she had said before D was told after it."""
    made.she("consent.given", "2024-04-01", **LETTER, **FORM)
    made.she("consent.withdrawn", "2024-05-01", "2025-05-01T08:00:00Z", actor="agent", **LETTER)


def undeclared(made: Company) -> None:
    """A purpose that the policy has not; one that is declared, used before it was and after."""
    for purpose in ("unheard_of", "newsletter"):
        made.she("consent.given", "2024-04-01", purpose=purpose, channel="email", **FORM)
    club = {"purpose": "club", "basis": "consent", "article": "GDPR art. 6(1)(a)"}
    made.she("consent.requested", "2024-04-01", purpose="club")
    made.tells("purpose.declared", "2024-04-02", marketing=False, **club)
    made.she("consent.requested", "2024-04-03", purpose="club", who=OTHER)


def told_whom(made: Company) -> None:
    """A recipient that nobody declared."""
    made.she("recipient.told", "2024-04-01", recipient="who-knows", fact=1)


def young(made: Company) -> None:
    """Under fifteen, known by another reference."""
    said = {"age": "under_15", "source": "parent"}
    made.she("customer.minor_signalled", "2024-04-01", who=OTHER, **said)
    made.she("consent.given", "2024-05-01", **LETTER, **FORM)
    made.she("customer.joined", "2024-05-01T09:00:00Z", other=OTHER)


def no_class(made: Company) -> None:
    """A part under a class that no edition has."""
    made.she("customer.account_opened", "2024-04-01", parts=(("horoscope", key()),))


def card_numbers(made: Company) -> None:
    """In a code, with separators or without; a code of three digits that is called one."""
    made.she("customer.account_closed", "2024-04-01", reason="4970101622220006")
    made.she("ticket.opened", "2024-04-02", topic="4111-1111-1111-1111", channel="email")
    made.she("ticket.opened", "2024-04-02", topic="cvv:123", channel="email", who=OTHER)


def long_ago(made: Company) -> None:
    """Collected before any notice was shown, or so it was said to be by a correction."""
    at = made.she("customer.commented", "2024-04-01", about="p-1")
    made.tells("notice.published", "2024-01-01", "2024-04-02", notice="late", document="A" * 43)
    restated = {"ref": at, "root": "customer.commented.v1", "class": "comment"}
    made.she("fact.corrected", "2023-04-01", "2024-04-03", **corrected_to(restated))
    made.she("customer.commented", "2023-04-01", "2024-04-04", about="p-1", who=OTHER)


def unfinished(made: Company) -> None:
    """Erased on an order: of two keys one was destroyed on it, of another's one on somebody else's;
    of a third's, all were, and more than once."""
    first, second, third = key(), key(), key()
    ids = [UUID(int=n) for n in (101, 102, 103)]
    whose = SHE, OTHER, UUID(int=13)
    named = (first, key()), (second,), (third,)
    for who, order, keys in zip(whose, ids, named, strict=True):
        gone = {"of": "contact", "reason": "request", "keys": keys, "id": order}
        made.she("customer.class_erased", "2024-06-01", actor="system", who=who, **gone)
    done = ((first, ids[0]), (second, ids[0]), (third, ids[1]), (third, ids[2]))
    for kid, order in done:
        proofs = (KeyProof(kid, "A" * 43),)
        said = {"keys": proofs, "reason": "request", "authority": order, "actor": "system"}
        made.tells("ledger.key_destroyed", "2024-06-01", **said)
    restored = {"backup_head": 3, "last_checkpoint": 2, "lost_parts": ((1, 2),)}
    made.tells("ledger.restored", "2024-06-02", actor="system", **restored)


def sealed_again(made: Company) -> None:
    """Something is sealed under a key that was destroyed for her, before and since."""
    old, other = key(), key()
    order = UUID(int=101)
    made.she("customer.account_opened", "2024-04-01", parts=(("account", old),))
    gone = {"of": "account", "reason": "request", "keys": (old, other), "id": order}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)
    proofs = tuple(KeyProof(kid, "A" * 43) for kid in (old, other))
    said = {"keys": proofs, "reason": "request", "authority": order, "actor": "system"}
    made.tells("ledger.key_destroyed", "2024-06-01", **said)
    made.she("customer.account_opened", "2024-07-01", parts=(("account", other),))
    made.she("customer.account_opened", "2024-07-01", parts=(("account", old),), who=OTHER)


def erased_by_mistake(made: Company) -> None:
    """What was recorded as erased was voided, or restated; what is not yet is told already."""
    gone = {"of": "contact", "reason": "request", "actor": "system"}
    for who in (SHE, OTHER):
        at = made.she("customer.class_erased", "2024-06-01", who=who, **gone, keys=(key(),))
        if who == SHE:
            made.she("fact.voided", "2024-06-02", ref=at, klass="rights")
    made.she("customer.class_erased", "2028-06-01", "2024-06-03", **gone, item="i1", who=OTHER)


def erased_and_joined(made: Company) -> None:
    """Carried out, of somebody who is one of two."""
    kid, order = key(), UUID(int=101)
    gone = {"of": "contact", "reason": "request", "keys": (kid,), "id": order}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)
    said = {"reason": "request", "authority": order, "actor": "system"}
    made.tells("ledger.key_destroyed", "2024-06-01", keys=(KeyProof(kid, "A" * 43),), **said)
    made.she("customer.joined", "2024-06-02", other=OTHER)


def unproved(made: Company) -> None:
    """A yes without a form, without an act, on a form that was shown later, inferred; the first
    restated, another voided, one not yet said; an opening that nobody agreed to."""
    shown = {"form": "late", "fields": ("email",), "document": "A" * 43}
    made.tells("form.published", "2024-05-01", **shown)
    without = [{name: said for name, said in FORM.items() if name != left} for left in FORM]
    inferred, late = {**FORM, "grade": "inferred"}, {**FORM, "form": "late"}
    for n, said in enumerate([FORM, *without, inferred, late]):
        for when in ("2024-04-01", "2024-06-01", "2028-06-01"):
            made.she("consent.given", when, "2024-06-02", who=UUID(int=20 + n), **LETTER, **said)
    at = made.she("consent.given", "2024-06-01", **LETTER, **late)
    restated = {"ref": at, "root": "consent.given.v1", "class": "consent", **LETTER}
    made.she("fact.corrected", "2024-04-02", **corrected_to(restated))
    at = made.she("consent.given", "2024-04-01", who=OTHER, **LETTER, **without[0])
    made.she("fact.voided", "2024-06-02", ref=at, klass="consent", who=OTHER)
    opener = UUID(int=30)
    made.she("message.sent", "2024-04-01", who=opener, **LETTER)
    made.she("message.opened", "2024-04-02", who=opener, channel="email")


def no_way_back(made: Company) -> None:
    """A yes to what rests on a contract, to what has channels and names none; one that was restated
    to be such, and one that is no more; her hold was placed under another reference."""
    asked = (LETTER, *({"purpose": name} for name in ("wallet", "account", "newsletter")))
    for n, said in enumerate(asked):
        for m, other in enumerate((None, *asked)):
            who = UUID(int=40 + 5 * n + m)
            at = made.she("consent.given", "2024-04-01", who=who, **said, **FORM)
            if other is not None:
                restated = {"ref": at, "root": "consent.given.v1", "class": "consent", **other}
                made.she("fact.corrected", "2024-04-01", who=who, **corrected_to(restated))
    held = {"article": "C. civ. art. 2224", "review": 20290601, "classes": ("contact",)}
    made.she("hold.placed", "2024-05-01", **held, who=OTHER)
    made.she("customer.joined", "2024-05-02", other=OTHER)
    gone = {"of": "contact", "reason": "request", "keys": (key(),)}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)


def doubted(made: Company) -> None:
    """Asked who she is before a no was heard; what she wrote was not read, or was by now."""
    stream = UUID(int=7)
    asked = {"right": "objection", "purpose": "newsletter", "channel": "email"}
    made.she("request.received", "2024-03-03", stream=stream, **asked)
    made.she("request.identity_asked", "2024-03-04", stream=stream, reason="new_address")
    for who in (OTHER, UUID(int=8)):
        wrote = {"channel": "letter", "match": "near", "who": who}
        at = made.she("motive.received", "2024-03-03", **wrote)
        if who == OTHER:
            said = {"ref": at, "decision": "nothing", "reader": "r-1", "who": who}
            made.she("motive.decided", "2024-03-05", **said)


def of_ours(made: Company) -> None:
    """What the company told of nobody: to an undeclared recipient, with a card number; of a device,
    on a form that is not shown yet; visits."""
    handed = {"classes": ("contact",), "purpose": "newsletter", "people": 3}
    handed |= {"recipient": "who-knows", "actor": "agent"}
    made.tells("data.disclosed", "2024-04-01", **handed)
    made.tells("data.disclosed", "2024-04-01", **{**handed, "recipient": "4970101622220006"})
    accepted = {"purpose": "audience", "act": "box_ticked", "grade": "proved", "actor": "self"}
    for form in ("late", "account-1"):
        made.tells("tracker.given", "2024-04-01", form=form, **accepted)
    shown = {"form": "late", "fields": ("email", "gps"), "document": "A" * 43}
    made.tells("form.published", "2024-01-01", "2024-05-01", **shown)
    made.tells("tracker.given", "2024-04-01", "2024-05-02", form="late", **accepted)
    made.tells("data.disclosed", "2028-04-01", "2024-05-02", **handed)
    handed["recipient"] = "4970101622220006"
    made.tells("data.disclosed", "2028-04-01", "2024-05-02", **handed)


STORIES = (
    *(unfinished, sealed_again, erased_by_mistake, erased_and_joined, of_ours),
    *(unproved, no_way_back, doubted),
    *(
        payments,
        cards,
        cards_and_more,
        cards_by_their_own_facts,
        holds,
        restricted,
        archived,
        told,
        undeclared,
    ),
    *(told_early, told_whom, young, no_class, card_numbers, long_ago),
    *(no_longer_declared, destroyed, learnt_since),
)
