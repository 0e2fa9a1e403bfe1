"""`probant webhooks` and `probant recipients`."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Probant
from tests.cli.test_serving import fetch, serving
from tests.outbound.receiver import Receiver, is_signed, listening
from tests.outbound.test_storm import wait_for

DECLARED = {"kind": "recipient.declared", "data": {"recipient": "crm", "type": "other"}}
WITHDRAWN = {
    "kind": "consent.withdrawn",
    "person": {"kind": "shop", "value": "0042"},
    "data": {"purpose": "newsletter", "channel": "email"},
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens."""
    with listening() as found:
        yield found


def test_serve_delivers_beside_itself(probant: Probant, receiver: Receiver) -> None:
    """A webhook added from another process counts at once; the courier ends with the server."""
    probant("init")
    with serving(probant) as (said, _):
        fetch(f"{said['url']}/v1/facts", said["api_key"], DECLARED)
        made = probant.json("webhooks", "add", receiver.url, "--recipient", "crm")
        written = fetch(f"{said['url']}/v1/facts", said["api_key"], WITHDRAWN)
        wait_for(receiver, 1)
    assert is_signed(receiver.got[0], made["secret"])
    assert receiver.positions == [written["position"]]


def test_webhooks_on_the_command_line(probant: Probant, receiver: Receiver, tmp_path: Path) -> None:
    """Added, listed without its secret, pinged, its log read, sent again, removed; who outside was
    told, and an acknowledgement by letter."""
    probant("init")
    refused = probant("webhooks", "add", receiver.url, "--recipient", "crm")
    assert refused.code == 3
    assert "nobody declared" in refused.err
    with serving(probant) as (said, process):
        fetch(f"{said['url']}/v1/facts", said["api_key"], DECLARED)
        kinds = "consent.withdrawn,objection.raised.v1"
        added = probant("webhooks", "add", receiver.url, "--recipient", "crm", "--kinds", kinds)
        assert "whsec_" in added.out
        written = fetch(f"{said['url']}/v1/facts", said["api_key"], WITHDRAWN)
        wait_for(receiver, 1)
        process.kill()
    [one] = probant.json("webhooks", "list")["items"]
    assert one["kinds"] == ["consent.withdrawn.v1", "objection.raised.v1"]
    assert "secret" not in one
    assert probant("webhooks", "ping", one["id"]).code == 0
    receiver.answer(500)
    assert probant("webhooks", "ping", one["id"]).code == 1
    at = str(written["position"])
    again = probant("webhooks", "redeliver", one["id"], "--position", at)
    assert "1 message waits" in again.out
    before = len(receiver.got)
    stops = [signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGINT)]
    assert json.loads(probant("webhooks", "run", "--once", "--json").out) == {"delivered": 1}
    assert [signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGINT)] == stops
    assert receiver.got[before].id == receiver.got[0].id
    log = probant("webhooks", "deliveries", one["id"])
    assert f"position {at}  delivered  1 attempt  200" in log.out
    who = ("--subject", written["subject"])
    assert "crm: told" in probant("recipients", "show", *who).out
    letter = ("recipients", "acknowledge", "crm", "--position", at, "--receipt", "letter-3")
    assert "1 acknowledgement recorded" in probant(*letter).out
    shown = probant("recipients", "show", *who).out
    assert "crm: acknowledged" in shown
    assert "letter-3" in shown
    assert "Nobody outside is overdue" in probant("recipients", "overdue").out
    assert probant("webhooks", "remove", one["id"]).code == 0
    assert probant("webhooks", "remove", one["id"]).code == 2
    assert probant("webhooks", "remove", "nothing").code == 2
