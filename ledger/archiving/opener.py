"""The opener: another process, under another account, the only holder of the archive's private key.

It opens one record (one person, one class, one case) for a consultation that is proven to be in a
signed checkpoint, and believes nothing that the service says beside that:

1. Consultation and grant are proven (`.tlog-proof`) in one checkpoint of the log whose key is
   pinned in the opener's own `opener.toml`, and that is no older than any it has seen.
2. The grant is the one the consultation names: its holder is the reader, it covers the class, its
   day is not past, and no entry up to that checkpoint revokes it: the opener reads them itself. A
   revocation younger than the checkpoint shown is not seen.
3. The consultation is at most `hours` old, and is opened again for `minutes` only: so a checkpoint
   is never older than that either.
4. The keys are exactly those the consultation names, bound by HPKE to its person and class; more
   than `many` of them need an approver other than the reader (four eyes).
5. Envelopes are what their entries committed to.

It answers plaintext parts, never a data key. `state.json` (what was opened when, the largest
checkpoint seen) is on the disk before an answer leaves. Crash before that: nothing was opened.
Crash after: it counts as opened, and may be asked again within its minutes.

What this file never does: touch the database, the keyring, or write a plaintext. Read next:
`docs/archive.md`.
"""

from __future__ import annotations

import json
import os
import socket
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from ledger import entry
from ledger.archive_key import ArchiveKey
from ledger.archiving.wire import Key, Part, Request, receive, send
from ledger.calendar import Clock, Instant, SystemClock, day_of, parse_day, parse_instant
from ledger.errors import BadData, Broken, Misuse, ProbantError, Refusal, Refused
from ledger.seal.checkpoint import Head
from ledger.seal.merkle import Frontier, ProofError
from ledger.seal.note import VerifyKey
from ledger.seal.proof import open_inclusion
from ledger.seal.tiles import ENTRIES, TILE_WIDTH, Fetch, Tile, folder, parse_entries, tile_reader
from ledger.store.vault import Named, context_of, open_part

KEY, CONFIG, STATE, SOCKET = "archive.key", "opener.toml", "state.json", "socket"
HOUR, MINUTE = 3_600_000_000, 60_000_000  # µs
SKEW = 5 * MINUTE  # how far the clocks of service and opener may differ
DIGEST = 32  # bytes of the recipient's digest, before the wrapped key
PATIENCE = 30  # seconds for one request to arrive
CLAUSE, ARTICLE = "SS-RET-2", "RGPD art. 29, 32"
TEMPLATE = """# The opener's own rules (docs/archive.md), kept by whoever keeps the archive key.
# The public keys of the log, as its auditors pin them: two while one is replaced.
log = [{keys}]
# The exported log: tiles, entries. Relative to this folder.
tiles = "../log"
# A consultation is opened within so many hours of its record, and again for so many minutes.
hours = 24
minutes = 30
# More keys than this need an approver who is not the reader.
many = 5
"""


class Rules(NamedTuple):
    """What `opener.toml` says."""

    log: tuple[VerifyKey, ...]
    tiles: Path
    hours: int = 24
    minutes: int = 30
    many: int = 5

    @classmethod
    def load(cls, home: Path) -> Rules:
        """Read the file. Raises Misuse, also while no log key is pinned."""
        path = home / CONFIG
        try:
            said = tomllib.loads(path.read_text("utf-8"))
            keys = tuple(VerifyKey.parse(key) for key in said.pop("log"))
            rules = cls(keys, home / said.pop("tiles"), **said)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, BadData) as error:
            raise Misuse(f"the opener's rules at {path} cannot be read") from error
        limits = rules[2:]
        if not all(type(limit) is int and limit > 0 for limit in limits):
            raise Misuse(f"hours, minutes and many in {path} are numbers above zero")
        if not keys:
            raise Misuse(f"no log key is pinned: write the log's public key into {path}")
        return rules


def init(home: Path, public: Path, passphrase: str, log_keys: tuple[str, ...] = ()) -> bytes:
    """Generate the archive key: the private half into `home`, the public half into `public`.

    Returns the recipient's digest. Never replaces a key. Raises Misuse. The public half is written
    last: a crash before that leaves a key that nothing was archived for.
    """
    if public.exists():
        raise Misuse(f"an archive key exists at {public}; it will not be replaced")
    pinned = ", ".join(json.dumps(VerifyKey.parse(key).vkey) for key in log_keys)
    key = ArchiveKey.generate()
    key.store(home / KEY, passphrase)
    (home / CONFIG).write_text(TEMPLATE.format(keys=pinned), encoding="utf-8")
    State(home / STATE).save()
    public.write_bytes(key.recipient.to_bytes())
    return key.recipient.digest


