"""`probant requests`: received, walked, listed, shown; nothing personal on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.calendar import parse_moment
from ledger.commands import Record, Reference
from ledger.events import ContactedUs, Died, Fact, OrderPlaced
from ledger.fields import Money
from ledger.handlers import record
from ledger.opening import open_ledger
from tests.cli.conftest import Probant

CANARY = "Zoé Canari"


def receive(probant: Probant, *more: str, right: str = "access") -> str:
    """The id of a new request."""
    asked = ("requests", "receive", "--right", right, "--channel", "letter")
    answer = probant.json(*asked, "--reference", "shop=0042", "--received", "2026-01-30", *more)
    found: str = answer["request"]["id"]
    return found


@pytest.mark.clause("SS-CH-3", "SS-DSR-10")
def test_received_walked_and_listed(anywhere: Probant, tmp_path: Path) -> None:
    assert anywhere("init").code == 0
    letter = tmp_path / "letter.json"
    letter.write_text(json.dumps({"text": "Mes données", "name": CANARY}), "utf-8")
    id = receive(anywhere, "--data", str(letter))
    told = anywhere.json("requests", "step", id, "acknowledge", "--set", "channel=email")
    assert told["request"]["state"] == "acknowledged"
    listed = anywhere.json("requests", "list", "--as-of", "2026-02-27")
    assert [(item["id"], item["status"]) for item in listed["items"]] == [(id, "due_soon")]
    shown = anywhere("requests", "show", id, "--as-of", "2026-03-10")
    assert "overdue" in shown.out
    assert "March 2, 2026" in shown.out
    assert CANARY not in shown.out
    lines = anywhere("requests", "list", "--as-of", "2026-02-27").out
    assert id in lines
    assert anywhere.json("requests", "list", "--status", "overdue", "--as-of", "2026-02-27") == {
        **listed,
        "items": [],
    }


@pytest.mark.clause("SS-DSR-3", "SS-DSR-11")
def test_an_erasure_is_carried_out_only_when_it_is_insisted_on(probant: Probant) -> None:
    assert probant("init").code == 0
    id = receive(probant, right="erasure")
    assert probant("requests", "step", id, "fulfil").code == 2
    done = probant("requests", "step", id, "fulfil", "--yes")
    assert done.code == 0, done
    assert "exchanges with a prospect: erased" in done.out
    told = probant.json("requests", "step", id, "notify-recipients", "--set", "outcome=nobody")
    assert told["request"]["state"] == "recipients_notified"
    assert probant.json("requests", "step", id, "close")["request"]["state"] == "closed"


@pytest.mark.clause("SS-DSR-11")
def test_what_an_erasure_keeps_is_said_as_people_say_it(probant: Probant) -> None:
    """The class by its name, the article as the reader's language cites it."""
    probant("init")
    who = ("--reference", "shop=C-0001")
    made = probant.json("requests", "receive", "--right", "erasure", "--channel", "letter", *who)
    said = probant("--lang", "fr", "requests", "step", made["request"]["id"], "fulfil", "--yes")
    assert said.code == 0, said
    assert "- échanges avec un prospect : effacé" in said.out
    assert "- demandes d'exercice des droits : conservé (RGPD art. 17(3)(e))" in said.out


def test_what_is_refused_says_why_and_what_cannot_be_read_is_not_repeated(probant: Probant) -> None:
    assert probant("init").code == 0
    id = receive(probant)
    grounds = ("--set", "grounds=excessive")
    refused = probant("requests", "step", id, "refuse", *grounds, "--set", "remedies=cnil")
    assert (refused.code, "'remedies' must hold: cnil, court" in refused.err) == (3, True)
    french = probant(
        "requests", "step", id, "refuse", *grounds, "--set", "remedies=cnil", "--lang", "fr"
    )
    assert french.err == (
        "probant: le champ 'remedies' doit contenir : cnil, court"
        " [malformed: SS-DSR-11, RGPD art. 12(4)]\n"
    )
    remedies = ("--set", "remedies=cnil,court")
    assert probant("requests", "step", id, "refuse", *grounds, *remedies).code == 0
    for wrong in (
        ("requests", "show", CANARY),
        ("requests", "list", "--status", CANARY),
        ("requests", "step", id, CANARY),
        ("requests", "step", id, "close", "--set", CANARY),
        ("requests", "step", id, "close", "--data", CANARY),
    ):
        said = probant(*wrong)
        assert said.code in (2, 3), wrong
        assert CANARY not in said.err + said.out


@pytest.mark.clause("SS-DSR-7")
def test_the_file_for_heirs_is_cut_down_and_answers_their_letter(
    probant: Probant, tmp_path: Path
) -> None:
    """`probant package` takes the scope of whoever can ask: of the dead, her heirs."""
    assert probant("init").code == 0
    ledger = open_ledger(
        f"sqlite:///{probant.home / 'ledger.sqlite'}", probant.home / "keyring.json"
    )
    day = parse_moment("2026-01-05")
    facts: tuple[Fact, ...] = (
        ContactedUs(occurred=day, channel="form", text=CANARY),
        OrderPlaced(occurred=day, amount=Money(100, "EUR")),
        Died(occurred=day, source="notary"),
    )
    for fact in facts:
        record(ledger, Record(fact, person=Reference("shop", "0042")))
    ledger.close()
    by = ("--reader", "s1", "--format", "json")
    hers = ("package", "--reference", "shop=0042", *by, "--out", str(tmp_path / "hers"))
    assert "SS-DSR-7" in probant(*hers).err
    assert "no heir asked" in probant(*hers, "--scope", "estate").err
    asked = ("package", "--request", receive(probant), *by, "--out", str(tmp_path / "heirs"))
    done = probant.json(*asked, "--answer", "letter")
    assert (done["scope"], done["answered"] is None) == ("estate", False)
    said = (tmp_path / "heirs" / "estate.json").read_text("utf-8")
    assert CANARY not in said
    assert {one["kind"] for one in json.loads(said)["facts"]} == {"order.placed.v1"}
