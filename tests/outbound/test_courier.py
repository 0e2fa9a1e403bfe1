"""Messages that leave: fed by appends alone, signed, tried again, never lost, never personal."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ledger.application import Ledger
from ledger.errors import NotFound, Refused
from ledger.outbound import endpoints, envelope
from ledger.outbound.courier import ATTEMPTS, Courier, delay_seconds
from ledger.outbound.posting import poster
from ledger.outbound.standing import standing
from ledger.store import rebuild
from tests.clock import StepClock
from tests.outbound.receiver import Receiver, is_signed
from tests.outbound.room import grant, object_to, rectify, subject_of, withdraw

DAY = {"days": 1}


def states(ledger: Ledger, webhook: endpoints.Registered) -> dict[int, tuple[str, int]]:
    """Position -> state and attempts, of everything in the outbox of one endpoint."""
    found = endpoints.deliveries(ledger, webhook.endpoint.id, None, 0, 100)
    return {row.position: (row.state, row.attempts) for row in found}


def test_a_withdrawal_is_told_signed_and_in_an_envelope(
    ledger: Ledger, courier: Courier, receiver: Receiver
) -> None:
    """CloudEvents 1.0 in the Standard Webhooks scheme, checked by code that is not ours; clear
    fields only, the person by her random id."""
    made = endpoints.register(ledger, receiver.url, "mailer")
    grant(ledger)
    withdrawn = withdraw(ledger)
    assert courier.round() == 1
    (got,) = receiver.got
    assert is_signed(got, made.secret)
    assert not is_signed(got._replace(body=got.body + b" "), made.secret)
    assert got.headers["content-type"] == "application/cloudevents+json"
    said = got.said
    assert said["specversion"] == "1.0"
    assert said["id"] == got.id
    assert said["source"] == ledger.keyring.origin
    assert said["type"] == "consent.withdrawn.v1"
    assert said["subject"] == str(withdrawn.subject)
    assert said["data"]["position"] == withdrawn.position
    assert said["data"]["fields"] == {"purpose": "newsletter", "channel": "email"}
    assert said["data"]["acknowledge_by"] == "2026-01-12"
    assert courier.round() == 0, "taken is taken"


def test_nothing_personal_leaves(ledger: Ledger, courier: Courier, receiver: Receiver) -> None:
    """A rectification says which fields changed, never to what."""
    endpoints.register(ledger, receiver.url, "crm")
    rectify(ledger)
    courier.round()
    (got,) = receiver.got
    assert got.said["data"]["fields"] == {"changed": ["email"]}
    assert b"example.org" not in got.body


def test_only_those_concerned_are_told(
    ledger: Ledger, courier: Courier, receiver: Receiver
) -> None:
    """The mailer hears of e-mail, not of the phone, nor the PSP of the newsletter: what is nothing
    to a recipient leaves no trace in its log either."""
    mailer = endpoints.register(ledger, receiver.url + "/mailer", "mailer")
    endpoints.register(ledger, receiver.url + "/psp", "psp")
    by_phone = object_to(ledger, "phone_marketing", "phone")
    by_mail = object_to(ledger, "newsletter", "email")
    courier.round()
    assert [(got.path, got.said["data"]["position"]) for got in receiver.got] == [
        ("/hooks/mailer", by_mail.position)
    ]
    assert by_phone.position not in states(ledger, mailer)


def test_the_append_feeds_the_outbox_and_nothing_else_does(
    ledger: Ledger, courier: Courier, receiver: Receiver
) -> None:
    """Not what was before the endpoint, not what was imported, not a rebuild of everything."""
    withdraw(ledger, "before")
    made = endpoints.register(ledger, receiver.url, "mailer")
    withdraw(ledger, "imported", actor="import")
    live = withdraw(ledger, "live")
    rebuild.rebuild(ledger.database)
    assert states(ledger, made) == {live.position: ("pending", 0)}
    courier.round()
    rebuild.rebuild(ledger.database)
    assert courier.round() == 0
    assert receiver.positions == [live.position]


def test_an_endpoint_counts_from_the_next_commit_in_every_process(
    ledger: Ledger, ledger_url: str, receiver: Receiver, tmp_path: Path, clock: StepClock
) -> None:
    """A second process that had appended before learns of it before it commits again, and of its
    removal too."""
    if ledger_url == "sqlite://":
        other = ledger
    else:
        from ledger.opening import open_ledger

        other = open_ledger(ledger_url, tmp_path / "keys" / "keyring.json", clock=clock)
    withdraw(other, "first")
    made = endpoints.register(ledger, receiver.url, "mailer")
    second = withdraw(other, "second")
    assert list(states(ledger, made)) == [second.position]
    endpoints.remove(ledger, made.endpoint.id)
    withdraw(other, "third")
    with pytest.raises(NotFound):
        states(ledger, made)
    if other is not ledger:
        other.close()


def test_a_failure_is_tried_again_later_and_later_under_the_same_id(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """Nothing before its time; the same id and the same bytes each time; then it is taken."""
    made = endpoints.register(ledger, receiver.url, "mailer")
    first = withdraw(ledger)
    receiver.answer(500)
    receiver.answer(302, Location=receiver.url + "/elsewhere")
    assert courier.round() == 0
    assert courier.round() == 0
    assert len(receiver.got) == 1
    clock.advance(seconds=7)
    courier.round()
    assert len(receiver.got) == 2, "a redirect is a failure, and nobody follows it"
    clock.advance(seconds=30)
    assert courier.round() == 1
    assert states(ledger, made) == {first.position: ("delivered", 3)}
    assert len({(got.id, got.body) for got in receiver.got}) == 1
    assert all(got.path == "/hooks" and is_signed(got, made.secret) for got in receiver.got)


def test_a_receiver_may_say_when(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """Retry-After is honoured."""
    endpoints.register(ledger, receiver.url, "mailer")
    withdraw(ledger)
    receiver.answer(503, Retry_After="3600")
    courier.round()
    clock.advance(minutes=59)
    assert courier.round() == 0
    clock.advance(minutes=2)
    assert courier.round() == 1


def test_waits_grow_and_scatter() -> None:
    """5 s, 20 s, 80 s … a day, give or take a fifth: nobody comes back all at once."""
    assert [delay_seconds(n, None, 0.5) for n in (1, 2, 3)] == [5, 20, 80]
    assert delay_seconds(9, None, 0.5) == delay_seconds(99, None, 0.5) == 24 * 3600
    chance = Random(1)
    spread = {round(delay_seconds(3, None, chance.random())) for _ in range(50)}
    assert len(spread) > 10
    assert min(spread) >= 64
    assert max(spread) <= 96
    assert delay_seconds(1, 600, 0.5) == 600


def test_what_is_never_taken_is_dead_and_can_be_sent_again(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """After ten attempts it waits for a person, who has it sent again under the same id."""
    made = endpoints.register(ledger, receiver.url, "mailer")
    first = withdraw(ledger)
    receiver.always = (500, {})
    for _ in range(ATTEMPTS + 3):
        courier.round()
        clock.advance(days=2)
    assert len(receiver.got) == ATTEMPTS
    assert states(ledger, made) == {first.position: ("dead", ATTEMPTS)}
    receiver.always = (200, {})
    assert endpoints.redeliver(ledger, made.endpoint.id, None) == 1
    assert courier.round() == 1
    assert endpoints.redeliver(ledger, made.endpoint.id, [first.position]) == 1
    assert courier.round() == 1
    assert len({got.id for got in receiver.got}) == 1
    with pytest.raises(NotFound):
        endpoints.redeliver(ledger, made.endpoint.id, [1])


def test_gone_is_gone(ledger: Ledger, courier: Courier, receiver: Receiver) -> None:
    """410: nothing more is sent there, and what waited is dead."""
    made = endpoints.register(ledger, receiver.url, "mailer")
    first, second = withdraw(ledger, "one"), withdraw(ledger, "two")
    receiver.answer(410)
    courier.round()
    withdraw(ledger, "three")
    courier.round()
    assert len(receiver.got) == 1
    dead = {first.position: ("dead", 1), second.position: ("dead", 0)}
    assert states(ledger, made) == dead
    assert endpoints.find(ledger, made.endpoint.id).state == "gone"


def test_delivered_is_told_and_told_is_not_done(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """Once for each recipient and fact, whatever is sent again: `to_tell`, `told`, `overdue`."""
    made = endpoints.register(ledger, receiver.url, "mailer")
    endpoints.register(ledger, receiver.url + "/second", "mailer")
    subject = subject_of(withdraw(ledger))

    def stands() -> dict[str, str]:
        (about,) = standing(ledger, subject)
        return {one.recipient: one.state for one in about.recipients}

    assert stands() == {"crm": "to_tell", "mailer": "to_tell"}
    assert courier.round() == 2
    assert stands() == {"crm": "to_tell", "mailer": "told"}
    head = ledger.recorder.head().position
    endpoints.redeliver(ledger, made.endpoint.id, list(states(ledger, made)))
    assert courier.round() == 1
    assert ledger.recorder.head().position == head, "told once"
    clock.advance(days=7)
    assert stands() == {"crm": "to_tell", "mailer": "told"}
    clock.advance(days=1)
    assert stands() == {"crm": "overdue", "mailer": "overdue"}


def test_a_ping_is_signed_and_says_nothing(ledger: Ledger, receiver: Receiver) -> None:
    """It reaches the endpoint at once and is in no log."""
    made = endpoints.register(ledger, receiver.url, "mailer")
    answer = endpoints.ping(ledger, made.endpoint.id, poster(private=False))
    assert answer.is_taken
    (got,) = receiver.got
    assert is_signed(got, made.secret)
    assert got.said["type"] == envelope.PING
    assert got.said["data"] == {}
    assert states(ledger, made) == {}


def test_a_recipient_must_be_declared(ledger: Ledger, receiver: Receiver) -> None:
    """SS-REC-1: nothing goes to somebody nobody declared."""
    with pytest.raises(Refused, match="nobody declared"):
        endpoints.register(ledger, receiver.url, "stranger")


def test_another_endpoint_has_another_secret_and_the_database_holds_none(
    ledger: Ledger, receiver: Receiver
) -> None:
    """The secret comes from the keyring and the endpoint's id."""
    one = endpoints.register(ledger, receiver.url, "mailer")
    other = endpoints.register(ledger, receiver.url, "mailer")
    assert one.secret.startswith("whsec_")
    assert one.secret != other.secret
