"""Stories of the card gate: no card number enters, and what only looks like one does (SS-PAY-1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ledger import calendar as cal
from ledger import pan
from ledger.aggregates import door
from ledger.commands import Reference
from ledger.errors import Refusal
from ledger.events import (
    KINDS,
    AccountClosed,
    AccountOpened,
    ContactedUs,
    Fact,
    LoggedIn,
    MessageSent,
    OrderPaid,
    OrderPlaced,
)
from ledger.fields import INTEGER, MONEY, TEXT, Money
from ledger.policy.book import shipped
from tests.stories.facts_room import ONCE, TODAY

EDITION = shipped()
NOW = cal.parse_instant(TODAY)
HOW_MANY = 200

# Prefixes and lengths written down a second time, from the networks' own tables.
CARDS: tuple[tuple[str, str, int], ...] = (
    ("visa", "4", 16),
    ("visa", "4", 13),
    ("visa", "4", 19),
    ("visa", "497010", 16),  # Cartes Bancaires
    ("mastercard", "51", 16),
    ("mastercard", "55", 16),
    ("mastercard", "513", 16),  # Cartes Bancaires
    ("mastercard", "2221", 16),
    ("mastercard", "2720", 16),
    ("amex", "34", 15),
    ("amex", "37", 15),
    ("diners", "300", 14),
    ("diners", "36", 14),
    ("diners", "38", 16),
    ("discover", "6011", 16),
    ("discover", "645", 16),
    ("discover", "65", 19),
    ("jcb", "3528", 16),
    ("jcb", "3589", 16),
    ("jcb", "1800", 15),
    ("unionpay", "62", 16),
    ("unionpay", "62", 19),
    ("maestro", "5018", 13),
    ("maestro", "5893", 18),
    ("maestro", "6304", 16),
    ("maestro", "6759", 19),
    ("mir", "2202", 16),
    ("rupay", "60", 16),
    ("rupay", "82", 16),
    ("uzcard", "8600", 16),
    ("napas", "9704", 16),
    ("troy", "9792", 16),
    ("humo", "9860", 16),
    ("borica", "2205", 16),
)
SEPARATORS = ("", " ", "-", ".", "/", "\u00a0", "\u2009", "\u202f", "\u2011", "_", " - ", "\u200b")
FIRST_DIGITS = "0123456789"


def checked(digits: str, weight: Callable[[int], int]) -> str:
    """The digits with the check digit that makes the weighted sum a multiple of ten."""
    total = sum(weight(n) * int(d) for n, d in enumerate(reversed(digits), start=1))
    return digits + str(-total % 10)


def luhn_checked(digits: str) -> str:
    """Luhn, by the book: every second digit from the right is doubled, nines are cast out."""
    total = 0
    for n, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if n % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)


def some(chance: Random, count: int) -> str:
    return "".join(chance.choices(FIRST_DIGITS, k=count))


def cards() -> Iterator[str]:
    """200 card numbers, every brand in turn."""
    chance = Random(20181120)
    for n in range(HOW_MANY):
        _, prefix, size = CARDS[n % len(CARDS)]
        yield luhn_checked(prefix + some(chance, size - 1 - len(prefix)))


def sirets() -> Iterator[str]:
    """200 establishments: most as INSEE numbers them, every tenth one of La Poste's."""
    chance = Random(843877531)
    for n in range(HOW_MANY):
        if n % 10 == 9:
            yield next(
                s
                for s in ("356000000" + some(chance, 5) for _ in range(1000))
                if sum(map(int, s)) % 5 == 0
            )
        else:
            siren = luhn_checked(chance.choice("3456789") + some(chance, 7))
            yield luhn_checked(siren + "000" + some(chance, 1))


def eans() -> Iterator[str]:
    """200 products, most of them French."""
    chance = Random(3000000)
    for _ in range(HOW_MANY):
        prefix = chance.choice(("30", "33", "37", "40", "50", "57", "978"))
        yield checked(prefix + some(chance, 12 - len(prefix)), lambda n: 3 if n % 2 else 1)


