"""Speaking to the signer, and starting one that ends with us."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from ledger.errors import BadData, Broken, Misuse, ProbantError
from ledger.seal.text import from_base64, parse_hash, to_base64
from ledger.sealing import wire
from ledger.sealing.keyfiles import KEY
from ledger.sealing.signer import Signer

PATIENCE = 10.0  # seconds for a signer to answer
BEGIN = 60.0  # seconds for one of our own to begin, or to end, on a machine that does much else
TOGETHER, TOGETHER_CHARACTERS = 256, 1_000_000  # callers, and what they want signed, at once
TOO_LONG = "the path of the signer's socket is too long; set PROBANT_SIGNER to a shorter one"
SILENT = "the signer does not answer; is `probant signer serve` running?"


class Remembered(NamedTuple):
    """What the signer signed last, its public key, and the one that is to replace it."""

    size: int
    root: bytes
    vkey: str
    next: str | None = None


class Wanted:
    """What one caller wants signed, and what came of it."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self.notes: list[bytes] | None = None
        self.error: ProbantError | None = None

    @property
    def is_answered(self) -> bool:
        """Whether it was signed, or will not be."""
        return self.notes is not None or self.error is not None


class SignerClient:
    """One connection, made when it is needed and again when it was lost. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: socket.socket | None = None
        self._lock = Lock()
        self._waiting: deque[Wanted] = deque()

    def state(self) -> Remembered:
        """What it signed last. Raises Broken when nobody answers."""
        said = self._ask({"ask": "state"})
        size = int(said["size"])
        root = parse_hash(said["root"]) if size else b""
        return Remembered(size, root, str(said["vkey"]), said["next"])

    def checkpoint(self, origin: str, size: int, root: bytes, proof: Sequence[bytes]) -> bytes:
        """The signed note. Raises BadData when the signer refuses, Broken when nobody answers."""
        listed = [to_base64(one) for one in proof]
        asked = {"ask": "checkpoint", "origin": origin, "size": size, "root": to_base64(root)}
        return from_base64(self._ask(asked | {"proof": listed}))

    def statements(self, texts: Sequence[str]) -> list[bytes]:
        """The signed notes of receipts or certificates, in order. Raises BadData when the signer
        refuses, Broken when nobody answers.

        Whoever has the connection asks for all who wait for it: callers whose facts were committed
        together have their receipts by one exchange, and each is told of its own alone.
        """
        mine = Wanted(texts)
        self._waiting.append(mine)
        with self._lock:
            while not mine.is_answered:
                self._sign(self._next())
        if mine.notes is None:
            assert mine.error is not None
            raise mine.error
        return mine.notes

    def _next(self) -> list[Wanted]:
        """Who is asked for now: those who waited longest, one of them at least."""
        found, characters = [self._waiting.popleft()], 0
        while self._waiting and len(found) < TOGETHER and characters < TOGETHER_CHARACTERS:
            found.append(self._waiting.popleft())
            characters += sum(map(len, found[-1].texts))
        return found

    def _sign(self, wanted: Sequence[Wanted]) -> None:
        """One exchange for all of these; what is refused together is asked for one by one."""
        error: ProbantError = Broken(SILENT)
        try:
            texts = [text for one in wanted for text in one.texts]
            notes = [from_base64(one) for one in self._spoken(_statements(texts))]
            if len(notes) == len(texts):
                for one in wanted:
                    one.notes, notes = notes[: len(one.texts)], notes[len(one.texts) :]
        except BadData as refused:
            error = refused
            if len(wanted) > 1:
                for one in wanted:
                    self._sign([one])
        except ProbantError as failed:
            error = failed
        finally:  # nobody waits for ever, whatever it was
            for one in wanted:
                one.error = None if one.notes is not None else one.error or error

    def prepare_key(self) -> str:
        """The vkey of the key that will replace the present one."""
        return str(self._ask({"ask": "prepare-key"}))

    def begin_key(self, vkey: str, first: int) -> None:
        """Sign with both keys from this size on."""
        self._ask({"ask": "begin-key", "vkey": vkey, "first": first})

    def retire_key(self, vkey: str) -> None:
        """Destroy the older key. Raises BadData when the signer refuses."""
        self._ask({"ask": "retire-key", "vkey": vkey})

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._drop()

    def _ask(self, request: dict[str, Any]) -> Any:
        with self._lock:
            return self._spoken(request)

    def _spoken(self, request: dict[str, Any]) -> Any:
        """The answer, to whoever holds the connection."""
        said = self._exchange(request)
        if "error" in said:
            raise _error(str(said["error"]), str(said.get("sentence", "")))
        return said["ok"]

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask; once more over a new connection if the old one was lost. Asking twice is harmless:
        the same request gets the same bytes."""
        for last in (False, True):
            try:
                connection = self._connected()
                wire.send(connection, request)
                said = wire.receive(connection)
                if said is not None:
                    return said
            except (OSError, Broken):
                pass
            self._drop()
            if last:
                break
        raise Broken(SILENT)

    def _connected(self) -> socket.socket:
        if self._connection is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(PATIENCE)
            try:
                made.connect(str(self.path))
            except OSError as error:
                made.close()
                if "too long" in str(error):
                    raise Misuse(TOO_LONG) from None
                raise
            self._connection = made
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _statements(texts: Sequence[str]) -> dict[str, Any]:
    return {"ask": "statements", "texts": texts}


