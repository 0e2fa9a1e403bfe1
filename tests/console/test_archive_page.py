"""The archive from a page: no motive, no consultation; on record and sealed before it is opened."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from api import keys
from api.routes import AUDITOR, DPO
from api.screen import words
from api.settings import LANGUAGES
from ledger.archive_key import ArchiveKey
from ledger.archiving import granting
from ledger.archiving.opener import Opener, Rules, State
from ledger.seal.note import VerifyKey
from ledger.sealing.signer import Signer
from tests.archiving.room import archive
from tests.console.conftest import Opened
from tests.console.room import Company, Visitor, seen
from tests.contracts.props import somebody

ARCHIVE = "/console/archive"
TEXT = "Une vieille lettre <b>signée</b>"


class Room:
    """A company with an opener, somebody whose exchanges are archived, and a grant of the DPO."""

    def __init__(self, company: Company, home: Path) -> None:
        self.company = company
        key = ArchiveKey.generate()
        self.subject: UUID = somebody(company.ledger, "archived", TEXT)
        archive(company.ledger, key, self.subject)
        holder = next(one.id for one in keys.read(company.known_at) if one.name == DPO)
        self.grant, _ = granting.grant(company.ledger, holder, ("contact",), 20300101, "somebody")
        State(home / "state.json").save()
        vkey = VerifyKey.parse(Signer(company.folder / "signer").key.vkey)
        rules = Rules((vkey,), company.folder / "log")
        opener = Opener(key, rules, State.load(home / "state.json"), company.clock)
        self.ask = lambda request: {"opened": opener.open(request)}

    def wish(self, **more: str) -> dict[str, str]:
        """What the form asks for."""
        about = {"subject": str(self.subject), "class": "contact", "grant": str(self.grant)}
        return {**about, "motive": "litigation", "case": "dossier 7", **more}


@pytest.fixture
def room(told: Path, tmp_path: Path) -> Room:
    return Room(Company(tmp_path / "company", told), tmp_path)


@pytest.fixture
def dpo(room: Room, open_visitor: Opened) -> Visitor:
    visitor = open_visitor(room.company, opener=room.ask)
    visitor.sign_in(DPO)
    return visitor


def test_nothing_is_consulted_without_a_motive_a_case_and_a_grant(room: Room, dpo: Visitor) -> None:
    before = room.company.ledger.recorder.head().position
    for wrong in ({"motive": ""}, {"case": ""}, {"grant": str(UUID(int=1))}, {"class": "order"}):
        said = dpo.send(ARCHIVE, on=ARCHIVE, **room.wish(**wrong))
        assert said.status_code == 422 and 'role="alert"' in said.text
        assert "SS-RET-2" in said.text
    assert room.company.ledger.recorder.head().position == before


def test_a_consultation_is_on_record_and_sealed_before_it_is_opened(
    room: Room, dpo: Visitor
) -> None:
    ledger = room.company.ledger
    assert dpo.send(ARCHIVE, on=ARCHIVE, **room.wish()).headers["location"] == ARCHIVE
    page = dpo.get(ARCHIVE)
    assert "attend son sceau" in seen(page.text) and "dossier 7" not in page.text
    (path,) = {part.split('"')[0] for part in page.text.split('action="')[1:] if "/open" in part}
    assert dpo.send(path, on=ARCHIVE).status_code == 303
    assert "réessayez" in seen(dpo.get(ARCHIVE).text)
    room.company.seal_all()
    before = ledger.recorder.head().position
    opened = dpo.send(path, on=ARCHIVE)
    assert opened.status_code == 200, seen(opened.text)
    assert TEXT in seen(opened.text) and "<b>" not in opened.text
    assert ledger.recorder.head().position == before + 1
    assert opened.headers["cache-control"] == "no-store"
    assert TEXT not in seen(dpo.get(ARCHIVE).text)


def test_nobody_opens_what_somebody_else_asked_for_but_may_approve_it(
    room: Room, dpo: Visitor, open_visitor: Opened
) -> None:
    dpo.send(ARCHIVE, on=ARCHIVE, **room.wish())
    room.company.seal_all()
    other = open_visitor(room.company, opener=room.ask)
    other.sign_in(AUDITOR)
    page = other.get(ARCHIVE).text
    (path,) = {part.split('"')[0] for part in page.split('action="')[1:] if "/approve" in part}
    assert other.send(path.replace("/approve", "/open"), on=ARCHIVE).status_code == 404
    assert other.send(path, on=ARCHIVE).status_code == 422  # of which case?
    assert other.send(path, on=ARCHIVE, case="dossier 7").headers["location"] == ARCHIVE
    assert "seconde personne" in seen(dpo.get(ARCHIVE).text)


def test_without_an_opener_the_page_says_so(open_visitor: Opened) -> None:
    visitor = open_visitor(opener=None)
    visitor.sign_in(DPO)
    assert "ne sait pas où l'archive s'ouvre" in seen(visitor.get(ARCHIVE).text)
    assert visitor.send(ARCHIVE, on=ARCHIVE).status_code == 422


@pytest.mark.clause("SS-DSR-1")
def test_no_request_is_answered_while_what_is_archived_is_missing(room: Room, dpo: Visitor) -> None:
    """As strict as `probant package --answer`, in the same words; in part, with the ground, or once
    a file with all of it was handed over, it is answered."""
    letter = {"subject": str(room.subject), "right": "access", "channel": "letter"}
    new = dpo.send("/console/requests/new", on="/console/requests/new", **letter)
    path = new.headers["location"]
    made = [dpo.send(f"{path}/package", on=path).headers["package-sha256"] for _ in range(2)]
    before = room.company.ledger.recorder.head().position
    for lang in LANGUAGES:
        dpo.client.headers["Accept-Language"] = lang
        for digest in made:
            refused = dpo.send(f"{path}/fulfil", on=path, channel="letter", package=digest)
            sentence = words(lang)["package"]["not_answered"].rstrip(".")
            assert refused.status_code == 422
            assert sentence.lower() in seen(refused.text).lower().replace("\xa0", " ")
    assert room.company.ledger.recorder.head().position == before
    partly = {"grounds": "excessive", "remedies": "yes", "package": made[0]}
    assert dpo.send(f"{path}/fulfil-partly", on=path, channel="letter", **partly).is_redirect


@pytest.mark.clause("SS-DSR-1")
def test_a_file_with_all_of_it_answers(room: Room, dpo: Visitor) -> None:
    """Made elsewhere, with what the opener opened: its hash is the one that is named."""
    letter = {"subject": str(room.subject), "right": "access", "channel": "letter"}
    new = dpo.send("/console/requests/new", on="/console/requests/new", **letter)
    path = new.headers["location"]
    dpo.send(f"{path}/package", on=path)
    whole = {"channel": "letter", "package": "ab" * 32}
    assert dpo.send(f"{path}/fulfil", on=path, **whole).headers["location"] == path
