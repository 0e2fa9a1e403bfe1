"""Checkpoints (C2SP tlog-checkpoint): the signed head of a log.

    example.com/behind-the-sofa                      origin: the log's name, for ever
    20852163                                         size in leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     root of the RFC 6962 tree of that size

    — example.com/behind-the-sofa Az3grlgt…          the log's line; witnesses add theirs below

Further lines (extensions) are legal in the format, opaque, and seen by nobody who audits. Our log
writes none, and `open_checkpoint` refuses them: so no statement signed for another purpose can be
taken for a head. Read next: `tiles.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.errors import BadData
from ledger.seal.note import NoteError, Opened, PublicKey, VerifyKey, open_note
from ledger.seal.text import parse_hash, parse_number, read_text, to_base64


class Checkpoint(NamedTuple):
    """The head of the log `origin`: its `size` in leaves and its root. `extensions` are opaque."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


class Head(NamedTuple):
    """A checkpoint that its log was seen to have signed, and the note it came in."""

    checkpoint: Checkpoint
    opened: Opened


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The text to sign. Raises BadData for what `parse_checkpoint` would refuse."""
    origin, size, root, extensions = checkpoint
    text = "".join(f"{line}\n" for line in (origin, size, to_base64(root), *extensions))
    if parse_checkpoint(text) != checkpoint:
        raise BadData("a checkpoint is an origin, a size and a root, a line each")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Strict inverse of `format_checkpoint`, for the text of a note already opened.

    Raises BadData: fewer than three lines, an empty line, a size or root in another spelling.
    """
    try:
        lines = read_text(text.encode("utf-8")).split("\n")[:-1]
    except UnicodeEncodeError as error:
        raise BadData("a checkpoint is not Unicode text") from error
    if len(lines) < 3 or not all(lines):
        raise BadData("a checkpoint has an origin, a size and a root, and no empty line")
    origin, size, root, *extensions = lines
    return Checkpoint(origin, parse_number(size), parse_hash(root), tuple(extensions))


def open_checkpoint(
    raw: bytes, log_keys: Sequence[VerifyKey], witnesses: Sequence[PublicKey] = ()
) -> Head:
    """The head of *our* log from a note: signed under the name that is its origin, three lines.

    `log_keys` are the pinned keys of one log (two while a key is replaced): all bear the origin as
    their name. Raises NoteError when none of them signed; a witness alone is not enough.
    """
    opened = open_note(raw, [*log_keys, *witnesses])
    checkpoint = parse_checkpoint(opened.text)
    signers = {(one.name, one.key_id) for one in opened.verified}
    if not any((checkpoint.origin, key.key_id) in signers for key in log_keys):
        raise NoteError("the log itself did not sign this checkpoint under its origin")
    if checkpoint.extensions:
        raise NoteError("a checkpoint of this log has three lines")
    return Head(checkpoint, opened)
