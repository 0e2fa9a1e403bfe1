"""The offline witness: it remembers the largest head it saw, and cosigns only what extends it.

It is shown a bundle (folder or zip: `checkpoint`, and tiles or a consistency file) and answers with
the checkpoint and its own line. Its memory is one file of mode 0600: its key, the pinned key of
each log, the last checkpoint of each. It refuses a smaller size, another root of the same size, and
growth that nobody proves (C2SP tlog-witness). It persists before it answers: a crash in between
leaves a witness that remembers a head it did not cosign, and cosigns it when asked again.

A new key of a log is followed, never taken: the pinned one must have signed a tree in which the log
names it (`ledger/seal/succession.py`), and that tree must begin the one shown now. From then on the
new key is the pinned one, and the old one is worth nothing here.

What this file never does: pin a key because the bundle holds it, or read a clock.
"""

from __future__ import annotations

import fcntl
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ledger.errors import BadData, Misuse
from ledger.seal.checkpoint import Checkpoint, Head, open_checkpoint
from ledger.seal.cosign import CosigningKey
from ledger.seal.merkle import ProofError, check_consistency, prove_consistency
from ledger.seal.note import MAX_NOTE_BYTES, NoteError, VerifyKey, add_lines
from ledger.seal.proof import parse_consistency
from ledger.seal.succession import ADDED, open_handover, parse_history
from ledger.seal.tiles import Fetch, folder, tile_reader
from ledger.sealing.files import read_if_there, write_whole

FORMAT = "probant-witness/1"


class Cosigned(NamedTuple):
    """What the witness answers: the log, the size, and the checkpoint with its line."""

    origin: str
    size: int
    before: int  # the size remembered until now; 0 at the first visit
    note: bytes
    vkey: str  # the witness's, for the log to pin
    file: str  # the name under which it is handed over


@dataclass(slots=True)
class Memory:
    """The witness's file: its key, and by origin a log's pinned key and last checkpoint."""

    key: CosigningKey
    logs: dict[str, tuple[VerifyKey, bytes]] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file: a secret."""
        logs = [{"vkey": key.vkey, "checkpoint": note.decode()} for key, note in self.logs.values()]
        made = {"format": FORMAT, "key": self.key.to_bytes().decode(), "logs": logs}
        return json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, raw: bytes) -> Memory:
        """Inverse of `to_bytes`; every remembered checkpoint must bear its log's signature."""
        try:
            said = json.loads(raw)
            if said["format"] != FORMAT:
                raise BadData("the witness's state is of another format")
            found = cls(CosigningKey.from_bytes(said["key"].encode()))
            for log in said["logs"]:
                key, note = VerifyKey.parse(log["vkey"]), log["checkpoint"].encode()
                open_checkpoint(note, [key])
                found.logs[key.name] = key, note
        except (ValueError, KeyError, TypeError, AttributeError):
            # Without the cause: it would carry the content, and the key with it.
            raise BadData("the witness's state cannot be read") from None
        return found


def cosign(
    bundle: Path, state: Path, now: int, name: str | None = None, log_key: str | None = None
) -> Cosigned:
    """The bundle's checkpoint, cosigned at `now` (POSIX seconds).

    `name` makes a witness where `state` does not exist yet; `log_key` (a vkey) pins a log at the
    first visit. Raises Misuse for a log that is not pinned, BadData for a checkpoint that the log
    did not sign, ProofError for one that does not extend what is remembered.
    """
    with _alone(state), fetching(bundle) as fetch:
        memory = _remembered(state, name)
        raw = fetch("checkpoint")
        if raw is None:
            raise Misuse("that bundle holds no checkpoint")
        pinned, note = _pinned(memory, raw, log_key)
        heirs = _heirs(pinned, fetch)
        head = open_checkpoint(raw, [pinned, *(heir for heir, _ in heirs)])
        key = _newest(head, pinned, heirs, fetch)
        before = 0
        if note is not None:
            old = open_checkpoint(note, [pinned]).checkpoint
            _check_growth(old, head.checkpoint, fetch)
            before = old.size
        elif head.checkpoint.size == 0:
            raise BadData("an empty log is not witnessed")
        bare = _only_the_log_s(head)
        line = memory.key.cosign(head.opened.text, now)
        memory.logs[key.name] = key, bare
        write_whole(state, memory.to_bytes(), 0o600)
    size, public = head.checkpoint.size, memory.key.public
    file = f"{size}-{public.key_id.hex()}.txt"
    return Cosigned(key.name, size, before, add_lines(bare, line), public.vkey, file)


@contextmanager
def fetching(bundle: Path) -> Iterator[Fetch]:
    """The files of a bundle, be it a folder or a zip. Raises Misuse when it is neither."""
    if bundle.is_dir():
        yield folder(bundle)
        return
    try:
        archive = zipfile.ZipFile(bundle)
    except (OSError, zipfile.BadZipFile):
        raise Misuse("a bundle is a folder or a zip that can be read") from None
    with archive:
        yield lambda path: _unzipped(archive, path)


