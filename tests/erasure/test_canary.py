"""Nothing personal rests in plaintext: canaries are recorded, then looked for everywhere.

First the search is proven: planted in clear, in a table, in the files behind it, in the write-ahead
log and the server's log, every one is found. Then everything that a ledger leaves behind is
searched: every column of every table, the database's files and journals, the logs, the texts of
refusals and failures.
"""

from __future__ import annotations

import base64
import logging
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eventsourcing.persistence as library
import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.calendar import parse_moment
from ledger.commands import Correct, Record, Reference
from ledger.errors import ProbantError
from ledger.events import (
    AccountOpened,
    CardKept,
    Commented,
    ConsentGiven,
    ContactedUs,
    CustomerRegistered,
    DirectiveSet,
    Fact,
    HoldPlaced,
    LoggedIn,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    ProfileRectified,
    build,
    fact_class,
)
from ledger.handlers import Accepted, record, record_many
from ledger.opening import create, open_ledger
from ledger.store.recorder import Work
from tests.contracts.props import draft, now, owner, position
from tests.erasure.canaries import CANARIES, DECOYS, PLANTED, in_files, in_tables, seen_in
from tests.erasure.conftest import Place

C = CANARIES
PROFILE: dict[str, Any] = {
    name: C[name] for name in ("name", "first_name", "company", "email", "phone", "address")
}
DIGITS = {"bin6": "497731", "last4": "7731"}
PERSON, ORDER = Reference("shop", C["customer"]), Reference("shop", C["order"])


def told(ledger: Ledger) -> list[Record]:
    """Every canary, in every way a fact can carry one."""
    at: dict[str, Any] = {"occurred": now(ledger)}
    writes = ContactedUs(
        **at, channel="email", text=C["text"], name=C["name"], email=C["email"], phone=C["phone"]
    )
    card: dict[str, Any] = {"psp_id": C["psp_id"], **DIGITS}
    held: dict[str, Any] = {"author": C["author"], "reason": C["reason"]}
    hold = HoldPlaced(
        **at, article="C. civ. art. 2224", review=20300101, classes=("order",), **held
    )
    comment = Commented(**at, about="product.7", signature=C["name"], text=C["comment"])
    wish = DirectiveSet(**at, wish="transmit", trustee=C["trustee"], text=C["text"])
    return [
        Record(CustomerRegistered(**at, klass="contact", origin="contact", **PROFILE), PERSON),
        Record(AccountOpened(**at, **PROFILE), PERSON),
        Record(ProfileRectified(**at, changed=("name",), **PROFILE), PERSON),
        Record(LoggedIn(**at, ip=C["ip"], user_agent=C["user_agent"]), PERSON),
        Record(writes, PERSON),
        Record(writes, Reference("email", C["email"])),
        Record(OrderPlaced(**at), PERSON, thing=ORDER),
        Record(OrderPaid(**at, **card), PERSON, thing=ORDER),
        Record(CardKept(**at, ground="wallet", expiry=20301231, **card), PERSON),
        Record(hold, PERSON, thing=Reference("case", C["customer"])),
        Record(comment, PERSON),
        Record(wish, PERSON),
    ]


# --- the search finds what is there ---------------------------------------------------------------


@pytest.mark.parametrize("name", CANARIES)
def test_the_search_sees_through_every_disguise(name: str):
    text = C[name]
    raw = text.encode()
    for form in (
        raw,
        text.upper().encode(),
        text.lower().encode(),
        text.swapcase().encode() if text.isascii() else raw,
        text.encode("utf-16"),
        text.upper().encode("utf-16-be"),
        text.encode("latin-1"),
        ascii(text)[1:-1].replace("\\x", "\\u00").encode() if '"' not in text else raw,
        raw.hex().encode(),
        raw.hex().upper().encode(),
        text.encode("utf-16-le").hex().encode(),
        base64.b64encode(raw),
        base64.b64encode(b"?" + raw),
        base64.b64encode(b"padding" + raw + b"more"),
        base64.urlsafe_b64encode(b"??>" + raw + b">"),
        base64.b64encode(text.lower().encode()),
        base64.b64encode(text.encode("utf-16-le")),
    ):
        shown = form.replace(b"\\'", b"'")
        assert name in seen_in(b"\x00before" + shown + b"after\xff" + bytes(999)), form
    assert seen_in(b"nothing of the kind" * 100) == set()


