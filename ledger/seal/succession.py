"""Which key signs the log, from which size to which, and why a new one may be believed. Pure.

    example.org/ledger+c703a8d8+AX… 1 4711          keys/history.txt: vkey, first size, last or -
    example.org/ledger+5b1e22f0+AZ… 4200 -

Anybody can write a second signature line under a note: a line of its own makes no key. A key is
believed because a key that is believed signed a tree in which an event says so (docs/decisions/
0017-rotating-the-log-key.md):

    keys/<first - 1>.tlog-proof, .entry    ledger.log_key_added names the new key; the checkpoint
                                           bears a line of a believed key *and* one of the new key
    keys/<last>.tlog-proof, .entry         ledger.log_key_retired names the old one, for whoever
                                           pinned its successor only

What this file never does: read a file, or believe the history; it is a list of what to look up.
Read next: `ledger/sealing/keys.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ledger import entry as entries
from ledger.errors import BadData, Broken, Tampered
from ledger.seal.checkpoint import Head
from ledger.seal.merkle import ProofError
from ledger.seal.note import NoteError, VerifyKey
from ledger.seal.proof import open_inclusion
from ledger.seal.text import parse_number

ADDED, RETIRED = "ledger.log_key_added.v1", "ledger.log_key_retired.v1"


class Reign(NamedTuple):
    """Checkpoints of the sizes `first` to `last` (None: to this day) may be signed by this key."""

    vkey: str
    first: int
    last: int | None

    @property
    def line(self) -> str:
        """The line as it stands in `keys/history.txt`, newline included."""
        return f"{self.vkey} {self.first} {'-' if self.last is None else self.last}\n"


def parse_history(raw: bytes) -> list[Reign]:
    """Strict inverse of the lines. Raises BadData."""
    found = []
    for line in raw.decode("utf-8", "replace").splitlines(keepends=True):
        words = line.removesuffix("\n").split(" ")
        if len(words) != 3:
            raise BadData("a line of the history of keys is: vkey, first size, last size or -")
        last = None if words[2] == "-" else parse_number(words[2])
        found.append(Reign(VerifyKey.parse(words[0]).vkey, parse_number(words[1]), last))
        if found[-1].line != line or found[-1].first < 1:
            raise BadData("the history of keys is written otherwise")
    return found


def reigns(told: Mapping[tuple[str, str], int], current: str) -> list[Reign]:
    """The history that follows from the log: `told` is (kind, vkey) -> position of what it says of
    its keys, `current` the signer's older key. The log's first key was never added."""
    added = {vkey: at for (kind, vkey), at in told.items() if kind == ADDED}
    retired = {vkey: at for (kind, vkey), at in told.items() if kind == RETIRED}
    first = [vkey for vkey in (*retired, current) if vkey not in added]
    if len(set(first)) != 1:
        raise Broken("the signer's key is not one that the log's own history leads to")
    begun = sorted([(1, first[0]), *((at, vkey) for vkey, at in added.items())])
    ended = {vkey: at - 1 for vkey, at in retired.items()}
    return [Reign(vkey, at, ended.get(vkey)) for at, vkey in begun]


def open_handover(
    proof: bytes, entry: bytes, kind: str, vkey: str, log_keys: Sequence[VerifyKey]
) -> tuple[int, Head]:
    """The position at which the log says `kind` of the key, and the head that proves it.

    Raises BadData unless every one of `log_keys` signed that head and the entry says just that.
    """
    index, head = open_inclusion(proof, entries.leaf_hash(entry), log_keys)
    if len({one.key_id for one in head.opened.verified}) != len(log_keys):
        raise NoteError("not every key that must have signed a handover did")
    try:
        said = entries.read(entry)
    except Tampered as error:
        raise ProofError("the entry of a handover is not canonical") from error
    meta = said.get("meta")
    if said.get("type") != kind or not isinstance(meta, dict) or meta.get("vkey") != vkey:
        raise ProofError("an entry does not say of a key what it is shown for")
    return index + 1, head


def forerunners(
    fetch: Callable[[str], bytes | None], heir: VerifyKey
) -> list[tuple[VerifyKey, int]]:
    """The retired keys that lead to this one, newest first, each with the last size that it may
    have signed: a key that is believed signed a tree in which it was retired.

    `fetch` reads the files of `keys/`. What is not proven is left out. Raises BadData or ProofError
    for a history or a proof that does not hold.
    """
    found: list[tuple[VerifyKey, int]] = []
    for reign in reversed(parse_history(fetch("keys/history.txt") or b"")):
        if reign.last is None:
            continue
        proof, entry = (fetch(f"keys/{reign.last}.{end}") for end in ("tlog-proof", "entry"))
        if proof is None or entry is None:
            continue
        try:
            position, _ = open_handover(proof, entry, RETIRED, reign.vkey, [heir])
        except NoteError:
            continue  # between two keys of which neither leads here
        if position != reign.last + 1:
            raise ProofError("the history of keys is not what the log says")
        heir = VerifyKey.parse(reign.vkey)
        found.append((heir, reign.last))
    return found