def _error(code: str, sentence: str) -> ProbantError:
    """The signer's refusal as ours: it refused (BadData), or it is broken."""
    return Broken(sentence) if code == "broken" else BadData(sentence)


def answers(path: Path) -> bool:
    """Whether a signer answers there."""
    client = SignerClient(path)
    try:
        client.state()
    except ProbantError:
        return False
    finally:
        client.close()
    return True


def remembered(folder: Path, path: Path) -> Remembered | None:
    """What the signer remembers: asked at `path`, else read from its folder; None without one."""
    client = SignerClient(path)
    try:
        return client.state()
    except ProbantError:
        if not (folder / KEY).exists():
            return None
        signer = Signer(folder)
        return Remembered(*signer.last, signer.key.vkey)
    finally:
        client.close()


class StandIn(SignerClient):
    """The signer that answers at `path`, whoever's it is; and one of our own as soon as nobody's
    does, with the key that is in `folder`.

    A server that comes up while another one dies meets the other's signer, which ends a moment
    later. Where the signer is a service of its own there is no key in our folder: then we wait for
    it, as we always did, for a second key would be a second history.
    """

    def __init__(self, folder: Path, path: Path) -> None:
        super().__init__(path)
        self.folder = folder
        self._own: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Have somebody answer. Raises Broken when one of our own does not begin."""
        if not answers(self.path):
            self._begin()

    def end(self) -> None:
        """Hang up; one of our own ends."""
        self.close()
        if self._own is not None:
            self._own.communicate(timeout=BEGIN)  # closes its standard input: it ends
            self._own = None

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return super()._exchange(request)
        except Broken:
            if not (self.folder / KEY).exists():
                raise
            self._begin()
        return super()._exchange(request)

    def _begin(self) -> None:
        if self._own is not None:  # it was killed, or is beyond answering
            self._own.kill()
            self._own.communicate()
        command = [sys.executable, "-m", "ledger.sealing.signer", str(self.folder), str(self.path)]
        self._own = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
        _wait(self._own, self.path)


@contextmanager
def running_signer(
    folder: Path, path: Path, origin: str, *, is_new: bool = True
) -> Iterator[SignerClient]:
    """The signer that answers at `path`; else one of our own, that ends when this ends, however
    this ends. Should one that was another's go away meanwhile, one of our own takes its place
    (`StandIn`). A key is made where there is none and the log `is_new`: one that was sealed has a
    key somewhere, and whoever holds it is waited for."""
    client = StandIn(folder, path)
    try:
        if not answers(path):
            if is_new and not (folder / KEY).exists():
                Signer.create(folder, origin)
            if (folder / KEY).exists():
                client.begin()
        yield client
    finally:
        client.end()


def _wait(process: subprocess.Popen[bytes], path: Path) -> None:
    until = time.monotonic() + BEGIN
    while not answers(path):
        if process.poll() is not None:
            said = process.stderr.read().decode("utf-8", "replace") if process.stderr else ""
            raise Broken(f"the signer ended: {said.strip().splitlines()[-1] if said else '?'}")
        if time.monotonic() > until:
            raise Broken(SILENT)
        time.sleep(0.02)