def test_planted_in_clear_every_canary_is_found_in_tables_files_and_journals(place: Place):
    with owner(place.ledger, place.url) as connection:
        kind = "BYTEA" if connection.dialect.name == "postgresql" else "BLOB"
        connection.exec_driver_sql(f"CREATE TABLE planted (a TEXT, b {kind})")
        insert = sa.text("INSERT INTO planted (a, b) VALUES (:a, :b)")
        for text in PLANTED.values():
            connection.execute(insert, {"a": text, "b": None})
        assert in_tables(connection, DECOYS) == {"planted": set(PLANTED)}
        connection.exec_driver_sql("DELETE FROM planted")
        for text in PLANTED.values():
            connection.execute(insert, {"a": None, "b": text.encode("utf-16-le")})
        assert in_tables(connection, DECOYS) == {"planted": set(PLANTED)}
    found = in_files(place.files(), DECOYS)
    whole = {Path(path) for path, names in found.items() if names == set(PLANTED)}
    if place.folder is None:
        assert not whole
    elif place.log is None:
        assert {path.name for path in whole} == {"ledger.sqlite-wal"}
    else:  # the heap, the write-ahead log, the server's log
        assert place.log in whole
        assert any(path.parent.name == "pg_wal" for path in whole)
        assert any("base" in path.parts for path in whole)
    place.ledger.close()
    if place.folder is not None and place.log is None:
        found = in_files(place.files(), DECOYS)
        assert {Path(path).name for path in found} == {"ledger.sqlite"}


# --- and nothing is there ------------------------------------------------------------------------


def test_nothing_personal_rests_in_a_table_a_file_or_a_log(
    place: Place,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG)
    ledger = place.ledger
    for wish in told(ledger):
        record(ledger, wish)
    again = [wish for wish in told(ledger) if isinstance(wish.fact, LoggedIn | ContactedUs)]
    assert all(isinstance(one, Accepted) for one in record_many(ledger, again))
    for wish in told(ledger)[:2]:  # refused: she is already there
        with pytest.raises(ProbantError):
            record(ledger, wish)
    last = position(ledger)
    with ledger.database.read() as connection:
        opened = [ledger.vault.open(connection, at) for at in range(1, last + 1)]
    assert {text for one in opened if isinstance(one, dict) for text in one.values()} >= {
        *(C[name] for name in C if name not in ("customer", "order", *DIGITS)),
        *DIGITS.values(),
    }
    with owner(ledger, place.url) as connection:
        assert in_tables(connection) == {}
    files = place.files()
    assert bool(files) is bool(place.folder)
    assert in_files([*files, *tmp_path.rglob("*.json")]) == {}
    if place.log is not None:
        assert "INSERT INTO" in place.log.read_text()  # it does log the statements
    said = caplog.text + "".join(capfd.readouterr())
    assert seen_in(said.encode()) == set()
    ledger.close()
    if place.folder is not None and place.log is None:
        assert in_files(place.files()) == {}
        open_ledger(place.url, tmp_path / "keyring.json").close()
        assert in_files(place.files()) == {}


