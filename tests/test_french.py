"""Why something was refused is said in French too: every sentence of the code has a French one."""

from __future__ import annotations

import re

import pytest

from api import wording
from api.problems import KINDS
from api.wording import SLOT, Said, said, sentences
from replay.verify import WORDS
from tests.sentences import collected

# What no reading of the source can follow: each says why its sentence has French all the same.
FOLLOWED = {
    "ledger/archiving/asking.py: detail": "the opener's own refusals, collected in opener.py",
    "ledger/sealing/client.py: str(said.get('sentence', ''))": "the signer's, in signer.py",
    "api/commands/evidence.py: verifier.WORDS[str(misuse)][0]": "ALONE, below",
    "api/commands/segments.py: verifier.WORDS[str(misuse)][0]": "ALONE, below",
    "api/trusting.py: verifier.WORDS[str(misuse)][0]": "ALONE, below",
}
# The program that an auditor runs alone speaks both languages by itself, and must say the same.
ALONE = {WORDS[key][0]: WORDS[key][1] for key in ("trust", "trust_files", "no_bundle")}
TITLES = {kind.title for kind in KINDS.values()}


def slots(text: str) -> list[str]:
    return SLOT.findall(text)


def test_every_sentence_of_the_code_has_its_french_one() -> None:
    """A new refusal is written in French too, in `api/words/refusals/`, or nobody is refused."""
    missing = [one for one in collected().sentences if one.text not in sentences()]
    assert [f"{one.where}: {one.text}" for one in missing] == []
    assert TITLES | ALONE.keys() <= sentences().keys()
    assert all(sentences()[english] == french for english, french in ALONE.items())


def test_what_cannot_be_followed_is_known_by_name() -> None:
    assert set(collected().unknown) == set(FOLLOWED)


def test_no_french_sentence_is_of_one_that_is_said_no_more() -> None:
    """A sentence that was changed leaves no French one behind; one that fills in another may
    stay: it says better what the pattern would say."""
    known = {one.text for one in collected().sentences} | TITLES | ALONE.keys()
    shapes = [wording._pattern(one, "") for one in known if SLOT.search(one)]
    left = [one for one in sentences() if one not in known]
    assert [one for one in left if not any(it.shape.fullmatch(one) for it in shapes)] == []


def test_a_french_sentence_has_the_values_of_the_english_one() -> None:
    """As many `{}`, or each `{0}` `{1}` once; English has them in their order."""
    for english, french in sentences().items():
        held, numbered = slots(english), [str(n) for n in range(len(slots(english)))]
        assert set(held) <= {""}, english
        assert slots(french) == held or sorted(slots(french)) == numbered, english
        assert french.strip() and (french != english or not re.search("[a-z]", english)), english


def test_the_collector_finds_what_it_is_there_to_find() -> None:
    """Or the tests above would hold of nothing: by a constant, a variable, a function, a piece."""
    found = {one.text for one in collected().sentences}
    assert len(found) > 800
    assert found >= {
        "this person was erased",  # as it stands
        "a keyring is outdated: another copy of it has a newer key-encryption key; give every"
        " process of this ledger the same keyring",  # a constant of another module
        "field 'remedies' must hold: {}",  # by a function that makes refusals
        "must be a list of 1 to {} UUIDs",  # by a codec
        "one consultation",  # what stands in a placeholder
    }


# --- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("this person was erased", "cette personne a été effacée"),
        ("field 'x' is required for order.placed", "le champ 'x' est nécessaire pour order.placed"),
        ("field 'url' must be true or false", "le champ 'url' doit être true ou false"),
        (
            "not a signed note: a signature line is malformed: a text is not UTF-8",
            "ce n'est pas une note signée : une ligne de signature est mal formée : un texte n'est"
            " pas en UTF-8",
        ),
        ("this is not strict JSON in UTF-8", "ce n'est pas du JSON strict en UTF-8"),
        (
            "this edition keeps order longer and takes effect on 2026-11-01, which is not after"
            " today: give it a later day, or tell people first",
            "cette édition conserve plus longtemps order et entre en vigueur le 1er novembre 2026,"
            " qui n'est pas après aujourd'hui : donnez-lui un jour ultérieur, ou informez d'abord"
            " les personnes",
        ),
        (
            "cannot listen there (2026-07-01T10:30:00Z): is the port taken? try --port 0",
            "impossible d'écouter là (1er juillet 2026 à 12:30) : le port est-il pris ? essayez"
            " --port 0",
        ),
        (
            "/srv/2026-11-01/keyring is too large",
            "/srv/2026-11-01/keyring est trop grand",
        ),
    ],
)
def test_a_sentence_is_said_in_french_with_its_values(english: str, french: str) -> None:
    assert said(english, "fr") == Said(french, "fr")
    assert said(english, "en") == Said(english, "en")


@pytest.mark.parametrize(
    "english",
    ["nobody ever wrote this", "neither: this", "this (TypeError)", "", "x" * 5000],
)
def test_a_sentence_that_nobody_translated_stays_english_and_says_so(english: str) -> None:
    assert said(english, "fr") == Said(english, "en")


def test_nothing_is_read_before_the_first_french_refusal() -> None:
    wording.sentences.cache_clear()
    wording._patterns.cache_clear()
    said("this person was erased", "en")
    assert wording.sentences.cache_info().currsize == 0
    said("this person was erased", "fr")
    assert wording._patterns.cache_info().currsize == 0
    said("field 'x' is required", "fr")
    assert wording._patterns.cache_info().currsize == 1
