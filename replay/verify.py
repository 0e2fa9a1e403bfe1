"""The verifier: one file, the standard library and `cryptography`, nothing of the ledger it judges.

    python verify.py BUNDLE --trust anchors.toml [--receipt FILE] [--json] [--lang fr]
                     [--processes N] [--hashes-only]
    python verify.py FILE.certificate|FILE.receipt --trust anchors.toml

BUNDLE is a folder or a zip (docs/verifying.md). `anchors.toml` is yours and never comes with it:
`origin`, `log` (keys of the log), `witnesses`, `quorum`, `tsa` (PEM files of time-stamping roots),
`checkpoints` (files you kept from earlier visits), `tolerance_seconds`. What must hold:

 1 checkpoint   a pinned key signed it, under the pinned origin
 2 witnesses    enough pinned witnesses, counted by key material, cosigned it
 3 timestamps   RFC 3161 tokens date earlier checkpoints (asked of `openssl ts`)
 4 tree         the tiles give the root of the checkpoint (RFC 6962)
 5 entries      every entry hashes to its leaf and is canonical JSON of the restricted form
 6 prefixes     every checkpoint you kept, and every one in the bundle, is a prefix of this log
 7 streams      versions count from 1 without a gap; record time grows, between the time stamps
 8 keys         R1 an envelope is missing only if its key was destroyed later, on a known order;
                R2 an entry only if a later event prunes it; R3 lost parts are those a restore names
 9 disclosed    texts shown are those that were committed to
10 policies     the policy documents in force are there, and were published first
11 columns      the typed columns, from which states are derived, say what the entries say
12 receipts and 13 certificates are signed by the log; what a receipt promised is there
14 manifest     the bundle arrived as it was sent (it proves nothing else)

Exit code: 0 every required check passed and none failed, 1 otherwise, 2 the question makes no
sense. This file never repairs, never guesses, and trusts nothing that is in the bundle.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
import zipfile
import zlib
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAMES = (
    *("checkpoint", "witnesses", "timestamps", "tree", "entries", "prefixes", "streams", "keys"),
    *("disclosed", "policies", "columns", "receipts", "certificates", "manifest"),
)
FRENCH_NAMES = (
    *("tête signée", "témoins", "horodatages", "arbre", "écritures", "préfixes", "flux", "clés"),
    *("divulgations", "politiques", "colonnes", "récépissés", "certificats", "manifeste"),
)
REQUIRED = {  # by kind of bundle; what the trust file asks for is required too
    "whole": {1, 4, 5, 7, 8, 10, 14},
    "range": {1, 4, 5, 7, 10, 14},
    "subject": {1, 5, 14},
    "redacted": {1, 4, 14},
}
KEPT = 20  # findings shown of each check; all are counted
HASH, WIDTH = 32, 256  # bytes of a hash; hashes of a full tile, entries of a full bundle
COLUMNS = (
    *("position", "stream", "version", "kind", "subject", "class", "item", "purpose", "channel"),
    *("decision", "basis", "grade", "actor", "edition", "until_day", "ref_position"),
    *("amount_minor", "occurred_at", "grain", "local_day", "recorded_at"),
)
# Kinds of event, all of version 1, by what their `meta` also says in typed columns (key>column).
CATALOGUE = """
: customer.registered customer.account_opened customer.account_closed customer.profile_rectified
  customer.logged_in customer.commented customer.directive_revoked customer.died data.read
  signal.received order.cancelled contract.ended card.removed ticket.closed survey.answered
  hold.lifted controller.declared dpo.appointed field.declared obligation.declared notice.published
  form.published retention.ran incident.notified access.revoked ledger.log_key_added
  ledger.log_key_retired ledger.anchored ledger.restored ledger.kek_destroyed
channel: customer.contacted_us renewal.notified card.removal_requested message.opened ticket.opened
ground>basis: customer.restricted
ground>basis informed>until_day: customer.restriction_lifted
wish>decision: customer.directive_set customer.heir_requested
age>decision: customer.minor_signalled
purpose channel grade: consent.requested consent.given consent.refused consent.withdrawn
  consent.renewed consent.invalidated objection.raised objection.lifted optout.offered
purpose channel grade decision: objection.assessed
edition>until_day channel: policy.notified
purpose grade: tracker.given tracker.refused tracker.withdrawn
amount>amount_minor: order.placed order.invoiced order.paid order.refunded card.settled
type>basis until>until_day tacit>decision amount>amount_minor: contract.started
until>until_day tacit>decision: contract.renewed
type>basis until>until_day tacit>decision: contract.amended
ground>basis expiry>until_day: card.kept card.rebound
purpose channel: message.sent call.placed survey.sent
purpose channel decision basis: message.decided
purpose: selection.run data.disclosed
review>until_day: hold.placed hold.reviewed
edition>until_day: policy.published
purpose basis: purpose.declared
type>basis attested_until>until_day: recipient.declared
outcome>decision purpose: assessment.recorded
risk>decision: incident.detected
until>until_day: audience.measured access.granted
ref>ref_position purpose channel decision basis grade until>until_day amount>amount_minor:
  fact.corrected
ref>ref_position: fact.voided
of>decision until>until_day reason>basis: customer.class_archived
of>decision reason>basis: customer.class_erased
motive>basis of>decision: archive.consulted
reason>basis: ledger.key_destroyed ledger.pruned
dies_on>until_day: ledger.kek_retired
: recipient.told recipient.acknowledged
"""


def mapped() -> dict[str, list[tuple[str, int]]]:
    """The catalogue: kind -> what `meta` key goes to which column (by place in COLUMNS)."""
    found: dict[str, list[tuple[str, int]]] = {}
    for line in CATALOGUE.replace("\n  ", " ").strip().splitlines():
        columns, _, kinds = line.partition(":")
        pairs = [(one.split(">")[0], COLUMNS.index(one.split(">")[-1])) for one in columns.split()]
        found |= {f"{kind}.v1": pairs for kind in kinds.split()}
    return found


MAPPED = mapped()


class Bad(Exception):
    """What was read is not what it should be; the text is a key of WORDS."""


class Misuse(Exception):
    """The question makes no sense; the text is a key of WORDS."""


# --- strict pieces: each value has one spelling -------------------------------------------------


def number(text: str) -> int:
    """A decimal below 2**63 without sign, space, underscore or leading zero, ASCII digits."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) >= 2**63:
        raise Bad("malformed")
    return int(text)


def base64(text: str, length: int | None = None) -> bytes:
    """Standard base64 that prints back to itself (decoders drop junk and surplus bits)."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        raise Bad("malformed") from None
    if b64encode(raw).decode() != text or length not in (None, len(raw)):
        raise Bad("malformed")
    return raw


def web64(raw: bytes) -> str:
    """Base64url without padding, as entries write digests and salts."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def unweb64(text: str) -> bytes:
    """Strict inverse of `web64`. Raises ValueError."""
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if web64(raw) != text:
        raise ValueError
    return raw


