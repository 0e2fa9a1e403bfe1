"""Witness lines brought home: `cosigned/<size>`, and `checkpoint` while that is still the head.

`checkpoints/<size>` stays as the log signed it: time stamps are over those bytes. What a witness
hands back is opened with the log's key and the witnesses' keys of the keeper's own policy; a line
of anybody else is not taken over.

What this file never does: judge a quorum (`ledger.seal.witnesses`, asked by verifiers).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.errors import BadData, Misuse
from ledger.seal.checkpoint import open_checkpoint
from ledger.seal.note import PublicKey, VerifyKey, add_lines
from ledger.seal.witnesses import format_policy, parse_policy
from ledger.sealing.files import read_if_there, write_whole
from ledger.sealing.keys import every_key


class Added(NamedTuple):
    """What is there now: the size, the names of all its witnesses, and whether it is the head."""

    size: int
    witnesses: tuple[str, ...]
    is_head: bool


def add_cosignatures(log: Path, raw: bytes, vkeys: Sequence[str] = ()) -> Added:
    """Take over the verified witness lines of a cosigned checkpoint `raw`.

    Witnesses are those of `policy.txt` in the log's folder, and `vkeys`. Raises Misuse when there
    are none, BadData when no line is theirs or the checkpoint is not one that this log shows.

    Crash between the two files: the line is kept and `checkpoint` lacks it; run it again.
    """
    log_keys = every_key(log)
    if not log_keys:
        raise Misuse("nothing is sealed yet; run `probant seal` first")
    keys = _witnesses(log, log_keys, vkeys)
    shown = open_checkpoint(raw, log_keys, keys)
    size = shown.checkpoint.size
    ours = read_if_there(log / "checkpoints" / str(size))
    if ours is None or open_checkpoint(ours, log_keys).checkpoint != shown.checkpoint:
        raise BadData("this is not a checkpoint that the log shows")
    before = read_if_there(log / "cosigned" / str(size)) or ours
    known = open_checkpoint(before, log_keys, keys).opened
    # The newest line of each witness: their order does not matter, their number is bounded.
    lines = {one.key_id: one for one in (*known.verified, *shown.opened.verified)}
    for key in log_keys:
        lines.pop(key.key_id, None)
    if not {one.key_id for one in shown.opened.verified} & set(lines):
        raise BadData("no line of this checkpoint is by a witness that is known here")
    note = add_lines(ours, *(one.line for one in lines.values()))
    write_whole(log / "cosigned" / str(size), note)
    # A sealer may show a longer head between these two lines: it looks again every second, finds
    # ours behind, and puts its own back.
    head = read_if_there(log / "checkpoint")
    is_head = head is not None and open_checkpoint(head, log_keys).checkpoint == shown.checkpoint
    if is_head:
        write_whole(log / "checkpoint", note)
    return Added(size, tuple(sorted(one.name for one in lines.values())), is_head)


def _witnesses(log: Path, log_keys: Sequence[VerifyKey], vkeys: Sequence[str]) -> list[PublicKey]:
    """The policy's and the given ones; the log itself, or one key twice, is refused."""
    policy = read_if_there(log / "policy.txt")
    known = [] if policy is None else [k.vkey for k in parse_policy(policy).witnesses.values()]
    every = list(dict.fromkeys([*known, *vkeys]))
    if not every:
        raise Misuse("no witness is known: write policy.txt in the log's folder, or use --witness")
    checked = parse_policy(format_policy([key.vkey for key in log_keys], every, 0))
    return list(checked.witnesses.values())
