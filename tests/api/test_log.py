"""Receipts at commit, proofs once sealed: over HTTP, checked as a stranger would."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import keys
from api.app import create_app
from api.sealed import Seal
from ledger.application import Ledger
from ledger.opening import create
from ledger.seal.checkpoint import open_checkpoint
from ledger.seal.note import VerifyKey, open_note
from ledger.seal.proof import open_consistency, open_inclusion
from ledger.sealing.client import SignerClient, StandIn, running_signer
from ledger.sealing.receipt import parse_receipt
from ledger.sealing.sealer import Sealer
from tests.api.conftest import Caller
from tests.clock import StepClock

ORDER: dict[str, Any] = {"kind": "order.placed", "person": {"kind": "shop", "value": "A"}}


class Sealed(Caller):
    """A caller of a server whose log is sealed when the test says so."""

    def __init__(self, *given: Any, sealer: Sealer, vkey: VerifyKey) -> None:
        super().__init__(*given)
        self.sealer, self.vkey = sealer, vkey


@pytest.fixture
def sealed(
    ledger_url: str, tmp_path_factory: pytest.TempPathFactory, clock: StepClock
) -> Iterator[Sealed]:
    home = tmp_path_factory.mktemp("l")
    keyring = None if ledger_url == "sqlite://" else home / "keyring.json"
    ledger = create(ledger_url, keyring, clock=clock, origin="example.org/shop")
    key = keys.create(home / "keys.json")
    with running_signer(home / "signer", home / "s", "example.org/shop") as signer:
        seal = Seal(home / "log", SignerClient(home / "s"))
        with TestClient(
            create_app(lambda: ledger, keys.Keys.load(home / "keys.json"), seal)
        ) as client:
            sealer = Sealer(ledger.database, ledger.keyring.origin, signer, home / "log")
            vkey = VerifyKey.parse(signer.state().vkey)
            yield Sealed(client, ledger, key, sealer=sealer, vkey=vkey)


def order(n: int) -> dict[str, Any]:
    return {**ORDER, "thing": {"kind": "ref", "value": str(n)}}


def test_each_write_is_answered_with_a_receipt_signed_at_commit(sealed: Sealed) -> None:
    one = sealed.post(order(1)).json()
    many = sealed.post([order(2), {"kind": "nonsense"}, order(3)]).json()["items"]
    assert "receipt" not in many[1]
    statements = sealed.vkey.named("example.org/shop/receipt")
    for item in (one, many[0], many[2]):
        opened = open_note(item["receipt"].encode(), [statements])
        found = parse_receipt(opened.text)
        assert (found.origin, found.position) == ("example.org/shop", item["position"])
        assert found.entry_hash.hex() == item["entry_sha256"]
        assert found.leaf.hex() == item["leaf"]


def test_the_same_request_is_answered_with_the_same_receipt(sealed: Sealed) -> None:
    first, again = (sealed.post(order(1), '"k"') for _ in range(2))
    assert first.json() == again.json()
    assert first.json()["receipt"]


def test_what_is_recorded_without_a_signer_is_recorded_and_says_so(caller: Caller) -> None:
    answer = caller.post(order(1))
    assert (answer.status_code, answer.json()["receipt"]) == (201, None)
    assert answer.headers["Receipt-Missing"]
    assert caller.get("/v1/log/checkpoint").status_code == 404


def test_a_signer_that_is_gone_loses_nothing(
    ledger_url: str, tmp_path: Path, clock: StepClock
) -> None:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    ledger = create(ledger_url, keyring, clock=clock)
    key = keys.create(tmp_path / "keys.json")
    seal = Seal(tmp_path / "log", SignerClient(tmp_path / "nobody"))
    with TestClient(create_app(lambda: ledger, keys.Keys.load(tmp_path / "keys.json"), seal)) as c:
        answer = Caller(c, ledger, key).post(order(1))
        assert (answer.status_code, answer.json()["receipt"]) == (201, None)
        assert answer.headers["Receipt-Missing"] == "no signer answers"


def test_a_signer_killed_among_many_callers_costs_receipts_and_no_fact(sealed: Sealed) -> None:
    """What was acknowledged is there, in the order that its receipt says; where none is handed
    out, the answer says so."""
    signer = sealed.sealer.signer
    assert isinstance(signer, StandIn)
    assert signer._own is not None

    def posts(caller: int) -> list[Any]:
        return [sealed.post(order(100 * caller + n)) for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(posts, caller) for caller in range(8)]
        first[0].result()
        signer._own.kill()
        second = [pool.submit(posts, caller) for caller in range(8, 16)]
        answers = [one for some in (*first, *second) for one in some.result()]
    statements, leaves = sealed.vkey.named("example.org/shop/receipt"), {}
    for one in answers:
        assert one.status_code == 201
        item = one.json()
        leaves[item["position"]] = item["leaf"]
        assert sha256(b"\x00" + _entry(sealed.ledger, item["position"])).hexdigest() == item["leaf"]
        assert (item["receipt"] is None) == ("Receipt-Missing" in one.headers)
        if item["receipt"] is not None:
            found = parse_receipt(open_note(item["receipt"].encode(), [statements]).text)
            assert (found.position, found.leaf.hex()) == (item["position"], item["leaf"])
    assert len(leaves) == len(answers) == 128
    assert answers[0].json()["receipt"] is not None
    assert answers[-1].json()["receipt"] is None


def test_a_proof_is_had_once_the_event_is_sealed_and_checked_with_the_pinned_key(
    sealed: Sealed,
) -> None:
    position = sealed.post(order(1)).json()["position"]
    waiting = sealed.get(f"/v1/log/proof/{position}")
    assert (waiting.status_code, waiting.json()["type"].rpartition("-")[2]) == (409, "yet")
    sealed.sealer.round()
    answer = sealed.get(f"/v1/log/proof/{position}", wait="5")
    leaf = bytes.fromhex(sealed.post(order(2)).json()["leaf"])
    entry = _entry(sealed.ledger, position)
    index, _ = open_inclusion(answer.content, sha256(b"\x00" + entry).digest(), [sealed.vkey])
    assert index == position - 1
    with pytest.raises(Exception, match="proof"):
        open_inclusion(answer.content, leaf, [sealed.vkey])
    for nowhere in ("0", "99", "-1"):
        assert sealed.get(f"/v1/log/proof/{nowhere}").status_code == 404
    assert sealed.get("/v1/log/proof/x").status_code == 400
    assert sealed.get(f"/v1/log/proof/{position}", wait="31").status_code == 400


def _entry(ledger: Ledger, position: int) -> bytes:
    return bytes(ledger.recorder.select_notifications(position, 1)[0].state)


def test_checkpoint_tiles_and_consistency_are_the_exported_files(sealed: Sealed) -> None:
    assert sealed.get("/v1/log/checkpoint").status_code == 409
    sealed.post(order(1))
    sealed.sealer.round()
    first = open_checkpoint(sealed.get("/v1/log/checkpoint").content, [sealed.vkey]).checkpoint
    sealed.post([order(n) for n in range(2, 300)])
    sealed.sealer.round()
    second = open_checkpoint(sealed.get("/v1/log/checkpoint").content, [sealed.vkey]).checkpoint
    grown = sealed.get("/v1/log/consistency", old=str(first.size))
    assert (
        open_consistency(grown.content, first.size, first.root, [sealed.vkey]).checkpoint == second
    )
    named = sealed.get("/v1/log/consistency", old=str(first.size), new=str(second.size))
    assert named.content == grown.content
    assert len(sealed.get("/v1/log/tile/0/000").content) == 8192
    assert sealed.get("/v1/log/tile/entries/000").status_code == 200
    for path in ("0/001", "9/000", "0/../../signer/log.key", "entries/x", "0/0"):
        assert sealed.get(f"/v1/log/tile/{path}").status_code == 404, path
    for asked in ({"old": "0"}, {"old": "999"}, {"old": "1", "new": "2"}):
        assert sealed.get("/v1/log/consistency", **asked).status_code == 404, asked


def test_the_log_is_behind_the_key(sealed: Sealed) -> None:
    for path in ("checkpoint", "tile/0/000", "proof/1", "consistency?old=1"):
        assert sealed.client.get(f"/v1/log/{path}").status_code == 401, path
