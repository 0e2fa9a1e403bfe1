"""A checkpoint is dated by an authority that is pinned, over its exact bytes, once."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from ledger.acting import act
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.entry import read, to_base64
from ledger.errors import BadData, Broken, Misuse
from ledger.events import LoggedIn
from ledger.handlers import record_many
from ledger.opening import create
from ledger.sealing.files import write_whole
from ledger.store import tables
from ledger.witnessing.stamping import ask, keep, record, sender, stamp
from tests.clock import StepClock
from tests.evidence.test_export import sealed
from tests.witnessing.authority import Authority, listening, openssl


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, with certificates of the same names."""
    return Authority(tmp_path_factory.mktemp("tsa") / "two")


@pytest.fixture
def ledger(ledger_url: str, clock: StepClock) -> Any:
    made = create(ledger_url, None, clock=clock, origin="example.org/stamped")
    grow(made)
    yield made
    made.close()


def grow(ledger: Ledger) -> None:
    fact = LoggedIn(occurred=moment_of_instant(ledger.clock.now()), ip="192.0.2.7")
    record_many(ledger, [Record(fact, person=Reference("shop", "C-1"))])


@pytest.fixture
def log(ledger: Ledger, tmp_path: Path) -> Path:
    sealed(ledger, tmp_path / "log")
    return tmp_path / "log"


def anchored(ledger: Ledger) -> list[dict[str, Any]]:
    """What history says was anchored."""
    e = tables.events.c
    query = sa.select(e.entry).where(e.kind == "ledger.anchored.v1").order_by(e.position)
    with ledger.database.read() as connection:
        return [read(bytes(raw))["meta"] for raw in connection.scalars(query)]


def dated(log: Path) -> list[Path]:
    return sorted((log / "tsa").glob("*.tsr"))


