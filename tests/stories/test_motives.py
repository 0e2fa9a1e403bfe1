"""What a person writes, and whether it is the agreed phrase: exactly, nearly, or not."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.policy.book import shipped_bytes
from ledger.policy.loader import load_edition
from ledger.policy.model import PolicyError
from ledger.policy.motives import match, normal_text

EDITION = load_edition(shipped_bytes(), "shipped")
MOTIVES = tuple(EDITION.motives.values())
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
PHRASES = ("Stop email SoftSystem", "Supprimer mon espace client SoftSystem")
QUOTES = [("« ", " »"), ("«\u202f", "\u202f»"), ("“", "”"), ("‘", "’"), ('"', '"'), ("", "")]
SPACES = [" ", "  ", "\u00a0", "\u202f", "\t", "\n", "\u2003", "\u3000"]
ACCENTS = ["\u0301", "\u0300", "\u0308", "\u0327"]
UNSEEN = ["\u200f", "\u200e", "\u202b", "\u202c", "\u200d", "\ufeff", "\ufe0f", "\u00ad"]


@pytest.mark.clause("SS-CH-5", "SS-CH-6")
def test_the_phrases_are_those_of_the_published_text():
    """SS-CH-5 and SS-CH-6, word for word, and what they do."""
    assert tuple(motive.text for motive in MOTIVES) == PHRASES
    stop, delete = MOTIVES
    assert (stop.effect, stop.channel, stop.klass, stop.clause) == (
        *("stop_marketing", "email", None, "SS-CH-5"),
    )
    assert (delete.effect, delete.channel, delete.klass, delete.clause) == (
        *("erase", None, "account", "SS-CH-6"),
    )


@st.composite
def dressed(draw: st.DrawFn) -> tuple[str, str]:
    """A phrase in another case, with accents, quotes, spaces and marks that nobody sees."""
    phrase = draw(st.sampled_from(PHRASES))
    opened, closed = draw(st.sampled_from(QUOTES))
    letters = []
    for letter in phrase:
        said = draw(st.sampled_from([letter, letter.upper(), letter.lower()]))
        if letter == " ":
            said = draw(st.sampled_from(SPACES))
        elif draw(st.integers(0, 9)) == 0:
            said += draw(st.sampled_from([*ACCENTS, *UNSEEN]))
        elif letter.isascii() and draw(st.integers(0, 19)) == 0:
            said = chr(ord(said) + 0xFEE0)  # full width
        letters.append(said)
    form: Form = draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
    return phrase, unicodedata.normalize(form, opened + "".join(letters) + closed)


@given(dressed())
def test_case_accents_quotes_and_spacing_make_no_difference(said: tuple[str, str]):
    """It is the phrase, and no other."""
    phrase, text = said
    found = match(text, MOTIVES)
    assert found.likeness == "exact"
    assert found.motive is not None
    assert found.motive.text == phrase


@given(st.text(max_size=60))
def test_normalising_twice_is_normalising_once(text: str):
    """So that a phrase in the edition and one in a letter meet in the same form."""
    once = normal_text(text)
    assert normal_text(once) == once
    assert once == once.strip()


@given(st.text(max_size=80))
def test_any_text_is_read_and_few_are_phrases(text: str):
    """Nothing breaks the reader; what it calls exact is the phrase once normalised."""
    found = match(text, MOTIVES)
    assert (found.motive is None) == (found.likeness == "unmatched")
    if found.likeness == "exact":
        assert found.motive is not None
        assert normal_text(text) == normal_text(found.motive.text)


@given(st.sampled_from(PHRASES), st.integers(0, 40), st.sampled_from("xqz!"))
def test_one_letter_more_is_not_the_phrase_and_is_looked_at(phrase: str, at: int, letter: str):
    """Applied only when exact; never dropped."""
    slipped = phrase[:at] + letter + phrase[at:]
    found = match(slipped, MOTIVES)
    assert found.likeness == "near"
    assert found.motive is not None
    assert found.motive.text == phrase


@pytest.mark.parametrize(
    ("text", "likeness", "motive"),
    [
        ("Stop e-mail SoftSystem", "near", "stop_email"),
        ("Stop email SoftSystem 🙏", "near", "stop_email"),
        ("Bonjour, comme indiqué : « Stop email SoftSystem ». Merci", "near", "stop_email"),
        ("Arrêtez de m'envoyer des mails", "near", "stop_email"),
        ("Désabonnez-moi", "near", "stop_email"),
        ("Stοp email SoftSystem", "near", "stop_email"),  # a Greek omicron
        ("Supprimez mon compte", "near", "delete_account"),
        ("SUPPRIMER MON ESPACE CLIENT SOFTSYSTEM SVP", "near", "delete_account"),
        ("Où est ma commande ?", "unmatched", None),
        ("", "unmatched", None),
        ("🙏", "unmatched", None),
    ],
)
def test_what_is_put_before_a_person(text: str, likeness: str, motive: str | None):
    """Near the phrase, or nothing like it."""
    found = match(text, MOTIVES)
    assert found.likeness == likeness
    assert (found.motive and found.motive.id) == motive


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('effect = "stop_marketing"', 'effect = "forget_me"', "effect"),
        ('channel = "email"\nnear', 'channel = "pigeon"\nnear', "channel"),
        ('class = "account"\nnear', 'class = "nothing"\nnear', "class"),
        ('text = "Stop email SoftSystem"', 'text = "« »"', "text"),
        ('near = ["stop mail",', 'near = ["« »",', "near"),
        ('id = "delete_account"', 'id = "stop_email"', "given twice"),
        ('id = "stop_email"\n', 'id = "stop_email"\nquiet = true\n', "unknown key"),
        ('effect = "erase"\n', 'effect = "erase"\nchannel = "email"\n', "unknown key"),
    ],
)
def test_an_edition_with_a_bad_phrase_is_refused(right: str, wrong: str, said: str):
    """By name, like everything else in it."""
    toml = shipped_bytes().decode()
    assert right in toml
    with pytest.raises(PolicyError, match=said):
        load_edition(toml.replace(right, wrong, 1).encode(), "tried")


def test_an_edition_may_agree_on_no_phrase():
    """Then every text goes to a person."""
    toml = shipped_bytes().decode()
    start, end = toml.index("[[motive]]"), toml.index("# --- What the published text says")
    edition = load_edition((toml[:start] + toml[end:]).encode(), "tried")
    assert match(PHRASES[0], edition.motives.values()).likeness == "unmatched"