def _unzipped(archive: zipfile.ZipFile, path: str) -> bytes | None:
    try:
        # Nothing that a witness reads is larger; a zip that says so wants to fill our memory.
        if archive.getinfo(path).file_size > MAX_NOTE_BYTES:
            raise BadData(f"{path} is too large")
        return archive.read(path)
    except KeyError:
        return None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadData(f"{path} cannot be unzipped") from error


def _remembered(state: Path, name: str | None) -> Memory:
    raw = read_if_there(state)
    if raw is None:
        if name is None:
            raise Misuse("there is no witness there yet: name it with --name")
        try:
            return Memory(CosigningKey.generate(name))
        except BadData:
            raise Misuse("a witness's name has no space, plus or control character") from None
    memory = Memory.from_bytes(raw)
    if name is not None and name != memory.key.name:
        raise Misuse("this witness has another name; it is not changed")
    return memory


def _pinned(memory: Memory, raw: bytes, vkey: str | None) -> tuple[VerifyKey, bytes | None]:
    """The key for the log that the checkpoint says it is of, and the note remembered of it."""
    given = VerifyKey.parse(vkey) if vkey else None
    origin = raw.partition(b"\n")[0].decode("utf-8", "replace")
    known = memory.logs.get(origin)
    if known is None:
        if given is None:
            raise Misuse("this log is new to the witness: pin its key with --key")
        if given.public == memory.key.public.public or given.name == memory.key.name:
            raise Misuse("a log cannot be its own witness")
        return given, None
    if given is not None and given.vkey != known[0].vkey:
        raise Misuse("another key of this log is pinned; it is not changed")
    return known


def _heirs(pinned: VerifyKey, fetch: Fetch) -> list[tuple[VerifyKey, Checkpoint]]:
    """The keys that the pinned one leads to, each with the checkpoint that both signed and whose
    tree names it. Raises BadData for a handover that does not hold."""
    found: list[tuple[VerifyKey, Checkpoint]] = []
    last = pinned
    for reign in parse_history(fetch("keys/history.txt") or b""):
        key, stem = VerifyKey.parse(reign.vkey), f"keys/{reign.first - 1}"
        proof, entry = fetch(f"{stem}.tlog-proof"), fetch(f"{stem}.entry")
        # What stands before the pinned key in the history is none of our business.
        if key == pinned:
            found, last = [], pinned
        elif proof is not None and entry is not None:
            try:
                position, head = open_handover(proof, entry, ADDED, key.vkey, [last, key])
            except NoteError:
                continue  # between two keys that lead up to the pinned one
            if position != reign.first:
                raise ProofError("the history of keys is not what the log says")
            found.append((key, head.checkpoint))
            last = key
    return found


def _newest(
    head: Head, pinned: VerifyKey, heirs: list[tuple[VerifyKey, Checkpoint]], fetch: Fetch
) -> VerifyKey:
    """The newest of these keys that signed the head, whose handovers it continues."""
    signers = {one.key_id for one in head.opened.verified}
    for at, (key, handover) in reversed(list(enumerate(heirs))):
        if key.key_id in signers:
            for _, earlier in (*heirs[:at], (key, handover)):
                _check_growth(earlier, head.checkpoint, fetch)
            return key
    return pinned


def _check_growth(old: Checkpoint, new: Checkpoint, fetch: Fetch) -> None:
    if new.size < old.size:
        raise ProofError(f"the log shrank: {old.size} events were seen, {new.size} are shown")
    if new.size == old.size:
        if new.root != old.root:
            raise ProofError(f"two different logs of size {old.size}: keep both checkpoints")
        return
    shown = fetch(f"consistency/{old.size}-{new.size}.txt")
    try:
        if shown is None:
            proof = prove_consistency(old.size, new.size, tile_reader(new.size, fetch))
        else:
            proof = list(parse_consistency(shown).hashes)
        check_consistency(old.size, new.size, old.root, new.root, proof)
    except BadData as error:
        raise ProofError(
            f"nothing proves that the log of size {new.size} begins with the {old.size} events"
            " seen before"
        ) from error


def _only_the_log_s(head: Head) -> bytes:
    """The note as the log signed it: lines that we did not verify are not handed on."""
    lines = [one.line for one in head.opened.verified]
    return add_lines(head.opened.text.encode("utf-8") + b"\n", *lines)


@contextmanager
def _alone(state: Path) -> Iterator[Any]:
    """One at a time: two runs must not both extend the same remembered head."""
    lock = state.with_name(f".{state.name}.lock")
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        raise Misuse("the folder of the witness's state cannot be written") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