def lines_of(raw: bytes) -> list[str]:
    """The lines of a UTF-8 text whose only control character is the newline, its last one."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Bad("malformed") from None
    if not text.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", text):
        raise Bad("malformed")
    return text[:-1].split("\n")


# --- the tree (RFC 6962) ------------------------------------------------------------------------


def fold(hashes: bytes) -> bytes:
    """The root over concatenated hashes: pairs are hashed, an odd last one moves up as it is."""
    while len(hashes) > HASH:
        whole = len(hashes) // 64 * 64
        pairs = [sha256(b"\1" + hashes[i : i + 64]).digest() for i in range(0, whole, 64)]
        hashes = b"".join(pairs) + hashes[whole:]
    return hashes or sha256(b"").digest()


def climb(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Bad("proof")
    at, last = index, size - 1
    for sibling in proof:
        if last == 0:
            raise Bad("proof")
        if at & 1 or at == last:
            leaf = sha256(b"\1" + sibling + leaf).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = sha256(b"\1" + leaf + sibling).digest()
        at, last = at >> 1, last >> 1
    if last:
        raise Bad("proof")
    return leaf


def grown(old: int, new: int, old_root: bytes, proof: Sequence[bytes]) -> bytes:
    """The new root that a consistency proof leads to (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new or (old == new and proof) or (old < new and not proof):
        raise Bad("proof")
    if old == new:
        return old_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Bad("proof")
        if at & 1 or at == last:
            before = sha256(b"\1" + sibling + before).digest()
            after = sha256(b"\1" + sibling + after).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = sha256(b"\1" + after + sibling).digest()
        at, last = at >> 1, last >> 1
    if last or before != old_root:
        raise Bad("proof")
    return after


def tile(level: int | str, index: int, width: int = WIDTH) -> str:
    """The path of a tile (C2SP tlog-tiles): 1234067 is x001/x234/067."""
    path = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        path = f"x{index % 1000:03}/{path}"
    return f"tile/{level}/{path}" + ("" if width == WIDTH else f".p/{width}")


# --- signed notes (C2SP) ------------------------------------------------------------------------


class Key(NamedTuple):
    """A pinned key: Ed25519 over the text (1), or over a time and the text (4, a witness)."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The first bytes of SHA-256(name, newline, algorithm, key)."""
        material = bytes([self.algorithm]) + self.public
        return sha256(self.name.encode() + b"\n" + material).digest()[:4]

    @classmethod
    def parse(cls, vkey: str, algorithm: int) -> Key:
        """`name+id+base64(algorithm, key)`."""
        name, _, rest = vkey.partition("+")
        identifier, _, encoded = rest.partition("+")
        raw = base64(encoded, 1 + HASH)
        key = cls(name, raw[0], raw[1:])
        if raw[0] != algorithm or key.id.hex() != identifier or not re.fullmatch(r"[^\s+]+", name):
            raise Bad("malformed")
        return key

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether this key made the signature over the text."""
        if self.algorithm == 4:
            time = int.from_bytes(signature[:8], "big")
            text, signature = b"cosignature/v1\ntime %d\n" % time + text, signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def open_note(raw: bytes, keys: Iterable[Key]) -> tuple[list[str], dict[Key, bytes]]:
    """The lines of a note and the verified signature of each known key. Lines of unknown keys are
    ignored; a bad line of a known one condemns the note."""
    text, gap, below = raw.rpartition(b"\n\n")
    signatures = lines_of(below) if gap and len(raw) <= 1 << 20 else []
    lines = lines_of(text + b"\n")
    if not 1 <= len(signatures) <= 100:
        raise Bad("malformed")
    known, verified = {(key.name, key.id): key for key in keys}, {}
    for line in signatures:
        found = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        signature = base64(found[2]) if found else b""
        if not found or len(signature) < 5:
            raise Bad("malformed")
        key = known.get((found[1], signature[:4]))
        if key is not None:
            if not key.signed(text + b"\n", signature[4:]):
                raise Bad("bad_signature")
            verified[key] = signature[4:]
    return lines, verified


class Head(NamedTuple):
    """A verified checkpoint: its size and root, and who cosigned it when (POSIX seconds)."""

    size: int
    root: bytes
    signers: tuple[Key, ...]
    cosigned: dict[Key, int]


@dataclass(frozen=True)
class Trust:
    """The verifier's own anchors."""

    origin: str
    log: tuple[Key, ...]
    witnesses: tuple[Key, ...] = ()
    quorum: int = 0
    tsa: tuple[Path, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    tolerance: int = 300

    @classmethod
    def load(cls, path: Path) -> Trust:
        """Read `anchors.toml`; its paths are relative to it."""
        try:
            said = tomllib.loads(path.read_text("utf-8"))
            log = tuple(Key.parse(vkey, 1) for vkey in said.pop("log"))
            witnesses = tuple(Key.parse(vkey, 4) for vkey in said.pop("witnesses", ()))
            tsa, kept = (
                tuple(path.parent / file for file in said.pop(key, ()))
                for key in ("tsa", "checkpoints")
            )
            origin, quorum = said.pop("origin"), said.pop("quorum", 0)
            tolerance = said.pop("tolerance_seconds", 300)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, Bad):
            raise Misuse("trust") from None
        typed = type(quorum) is type(tolerance) is int and quorum >= 0 <= tolerance
        if said or not typed or {key.name for key in log} != {origin}:
            raise Misuse("trust")
        if not all(file.is_file() for file in (*tsa, *kept)):
            raise Misuse("trust_files")
        return cls(origin, log, witnesses, quorum, tsa, kept, tolerance)

    def open(self, raw: bytes) -> Head:
        """A checkpoint of this log. Raises Bad."""
        lines, verified = open_note(raw, [*self.log, *self.witnesses])
        signers = tuple(key for key in self.log if key in verified)
        if not signers:
            raise Bad("unknown_key")
        if len(lines) != 3 or lines[0] != self.origin:
            raise Bad("other_origin")
        times = {key: int.from_bytes(sig[:8], "big") for key, sig in verified.items()}
        cosigned = {key: times[key] for key in self.witnesses if key in times}
        return Head(number(lines[1]), base64(lines[2], HASH), signers, cosigned)

    def statement(self, raw: bytes, what: str) -> list[str]:
        """The lines of a receipt or certificate: the same key under a name of its own."""
        name = f"{self.origin}/{what}"
        lines, verified = open_note(raw, [Key(name, 1, key.public) for key in self.log])
        if not verified:
            raise Bad("unknown_key")
        if lines[0] != name:
            raise Bad("other_origin")
        return lines[1:]


# --- the bundle ---------------------------------------------------------------------------------


UNREADABLE = (KeyError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError)


class Bundle:
    """A folder or a zip whose files are read by name."""

    def __init__(self, path: Path) -> None:
        self.path, self.root = path, f"{path}{os.sep}"  # plain strings: Path is slow by the million
        try:
            self.zip = None if path.is_dir() else zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile):
            raise Misuse("no_bundle") from None

    def open(self, name: str) -> IO[bytes]:
        """A file, to be read. Raises KeyError or OSError where there is none."""
        return self.zip.open(name) if self.zip else open(self.root + name, "rb")  # noqa: PTH123

    def read(self, name: str) -> bytes | None:
        """The content of a file, None where there is none."""
        try:
            with self.open(name) as file:
                return file.read()
        except UNREADABLE:
            return None

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        if self.zip:
            return name in self.zip.NameToInfo
        return os.path.isfile(self.root + name)  # noqa: PTH113

    def names(self, folder: str = "") -> Iterator[str]:
        """The files below a folder."""
        if self.zip:
            yield from (n for n in self.zip.namelist() if n.startswith(folder) and n[-1] != "/")
            return
        for place, _, files in os.walk(self.root + folder):
            below = place[len(self.root) :].replace(os.sep, "/").strip("/")
            yield from (f"{below}/{file}" if below else file for file in files)

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a text file, one at a time; nothing where there is none."""
        try:
            with self.open(name) as opened:
                for line in opened:
                    yield line.decode("utf-8", "replace").removesuffix("\n")
        except UNREADABLE:
            return


@dataclass
class Findings:
    """What was found wrong: (check, key of WORDS, values); every one counted, the first kept."""

    counts: Counter[int] = field(default_factory=Counter)
    kept: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def add(self, check: int, key: str, **values: Any) -> None:
        """One more."""
        self.counts[check] += 1
        if self.counts[check] <= KEPT:
            self.kept.append((check, key, values))


# --- entries ------------------------------------------------------------------------------------

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DIGEST, CODE = r"[A-Za-z0-9_-]{43}", r"[a-z0-9][a-z0-9_.:-]{0,63}"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
ENTRY = re.compile(  # all of an entry but `meta` and `parts`, which are read as JSON
    rf'\{{"at":"({TIME})","id":"({UUID})",(?:(.*),)?"pol":"({DIGEST})","salt":"[A-Za-z0-9_-]{{22}}",'
    rf'"stream":"({UUID})","type":"({CODE})","v":1,"ver":([1-9][0-9]{{0,14}})\}}',
    re.DOTALL,
)
PART = re.compile(rf"({DIGEST}) ({DIGEST}) ({DIGEST}) ({UUID}) ({CODE})")
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def refuse(_: str) -> int:
    """No fraction, no NaN."""
    raise ValueError


def whole(text: str) -> int:
    """An integer that every JSON reader holds exactly."""
    if abs(value := int(text)) >= 2**53:
        raise ValueError
    return value


DECODER = json.JSONDecoder(parse_float=refuse, parse_int=whole, parse_constant=refuse)
ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
)


def canonical(texts: list[str]) -> list[Any]:
    """The objects whose canonical JSON (RFC 8785) these are; None for what is not, or holds more
    than texts, integers, lists and objects.

    Written again, they must be the same bytes: duplicate keys, spaces, escapes would not be. They
    are read together, with a null between: no text holds one, so each null shows where one ends.
    """
    joined, count = "[" + ",null,".join(texts) + "]", len(texts)
    try:
        values: list[Any] = DECODER.decode(joined)
        same = len(values) == 2 * count - 1 and values[1::2] == [None] * (count - 1)
        same = same and ENCODER.encode(values) == joined
    except (ValueError, RecursionError):
        values, same = [], False
    odd = not joined.isascii() or any(word in joined for word in ("\\", " ", "true", "false"))
    if same and not odd and joined.count("null") == count - 1:
        return values[::2]
    if count > 1:
        return [canonical([text])[0] for text in texts]
    return [values[0] if same and restricted(values[0]) else None]


def restricted(value: Any) -> bool:
    """Texts, integers, lists and objects with printable ASCII keys; no boolean, no null."""
    if isinstance(value, dict):
        keys = all(re.fullmatch(r"[\x21-\x7e]+", key) for key in value)
        return keys and all(map(restricted, value.values()))
    return all(map(restricted, value)) if isinstance(value, list) else type(value) in (str, int)


def micros(text: str) -> int:
    """An instant in microseconds since 1970. Raises ValueError."""
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


@lru_cache(1 << 14)
def paris_day(hour: int) -> int:
    """The day in Paris (YYYYMMDD) of an hour since 1970."""
    moment = (EPOCH + timedelta(hours=hour)).astimezone(ZoneInfo("Europe/Paris"))
    return moment.year * 10000 + moment.month * 100 + moment.day


def typed(column: str, value: Any) -> Any:
    """What a typed column holds for a value of `meta`."""
    if column == "amount_minor":
        return value["minor"]
    if column == "until_day":  # a month stands for its last day
        if len(value) == 7:
            year, month = int(value[:4]), int(value[5:])
            following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            value = (following - timedelta(days=1)).date().isoformat()
        return int(value.replace("-", ""))
    return ("express", "tacit")[value] if column == "decision" and value in (0, 1) else value


class Task(NamedTuple):
    """What one worker reads: the tiles `begin` to `end` (excluded) of level 0; the entries of the
    positions `first` to `last`; `stamps` are (size, microseconds), in order of size."""

    path: Path
    size: int
    begin: int
    end: int
    first: int
    last: int
    stamps: tuple[tuple[int, int], ...]
    tolerance: int
    spill: str
    hashes_only: bool


TABLES = (
    "runs(stream BLOB, position INTEGER, first INTEGER, last INTEGER)",
    "parts(kid BLOB, position INTEGER, present INTEGER)",
    "pruned(position INTEGER)",
    "destroyed(kid BLOB, position INTEGER, authority TEXT)",
    "erasures(id TEXT, kid BLOB)",
    "excused(rule INTEGER, first INTEGER, last INTEGER, position INTEGER)",
)


class Scan:
    """One worker's share: what it found, and what only the whole log can judge.

    What grows with the log goes to a temporary SQLite file; memory stays flat.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.found = task, Findings()
        self.level1 = bytearray()  # hashes of the full tiles
        self.entries = self.pruned = self.parts = self.envelopes = self.unknown = self.columns = 0
        self.first_at = self.last_at = self.last_position = 0
        self.pols: dict[str, int] = {}  # first position at which each policy is in force
        self.editions: dict[str, Any] = {}  # what the columns call each policy
        self.published: dict[str, tuple[int, str]] = {}
        self.acts: list[tuple[int, str, dict[str, Any]]] = []  # of log keys and time stamps
        self._bundle, self._db = Bundle(task.path), sqlite3.connect(task.spill)
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        self._db.executescript("".join(f"CREATE TABLE {table};" for table in TABLES))
        self._rows: dict[str, list[Any]] = {table.partition("(")[0]: [] for table in TABLES}
        self._tips: dict[str, list[Any]] = {}
        self._sealed = next(self._bundle.names("envelopes/"), None) is not None
        self._lines = self._skip(self._bundle.lines("columns.ndjson"))
        self._line = next(self._lines, None)

    def _skip(self, lines: Iterator[str]) -> Iterator[str]:
        first = max(self.task.first, self.task.begin * WIDTH + 1)
        for line in lines:
            found = re.match(r"\[([0-9]{1,18}),", line)
            if not found or int(found[1]) >= first:
                yield line
                yield from lines

    def take(self, index: int) -> None:
        """Check one tile of leaves and its entries."""
        task, start = self.task, index * WIDTH
        width = min(WIDTH, task.size - start)
        path = tile(0, index, width)
        leaves = self._bundle.read(path) or b""
        if len(leaves) != HASH * width:
            self.found.add(4, "tile", path=path)
            leaves = bytes(HASH * width)
        if width == WIDTH:
            self.level1 += fold(leaves)
        if task.last <= start or task.first > start + width:
            return
        entries = frames(self._bundle.read(tile("entries", index, width)) or b"", width)
        if entries is None:
            self.found.add(5, "entry_bundle", path=tile("entries", index, width))
            return
        made = [sha256(b"\0" + entry).digest() for entry in entries]
        if b"".join(made) != leaves:
            for at, entry in enumerate(entries):
                if entry and made[at] != leaves[at * HASH : (at + 1) * HASH]:
                    self.found.add(5, "leaf", position=start + at + 1)
        if not task.hashes_only:
            inside = range(max(task.first, start + 1), min(task.last, start + width) + 1)
            self._read({position: entries[position - start - 1] for position in inside})

    def _read(self, entries: dict[int, bytes]) -> None:
        """Read the entries at these positions, and the lines of columns that stand for them."""
        matched: dict[int, re.Match[str] | None] = {}
        for position, raw in entries.items():
            if not raw:
                self._rows["pruned"].append((position,))
                continue
            try:
                matched[position] = ENTRY.fullmatch(raw.decode()) if len(raw) <= 16384 else None
            except UnicodeDecodeError:
                matched[position] = None
        self.entries += len(matched)
        self.pruned += len(entries) - len(matched)
        good = {position: found for position, found in matched.items() if found}
        said = canonical(["{" + (found[3] or "") + "}" for found in good.values()])
        rows: dict[int, Any] = dict.fromkeys(matched)
        for (position, found), middle in zip(good.items(), said, strict=True):
            try:
                rows[position] = self._entry(position, found, middle)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                matched[position] = None
        for position, match in matched.items():
            if match is None:
                self.found.add(5, "form", position=position)
        if self._line is not None:
            self._compare(rows)
        self._flush()

    def _entry(self, position: int, found: re.Match[str], said: Any) -> list[Any] | None:
        """Check one entry; the row of typed columns it implies. Raises ValueError and its like."""
        at, identifier, _, pol, stream, kind, version = found.groups()
        if said is None or not said.keys() <= {"meta", "parts"}:
            raise ValueError
        meta, number_ = said.get("meta", {}), int(version)
        self._time(position, moment := micros(at))
        tip = self._tips.get(stream)
        if tip is None:
            self._tips[stream] = [position, number_, number_]
        elif number_ == tip[2] + 1:
            tip[2] = number_
        else:
            self.found.add(7, "version", position=position)
            tip[2] = number_
        self.pols.setdefault(pol, position)
        for part in said.get("parts", ()):
            self._part(position, part)
        if kind in ACTS:
            self._act(position, kind, identifier, meta)
        if kind not in MAPPED:
            self.unknown += 1
            return None
        if self._line is None:
            return None
        occurred = micros(meta["occurred"])
        get = meta.get
        row = [position, stream, number_, kind, get("subject"), get("class"), get("item"), None]
        row += (None, None, None, None, get("actor"), pol, None, None, None, occurred)
        row += (get("grain"), paris_day(occurred // 3_600_000_000), moment)
        for key, column in MAPPED[kind]:
            if key in meta:
                row[column] = typed(COLUMNS[column], meta[key])
        return row

    def _time(self, position: int, moment: int) -> None:
        if moment <= self.last_at:
            self.found.add(7, "time", position=position)
        if not self.first_at:
            self.first_at = moment
        self.last_at, self.last_position = moment, position
        slack = self.task.tolerance * 1_000_000
        for size, when in self.task.stamps:
            if moment > when + slack if position <= size else moment < when - slack:
                self.found.add(7, "backdated", position=position)

    def _part(self, position: int, part: dict[str, str]) -> None:
        described = f"{part['cm']} {part['ct']} {part['kc']} {part['kid']} {part['n']}"
        if len(part) != 5 or not PART.fullmatch(described):
            raise ValueError
        present = 0
        if self._sealed:
            content = self._bundle.read(f"envelopes/{position - 1}-{part['n']}")
            present = int(content is not None)
            if content is not None and web64(sha256(b"\3" + content).digest()) != part["ct"]:
                self.found.add(8, "envelope", position=position)
        self.parts += 1
        self.envelopes += present
        self._rows["parts"].append((bytes.fromhex(part["kid"].replace("-", "")), position, present))

    def _act(self, position: int, kind: str, identifier: str, meta: dict[str, Any]) -> None:
        """What rules R1 to R3, the policies and the keys of the log rest on."""
        rows = self._rows
        if kind == "customer.class_erased.v1":
            kids = [bytes.fromhex(kid.replace("-", "")) for kid in meta.get("keys", ())]
            rows["erasures"] += [(identifier, kid) for kid in kids or (b"",)]
        elif kind == "ledger.key_destroyed.v1":
            for key in meta["keys"]:
                kid = bytes.fromhex(key["kid"].replace("-", ""))
                rows["destroyed"].append((kid, position, str(meta["authority"])))
        elif kind == "policy.published.v1":
            self.published.setdefault(meta["document"], (position, str(meta["edition"])))
        elif kind in ("ledger.pruned.v1", "ledger.restored.v1"):
            rule = 2 if kind == "ledger.pruned.v1" else 3
            for first, last in meta["ranges"] if rule == 2 else meta.get("lost_parts", ()):
                rows["excused"].append((rule, first, min(last, position - 1), position))
        else:
            self.acts.append((position, kind, meta))

    def _compare(self, rows: dict[int, Any]) -> None:
        """Each surviving entry has its line of columns, and the line says what the entry says."""
        lines = []
        for row in rows.values():
            lines.append(self._line or "")
            self._line = next(self._lines, None)
            if row is not None:
                if (pol := row[13]) not in self.editions:
                    self.editions[pol] = parsed(lines[-1], 13)
                row[13] = self.editions[pol]
        self.columns += len(lines)
        wanted = ENCODER.encode([row for row in rows.values() if row is not None])
        if None not in rows.values() and wanted[1:-1].replace("],[", "]\n[") == "\n".join(lines):
            return
        for (position, row), line in zip(rows.items(), lines, strict=True):
            if row is not None and ENCODER.encode(row) != line:
                wrong = [name for at, name in enumerate(COLUMNS) if parsed(line, at) != row[at]]
                self.found.add(
                    11, "columns_differ", position=position, names=", ".join(wrong) or "?"
                )

    def _flush(self, *, last: bool = False) -> None:
        if last or len(self._tips) > 1 << 14:
            runs = [(bytes.fromhex(s.replace("-", "")), *tip) for s, tip in self._tips.items()]
            self._rows["runs"], self._tips = runs, {}
        for table, rows in self._rows.items():
            if rows:
                marks = ",".join("?" * len(rows[0]))
                self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
                rows.clear()

    def close(self) -> Scan:
        """Write what is left. What remains can travel between processes."""
        self._flush(last=True)
        self._db.commit()
        self._db.close()
        if self._line is not None and self.task.end * WIDTH >= min(self.task.last, self.task.size):
            self.found.add(11, "columns_more")
        del self._db, self._bundle, self._lines, self._line
        return self


ACTS = {
    *("customer.class_erased.v1", "ledger.key_destroyed.v1", "policy.published.v1"),
    *("ledger.pruned.v1", "ledger.restored.v1", "ledger.anchored.v1"),
    *("ledger.log_key_added.v1", "ledger.log_key_retired.v1"),
}


def frames(raw: bytes, width: int) -> list[bytes] | None:
    """The entries of a bundle, each behind its length in two bytes; b"" is a pruned one."""
    found, at = [], 0
    while at + 2 <= len(raw):
        end = at + 2 + (raw[at] << 8 | raw[at + 1])
        found.append(raw[at + 2 : end])
        at = end
    return found if at == len(raw) and len(found) == width else None


def parsed(line: str, column: int) -> Any:
    """One value of a line of columns, None where it cannot be read."""
    try:
        return json.loads(line)[column]
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return None


def scan(task: Task) -> Scan:
    """Read one worker's share of the log."""
    gc.disable()  # nothing here is cyclic, and a million small objects come and go
    try:
        one = Scan(task)
        for index in range(task.begin, task.end):
            one.take(index)
        return one.close()
    finally:
        gc.enable()


def uncovered(positions: Iterable[int], ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The positions that lie in none of the ranges; both ascending."""
    pending, reach = iter(ranges), 0
    following = next(pending, None)
    for position in positions:
        while following and following[0] <= position:
            reach = max(reach, following[1])
            following = next(pending, None)
        if position > reach:
            yield position


# --- the checks ---------------------------------------------------------------------------------


class Report:
    """The verdict: of each check whether it passed, on what it rests, what was found."""

    def __init__(self, lang: str) -> None:
        self.lang, self.found = lang, Findings()
        self.about: dict[str, Any] = {}
        self.required: set[int] = set()
        self.rests: dict[int, tuple[str, dict[str, Any]]] = {}  # done, or done in part
        self.skipped: dict[int, str] = {}

    def word(self, key: str, values: dict[str, Any]) -> str:
        """A sentence in the language of the report."""
        return WORDS[key][self.lang == "fr"].format(**values)

    def status(self, check: int) -> str:
        """Failed if anything was found; else passed if it was done."""
        if self.found.counts[check]:
            return "failed"
        return "passed" if check in self.rests else "not checked"

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and everything required passed."""
        return not self.found.counts.total() and self.required <= self.rests.keys()

    def to_json(self) -> dict[str, Any]:
        """Plain values; sentences in the language of the report."""
        checks = []
        for check, name in enumerate(NAMES, 1):
            key, values = self.rests.get(check, (self.skipped.get(check, "not_reached"), {}))
            kept = [self.word(k, v) for number_, k, v in self.found.kept if number_ == check]
            checks.append(
                {
                    "check": check,
                    "name": name,
                    "status": self.status(check),
                    "required": check in self.required,
                    "rests_on": self.word(key, values),
                    "found": self.found.counts[check],
                    "findings": kept,
                }
            )
        verdict = "passed" if self.ok else "failed"
        return {"verdict": verdict, "bundle": self.about, "checks": checks}

    def lines(self) -> Iterator[str]:
        """For people."""
        said = self.to_json()
        yield self.word("about", self.about)
        for one in said["checks"]:
            status = self.word(one["status"], {})
            name = FRENCH_NAMES[one["check"] - 1] if self.lang == "fr" else one["name"]
            yield f"{one['check']:>2} {name:<14} {status}: {one['rests_on']}"
            yield from (f"      {finding}" for finding in one["findings"])
            if (more := one["found"] - len(one["findings"])) > 0:
                yield "      " + self.word("more", {"n": more})
        yield self.word("ok" if self.ok else "not_ok", {})


class Verifier:
    """The checks of one bundle, in order. Size and root come from the verified checkpoint only."""

    def __init__(self, bundle: Bundle, trust: Trust, report: Report) -> None:
        self.bundle, self.trust, self.report = bundle, trust, report
        self.fail, self.rests = report.found.add, report.rests
        self.kind, self.first, self.last = "whole", 1, 0
        self.levels: list[bytes] = []  # verified hashes of tile levels 1, 2, …
        self.heads: list[tuple[str, Head]] = []  # to be shown prefixes
        self.stamps: dict[int, tuple[int, bytes]] = {}  # size -> time, SHA-256 of the token
        self.proven: dict[int, bytes] = {}  # leaves proven one by one
        self.pols: dict[str, int] = {}

    def run(self, receipts: Sequence[Path], processes: int, hashes_only: bool) -> None:
        """All checks. If the checkpoint cannot be believed, nothing else is asked."""
        said = self._manifest()
        if not self._checkpoint():
            return
        self._settle(said)
        self._kept_checkpoints()
        self._timestamps()
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            scans = (
                self._scans(Path(folder), processes, hashes_only) if self.kind != "subject" else []
            )
            self._tree(scans)
            self._proofs()
            self._entries(scans, hashes_only)
            self._prefixes()
            if self.last and not hashes_only:
                with sqlite3.connect(scans[0].task.spill) as db:
                    gather(db, [one.task.spill for one in scans[1:]])
                    self._streams(db, scans)
                    self._keys(db, scans)
                self._log_keys(scans)
                self._anchored(scans)
                self._columns(scans)
            self._policies(scans)
        self._receipts(receipts)
        self._certificates()

    def _manifest(self) -> dict[str, Any]:
        """What the bundle says of itself, and whether it arrived whole. A file stands on a line of
        its own, so that a long list is never held in memory."""
        rest, listed, fail = [], 0, self.fail
        for line in self.bundle.lines("manifest.json"):
            found = re.fullmatch(r'\s*"([^"\\]+)": ?"([0-9a-f]{64})",?', line)
            if not found:
                rest.append(line[:1000])
                continue
            listed += 1
            name = found[1]
            if not self.bundle.has(name):
                fail(14, "absent", path=name)
            elif name.startswith(("tile/", "envelopes/", "policies/", "columns.ndjson")):
                continue  # the log itself proves these
            elif sha256(self.bundle.read(name) or b"").hexdigest() != found[2]:
                fail(14, "damaged", path=name)
        try:
            said: dict[str, Any] = json.loads("".join(rest))
            if said["files"] or said["format"] != "probant-evidence/1":
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            fail(14, "manifest_form")
            said = {}
        if (extra := sum(1 for _ in self.bundle.names()) - listed - 1) > 0:
            fail(14, "unlisted", n=extra)
        self.rests[14] = ("rests_manifest", {"n": listed})
        return said

    def _checkpoint(self) -> bool:
        """1 and 2: the head of the log, and who else saw it."""
        try:
            self.head = head = self.trust.open(self.bundle.read("checkpoint") or b"")
        except Bad as bad:
            self.fail(1, str(bad), path="checkpoint")
            return False
        pinned = {vkey(key) for key in self.trust.log}
        if not set(self.bundle.lines("keys/log.vkey")) <= pinned:
            self.fail(1, "other_key", path="keys/log.vkey")
        self.rests[1] = ("rests_checkpoint", {"name": self.trust.origin, "size": head.size})
        own = {key.public for key in self.trust.log}
        seen = {key.public for key in head.cosigned} - own
        if not self.trust.witnesses:
            self.report.skipped[2] = "no_witness"
        elif self.trust.quorum == 0 and not seen:
            self.report.skipped[2] = "no_cosignature"
        else:
            if len(seen) < self.trust.quorum:
                self.fail(2, "quorum", n=len(seen), quorum=self.trust.quorum)
            last = max(head.cosigned.values(), default=0)
            at = datetime.fromtimestamp(last, UTC).isoformat() if seen else "-"
            self.rests[2] = ("rests_witnesses", {"n": len(seen), "at": at})
        return True

    def _settle(self, said: dict[str, Any]) -> None:
        """What kind of bundle this is, and so what is required of it."""
        size, report = self.head.size, self.report
        if said and (said.get("origin"), said.get("size")) != (self.trust.origin, size):
            self.fail(14, "manifest_differs")
        kind = said.get("kind")
        self.kind = kind if isinstance(kind, str) and kind in REQUIRED else "whole"
        self.first, self.last = (1, size) if self.kind == "whole" else (0, 0)
        if self.kind == "range":
            first, last = said.get("first"), said.get("last")
            if type(first) is type(last) is int and 1 <= first <= last <= size:
                self.first, self.last = first, last
            else:
                self.fail(14, "manifest_form")
        report.required = set(REQUIRED[self.kind])
        report.required |= {2} if self.trust.quorum else set()
        report.required |= {3} if self.trust.tsa else set()
        report.required |= {6} if self.trust.checkpoints else set()
        report.about |= {"origin": self.trust.origin, "kind": self.kind, "size": size}
        report.about |= {"root": b64encode(self.head.root).decode()}
        report.about |= {"first": self.first, "last": self.last, "entries": 0, "pruned": 0}

    def _kept_checkpoints(self) -> None:
        """The checkpoints that the verifier kept, and those that came with the bundle."""
        names = [(path.name, path.read_bytes()) for path in self.trust.checkpoints]
        inside = sorted(self.bundle.names("checkpoints/"))
        names += [(name, self.bundle.read(name) or b"") for name in inside]
        for name, raw in names:
            try:
                head = self.trust.open(raw)
                if name in inside and name != f"checkpoints/{head.size}":
                    raise Bad("malformed")
                self.heads.append((name, head))
            except Bad as bad:
                self.fail(6, str(bad), path=name)

    def _timestamps(self) -> None:
        """3: each token dates the checkpoint of its name, under a pinned root, at its own time."""
        names = sorted(name for name in self.bundle.names("tsa/") if name.endswith(".tsr"))
        openssl = shutil.which("openssl")
        if not self.trust.tsa or not names or openssl is None:
            reason = "no_tsa" if not self.trust.tsa else "no_token" if not names else "no_openssl"
            self.report.skipped[3] = reason
            return
        dated = {head.size for name, head in self.heads if name.startswith("checkpoints/")}
        for name in names:
            size = Path(name).stem
            token, data = self.bundle.read(name) or b"", self.bundle.read(f"checkpoints/{size}")
            at = None
            if data is not None and size in map(str, dated):
                chain = self.bundle.read("tsa/chain.pem")
                at = token_time(openssl, token, data, self.trust.tsa, chain)
            if at is None:
                self.fail(3, "token", path=name)
            else:
                self.stamps[int(size)] = (at * 1_000_000, sha256(token).digest())
        last = max((at for at, _ in self.stamps.values()), default=0) // 1_000_000
        at_text = datetime.fromtimestamp(last, UTC).isoformat()
        self.rests[3] = ("rests_timestamps", {"n": len(self.stamps), "at": at_text})

    def _scans(self, folder: Path, processes: int, hashes_only: bool) -> list[Scan]:
        """Read the log, one share for each process."""
        size, total = self.head.size, -(-self.head.size // WIDTH)
        edges = [total * part // processes for part in range(processes + 1)]
        stamps = tuple((n, at) for n, (at, _) in sorted(self.stamps.items()))
        tasks = [
            Task(
                *(self.bundle.path, size, begin, end, self.first, self.last, stamps),
                *(self.trust.tolerance, str(folder / f"{begin}.sqlite"), hashes_only),
            )
            for begin, end in pairwise(edges)
        ]
        if len(tasks) == 1:
            return [scan(tasks[0])]
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            return pool.map(scan, tasks, chunksize=1)

    def _tree(self, scans: list[Scan]) -> None:
        """4: the leaves give every tile above them, and the root."""
        if not scans:
            self.report.skipped[4] = "no_tiles"
            return
        for one in scans:
            for check, key, values in one.found.kept:
                self.report.found.kept.append((check, key, values))
            self.report.found.counts.update(one.found.counts)
        above, level = b"".join(bytes(one.level1) for one in scans), 1
        while above:
            self.levels.append(above)
            chunks = [above[i : i + WIDTH * HASH] for i in range(0, len(above), WIDTH * HASH)]
            for index, chunk in enumerate(chunks):
                path = tile(level, index, len(chunk) // HASH)
                if self.bundle.read(path) != chunk:
                    self.fail(4, "tile", path=path)
            above = b"".join(fold(chunk) for chunk in chunks if len(chunk) == WIDTH * HASH)
            level += 1
        if self._root_at(self.head.size) != self.head.root:
            self.fail(4, "root")
        self.rests[4] = ("rests_tree", {"size": self.head.size})

    def _root_at(self, size: int) -> bytes:
        """The root of the first `size` leaves: each level's open tile, folded into the next."""
        edge, level = b"", 0
        while count := size >> 8 * level:
            start = count // WIDTH * WIDTH
            if level:
                chunk = self.levels[level - 1][start * HASH : count * HASH]
            else:
                chunk = self._leaves(start)[: (count - start) * HASH] if count > start else b""
            edge, level = fold(chunk + edge) if chunk + edge else b"", level + 1
        return edge or sha256(b"").digest()

    def _leaves(self, start: int) -> bytes:
        width = min(WIDTH, self.head.size - start)
        return self.bundle.read(tile(0, start // WIDTH, width)) or b""

    def _proofs(self) -> None:
        """5 and 9, one by one: an entry with its inclusion proof, and the texts shown of it."""
        shown = 0
        for name in sorted(n for n in self.bundle.names("proofs/") if n.endswith(".tlog-proof")):
            stem = name.removesuffix(".tlog-proof")
            entry = self.bundle.read(f"{stem}.entry") or b""
            try:
                head, index = self._proof(name, entry)
                if stem != f"proofs/{index}":
                    raise Bad("proof")
                said = entry_of(entry)
            except Bad as bad:
                self.fail(5, str(bad), path=name)
                continue
            self.heads.append((name, head))
            self.proven[index] = sha256(b"\0" + entry).digest()
            self.pols.setdefault(said["pol"], index + 1)
            opened = self.bundle.read(f"{stem}.open.json")
            if opened is not None:
                shown += self._disclosed(f"{stem}.open.json", opened, said)
        self.rests |= {9: ("rests_disclosed", {"n": shown})} if shown else {}
        self.report.skipped[9] = "nothing_shown"

    def _proof(self, name: str, entry: bytes) -> tuple[Head, int]:
        above, _, note = (self.bundle.read(name) or b"").partition(b"\n\n")
        header, *lines = lines_of(above + b"\n")
        lines = [line for line in lines if not line.startswith("extra ")]
        if header != "c2sp.org/tlog-proof@v1" or not lines or not lines[0].startswith("index "):
            raise Bad("malformed")
        head, index = self.trust.open(note), number(lines[0][6:])
        hashes = [base64(line, HASH) for line in lines[1:]]
        if climb(sha256(b"\0" + entry).digest(), index, head.size, hashes) != head.root:
            raise Bad("proof")
        return head, index

    def _disclosed(self, name: str, raw: bytes, said: dict[str, Any]) -> int:
        try:
            committed = {part["n"]: part["cm"] for part in said.get("parts", ())}
            shown = json.loads(raw)
            for part in shown:
                label, salt = part["n"].encode("ascii"), unweb64(part["salt"])
                head = b"\2" + salt + len(label).to_bytes(2, "big") + label
                made = web64(sha256(head + part["text"].encode()).digest())
                if len(salt) != HASH or committed.get(part["n"]) != made:
                    self.fail(9, "text", path=name)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.fail(9, "malformed", path=name)
            return 1
        return len(shown)

    def _entries(self, scans: list[Scan], hashes_only: bool) -> None:
        entries, pruned = sum(one.entries for one in scans), sum(one.pruned for one in scans)
        self.report.about |= {"entries": entries or len(self.proven), "pruned": pruned}
        if hashes_only:
            self.report.skipped[5] = "hashes_only"
        elif self.last:
            self.rests[5] = ("rests_entries", {"n": entries})
        elif self.proven or self.kind == "subject":
            self.rests |= {5: ("rests_proofs", {"n": len(self.proven)})} if self.proven else {}
        else:
            self.report.skipped[5] = "no_entries"

    def _prefixes(self) -> None:
        """6: what was signed before is a prefix of what is signed now."""
        shown, open_ = self._consistency(), 0
        for name, head in self.heads:
            values = {"path": name, "size": head.size}
            if head.size > self.head.size:
                self.fail(6, "longer", **values)
            elif self.levels or head.size == self.head.size:
                same = self.head.root if head.size == self.head.size else self._root_at(head.size)
                if same != head.root:
                    self.fail(6, "fork", **values)
            elif (head.size, head.root) not in shown:
                open_ += 1
        if open_ or not self.heads:
            self.report.skipped[6] = "unproven" if open_ else "no_earlier"
        else:
            self.rests[6] = ("rests_prefixes", {"n": len(self.heads)})

    def _consistency(self) -> set[tuple[int, bytes]]:
        """The older heads that consistency files prove to be prefixes of this one."""
        shown = set()
        for name in sorted(self.bundle.names("consistency/")):
            try:
                above, _, note = (self.bundle.read(name) or b"").partition(b"\n\n")
                first, *lines = lines_of(above + b"\n")
                newer, old = self.trust.open(note), number(first.removeprefix("old "))
                hashes = [base64(line, HASH) for line in lines]
                if name != f"consistency/{old}-{newer.size}.txt" or not first.startswith("old "):
                    raise Bad("malformed")
                roots = {head.root for _, head in self.heads if head.size == old}
                roots |= {self._root_at(old)} if self.levels and old <= self.head.size else set()
                for root in roots:
                    if grown(old, newer.size, root, hashes) != newer.root:
                        raise Bad("proof")
                    if newer.root == self.head.root:
                        shown.add((old, root))
                self.heads.append((name, newer))
            except Bad as bad:
                self.fail(6, str(bad), path=name)
        return shown

    def _streams(self, db: sqlite3.Connection, scans: list[Scan]) -> None:
        """7: no version of a stream is missing, but for pruned ones at its beginning."""
        last = 0
        for one in scans:
            if one.first_at and one.first_at <= last:
                self.fail(7, "time", position=one.last_position)
            last = one.last_at or last
        gaps = db.execute(
            "SELECT position, first, before FROM (SELECT position, first, LAG(last) OVER "
            "(PARTITION BY stream ORDER BY position) AS before FROM runs) "
            "WHERE first <> COALESCE(before, 0) + 1 ORDER BY position"
        )
        excused, passed = 0, 0
        pruned = (row[0] for row in db.execute("SELECT position FROM pruned ORDER BY position"))
        following = next(pruned, None)
        for position, first, before in gaps:
            while following is not None and following < position:
                passed, following = passed + 1, next(pruned, None)
            if before is not None or (self.kind == "whole" and excused + first - 1 > passed):
                self.fail(7, "version", position=position)
            else:
                excused += first - 1
        (n,) = db.execute("SELECT COUNT(DISTINCT stream) FROM runs").fetchone()
        key = "rests_streams" if self.stamps else "rests_streams_only"
        self.rests[7] = (key, {"n": n, "stamps": len(self.stamps)})

    def _keys(self, db: sqlite3.Connection, scans: list[Scan]) -> None:
        """8: rules R1, R2 and R3."""
        db.execute("CREATE INDEX by_kid ON destroyed(kid, position)")
        later = "EXISTS (SELECT 1 FROM destroyed d WHERE d.kid = p.kid AND d.position > p.position)"
        unopened, sealed = 0, any(one.envelopes for one in scans)
        parts, envelopes = sum(one.parts for one in scans), sum(one.envelopes for one in scans)
        whole_log = self.kind == "whole"
        missing = db.execute(
            f"SELECT position FROM parts p WHERE NOT present AND NOT {later} ORDER BY position"
        )
        for position in uncovered((row[0] for row in missing), self._excused(db, 3)):
            if sealed and whole_log:
                self.fail(8, "missing", position=position)
            unopened += 1
        for (position,) in db.execute(f"SELECT position FROM parts p WHERE present AND {later}"):
            self.fail(8, "still_there", position=position)
        if sum(1 for _ in self.bundle.names("envelopes/")) > envelopes:
            self.fail(8, "stray")
        bare = (row[0] for row in db.execute("SELECT position FROM pruned ORDER BY position"))
        for position in uncovered(bare, self._excused(db, 2)):
            if whole_log:
                self.fail(8, "pruned", position=position)
            unopened += 1
        for (position,) in db.execute(
            "SELECT DISTINCT position FROM destroyed WHERE authority NOT IN (SELECT id FROM "
            "erasures) OR kid NOT IN (SELECT kid FROM erasures) ORDER BY position"
        ):
            if whole_log:
                self.fail(8, "authority", position=position)
            unopened += 1
        if unopened and not self.report.found.counts[8]:
            self.report.skipped[8] = "elsewhere" if sealed or not whole_log else "no_envelopes"
        else:
            self.rests[8] = ("rests_keys", {"n": parts, "there": envelopes})

    @staticmethod
    def _excused(db: sqlite3.Connection, rule: int) -> Iterator[tuple[int, int]]:
        query = "SELECT first, last FROM excused WHERE rule = ? ORDER BY first"
        yield from db.execute(query, (rule,))

    def _log_keys(self, scans: list[Scan]) -> None:
        """1: the history of keys is what the log says; each checkpoint has a key of its time."""
        acts = [
            (kind.split("_")[-1], str(meta.get("vkey")), at) for at, kind, meta in logged(scans)
        ]
        said = {(what, key): at for what, key, at in acts if what in ("added.v1", "retired.v1")}
        reigns: dict[str, tuple[int, int]] = {}
        for at, line in enumerate(self.bundle.lines("keys/history.txt")):
            try:
                key, first, last = line.split(" ")
                reigns[key] = (number(first), 2**63 if last == "-" else number(last))
                added, retired = said.get(("added.v1", key)), said.get(("retired.v1", key))
                known = self.kind != "whole" or (at == 0 or added is not None)
                ended = self.kind != "whole" or (last == "-") is (retired is None)
                if not known or not ended or reigns[key][0] < (added or 0):
                    raise Bad("history")
            except (ValueError, Bad):
                self.fail(1, "history", path=f"keys/history.txt:{at + 1}")
        for name, head in [("checkpoint", self.head), *self.heads] if reigns else []:
            spans = [reigns.get(vkey(key), (2**63, 0)) for key in head.signers]
            if not any(first <= head.size <= last for first, last in spans):
                self.fail(1, "not_its_time", path=name)

    def _anchored(self, scans: list[Scan]) -> None:
        """3: the tokens that the log says it received are those of the bundle."""
        for position, kind, meta in logged(scans):
            size = meta.get("size")
            stamp = self.stamps.get(size) if isinstance(size, int) else None
            if kind != "ledger.anchored.v1" or not (self.trust.tsa and 3 in self.rests):
                continue
            if stamp is None or web64(stamp[1]) != meta.get("token"):
                self.fail(3, "anchored", position=position)

    def _columns(self, scans: list[Scan]) -> None:
        """11: what workers compared; the edition that columns name for a policy is the one that
        its publication states."""
        published = {document: day for one in scans for document, (_, day) in one.published.items()}
        for one in scans:
            for pol, edition in one.editions.items():
                if pol in published and str(edition) != published[pol].replace("-", ""):
                    self.fail(11, "edition", position=one.pols.get(pol, 0))
        lines, unknown = sum(one.columns for one in scans), sum(one.unknown for one in scans)
        if lines and not unknown:
            self.rests[11] = ("rests_columns", {"n": lines})
        else:
            self.report.skipped[11] = "unknown_kinds" if lines else "no_columns"

    def _policies(self, scans: list[Scan]) -> None:
        """10: the document of each policy in force is there, and was published before its use."""
        published: dict[str, int] = {}
        for one in scans:
            for document, (position, _) in one.published.items():
                published.setdefault(document, position)
            for pol, position in one.pols.items():
                self.pols[pol] = min(position, self.pols.get(pol, position))
        for pol, position in self.pols.items():
            named = urlsafe_b64decode(f"{pol}=").hex()
            content = self.bundle.read(f"policies/{named}")
            if content is None or web64(sha256(content).digest()) != pol:
                self.fail(10, "policy", position=position)
            elif self.last and self.kind == "whole" and published.get(pol, 2**63) > position:
                self.fail(10, "unpublished", position=position)
        if self.pols:
            self.rests[10] = ("rests_policies", {"n": len(self.pols)})
        self.report.skipped[10] = "no_entries"

    def _receipts(self, outside: Sequence[Path]) -> None:
        """12: what the log promised to somebody is there."""
        files = {path.name: path.read_bytes() for path in outside}
        files |= {n: self.bundle.read(n) or b"" for n in sorted(self.bundle.names("receipts/"))}
        for name, raw in files.items():
            try:
                receipt = receipt_of(self.trust, raw)
                index = receipt.position - 1
                if index >= self.head.size:
                    raise Bad("receipt_missing")
                leaf = self.proven.get(index)
                if leaf is None and self.kind != "subject":
                    leaf = self._leaves(index // WIDTH * WIDTH)[index % WIDTH * HASH :][:HASH]
                if leaf is not None and leaf != receipt.leaf:
                    raise Bad("receipt_differs")
            except Bad as bad:
                self.fail(12, str(bad), path=name)
        self.report.skipped[12] = "no_receipts"
        self.rests |= {12: ("rests_receipts", {"n": len(files)})} if files else {}

    def _certificates(self) -> None:
        """13: the log signed them."""
        names = sorted(self.bundle.names("certificates/"))
        for name in names:
            try:
                certificate_of(self.trust, self.bundle.read(name) or b"")
            except Bad as bad:
                self.fail(13, str(bad), path=name)
        self.report.skipped[13] = "no_certificates"
        self.rests |= {13: ("rests_certificates", {"n": len(names)})} if names else {}


def gather(db: sqlite3.Connection, others: list[str]) -> None:
    """Bring what the workers spilled into one database."""
    for other in others:
        db.execute("ATTACH ? AS other", (other,))
        for table in TABLES:
            name = table.partition("(")[0]
            db.execute(f"INSERT INTO {name} SELECT * FROM other.{name}")
        db.commit()
        db.execute("DETACH other")


def logged(scans: list[Scan]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """What the log says of its keys and time stamps."""
    for one in scans:
        yield from one.acts


def vkey(key: Key) -> str:
    """The written form of a key."""
    encoded = b64encode(bytes([key.algorithm]) + key.public).decode()
    return f"{key.name}+{key.id.hex()}+{encoded}"


def entry_of(raw: bytes) -> dict[str, Any]:
    """One entry, strictly. Raises Bad."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Bad("form_of") from None
    fits = len(raw) <= 16384 and ENTRY.fullmatch(text)
    said: dict[str, Any] | None = canonical([text])[0] if fits else None
    if said is None:
        raise Bad("form_of")
    return said


def token_time(
    openssl: str, token: bytes, data: bytes, roots: Sequence[Path], chain: bytes | None
) -> int | None:
    """The time (POSIX seconds) that an RFC 3161 token states, if openssl accepts it at that time
    over these bytes under the pinned roots; else None."""
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        paths = {name: Path(folder) / name for name in ("token", "data", "roots", "chain")}
        contents = (token, data, b"\n".join(root.read_bytes() for root in roots), chain or b"")
        for path, content in zip(paths.values(), contents, strict=True):
            path.write_bytes(content)

        def ask(*arguments: str) -> str | None:
            command = [openssl, "ts", *arguments, "-in", str(paths["token"])]
            done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
            return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

        stated = re.search(
            r"Time stamp: (\w{3}) +(\d+) ([\d:]{8})(?:\.\d+)? (\d{4}) GMT",
            ask("-reply", "-text") or "",
        )
        if not stated:
            return None
        months = "JanFebMarAprMayJunJulAugSepOctNovDec"
        month, day, clock, year = stated.groups()
        date = f"{year}-{months.index(month) // 3 + 1:02}-{int(day):02}T{clock}+00:00"
        at = int(datetime.fromisoformat(date).timestamp())
        files = ["-data", str(paths["data"]), "-CAfile", str(paths["roots"]), "-attime", str(at)]
        files += ["-untrusted", str(paths["chain"])] if chain else []
        return at if ask("-verify", *files) is not None else None


class Receipt(NamedTuple):
    """What the log promised when it recorded an event."""

    position: int
    entry: bytes
    leaf: bytes
    recorded_at: str
    delay: int


def receipt_of(trust: Trust, raw: bytes) -> Receipt:
    """A receipt that the log signed. Raises Bad."""
    lines = trust.statement(raw, "receipt")
    if len(lines) != 5 or not re.fullmatch(TIME, lines[3]) or number(lines[0]) < 1:
        raise Bad("malformed")
    hashes = (base64(lines[1], HASH), base64(lines[2], HASH))
    return Receipt(number(lines[0]), *hashes, lines[3], number(lines[4]))


def certificate_of(trust: Trust, raw: bytes) -> dict[str, Any]:
    """The document of a certificate that the log signed. Raises Bad."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError
        return dict(pairs)

    try:
        said = json.loads("\n".join(trust.statement(raw, "certificate")), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise Bad("malformed") from None
    if not isinstance(said, dict):
        raise Bad("malformed")
    return said


# --- what to ask, what is answered --------------------------------------------------------------


def verify(
    path: Path,
    trust: Trust,
    lang: str = "en",
    *,
    receipts: Sequence[Path] = (),
    processes: int = 1,
    hashes_only: bool = False,
) -> Report:
    """The verdict on a bundle, or on one receipt or certificate. Raises Misuse."""
    report = Report(lang)
    report.about = {"origin": trust.origin, "kind": "-", "size": 0, "root": "-"}
    report.about |= {"first": 0, "last": 0, "entries": 0, "pruned": 0}
    if not path.exists() or not all(receipt.is_file() for receipt in receipts):
        raise Misuse("no_bundle")
    single = {".receipt": 12, ".certificate": 13}.get(path.suffix)
    if single and path.is_file():
        report.about["kind"], report.required = path.suffix[1:], {single}
        try:
            if single == 12:
                report.about |= {"receipt": receipt_of(trust, path.read_bytes()).position}
                report.rests[12] = ("rests_receipt", {})
            else:
                report.about |= {"certificate": certificate_of(trust, path.read_bytes())}
                report.rests[13] = ("rests_certificates", {"n": 1})
        except Bad as bad:
            report.found.add(single, str(bad), path=path.name)
        return report
    report.required = set(REQUIRED["whole"])
    Verifier(Bundle(path), trust, report).run(receipts, processes, hashes_only)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    french = os.environ.get("LANG", "").startswith("fr")
    parser = argparse.ArgumentParser(prog="verify.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundle", type=Path, metavar="BUNDLE|FILE.receipt|FILE.certificate")
    parser.add_argument("--trust", type=Path, required=True, help="your own anchors.toml")
    parser.add_argument("--receipt", type=Path, action="append", default=[], help="look it up")
    parser.add_argument("--processes", type=int, choices=range(1, 65), default=1, metavar="N")
    parser.add_argument("--hashes-only", action="store_true", help="leave entries unread")
    parser.add_argument("--lang", choices=("en", "fr"), default="fr" if french else "en")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    try:
        report = verify(
            given.bundle,
            Trust.load(given.trust),
            given.lang,
            receipts=given.receipt,
            processes=given.processes,
            hashes_only=given.hashes_only,
        )
    except Misuse as misuse:
        sys.stderr.write(f"verify: {WORDS[str(misuse)][given.lang == 'fr']}\n")
        return 2
    if given.json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=1))
    else:
        print("\n".join(report.lines()))
    return 0 if report.ok else 1


# Every sentence: English, then French below it.
SENTENCES = """
passed|passed
|réussi
failed|FAILED
|ÉCHEC
not checked|not checked
|non contrôlé
ok|Verified: every required check passed, none failed.
|Vérifié : chaque contrôle requis a réussi, aucun n'a échoué.
not_ok|NOT VERIFIED: a check failed, or a required one could not be made.
|NON VÉRIFIÉ : un contrôle a échoué, ou un contrôle requis n'a pu être fait.
about|{origin} ({kind}): {size} leaves, root {root}; {entries} entries read, {pruned} pruned.
|{origin} ({kind}) : {size} feuilles, racine {root} ; {entries} écritures lues, {pruned} élaguées.
more|and {n} more
|et {n} autres
rests_checkpoint|signed by a key you pinned, as {name} at size {size}
|signé par une clé que vous avez épinglée, comme {name} à la taille {size}
rests_witnesses|{n} pinned witnesses, by key material, saw this head, the last at {at}
|{n} témoins épinglés, comptés par clé, ont vu cette tête, le dernier à {at}
rests_timestamps|{n} tokens verified by openssl under your roots, at their own time, the last {at}
|{n} jetons vérifiés par openssl sous vos racines, à leur propre date, le dernier {at}
rests_tree|all {size} leaves hashed up to the signed root, every tile on the way compared
|les {size} feuilles hachées jusqu'à la racine signée, chaque tuile comparée en chemin
rests_entries|{n} entries hash to their leaves and are canonical
|{n} écritures ont l'empreinte de leur feuille et sont canoniques
rests_proofs|{n} entries proven one by one; nothing is said of the others
|{n} écritures prouvées une à une ; rien n'est dit des autres
rests_prefixes|{n} checkpoints are prefixes of this log; what follows the last rests on its key
|{n} points de contrôle sont des préfixes de ce journal ; la suite repose sur sa clé
rests_streams|{n} streams without a gap; record time grows, and agrees with {stamps} time stamps
|{n} flux sans lacune ; le temps d'enregistrement croît, en accord avec {stamps} horodatages
rests_streams_only|{n} streams without a gap; record time grows, but no time stamp bounds it
|{n} flux sans lacune ; le temps d'enregistrement croît, mais aucun horodatage ne le borne
rests_keys|{there} of {n} envelopes are there as recorded, the log says why the others are not; \
that a key is really gone cannot be shown by hashing
|{there} des {n} enveloppes sont intactes, le journal dit pourquoi les autres manquent ; \
qu'une clé n'existe plus ne se prouve pas par empreinte
rests_disclosed|{n} texts are those that were committed to
|{n} textes sont ceux qui avaient été engagés
rests_policies|{n} policy documents are there by SHA-256; what they mean is not judged
|{n} politiques présentes, par SHA-256 ; leur sens n'est pas jugé
rests_columns|{n} lines say what the entries say; derived states are replayed by other tools
|{n} lignes disent ce que disent les écritures ; les états dérivés se rejouent ailleurs
rests_receipts|{n} receipts signed by the log, their events looked up
|{n} récépissés signés par le journal, leurs faits recherchés
rests_receipt|signed by the log; give the bundle and --receipt FILE to look its event up
|signé par le journal ; donnez l'archive et --receipt FICHIER pour y chercher le fait
rests_certificates|{n} certificates signed by the log; what they state is its word
|{n} certificats signés par le journal ; ce qu'ils énoncent est sa parole
rests_manifest|{n} files arrived as listed; the list is the sender's own
|{n} fichiers arrivés comme listés ; la liste vient de l'expéditeur
no_witness|no witness is pinned: a fork shown to somebody else is invisible
|aucun témoin épinglé : une bifurcation montrée à d'autres est invisible
no_cosignature|no pinned witness cosigned: a fork shown to somebody else is invisible
|aucun témoin épinglé n'a cosigné : une bifurcation montrée à d'autres est invisible
no_tsa|no time-stamping root is pinned: nothing dates the log but its own clock
|aucune racine d'horodatage épinglée : rien ne date le journal que sa propre horloge
no_token|no time stamp came with the bundle
|l'archive ne contient aucun horodatage
no_openssl|openssl is not on this machine
|openssl est absent de cette machine
no_tiles|no tiles in this kind of bundle
|pas de tuiles dans ce type d'archive
no_entries|no entries in this kind of bundle
|pas d'écritures dans ce type d'archive
hashes_only|entries hash to their leaves; you asked not to read them
|les écritures ont l'empreinte de leur feuille ; vous avez demandé de ne pas les lire
unproven|an earlier checkpoint has neither tiles nor a consistency file to compare with
|un point de contrôle antérieur n'a ni tuiles ni preuve de cohérence pour le comparer
no_earlier|no earlier checkpoint was kept or sent: what was before this one is unknown
|aucun point de contrôle antérieur : ce qui précédait celui-ci est inconnu
elsewhere|what would excuse a missing part may lie outside of this bundle
|ce qui excuserait une partie absente peut être hors de cette archive
no_envelopes|no ciphertext came with the bundle: sealed parts may have been lost or replaced
|l'archive ne contient aucun chiffré : des parties scellées ont pu être perdues ou remplacées
nothing_shown|no text was disclosed
|aucun texte n'a été divulgué
unknown_kinds|some kinds of event are newer than this verifier; the others agree
|certains types de faits sont plus récents que ce vérificateur ; les autres concordent
no_columns|no typed columns came with the bundle
|l'archive ne contient pas de colonnes typées
no_receipts|no receipt was given
|aucun récépissé n'a été fourni
no_certificates|no certificate was given
|aucun certificat n'a été fourni
not_reached|not reached
|non atteint
trust|the trust file cannot be read: origin, log, and what this program's first lines list
|le fichier de confiance est illisible : origin, log et ce que listent les premières lignes d'ici
trust_files|a file that the trust file names does not exist
|un fichier nommé par le fichier de confiance n'existe pas
no_bundle|there is no such bundle (a folder or a zip), receipt or certificate
|cette archive (dossier ou zip), ce récépissé ou ce certificat n'existe pas
malformed|{path}: malformed
|{path} : mal formé
bad_signature|{path}: a signature of a pinned key is wrong
|{path} : une signature d'une clé épinglée est fausse
unknown_key|{path}: none of the keys you pinned signed it
|{path} : aucune des clés épinglées ne l'a signé
other_origin|{path}: it is of another log, or no checkpoint
|{path} : d'un autre journal, ou pas un point de contrôle
other_key|{path}: the bundle names a key that you did not pin
|{path} : l'archive nomme une clé que vous n'avez pas épinglée
history|{path}: the history of keys is not what the log says
|{path} : l'histoire des clés n'est pas celle que dit le journal
not_its_time|{path}: signed by a key outside of its time
|{path} : signé par une clé hors de son temps
quorum|{n} witnesses cosigned, {quorum} are needed
|{n} témoins ont cosigné, il en faut {quorum}
token|{path}: the token does not date that checkpoint under your roots
|{path} : le jeton ne date pas ce point de contrôle sous vos racines
anchored|position {position}: the time stamp it names is not in the bundle
|position {position} : l'horodatage qu'elle nomme n'est pas dans l'archive
tile|{path}: the tile is missing, or not what the leaves give
|{path} : tuile absente, ou différente de ce que donnent les feuilles
root|the leaves do not give the signed root
|les feuilles ne donnent pas la racine signée
entry_bundle|{path}: the entries are missing or cut
|{path} : écritures absentes ou tronquées
leaf|position {position}: the entry is not the one its leaf was made of
|position {position} : l'écriture n'est pas celle dont la feuille a été faite
form|position {position}: the entry is not canonical, or not an entry
|position {position} : l'écriture n'est pas canonique, ou n'en est pas une
form_of|{path}: the entry is not canonical, or not an entry
|{path} : l'écriture n'est pas canonique, ou n'en est pas une
proof|{path}: the proof does not hold
|{path} : la preuve ne tient pas
longer|{path}: at size {size}, the log had more than now: its end was cut, or an old state replayed
|{path} : à la taille {size}, le journal en avait plus : fin coupée, ou ancien état rejoué
fork|{path}: at size {size}, the log was another one: history was rewritten or forked
|{path} : à la taille {size}, le journal était autre : histoire réécrite ou bifurquée
version|position {position}: a version of its stream is missing before it, or comes twice
|position {position} : une version de son flux manque avant elle, ou vient deux fois
time|position {position}: recorded no later than the one before
|position {position} : enregistrée pas plus tard que la précédente
backdated|position {position}: its record time contradicts the time stamps around it
|position {position} : sa date d'enregistrement contredit les horodatages qui l'entourent
envelope|position {position}: an envelope is not the one that was recorded
|position {position} : une enveloppe n'est pas celle qui fut enregistrée
missing|position {position}: an envelope is missing and nothing destroyed its key (R1)
|position {position} : une enveloppe manque et rien n'a détruit sa clé (R1)
still_there|position {position}: the envelope is still there although its key was destroyed
|position {position} : l'enveloppe est encore là bien que sa clé ait été détruite
stray|there are envelopes that no entry names
|des enveloppes ne sont nommées par aucune écriture
pruned|position {position}: the entry is missing and no later event prunes it (R2)
|position {position} : l'écriture manque et aucun fait ultérieur ne l'élague (R2)
authority|position {position}: keys were destroyed on the order of no erasure in this log (R1)
|position {position} : clés détruites sans qu'aucun effacement du journal ne l'ordonne (R1)
text|{path}: a text is not the one that was committed to
|{path} : un texte n'est pas celui qui avait été engagé
policy|position {position}: the policy in force is not in the bundle, or was altered
|position {position} : la politique en vigueur est absente ou altérée
unpublished|position {position}: the policy in force was not published before
|position {position} : la politique en vigueur n'avait pas été publiée
columns_differ|position {position}: columns do not say what the entry says: {names}
|position {position} : les colonnes ne disent pas ce que dit l'écriture : {names}
columns_more|columns.ndjson has lines that no entry stands for
|columns.ndjson a des lignes sans écriture
edition|position {position}: the columns name another edition than its publication
|position {position} : les colonnes nomment une autre édition que sa publication
receipt_missing|{path}: its event is not in this log: younger than the bundle, or left out
|{path} : son fait n'est pas dans ce journal : plus récent que l'archive, ou omis
receipt_differs|{path}: another event stands at its position
|{path} : un autre fait se trouve à sa position
absent|{path}: listed, but not there
|{path} : listé, mais absent
damaged|{path}: not as it was sent
|{path} : différent de ce qui fut envoyé
unlisted|{n} files that the manifest does not list
|{n} fichiers que le manifeste ne liste pas
manifest_form|manifest.json is missing or malformed
|manifest.json est absent ou mal formé
manifest_differs|manifest.json names another origin or size than the signed checkpoint
|manifest.json nomme une autre origine ou taille que le point de contrôle signé
"""


def words() -> dict[str, tuple[str, str]]:
    """The sentences by their key."""
    lines = SENTENCES.replace("\\\n", "").strip().splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=True)
    keyed = ((*english.partition("|")[::2], french[1:]) for english, french in pairs)
    return {key: (english, french) for key, english, french in keyed}


WORDS = words()

if __name__ == "__main__":
    sys.exit(main())
