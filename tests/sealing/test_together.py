"""Callers who want receipts at once share an exchange with the signer; each is told of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import BadData, Broken
from ledger.seal.note import VerifyKey, open_note
from ledger.sealing import signer as signing
from ledger.sealing.client import SignerClient
from ledger.sealing.signer import Server, Signer, answer

ORIGIN, CALLERS = "example.org/sealed", 16


def text(number: int) -> str:
    return f"{ORIGIN}/receipt\nnumber {number}\n"


class Desk:
    """A signer behind its socket: the first exchange begins, and ends once it is let go on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.exchanges: list[int] = []  # of how many texts each was
        self.begun, self.goes_on, self.hangs_up = threading.Event(), threading.Event(), False
        self.signer = Signer.create(folder, ORIGIN)
        monkeypatch.setattr(signing, "answer", self._answer)
        self.server = Server(self.signer, folder / "socket")
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.client = SignerClient(folder / "socket")
        self.pool = ThreadPoolExecutor(CALLERS)
        self.waiting: list[Future[list[bytes]]] = []

    def _answer(self, signer: Signer, request: dict[str, Any]) -> dict[str, Any]:
        self.exchanges.append(len(request["texts"]))
        self.begun.set()
        self.goes_on.wait()
        if self.hangs_up:
            raise BrokenPipeError
        return answer(signer, request)

    def asked(self, *wanted: list[str]) -> list[Future[list[bytes]]]:
        """The first of these is being answered, and the others wait, in this order."""
        self.waiting.append(self.pool.submit(self.client.statements, wanted[0]))
        self.begun.wait()
        for number, texts in enumerate(wanted[1:], start=1):
            self.waiting.append(self.pool.submit(self.client.statements, texts))
            until(lambda: len(self.client._waiting) == number)  # noqa: B023
        return self.waiting

    def says(self, note: bytes) -> str:
        """What a note says, if this signer signed it."""
        key = VerifyKey.parse(self.signer.key.vkey).named(f"{ORIGIN}/receipt")
        return open_note(note, [key]).text


def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        threading.Event().wait(0.001)


@pytest.fixture
def desk(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("s"), monkeypatch)
    yield made
    made.goes_on.set()
    made.pool.shutdown()
    made.client.close()
    made.server.shutdown()
    made.server.server_close()


def test_whoever_waits_is_asked_for_together_and_told_of_its_own(desk: Desk) -> None:
    """In the order of its texts, also when it wants several, or none."""
    wanted = [[text(100 * n + i) for i in range(n % 4)] for n in range(1, CALLERS + 1)]
    found = desk.asked(*wanted)
    desk.goes_on.set()
    for texts, one in zip(wanted, found, strict=True):
        assert [desk.says(note) for note in one.result()] == texts
    assert desk.exchanges == [len(wanted[0]), sum(map(len, wanted[1:]))]
    assert desk.client.statements([text(1)]) == [desk.signer.statement(text(1))]


def test_what_the_signer_refuses_one_caller_costs_no_other_its_receipt(desk: Desk) -> None:
    found = desk.asked([text(1)], [text(2)], ["a cheque"], [text(4)])
    desk.goes_on.set()
    with pytest.raises(BadData, match="only receipts"):
        found[2].result()
    for number in (1, 2, 4):
        assert [desk.says(note) for note in found[number - 1].result()] == [text(number)]


def test_a_signer_that_goes_away_is_told_to_everybody_and_asked_again_by_the_next(
    desk: Desk,
) -> None:
    """Nobody waits for ever, and nobody is handed what another one wanted."""
    found = desk.asked([text(1)], [text(2)], [text(3)])
    desk.hangs_up = True
    desk.goes_on.set()
    for one in found:
        with pytest.raises(Broken, match="does not answer"):
            one.result()
    desk.hangs_up = False
    assert [desk.says(note) for note in desk.client.statements([text(4)])] == [text(4)]


def test_a_signer_that_says_too_little_has_signed_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.goes_on.set()
    monkeypatch.setattr(signing, "answer", lambda *_: {"ok": []})
    with pytest.raises(Broken):
        desk.client.statements([text(1)])


def test_more_than_one_message_holds_are_asked_for_in_turns(desk: Desk) -> None:
    long = "x" * 600_000
    found = desk.asked([text(1)], *([f"{text(n)}{long}\n"] for n in range(2, 7)))
    desk.goes_on.set()
    for number, one in enumerate(found, start=1):
        assert desk.says(one.result()[0]).startswith(text(number))
    assert len(desk.exchanges) > 2