def test_a_checkpoint_is_dated_over_http_and_openssl_agrees(
    ledger: Ledger, log: Path, authority: Authority
) -> None:
    size = ledger.recorder.head().position
    with listening(authority) as url:
        (made,) = stamp(ledger, log, authority.roots, sender(url))
        asked = authority.asked
        assert stamp(ledger, log, authority.roots, sender(url)) == []
        assert authority.asked == asked
    (token,) = dated(log)
    assert (made.size, token.name) == (size, f"{size}.tsr")
    (told,) = anchored(ledger)
    assert (told["size"], told["token"]) == (size, to_base64(sha256(token.read_bytes()).digest()))
    assert told["tsa"] == made.tsa
    assert not list((log / "pending").iterdir())
    checked: list[str | Path] = [
        *("ts", "-verify", "-data", log / f"checkpoints/{size}", "-in", token),
        *("-CAfile", authority.roots, "-untrusted", log / "tsa/chain.pem"),
        *("-attime", str(made.at // 1_000_000)),
    ]
    assert "Verification: OK" in openssl(*checked)
    (log / f"checkpoints/{size}").write_bytes(b"other bytes\n")
    with pytest.raises(Broken):
        openssl(*checked)


def test_each_new_head_is_dated_and_the_certificates_of_older_tokens_stay(
    ledger: Ledger, log: Path, authority: Authority, stranger: Authority
) -> None:
    stamp(ledger, log, authority.roots, authority.answer)
    sealed(ledger, log)
    (made,) = stamp(ledger, log, stranger.roots, stranger.answer)
    assert [one["size"] for one in anchored(ledger)] == [made.size - 1, made.size]
    for name, count in (("roots.pem", 2), ("chain.pem", 4)):
        assert (log / "tsa" / name).read_text().count("BEGIN CERTIFICATE") == count


def test_files_may_be_exchanged_instead(ledger: Ledger, log: Path, authority: Authority) -> None:
    request = ask(log)
    assert ask(log) == request  # the one that is on its way stays the one we wait for
    before = ledger.recorder.head().position
    grow(ledger)
    sealed(ledger, log)  # the answer may take days, the log does not wait
    assert ask(log) != request
    assert keep(log, authority.roots, authority.answer(request)) == before
    assert [one.size for one in record(ledger, log, authority.roots)] == [before]


def test_a_wrong_token_is_refused_and_nothing_is_kept(
    ledger: Ledger, log: Path, authority: Authority, stranger: Authority
) -> None:
    request = ask(log)
    size = ledger.recorder.head().position
    right = authority.answer(request)
    builder = TimestampRequestBuilder().hash_algorithm(HashAlgorithm.SHA256)
    same_bytes = builder.data((log / f"checkpoints/{size}").read_bytes())
    nonceless = same_bytes.nonce(nonce=False).build().as_bytes()
    broken = bytearray(right)
    broken[-5] ^= 1  # within the signature
    refused = {
        "another authority of the same names": stranger.answer(request),
        "another nonce": authority.answer(same_bytes.build().as_bytes()),
        "no nonce": authority.answer(nonceless),
        "a changed signature": bytes(broken),
        "cut off": right[:-1],
        "an error page": b"<html>",
        "nothing": b"",
        "a refusal": bytes.fromhex("30053003020102"),
    }
    for name, answer in refused.items():
        with pytest.raises(BadData):
            keep(log, authority.roots, answer)
        assert dated(log) == [], name
    # Our own nonce over other bytes than those of the checkpoint.
    checkpoint = log / f"checkpoints/{size}"
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content + b"\n")
    with pytest.raises(BadData, match="does not hold"):
        keep(log, authority.roots, right)
    checkpoint.write_bytes(content)
    assert record(ledger, log, authority.roots) == []
    assert anchored(ledger) == []
    assert keep(log, authority.roots, right) == size


def test_without_pinned_roots_no_token_is_kept(
    log: Path, tmp_path: Path, authority: Authority
) -> None:
    answer = authority.answer(ask(log))
    (tmp_path / "empty.pem").write_bytes(b"")
    for roots in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        with pytest.raises(Misuse, match="PROBANT_TSA_ROOTS"):
            keep(log, roots, answer)
    assert dated(log) == []


@pytest.mark.parametrize("step", ["asked", "certificates", "kept", "recorded"])
def test_cut_off_anywhere_the_same_size_is_anchored_once(
    ledger: Ledger,
    log: Path,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    class Cut(Exception):
        pass

    names = {"asked": ".tsq", "certificates": "chain.pem", "kept": ".tsr"}

    def write(path: Path, content: bytes) -> None:
        write_whole(path, content)
        if path.name.endswith(names.get(step, "never")):
            raise Cut

    def cut_act(*arguments: Any) -> None:
        act(*arguments)
        if step == "recorded":
            raise Cut

    size = ledger.recorder.head().position
    with monkeypatch.context() as patched:
        patched.setattr("ledger.witnessing.stamping.write_whole", write)
        patched.setattr("ledger.witnessing.stamping.act", cut_act)
        with pytest.raises(Cut):
            stamp(ledger, log, authority.roots, authority.answer)
    stamp(ledger, log, authority.roots, authority.answer)
    stamp(ledger, log, authority.roots, authority.answer)
    assert [one["size"] for one in anchored(ledger)] == [size]
    (token,) = dated(log)
    (told,) = anchored(ledger)
    assert told["token"] == to_base64(sha256(token.read_bytes()).digest())


def test_an_authority_that_is_away_changes_nothing(
    ledger: Ledger, log: Path, authority: Authority
) -> None:
    with listening(authority) as url:
        pass
    with pytest.raises(Broken) as caught:
        stamp(ledger, log, authority.roots, sender(url.replace("//", "//user:secret@")))
    assert "secret" not in str(caught.value)
    assert anchored(ledger) == []
    with pytest.raises(Misuse, match="http"):
        sender("file:///etc/passwd")
    stamp(ledger, log, authority.roots, authority.answer)
    assert len(anchored(ledger)) == 1


def test_nothing_is_stamped_before_something_is_sealed(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="probant seal"):
        ask(tmp_path)