def phones() -> Iterator[str]:
    """200 French numbers as people write them."""
    chance = Random(33)
    for n in range(HOW_MANY):
        pairs = [f"{chance.randrange(100):02d}" for _ in range(4)]
        first = str(chance.choice((1, 2, 3, 4, 5, 6, 7, 9)))
        separator = chance.choice((" ", ".", "-", "", "\u00a0"))
        prefix = ("0", "+33 ", "0033 ", "+33 (0)", "0033")[n % 5]
        yield prefix + separator.join([first, *pairs])


def order_references() -> Iterator[str]:
    """200 references; one in four has sixteen digits that pass Luhn and begin like a Visa."""
    chance = Random(16)
    for n in range(HOW_MANY):
        yield (
            f"CMD-{chance.randrange(2015, 2026)}-{chance.randrange(10**6):06d}",
            f"{chance.randrange(100, 999)}-{some(chance, 7)}-{some(chance, 7)}",
            f"2024{some(chance, 12)}",
            luhn_checked("4" + some(chance, 14)),
        )[n % 4]


def spread(chance: Random, digits: str, separator: str) -> str:
    """The digits in groups of a random size, with this separator between them."""
    if not separator:
        return digits
    size = chance.choice((1, 2, 3, 4, 4, 5, 6, 7))
    return separator.join(digits[at : at + size] for at in range(0, len(digits), size))


def refused(fact: Fact) -> str | None:
    found = door.refuse(fact, NOW, EDITION)
    return found.problem if found else None


def text_fields() -> Iterator[tuple[str, str]]:
    """Every (kind, field) that holds a text."""
    for kind, cls in KINDS.items():
        for spec in cls.specs:
            if spec.codec is TEXT:
                yield kind, spec.name


def holding(kind: str, name: str, text: str) -> Fact:
    """A fact of a kind with this text in one field; its other fields are whatever passes."""
    cls = KINDS[kind]
    values: dict[str, Any] = {}
    for spec in cls.specs:
        if spec.required:
            fallback = {"purpose": "newsletter", "channel": "email"}.get(spec.name, "x")
            values[spec.name] = spec.one_of[0] if spec.one_of else fallback
    return cls(**ONCE, **(values | {name: text}))


@pytest.mark.parametrize("separator", SEPARATORS)
def test_every_card_number_is_refused_with_any_separator(separator: str):
    """SS-PAY-1: alone, and in the middle of a sentence."""
    chance = Random(ord(separator[0]) if separator else 0)
    for card in cards():
        written = spread(chance, card, separator)
        for text in (written, f"Bonjour, ma carte {written}, exp. 12/27. Merci", f"CB{written}€"):
            fact = ContactedUs(**ONCE, channel="form", text=text)
            assert refused(fact) == "pan-detected", (card[:6], len(card), repr(separator))


@pytest.mark.parametrize(("kind", "name"), list(text_fields()))
def test_every_card_number_is_refused_in_every_text_of_every_kind(kind: str, name: str):
    """SS-PAY-1: the identifier of the payment platform is no way round."""
    for card in cards():
        assert refused(holding(kind, name, card)) == "pan-detected", (card[:6], len(card))


def test_every_card_number_is_refused_in_clear_codes_integers_amounts_and_references():
    """SS-PAY-1: a code may hold dashes, an integer sixteen digits."""
    for card in cards():
        dashed = "-".join(card[at : at + 4] for at in range(0, len(card), 4))
        sent = MessageSent(**ONCE, purpose="newsletter", channel="email", template=dashed)
        assert refused(sent) == "pan-detected"
        assert refused(AccountClosed(**ONCE, reason=f"card:{card}")) == "pan-detected"
        assert refused(OrderPlaced(**ONCE, quantity=int(card))) == "pan-detected"
        paid = OrderPlaced(**ONCE, amount=Money(-int(card), "EUR"))
        assert refused(paid) == "pan-detected"
        for kind in ("shop", "email", "ref"):
            found = door.refuse_references(None, Reference(kind, f" {card} "))
            assert found is not None
            assert (found.problem, found.clause) == ("pan-detected", "SS-PAY-1")


