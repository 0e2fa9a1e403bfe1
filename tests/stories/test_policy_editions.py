"""Edition files, the book, and which term a fact is entitled to."""

from __future__ import annotations

import hashlib

import pytest

from ledger.aggregates import policy_book
from ledger.events import KINDS
from ledger.policy.book import Book, shipped, shipped_bytes
from ledger.policy.consents import choice
from ledger.policy.diff import diff
from ledger.policy.evaluate import moving_rows, suspending_rows, terms_table
from ledger.policy.loader import load_edition
from ledger.policy.model import PolicyError
from ledger.policy.terms import rule_for
from ledger.projections.model import SubjectState
from tests.stories.policy_room import BOOK, FIRST, edition, on, toml
from tests.stories.test_declarations import PURPOSE

SEED_SHA256 = "4791c62aa4aed05b663cbf2df9ebbd5dc7b1de120cffad9b1ca16a6bb1cb75cd"


# --- the shipped edition ------------------------------------------------------------------------


def test_the_shipped_edition_reads_against_the_catalogue_of_facts():
    found = load_edition(shipped_bytes(), "shipped", kinds=KINDS)
    assert (found.number, found.company, found.published_sha256) == (
        FIRST,
        "SoftSystem",
        SEED_SHA256,
    )
    assert found.pol == hashlib.sha256(shipped_bytes()).hexdigest()


def test_the_shipped_edition_and_the_facts_agree_on_every_home():
    found = shipped()
    for kind, fact in KINDS.items():
        if not kind.startswith("fact."):
            assert set(found.homes_of(kind)) == set(fact.homes), kind
        parts = {name for name, c in found.classes.items() if kind in c.parts_of}
        assert parts == ({fact.also} if fact.also else set()), kind


def test_every_clause_of_the_published_text_is_listed_once_and_said_twice():
    clauses = shipped().clauses
    counts = {"CTL": 2, "PAY": 3, "CARD": 4, "ORD": 1, "CRM": 3, "PERS": 2, "SEC": 1, "AUD": 2}
    counts |= {"DATA": 3, "COL": 5, "COM": 6, "LB": 4, "RET": 7, "ACT": 3, "REC": 1, "CH": 7}
    counts |= {"DSR": 11, "DPO": 1, "MIN": 1, "SOC": 1, "GEO": 1, "POL": 2}
    expected = {f"SS-{family}-{n}" for family, last in counts.items() for n in range(1, last + 1)}
    assert set(clauses) == expected
    assert all(c.fr != c.en and c.fr.endswith(".") and c.en.endswith(".") for c in clauses.values())


@pytest.mark.parametrize(
    ("name", "clock", "months", "archive"),
    [
        ("contact", "subject", 36, None),
        ("account", "subject", 60, (60, "operational_end")),
        ("order", "subject", 60, (60, "operational_end")),
        ("invoice", "item", 60, (120, "start")),
        ("contract", "item", 60, (120, "start")),
        ("card_proof", "item", 15, None),
        ("security_log", "item", 12, None),
        ("consent", "subject", 60, None),
        ("message", "subject", 36, None),
        ("card", "item", 120, None),
        ("hold", "item", 60, None),
        ("survey", "subject", 12, None),
        ("comment", "item", 60, None),
        ("rights", "subject", 60, None),
        ("request", "item", 60, None),
        ("directive", "subject", 60, (60, "operational_end")),
        ("access_log", "item", 12, None),
        ("tracker", "item", 13, None),
    ],
)
def test_every_class_ends(name: str, clock: str, months: int, archive: tuple[int, str] | None):
    found = shipped().classes[name]
    term = found.archive and (found.archive.months, found.archive.counted_from)
    assert (found.clock, found.operational_months, term) == (clock, months, archive)
    assert found.archive is None or found.archive.article
    assert found.published_months in (None, months)


def test_a_term_we_chose_says_why_in_both_languages():
    chosen = [c for c in shipped().classes.values() if c.choice]
    assert len(chosen) == 17
    assert all(c.why_fr and c.why_en for c in chosen)


