"""The signer: a process of its own, with the key, that remembers what it signed last.

It signs two sorts of text and no other:

1. a checkpoint of its own origin, if it *extends* the last one it signed: the same size and root,
   or a larger size with a consistency proof, which it checks itself. A smaller tree, another root
   of the same size, a tree that does not contain the last one: refused. That is what a fork, a
   rollback and a badly restored backup look like;
2. statements: notes whose first line is `<origin>/receipt` or `<origin>/certificate`, under that
   name. No verifier takes one for a checkpoint, whose first line and key name are the origin.

While its key is replaced it holds two (`keyfiles.py`) and signs with both: checkpoints from the
size at which the log names the new key, and every statement. `retire_key` destroys the older one.

What it signed is on disk before it is in anybody's hands; signatures are deterministic, so asking
again after a crash gives the same bytes. It has no access to the database and needs none. Losing
its folder loses its memory: it then refuses until somebody gives it a new key (docs/sealing.md).

Run it under an account of its own: `probant signer serve`. Read next: `sealer.py`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ledger.errors import BadData, Broken, Misuse, ProbantError
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.merkle import check_consistency
from ledger.seal.note import SigningKey, sign
from ledger.seal.text import parse_hash, to_base64
from ledger.sealing import wire
from ledger.sealing.files import read_if_there, sync_folder, write_whole
from ledger.sealing.keyfiles import KEY, NEXT, Held, promote, read_key, write_next

STATE, SOCKET, LOCK = "state.json", "socket", "lock"
STATEMENTS = ("receipt", "certificate")
MAX_STATEMENTS = 10_000  # in one request


class Signer:
    """One log's key and memory. `last` is (size, root) of the newest checkpoint it ever signed;
    `next` is the key that will replace `key`, while that is going on."""

    def __init__(self, folder: Path) -> None:
        held = read_key(folder / KEY)
        if held is None:
            raise Misuse("the signer has no key here; run `probant signer init`")
        self.folder, self.key = folder, held.key
        self.next: Held | None = read_key(folder / NEXT)
        self.last = self._remembered()
        self._lock = threading.Lock()
        self._settle()

    @classmethod
    def create(cls, folder: Path, origin: str) -> Signer:
        """A new key for a log that was never signed. Refuses to replace one: a second key for the
        same origin would be a second history."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = SigningKey.generate(origin)
        # The memory first: a crash here leaves a memory without a key, and `create` goes on.
        if not (folder / STATE).exists():
            write_whole(folder / STATE, _state(0, b""), 0o600)
        try:
            descriptor = os.open(folder / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Misuse("the signer has a key already; it will not be replaced") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.to_bytes() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(folder)
        return cls(folder)

    @property
    def origin(self) -> str:
        """The log it signs for."""
        return self.key.name

    def checkpoint(self, origin: str, size: int, root: bytes, proof: list[bytes]) -> bytes:
        """The note of this checkpoint. Raises BadData (ProofError) unless it extends the last."""
        if origin != self.origin:
            raise Misuse("this signer signs for another log")
        with self._lock:
            text = format_checkpoint(Checkpoint(origin, size, root))
            self._demand_extension(size, root, proof)
            if (size, root) != self.last:
                # Crash before the rename: nothing was signed. After: it was promised to nobody yet,
                # and the same request, sent again, gets the same bytes.
                write_whole(self.folder / STATE, _state(size, root), 0o600)
                self.last = size, root
            return sign(text, *self._keys(size))

    def _demand_extension(self, size: int, root: bytes, proof: list[bytes]) -> None:
        last_size, last_root = self.last
        if size == 0:
            raise BadData("an empty log is not signed")
        if size < last_size:
            raise BadData(
                f"refused: {last_size} leaves were signed already, and this log is shorter"
            )
        if size == last_size:
            if root != last_root or proof:
                raise BadData("refused: another tree of this size was signed already")
        elif last_size:
            check_consistency(last_size, size, last_root, root, proof)
        elif proof:
            raise BadData("nothing was signed yet: there is nothing to be consistent with")

    def statement(self, text: str) -> bytes:
        """The note of a receipt or a certificate. Raises BadData for any other text."""
        keys = self.statements.get(text.partition("\n")[0])
        if keys is None:
            raise BadData("only receipts and certificates of this log are signed")
        return sign(text, *keys)

    def _keys(self, size: int) -> list[SigningKey]:
        """The keys that sign a checkpoint of this size, the older one first."""
        first = None if self.next is None else self.next.first
        if self.next is None or first is None or size < first:
            return [self.key]
        return [self.key, self.next.key]

    def _settle(self) -> None:
        """Statements have no size: they are signed by every key that signs at all."""
        names = [f"{self.origin}/{name}" for name in STATEMENTS]
        keys = self._keys(sys.maxsize)
        self.statements = {name: [key.named(name) for key in keys] for name in names}

    # -- replacing the key: each step may be asked for again after a crash ------------------------

    def prepare_key(self) -> str:
        """Make the key that will replace this one, or find it; its vkey. It signs nothing yet."""
        with self._lock:
            if self.next is None:
                self.next = write_next(self.folder, SigningKey.generate(self.origin), None)
            return self.next.key.vkey

    def begin_key(self, vkey: str, first: int) -> None:
        """Sign with both keys from this size on: the log names the new one at that position."""
        with self._lock:
            if self.next is None or self.next.key.vkey != vkey:
                raise Misuse("the signer has not prepared that key")
            if self.next.first is None and first > 0:
                self.next = write_next(self.folder, self.next.key, first)
                self._settle()
            if self.next.first != first:
                raise BadData("the new key signs from another size")

    def retire_key(self, vkey: str) -> None:
        """Destroy this key, whose successor signs alone from now on. Nothing to do if it is gone.

        Raises Misuse unless a checkpoint was signed with both.
        """
        with self._lock:
            if self.key.vkey != vkey:
                if self.next is not None:
                    raise Misuse("only the older one of two keys is retired")
                return
            if self.next is None or self.next.first is None or self.last[0] < self.next.first:
                raise Misuse("no checkpoint was signed with both keys yet")
            promote(self.folder)
            self.key, self.next = self.next.key, None
            self._settle()

    def _remembered(self) -> tuple[int, bytes]:
        raw = read_if_there(self.folder / STATE)
        if raw is None:
            raise Broken("the signer has lost its memory: it cannot tell what it signed before")
        try:
            value = json.loads(raw)
            size = value["size"]
            if type(size) is not int or size < 0:
                raise ValueError
            return size, parse_hash(value["root"]) if size else b""
        except (ValueError, KeyError, TypeError, BadData):
            raise Broken("the signer's memory cannot be read") from None


def _state(size: int, root: bytes) -> bytes:
    return json.dumps({"size": size, "root": to_base64(root)}).encode()


# --- the process ------------------------------------------------------------------------------


def answer(signer: Signer, request: dict[str, Any]) -> dict[str, Any]:
    """What the signer says to one request; whatever is wrong becomes a sentence."""
    try:
        return {"ok": _answer(signer, request)}
    except ProbantError as error:
        return {"error": error.code, "sentence": error.speak()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {"error": "bad-data", "sentence": "a request to the signer is not understood"}


def _answer(signer: Signer, request: dict[str, Any]) -> Any:
    match request["ask"]:
        case "state":
            size, root = signer.last
            coming = None if signer.next is None else signer.next.key.vkey
            return {
                **{"size": size, "root": to_base64(root)},
                **{"vkey": signer.key.vkey, "next": coming},
            }
        case "checkpoint":
            proof = [parse_hash(one) for one in request["proof"]]
            size = request["size"]
            if type(size) is not int:
                raise TypeError
            note = signer.checkpoint(request["origin"], size, parse_hash(request["root"]), proof)
            return to_base64(note)
        case "statements":
            texts = request["texts"]
            if len(texts) > MAX_STATEMENTS:
                raise BadData("too many statements in one request")
            return [to_base64(signer.statement(text)) for text in texts]
        case "prepare-key":
            return signer.prepare_key()
        case "begin-key":
            if type(request["first"]) is not int:
                raise TypeError
            return signer.begin_key(request["vkey"], request["first"])
        case "retire-key":
            return signer.retire_key(request["vkey"])
    raise ValueError


class Server(socketserver.ThreadingUnixStreamServer):
    """The signer behind a unix socket of mode 0600."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, signer: Signer, path: Path) -> None:
        self.signer = signer
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)  # of a signer that was killed
        before = os.umask(0o177)
        try:
            super().__init__(str(path), Handler)
        finally:
            os.umask(before)


class Handler(socketserver.BaseRequestHandler):
    """One caller: as many requests as it has."""

    def handle(self) -> None:
        """Until the caller hangs up, or says something that is no message."""
        assert isinstance(self.server, Server)
        try:
            while (request := wire.receive(self.request)) is not None:
                wire.send(self.request, answer(self.server.signer, request))
        except (ProbantError, OSError):
            return


def serve(folder: Path, socket: Path, *, with_parent: bool = False) -> None:
    """Answer until told to stop (SIGTERM), or, `with_parent`, until standard input ends. While
    another one signs with this key, wait for its end: two memories would be none."""
    told = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: told.set())
    if with_parent:
        threading.Thread(target=_wait_for_parent, args=(told,), daemon=True).start()
    with _alone(folder, told) as is_mine:
        if is_mine:
            _serve(folder, socket, told)


def _serve(folder: Path, socket: Path, told: threading.Event) -> None:
    server = Server(Signer(folder), socket)
    serving = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    serving.start()
    try:
        told.wait()
        server.shutdown()
        serving.join()
    finally:
        server.server_close()
        socket.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path, told: threading.Event) -> Iterator[bool]:
    """Held by one process at a time, and let go of when it dies, however it does; whether it is
    ours, or we were told to stop before."""
    if not (folder / KEY).exists():
        yield True  # `Signer` says what is missing
        return
    with (folder / LOCK).open("a+b") as file:
        is_mine = False
        while not is_mine and not told.is_set():
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_mine = True
            if not is_mine:
                told.wait(0.05)
        yield is_mine


def _wait_for_parent(told: threading.Event) -> None:
    sys.stdin.read()
    told.set()


def main() -> None:
    """`python -m ledger.sealing.signer FOLDER SOCKET`: a signer that ends with whoever began it."""
    parser = argparse.ArgumentParser(description="Sign for one log until standard input ends.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("socket", type=Path)
    asked = parser.parse_args()
    try:
        serve(asked.folder, asked.socket, with_parent=True)
    except ProbantError as error:
        sys.exit(error.speak())


if __name__ == "__main__":
    main()