@pytest.mark.parametrize("kind", ["order_ref", "order", "psp_id", "siret", "ean"])
def test_a_card_written_as_on_the_card_is_no_declared_number(kind: str):
    """Groups of four give it away, whatever the reference is said to be."""
    for card in cards():
        written = " ".join(card[at : at + 4] for at in range(0, len(card), 4))
        for text in (written, written.replace(" ", "-")):
            found = door.refuse_references(Reference(kind, text))
            assert found is not None or (kind == "siret" and pan.is_siret(card))


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("siret", sirets),
        ("ean", eans),
        ("order_ref", order_references),
        ("order", order_references),
    ],
)
def test_no_number_is_refused_where_it_is_declared(kind: str, numbers: Callable[[], Iterator[str]]):
    """A SIRET has fourteen digits and passes Luhn; declared, it is validated as a SIRET."""
    for number in numbers():
        assert door.refuse_references(Reference(kind, number)) is None, number


def test_no_french_phone_number_is_refused():
    """In its own field, as a reference, or in a sentence."""
    for number in phones():
        assert refused(AccountOpened(**ONCE, phone=number)) is None, number
        assert door.refuse_references(Reference("phone", number)) is None, number
        text = f"Rappelez-moi au {number} avant 18 h 30."
        assert refused(ContactedUs(**ONCE, channel="form", text=text)) is None, number


def test_false_refusals_in_free_text_are_counted(capsys: pytest.CaptureFixture[str]):
    """What nobody declared is judged by its digits: here is how often that is wrong."""
    counts: dict[str, int] = {}
    for name, numbers, said in (
        ("SIRET, called one", sirets, "SIRET : {}"),
        ("SIRET, bare", sirets, "notre numéro est {}"),
        ("EAN-13", eans, "le produit {} est abîmé"),
        ("phone", phones, "mon numéro : {}"),
        ("two phones", phones, "{} ou 01 45 67 89 10"),
        ("order reference", order_references, "ma commande {} n'est pas là"),
    ):
        texts = [said.format(number) for number in numbers()]
        counts[name] = sum(pan.problem(text) is not None for text in texts)
    with capsys.disabled():
        print("\nfalse refusals in free text, of 200 each:", counts)
    # Fixed seeds: these are exact. One order reference in four was made to look like a Visa.
    assert counts == FALSE_REFUSALS


FALSE_REFUSALS = {
    "SIRET, called one": 0,
    "SIRET, bare": 22,
    "EAN-13": 11,
    "phone": 0,
    "two phones": 0,
    "order reference": 51,
}


def test_a_siret_whose_digits_do_not_add_up_is_a_mistake():
    """Declared means checked."""
    for kind, number in (("siret", "73282932000075"), ("ean", "3017620422004")):
        found = door.refuse_references(Reference(kind, number))
        assert found is not None
        assert found.problem == "malformed"
        assert number not in found.detail


def test_a_payment_identifier_may_look_like_a_card_if_the_card_is_another():
    """The six first and four last digits beside it tell them apart; without them it is refused."""
    said = luhn_checked("4" + "12345678901234")
    paid = OrderPaid(**ONCE, psp_id=said)
    assert refused(paid) == "pan-detected"
    assert refused(replace(paid, bin6="513737", last4="0001")) is None
    assert refused(replace(paid, bin6=said[:6], last4=said[-4:])) == "pan-detected"
    assert refused(replace(paid, psp_id="pi_3OqF2Z2eZvKYlo2C1gX9Lm7a")) is None


@pytest.mark.parametrize(
    "text",
    [
        "cvv: 123",
        "Mon C.V.V est 1234",
        "CVC2 999",
        "le cryptogramme visuel est 042.",
        "123 (cryptogramme)",
        "code de sécurité = 0123",
        "cvv 1 2 3",
        "security code 123",
    ],
)
def test_a_security_code_beside_its_name_is_refused(text: str):
    """CNIL délib. 2018-303 art. 4"""
    assert refused(ContactedUs(**ONCE, channel="chat", text=text)) == "cvv-detected"