def test_automated_calls_and_open_tracking_rest_on_consent_alone():
    purposes = shipped().purposes
    assert purposes["automated_call"].basis == purposes["email_open_tracking"].basis == "consent"
    assert purposes["newsletter"].channels == ("email", "sms")
    assert {p.id for p in purposes.values() if p.marketing} == {
        *("newsletter", "phone_marketing", "automated_call", "reco_purchase", "reco_browsing"),
    }


# --- what the reader refuses --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("[edition]", "[edition]\ncolour = 1", "edition", "unknown key 'colour'"),
        ("[edition]", "extra = 1\n[edition]", "variant.toml", "unknown key 'extra'"),
        ('company = "SoftSystem"', "", "edition", "'company' is missing"),
        ("2018-11-20\npublished", '"2018"\npublished', "edition", "must be a date"),
        ('rule = "RET-contact"', "", "class contact", "'rule' is missing"),
        ("suspended_by = []", "suspended = []", "class contact", "'suspended_by' is missing"),
        ("suspended_by = []", 'suspended_by = ["lease"]', "class contact", "may only hold service"),
        ("operational_months = 36", "", "class contact", "has no end"),
        ("operational_months = 36", "operational_months = 0", "class contact", "between 1 and"),
        ("operational_months = 36", "operational_months = true", "class contact", "whole number"),
        ("operational_months = 36", "operational_months = 36.0", "class contact", "whole number"),
        ("operational_months = 36", "operational_months = [60, 180]", "class contact", "a range"),
        ("operational_months = 36", 'operational_months = "60-180"', "class contact", "a range"),
        (
            "operational_months = 36",
            "operational_months = { min = 60, max = 180 }",
            "class contact",
            "a range",
        ),
        ('archive = "none"', 'archive = "5 to 15 years"', "class contact", "is a range"),
        ('archive = "none"', "archive = [60, 180]", "class contact", "is a range"),
        ('archive = "none"', "", "class contact", "'archive' is missing"),
        (', article = "C. com. art. L110-4" }', " }", "class account", "'article' is missing"),
        (
            'months = 120, from = "start"',
            'months = 59, from = "start"',
            "class invoice",
            "end before the operational term",
        ),
        ('clock = "subject"', 'clock = "household"', "class contact", "one of subject, item"),
        ('"order.placed.v1"', '"order.dreamt"', "class account", "unknown kind of fact"),
        ('"order.placed.v1"', '"order.dreamt.v1"', "class account", "unknown kind of fact"),
        ('"order.placed.v1"', '"customer.logged_in.v1"', "class account", "same thing twice"),
        ('clause = "SS-RET-4"', 'clause = "SS-RET-9"', "class contact", "is not listed"),
        ('name = "account"', 'name = "contact"', "class contact", "given twice"),
        ('id = "SS-CTL-2"', 'id = "SS-CTL-1"', "clause SS-CTL-1", "given twice"),
        ('"order.cancelled.v1"', '"customer.logged_in.v1"', "class order", "already has a home"),
        ('basis = "contract"', 'basis = "habit"', "purpose order_management", "one of contract"),
        ("channels = []", 'channels = ["pigeon"]', "purpose order_management", "may only hold"),
        ("marketing = false", "marketing = 0", "purpose order_management", "true or false"),
        (
            "[[clause]]",
            '[[label]]\npurpose = "newsletter"\nlabel_en = "x"\n[[clause]]',
            "label 1",
            "with its labels",
        ),
        ("[[clause]]", '[[label]]\npurpose = "loyalty"\n[[clause]]', "label 1", "says nothing"),
        ("[[clause]]", '[[label]]\nlabel_fr = "x"\n[[clause]]', "label 1", "'purpose' is missing"),
        ("published_sha256 = ", 'published_sha256 = "x" # ', "edition", "the form it must have"),
    ],
)
def test_a_bad_edition_is_refused_with_its_file_and_place(
    old: str, new: str, place: str, what: str
):
    text = shipped_bytes().decode()
    assert old in text
    with pytest.raises(PolicyError) as caught:
        load_edition(text.replace(old, new, 1).encode(), "variant.toml", kinds=KINDS)
    assert str(caught.value).startswith("variant.toml")
    assert place in str(caught.value)
    assert what in str(caught.value)


LABEL = '[[label]]\npurpose = "loyalty"\nlabel_fr = "programme de fidélité"\n\n'


