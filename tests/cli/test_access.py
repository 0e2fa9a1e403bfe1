"""`probant access`: keys as people manage them."""

from __future__ import annotations

from tests.cli.conftest import Probant


def test_a_key_lives_its_whole_life_on_the_command_line(probant: Probant) -> None:
    """Added, listed without its secret, rotated, revoked; each with an exit code."""
    assert "probant access add" in probant("access", "list").out
    made = probant.json("access", "add", "--name", "mailer", "--role", "reader")
    assert made["secret"].startswith("probant_")
    listed = probant("access", "list")
    assert made["id"] in listed.out
    assert "mailer" in listed.out
    assert "live" in listed.out
    assert made["secret"] not in listed.out
    turned = probant("access", "rotate", made["id"], "--until", "2099-01-01")
    assert "accepted until 2099-01-01" in turned.out
    assert made["secret"] not in turned.out
    assert probant("access", "revoke", made["id"]).code == 0
    (key,) = probant.json("access", "list")["keys"]
    assert (key["live"], key["old_until"], "secret" in key) == (False, None, False)
    assert "revoked on" in probant("access", "list").out


def test_what_makes_no_sense_is_refused(probant: Probant) -> None:
    """An unknown role, a date gone by, an id nobody has: one sentence, exit code 2."""
    for arguments in (
        ("add", "--name", "x", "--role", "subject"),
        ("add", "--name", "x", "--role", "reader", "--expires", "2020-01-01"),
        ("add", "--name", "x"),
        ("revoke", "key:canary"),
    ):
        said = probant("access", *arguments)
        assert said.code == 2, arguments
        assert "canary" not in said.err
    assert probant.json("access", "list") == {"keys": []}


def test_what_each_role_opens_is_printed(probant: Probant) -> None:
    """For the page and for programs."""
    assert "| `POST /v1/facts` | yes |" in probant("access", "roles").out
    routes = probant.json("access", "roles")["routes"]
    assert {"method": "GET", "path": "/healthz", "roles": ["public"]} in routes


def test_whose_key_it_is_is_listed(probant: Probant) -> None:
    """The recipient for whom it may acknowledge; for a role that records, and a code."""
    made = probant.json(
        "access", "add", "--name", "crm", "--role", "recorder", "--recipient", "crm"
    )
    assert made["recipient"] == "crm"
    (key,) = probant.json("access", "list")["keys"]
    assert key["recipient"] == "crm"
    assert "acquitte pour" in probant("access", "list", "--lang", "fr").out
    wrong = ("--name", "x", "--role", "reader", "--recipient", "crm")
    assert probant("access", "add", *wrong).code == 2