@pytest.mark.parametrize(
    "text",
    [
        "123",
        "un CV de 2019",
        "le cryptogramme ne passe pas, commande 12345",
        "contrat 123",
        "appartement 042",
        "accv 123",
    ],
)
def test_three_digits_alone_are_no_security_code(text: str):
    """Nor is a longer number beside the word."""
    assert refused(ContactedUs(**ONCE, channel="chat", text=text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "%B4111111111111111^DUPONT/JEAN^25121010000000000?",
        "%B377777777777770^DUPONT/JEAN              ^2512101",
        ";4111111111111111=25121010000000000000?",
        ";6799990000000000019=2512?",
        "4111111111111111=25121011234",
        "4111111111111111D25121011234",
    ],
)
def test_a_magnetic_track_is_refused(text: str):
    """PCI DSS 3.3.1.1"""
    found = door.refuse(ContactedUs(**ONCE, channel="form", text=text), NOW, EDITION)
    assert found is not None
    assert found.problem == "track-data-detected"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("cvv", "cvv-detected"),
        ("CVV2", "cvv-detected"),
        ("card_cvc", "cvv-detected"),
        ("Cryptogramme visuel", "cvv-detected"),
        ("code_de_sécurité", "cvv-detected"),
        ("track2", "track-data-detected"),
        ("card_track_1_data", "track-data-detected"),
        ("cv", None),
        ("discount", None),
        ("tracking", None),
        ("quantity", None),
    ],
)
def test_a_field_named_after_a_secret_is_refused(name: str, problem: str | None):
    """Whatever it holds; the name is not echoed."""
    found = door.refuse_names(["amount", name])
    assert (found.problem if found else None) == problem
    assert found is None or name not in found.detail


def test_an_iban_is_no_card():
    """27 digits and letters with a check of their own."""
    assert pan.problem("IBAN FR76 3000 6000 0112 3456 7890 189") is None
    assert pan.problem("FR7630006000011234567890189") is None


def test_the_value_is_never_echoed():
    """A refusal names the field."""
    card = next(cards())
    for found in (
        door.refuse(LoggedIn(**ONCE, user_agent=card), NOW, EDITION),
        door.refuse_references(Reference("shop", card)),
    ):
        assert isinstance(found, Refusal)
        assert found.clause == "SS-PAY-1"
        assert found.article
        assert not any(digit in found.detail for digit in (card, card[:6], card[-4:]))


def test_every_brand_of_the_table_was_tried():
    """A brand that joins the table is tried here too."""
    assert {brand for brand, _, _ in CARDS} == set(pan.BRANDS)
    assert all(pan.is_card(card) for card in cards())


def test_numbers_that_fail_luhn_or_have_no_brand_pass():
    """The table is what keeps order numbers in."""
    for card in cards():
        wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
        assert pan.problem(wrong) is None
    assert pan.problem("1111111111111117") is None
    assert pan.problem(luhn_checked("7" + "0" * 14)) is None


def test_a_text_without_thirteen_digits_is_held_against_no_pattern(monkeypatch):
    """Every field of every fact is asked: the quick look must be quick."""
    for name in ("_RUN", "_GROUP", "_TRACK_1", "_TRACK_2", "_TRACK_2_BARE", "_CODE"):
        monkeypatch.setattr(pan, name, None)
    texts = ("Jeanne Dupont", "jeanne.dupont@example.org", "06 12 34 56 78", "75002 Paris")
    assert [pan.problem(text) for text in texts] == [None] * 4
    for text in ("1" * 13, "cvv 123"):
        with pytest.raises(AttributeError):  # it is held against them
            pan.problem(text)


def test_the_codecs_that_hold_numbers_are_the_ones_this_file_tries():
    """A new numeric codec must be looked into as well."""
    numeric = {s.codec.schema["type"] for c in KINDS.values() for s in c.specs}
    assert numeric == {"string", "integer", "boolean", "object", "array"}
    assert INTEGER.schema["type"] == "integer"
    assert MONEY.schema["type"] == "object"