def test_an_edition_says_what_people_call_a_purpose_declared_beside_it():
    """In a language that it does not say, and in an edition that does not, it is its code."""
    text = shipped_bytes().decode().replace("[[clause]]", f"{LABEL}[[clause]]", 1)
    named = load_edition(text.encode(), "variant.toml", KINDS)
    declared = policy_book.evolve(policy_book.initial(), PURPOSE)
    (plain, told) = (
        policy_book.with_declared(edition, declared).purposes["loyalty"]
        for edition in (shipped(), named)
    )
    assert (plain.label_fr, plain.label_en) == ("loyalty", "loyalty")
    assert (told.label_fr, told.label_en) == ("programme de fidélité", "loyalty")
    (changed,) = [one for one in diff(shipped(), named) if one.part == "purpose"]
    assert (changed.name, changed.field, changed.after) == (
        *("loyalty", "label_fr"),
        "programme de fidélité",
    )
    nothing, book = SubjectState({}, {}, {}, None, {}), Book().with_edition(named, 1)
    said = choice(nothing, book, 0, None, "loyalty", "email")
    assert (said.label_fr, said.label_en) == ("programme de fidélité", "loyalty")


def test_a_choice_without_a_reason_is_refused():
    lines = shipped_bytes().decode().splitlines()
    silent = "\n".join(line for line in lines if not line.startswith("why_en"))
    with pytest.raises(PolicyError, match="class contact: a choice of ours needs its reason"):
        load_edition(silent.encode(), "variant.toml")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[edition", b""])
def test_what_is_not_an_edition_file_is_refused_by_name(data: bytes):
    with pytest.raises(PolicyError, match=r"variant\.toml"):
        load_edition(data, "variant.toml")


# --- the book -----------------------------------------------------------------------------------


def test_an_edition_is_known_from_its_position_and_in_force_from_its_day():
    later = edition("2020-01-01")
    book = BOOK.with_edition(later, 10)
    first = BOOK.entries[0].edition
    assert book.known(9) == (first,)
    assert book.known(10) == book.known(None) == (first, later)
    assert book.in_force(20191231, None) == first
    assert book.in_force(20200101, None) == later
    assert book.in_force(20200101, 9) == first
    assert book.chain(20200101, 10) == (first, later)


def test_before_the_first_edition_takes_effect_the_earliest_known_is_used():
    assert BOOK.chain(19970101, None) == (BOOK.entries[0].edition,)
    assert BOOK.chain(19970101, 0) == ()
    assert BOOK.in_force(20200101, 0) is None


@pytest.mark.parametrize("effective", ["2018-11-20", "2018-11-19"])
def test_an_edition_may_not_take_effect_on_or_before_the_previous_ones_day(effective: str):
    with pytest.raises(PolicyError, match="must take effect after the previous one"):
        BOOK.with_edition(edition(effective), 2)


def test_an_edition_may_not_be_published_before_the_previous_one():
    with pytest.raises(PolicyError, match="position"):
        BOOK.with_edition(edition("2020-01-01"), 1)


def test_a_class_may_not_change_its_clock():
    changed = edition("2020-01-01", replace={'clock = "subject"': 'clock = "item"'})
    with pytest.raises(PolicyError, match="class contact changes its clock from subject to item"):
        BOOK.with_edition(changed, 2)


def test_a_class_may_not_vanish():
    text = toml("2020-01-01").replace(b'"message"', b'"mailing"')
    renamed = load_edition(text, "variant.toml")
    with pytest.raises(PolicyError, match="class message has vanished"):
        BOOK.with_edition(renamed, 2)


def test_an_edition_is_published_under_an_id_of_its_own():
    """Answers name their edition by it. One that was published under another's id all the same
    stands: only publishing asks."""
    text = toml("2020-01-01").replace(b'"softsystem-2020-01-01"', b'"softsystem-2018-11-20"')
    twin = load_edition(text, "variant.toml")
    with pytest.raises(PolicyError, match="softsystem-2018-11-20: this id is another edition's"):
        BOOK.publishing(twin, 2)
    assert BOOK.with_edition(twin, 2).entries[-1].edition == twin
    other = edition("2020-01-01")
    assert BOOK.publishing(other, 2) == BOOK.with_edition(other, 2)


def test_a_refused_edition_leaves_the_book_as_it_was():
    with pytest.raises(PolicyError):
        BOOK.with_edition(edition("2018-11-20"), 2)
    assert Book().with_edition(shipped(), 1) == BOOK


# --- which term for which fact ------------------------------------------------------------------

E1, E2, E3 = FIRST, 20200101, 20220101


@pytest.mark.parametrize(
    ("second", "third", "era", "expected"),
    [
        (36, None, E1, 36),  # a later edition shortens at once
        (36, None, E2, 36),
        (72, None, E1, 60),  # it does not lengthen what was recorded before it
        (72, None, E2, 72),  # nor does it wait for facts of its own era
        (72, 84, E1, 60),
        (72, 84, E2, 72),
        (72, 84, E3, 84),
        (36, 48, E1, 36),  # shortened, then longer again: not given back
        (36, 48, E2, 36),
        (36, 48, E3, 48),
        (72, 48, E1, 48),
        (72, 48, E2, 48),
        (72, 66, E1, 60),
        (72, 66, E2, 66),  # shorter than what era 2 had
        (60, 60, E1, 60),
    ],
)
def test_a_later_edition_shortens_at_once_and_lengthens_for_its_own_era_only(
    second: int, third: int | None, era: int, expected: int
):
    book = BOOK.with_edition(edition("2020-01-01", {"order": second}), 5)
    if third is not None:
        book = book.with_edition(edition("2022-01-01", {"order": third}), 6)
    rule = rule_for(book.chain(20230101, None), "order", era)
    assert rule is not None
    assert rule.months == expected
    newest = third or second
    assert rule.not_lengthened == (expected < newest)
    table = {(r.klass, r.era): r.operational_months for r in terms_table(book, on("2023-01-01"))}
    assert table["order", era] == expected


def test_the_rule_cites_the_newest_edition_that_grants_the_term():
    book = BOOK.with_edition(edition("2020-01-01", {"order": 72}), 5)
    chain = book.chain(20230101, None)
    cited = {k: r.edition.number for k in ("order", "contact") if (r := rule_for(chain, k, E1))}
    assert cited == {"order": E1, "contact": E2}


def test_an_archive_is_lengthened_for_its_own_era_only():
    longer = {"months = 120, from": "months = 180, from"}
    book = BOOK.with_edition(edition("2020-01-01", replace=longer), 5)
    rows = {(r.klass, r.era): r for r in terms_table(book, on("2020-01-01"))}
    assert (rows["invoice", E1].archive_months, rows["invoice", E1].archive_from) == (120, "start")
    assert rows["invoice", E2].archive_months == 180
    assert (rows["contact", E2].archive_months, rows["contact", E2].archive_from) == (None, None)


def test_the_tables_list_every_class_for_every_known_edition():
    book = BOOK.with_edition(edition("2020-01-01"), 5)
    assert len(terms_table(book, on("2019-01-01"))) == 2 * len(shipped().classes)
    assert len(terms_table(book, on("2019-01-01"), known=4)) == len(shipped().classes)
    assert terms_table(book, on("2019-01-01"), known=0) == []


def test_a_kind_added_to_what_counts_moves_only_facts_of_its_own_era():
    added = {
        'moved_by = ["customer.contacted_us.v1", "ticket.opened.v1"]': (
            'moved_by = ["customer.contacted_us.v1", "message.opened.v1"]'
        )
    }
    book = BOOK.with_edition(edition("2020-01-01", replace=added), 5)
    moving = {(r.era, r.kind) for r in moving_rows(book, on("2020-01-01")) if r.klass == "contact"}
    assert moving == {
        (E1, "customer.contacted_us.v1"),
        (E2, "customer.contacted_us.v1"),
        (E2, "message.opened.v1"),
    }


def test_running_contracts_of_all_four_types_suspend_a_clients_classes():
    found = {r.contract_type for r in suspending_rows(BOOK, on("2020-01-01")) if r.klass == "order"}
    assert found == {"service", "maintenance", "subscription", "warranty"}
    assert not [r for r in suspending_rows(BOOK, on("2020-01-01")) if r.klass == "contact"]