class State:
    """What the opener remembers: the largest checkpoint seen, and what was first opened when."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.opened: dict[str, Instant] = {}

    @classmethod
    def load(cls, path: Path) -> State:
        """Read the file. Raises Broken when it is missing or damaged: forgetting is not safe."""
        state = cls(path)
        try:
            said = json.loads(path.read_text("ascii"))
            state.size = int(said["size"])
            state.opened = {str(name): int(at) for name, at in said["opened"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Broken(f"the opener's memory at {path} cannot be read") from error
        return state

    def save(self) -> None:
        """Replace the file. Crash: the old one or the new one, whole."""
        aside = self.path.with_name(self.path.name + ".tmp")
        with aside.open("w", encoding="ascii") as file:
            json.dump({"size": self.size, "opened": self.opened}, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.path)
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # the new name is on the disk, too
        finally:
            os.close(descriptor)


class Opener:
    """Judges requests, one at a time."""

    def __init__(
        self, key: ArchiveKey, rules: Rules, state: State, clock: Clock | None = None
    ) -> None:
        self._key, self._rules, self._state = key, rules, state
        self._clock: Clock = clock or SystemClock()

    @classmethod
    def load(cls, home: Path, passphrase: str) -> Opener:
        """The opener whose key, rules and memory are in `home`."""
        rules, state = Rules.load(home), State.load(home / STATE)
        return cls(ArchiveKey.load(home / KEY, passphrase), rules, state)

    def open(self, request: Request) -> list[dict[str, Any]]:
        """The parts of one record in clear, once every rule holds.

        Raises Refused, or BadData, NoteError and ProofError for what proves nothing.
        """
        consultation = _read(request.consultation, "archive.consulted.v1")
        grant = _read(request.grant, "access.granted.v1")
        keys, rules = self._rules.log, self._rules
        _, head = open_inclusion(
            request.consultation_proof, entry.leaf_hash(request.consultation), keys
        )
        index, other = open_inclusion(request.grant_proof, entry.leaf_hash(request.grant), keys)
        if head.checkpoint != other.checkpoint:
            raise _refused("consultation and grant are proven in different checkpoints")
        now, meta = self._clock.now(), consultation["meta"]
        self._check_fresh(consultation, head, now)
        _check_grant(meta, grant, now)
        _check_keys(meta, request, rules.many)
        if _is_revoked(folder(rules.tiles), head, index, grant["stream"]):
            self._remember(head, {})  # an older checkpoint, without it, will not do any more
            raise _refused("the grant was revoked")
        opened = self._parts(meta, request)
        self._remember(head, {consultation["id"]: now})
        return opened

    def _check_fresh(self, consultation: dict[str, Any], head: Head, now: Instant) -> None:
        if head.checkpoint.size < self._state.size:
            raise _refused("this checkpoint is older than one the opener has seen")
        recorded = parse_instant(consultation["at"])
        if not recorded - SKEW <= now <= recorded + self._rules.hours * HOUR:
            raise _refused("this consultation is too old; record another one")
        first = self._state.opened.get(consultation["id"])
        if first is not None and now > first + self._rules.minutes * MINUTE:
            raise _refused("this consultation was opened, and its time is over; record another one")

    def _remember(self, head: Head, opened: dict[str, Instant]) -> None:
        """On the disk before anything is answered; what cannot be remembered is not opened."""
        self._state.size = max(self._state.size, head.checkpoint.size)
        self._state.opened = opened | self._state.opened  # the first time stays
        try:
            self._state.save()
        except OSError as error:
            raise Broken("the opener cannot write its memory; nothing was opened") from error

    def _parts(self, meta: dict[str, Any], request: Request) -> list[dict[str, Any]]:
        deks = {str(key.kid): self._unwrap(meta, key) for key in request.keys}
        return [_opened(meta, deks, part) for part in request.parts]

    def _unwrap(self, meta: dict[str, Any], key: Key) -> bytes:
        if key.wrapped[:DIGEST] != self._key.recipient.digest:
            raise _refused("this was archived for another archive key")
        named = Named(key.kid, UUID(meta["subject"]), meta["of"], key.scope, key.generation)
        return self._key.unwrap(key.wrapped[DIGEST:], context_of(named))


def _read(raw: bytes, kind: str) -> dict[str, Any]:
    said = entry.read(raw)
    if said.get("type") != kind:
        raise _refused("this is no consultation under a grant")
    return said


def _check_grant(meta: dict[str, Any], grant: dict[str, Any], now: Instant) -> None:
    given = grant["meta"]
    if meta["grant"] != grant["stream"]:
        raise _refused("the consultation names another grant")
    if given["holder"] != meta["reader"]:
        raise _refused("the reader does not hold this grant")
    if meta["of"] not in given["classes"]:
        raise _refused("the grant does not cover this class")
    if day_of(now) > parse_day(given["until"]):
        raise _refused("the grant has ended")


def _check_keys(meta: dict[str, Any], request: Request, many: int) -> None:
    if sorted(str(key.kid) for key in request.keys) != sorted(meta["keys"]):
        raise _refused("the keys are not those the consultation names")
    if meta.get("scope") is not None and any(key.scope != meta["scope"] for key in request.keys):
        raise _refused("the keys are not of the scope that the consultation names")
    approver = meta.get("approver")
    if len(request.keys) > many and approver in (None, meta["reader"]):
        detail = f"more than {many} keys need an approver who is not the reader"
        raise _refused(detail, "four-eyes")


def _opened(meta: dict[str, Any], deks: dict[str, bytes], part: Part) -> dict[str, Any]:
    said = entry.read(part.entry)
    described = next((p for p in said.get("parts", ()) if p["n"] == part.part), None)
    if described is None or described["kid"] not in deks or described["n"] != meta["of"]:
        raise _refused("a part is not of the record that the consultation names")
    dek = deks[described["kid"]]
    if entry.to_base64(entry.key_commitment(dek)) != described["kc"]:
        raise _refused("a key is not the one its entry committed to")
    opened = open_part(dek, said["id"], described, part.envelope)
    fields = entry.read(opened.plaintext)
    return {
        "position": part.position,
        "kind": said["type"],
        "occurred": said["meta"]["occurred"],
        "fields": fields,
    }


def _is_revoked(fetch: Fetch, head: Head, granted: int, stream: str) -> bool:
    """Whether an entry after the grant revokes it, up to this checkpoint.

    Reads every leaf, so that the root says nothing was withheld, and every entry after the grant. A
    pruned entry must be covered by a prune on record. Raises BadData where a file is missing.
    """
    size, frontier = head.checkpoint.size, Frontier.empty()
    read = tile_reader(size, fetch)
    blanks: list[int] = []
    pruned: list[list[int]] = []
    found = False
    for index in range(-(-size // TILE_WIDTH)):
        width, first = min(TILE_WIDTH, size - index * TILE_WIDTH), index * TILE_WIDTH
        leaves = read([(0, at) for at in range(first, first + width)])
        frontier = frontier.extend(leaves)
        if first + width <= granted:
            continue
        entries = _entries(fetch, index, width)
        for position, (leaf, content) in enumerate(zip(leaves, entries, strict=True), first + 1):
            if not content:
                blanks.append(position)
                continue
            if entry.leaf_hash(content) != leaf:
                raise ProofError("an exported entry is not the one that was sealed")
            if b'"access.revoked.v1"' in content:
                said = entry.read(content)
                found |= said["type"] == "access.revoked.v1" and said["stream"] == stream
            elif b'"ledger.pruned.v1"' in content:
                said = entry.read(content)
                pruned += said["meta"]["ranges"] if said["type"] == "ledger.pruned.v1" else []
    if frontier.root() != head.checkpoint.root:
        raise ProofError("the exported tiles are not those of the checkpoint")
    if not all(any(first <= at <= last for first, last in pruned) for at in blanks if at > granted):
        raise ProofError("an exported entry is missing, and no prune on record says why")
    return found


def _entries(fetch: Fetch, index: int, width: int) -> list[bytes]:
    """The first `width` entries of a bundle, from the full one where the partial was removed."""
    for held in (width, TILE_WIDTH):
        content = fetch(Tile(ENTRIES, index, held).path)
        if content is not None:
            return parse_entries(content, held)[:width]
    raise BadData("the exported log is not as long as the checkpoint shown; export it first")


def _refused(detail: str, problem: str = "opener-refused") -> Refused:
    return Refused(Refusal(problem, detail, CLAUSE, ARTICLE))


# --- the process --------------------------------------------------------------------------------


def answer(opener: Opener, said: dict[str, Any]) -> dict[str, Any]:
    """The answer to one message: parts, or why not. A bad request never ends the process."""
    try:
        return {"opened": opener.open(Request.parse(said))}
    except ProbantError as error:
        family = error.code if error.code in ("misuse", "refused") else None
        family = family or ("broken" if isinstance(error, Broken) else "bad-data")
        problem = error.refusal.problem if isinstance(error, Refused) else None
        return {"error": {"code": family, "problem": problem, "detail": str(error)}}
    except (KeyError, TypeError, ValueError, AttributeError):  # an entry that lacks its fields
        return {"error": {"code": "bad-data", "detail": "an entry shown has not its own form"}}


def serve(opener: Opener, path: Path, ready: Callable[[], None] = lambda: None) -> None:
    """Answer requests at this socket, one after the other, until interrupted.

    Raises Misuse when another opener listens there. A socket left by a crash is replaced.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        _bind(listener, path)
        listener.listen(8)
        ready()
        try:
            while True:
                connection, _ = listener.accept()
                with connection:
                    _serve_one(opener, connection)
        finally:
            path.unlink(missing_ok=True)


def _bind(listener: socket.socket, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)  # nobody listens: what is there was left by a crash
        else:
            raise Misuse(f"an opener listens at {path} already")
    before = os.umask(0o117)  # the opener's account and its group: rw-rw----
    try:
        listener.bind(str(path))
    except OSError as error:
        raise Misuse("the opener's socket cannot be made; is its path too long?") from error
    finally:
        os.umask(before)


def _serve_one(opener: Opener, connection: socket.socket) -> None:
    connection.settimeout(PATIENCE)
    try:
        try:
            said = receive(connection)
        except BadData as error:
            send(connection, {"error": {"code": "bad-data", "detail": str(error)}})
            return
        send(connection, answer(opener, said))
    except BadData:
        send(connection, {"error": {"code": "bad-data", "detail": "the answer is too long"}})
    except OSError:
        return  # whoever asked has left; what was opened is remembered
