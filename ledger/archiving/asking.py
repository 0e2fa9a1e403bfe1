"""Asking the opener: what proves a consultation, and what is to be opened, gathered and sent.

The proofs are computed from the exported tiles and checkpoint (`HOME/log`); the envelopes and
wrapped keys are the database's. The answer is handed on and rests nowhere: nothing is written.

What this file never does: judge the request (the opener does), or hold a data key. Read next:
`opener.py`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger import entry
from ledger.aggregates.archive import ARTICLE, CLAUSE
from ledger.application import Ledger
from ledger.archiving.wire import Key, Part, Request, receive, send
from ledger.errors import BadData, Broken, Misuse, NotFound, Refusal, Refused
from ledger.seal.checkpoint import parse_checkpoint
from ledger.seal.merkle import prove_inclusion
from ledger.seal.proof import InclusionProof, format_inclusion
from ledger.seal.tiles import folder, tile_reader
from ledger.store import archive as questions

PATIENCE = 60  # seconds: the opener reads the whole log first
TOLD = ("opener-refused", "four-eyes")  # why an opener refuses, for whoever can do something
FAMILIES: dict[str, type[Exception]] = {"misuse": Misuse, "bad-data": BadData, "broken": Broken}


Ask = Callable[[Request], dict[str, Any]]
"""Has the opener open one consultation: its answer, or what it raises."""


class NoOpener(Broken):
    """Nobody opens the archive here now."""


def gather(ledger: Ledger, log: Path, position: int) -> Request:
    """What the opener must see of the consultation at `position`.

    Raises NotFound when there is no consultation, Refused when it is not sealed yet or what it is
    about was erased.
    """
    raw = questions.entry_at(ledger.database, position)
    said = entry.read(raw) if raw is not None else {}
    if raw is None or said["type"] != "archive.consulted.v1":
        raise NotFound("there is no consultation at this position")
    meta = said["meta"]
    note, size = _checkpoint(log)
    if size < position:
        raise _refused(
            "not-sealed-yet",
            "this consultation is not in a signed checkpoint yet; open it after the next one",
        )
    given = questions.first_of(ledger.database, UUID(meta["grant"]))
    kids = [UUID(kid) for kid in meta["keys"]]
    keys = questions.living(ledger.database, kids)
    if given is None or len(keys) != len(kids):
        raise _refused("erased", "what this consultation is about was erased meanwhile")
    parts = questions.sealed_under(ledger.database, kids)
    return Request(
        raw,
        _proof(log, position, size, note),
        given[1],
        _proof(log, given[0], size, note),
        tuple(Key(*key) for key in keys),
        tuple(Part(*part) for part in parts),
    )


def ask(path: Path, request: Request) -> dict[str, Any]:
    """What the opener at this socket answers. Raises its refusal; NoOpener when nobody listens."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(path))
            send(connection, request.to_json())
            answer = receive(connection)
    except OSError as error:
        raise NoOpener(f"no opener answers at {path}; see `probant opener serve`") from error
    if "error" not in answer:
        return answer
    code, detail = answer["error"]["code"], answer["error"]["detail"]
    if code == "refused":
        problem = answer["error"].get("problem")
        raise _refused(problem if problem in TOLD else TOLD[0], detail)
    raise FAMILIES.get(code, Broken)(detail)


def _checkpoint(log: Path) -> tuple[bytes, int]:
    """The exported note, and its size; the opener verifies it, we only read it."""
    try:
        note = (log / "checkpoint").read_bytes()
        text = note.decode("utf-8").partition("\n\n")[0] + "\n"
    except FileNotFoundError:
        raise _refused("not-sealed-yet", "nothing of this ledger is sealed yet") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Broken("the exported checkpoint cannot be read") from error
    return note, parse_checkpoint(text).size


def _proof(log: Path, position: int, size: int, note: bytes) -> bytes:
    index = position - 1
    hashes = prove_inclusion(index, size, tile_reader(size, folder(log)))
    return format_inclusion(InclusionProof(index, tuple(hashes), note))


def _refused(problem: str, detail: str) -> Refused:
    return Refused(Refusal(problem, detail, CLAUSE, ARTICLE))