def test_no_failure_of_the_database_repeats_what_was_to_be_recorded(
    place: Place, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    ledger = place.ledger
    first = record(ledger, told(ledger)[0])
    assert first.subject is not None
    texts = ContactedUs(occurred=now(ledger), subject=first.subject, channel="form", text=C["text"])
    blind = ledger.keyring.blind("person/shop", C["customer"])
    lookup = ("person/shop", blind, 1, first.subject, first.subject)
    for work in (
        Work(),
        Work(lookups=[lookup]),
        Work(commands=[(blind, blind, None, None, 1, 0)]),
        Work(imports=[(0, (None, blind, 0))]),  # type: ignore[list-item]
    ):
        version = 1 if work == Work() else 2
        with pytest.raises(library.PersistenceError) as caught:
            ledger.save(draft(ledger, texts, version), work=work)
        assert seen_in(_everything(caught.value)) == set()
    assert seen_in(caplog.text.encode()) == set()
    assert in_files(place.files()) == {}


def _wrong(ledger: Ledger) -> list[Callable[[], Any]]:
    """Wishes that are refused or cannot be understood, each naming canaries where it can."""
    at: dict[str, Any] = {"occurred": now(ledger)}
    person = Reference("email", C["email"])

    def built(kind: str, **given: Any) -> Callable[[], Any]:
        return lambda: build(fact_class(kind), at, given)

    def asked(fact: Fact, **where: Any) -> Callable[[], Any]:
        return lambda: record(ledger, Record(fact, **{"person": person, **where}))

    return [
        built(C["text"]),
        built("customer.contacted_us", channel=C["email"]),
        built("customer.contacted_us", channel="form", text=[C["text"]]),
        built("customer.contacted_us", channel="form", text=C["text"] * 100),
        built("customer.contacted_us", channel="form", **{C["email"]: C["name"]}),
        built("customer.contacted_us", channel="form", **{C["name"]: 1}),
        built("consent.given", purpose=C["name"]),
        built("order.placed", amount=C["phone"]),
        built("order.placed", amount={"minor": C["phone"], "currency": "EUR"}),
        built("order.placed", quantity=C["phone"]),
        built("contract.started", type=C["name"]),
        built("policy.notified", edition=C["address"]),
        lambda: parse_moment(C["phone"]),
        asked(ConsentGiven(**at, purpose="undeclared", channel="email")),
        asked(ConsentGiven(**at, purpose=C["customer"].lower(), channel="email")),
        asked(ContactedUs(**at, channel="form", text="\ud800" + C["text"])),
        asked(ContactedUs(**at, channel="form", text=C["text"], actor=C["name"])),
        asked(ContactedUs(occurred=now(ledger), subject=uuid.uuid4(), channel="form"), person=None),
        asked(OrderCancelled(**at), thing=ORDER),
        asked(OrderPlaced(**at, quantity=C["phone"]), thing=ORDER),  # type: ignore[arg-type]
        lambda: record(ledger, Correct(1, {"text": C["text"]}, reason=C["name"])),
        lambda: record(ledger, Correct(2, {"purpose": C["text"]}, reason=C["name"])),
        lambda: record(ledger, Correct(3, {"channel": C["text"]})),
        lambda: record(ledger, Correct(3, {C["email"]: C["text"]})),
    ]


def test_no_refusal_repeats_what_was_submitted(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    ledger = create("sqlite://")
    record(ledger, told(ledger)[0])
    record(ledger, told(ledger)[4])
    for number, attempt in enumerate(_wrong(ledger)):
        with pytest.raises((ProbantError, ValueError)) as caught:
            attempt()
        spoken = caught.value.speak() if isinstance(caught.value, ProbantError) else ""
        refusal = repr(getattr(caught.value, "refusal", ""))
        said = _everything(caught.value) + spoken.encode() + refusal.encode()
        assert seen_in(said) == set(), number
    assert seen_in(caplog.text.encode()) == set()
    ledger.close()


def test_a_wish_printed_by_mistake_shows_nobodys_words():
    """A wish ends up in a debug log sooner or later."""
    ledger = create("sqlite://")
    wishes = [*told(ledger), Correct(2, {"name": C["name"]}, reason="typo")]
    for wish in wishes:
        assert seen_in(repr(wish).encode()) == set(), type(wish)
    ledger.close()


def _everything(error: BaseException) -> bytes:
    """All that a careful program would print of an error."""
    return ("".join(traceback.format_exception(error)) + repr(error)).encode()
