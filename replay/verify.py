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
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import tomllib
import zipfile
import zlib
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate, chain, islice, pairwise
from pathlib import Path
from types import MappingProxyType
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
PLURAL = re.compile(r"\[(?:([^]/]*)/)?([^]]*)\]")
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
  ledger.log_key_retired ledger.anchored ledger.restored ledger.kek_destroyed tracker.attached
  customer.joined request.identity_confirmed request.closed recipient.told recipient.acknowledged
  control.ran report.issued
channel: customer.contacted_us renewal.notified card.removal_requested message.opened ticket.opened
  request.acknowledged request.fulfilled request.partially_fulfilled request.refused
  request.withdrawn
right>decision channel purpose: request.received
right>decision purpose: request.qualified request.recovered_from_queue
reason>basis notified>until_day: request.extended; ground>basis: customer.restricted
ground>basis informed>until_day: customer.restriction_lifted
wish>decision: customer.directive_set customer.heir_requested
age>decision: customer.minor_signalled; risk>decision: incident.detected
purpose channel grade: consent.requested consent.given consent.refused consent.withdrawn
  consent.renewed consent.invalidated objection.raised objection.lifted optout.offered
purpose channel grade decision: objection.assessed
purpose grade: tracker.given tracker.refused tracker.withdrawn
amount>amount_minor: order.placed order.invoiced order.paid order.refunded card.settled
type>basis until>until_day tacit>decision amount>amount_minor: contract.started
until>until_day tacit>decision: contract.renewed; edition>until_day channel: policy.notified
type>basis until>until_day tacit>decision: contract.amended
ground>basis expiry>until_day: card.kept card.rebound
purpose channel: message.sent call.placed survey.sent
purpose channel decision basis: message.decided; purpose: selection.run data.disclosed
review>until_day: hold.placed hold.reviewed; edition>until_day: policy.published
purpose basis: purpose.declared; outcome>decision: request.recipients_notified
type>basis attested_until>until_day: recipient.declared
outcome>decision purpose: assessment.recorded; until>until_day: audience.measured access.granted
motive>basis of>decision: archive.consulted
ref>ref_position purpose channel decision basis grade until>until_day amount>amount_minor:
  fact.corrected
channel match>decision: motive.received; ref>ref_position decision: motive.decided
of>decision until>until_day reason>basis: customer.class_archived
of>decision reason>basis: customer.class_erased
reason>basis: ledger.key_destroyed ledger.pruned request.identity_asked
dies_on>until_day: ledger.kek_retired; ref>ref_position: fact.voided
"""


def mapped() -> dict[str, list[tuple[str, int]]]:
    """The catalogue: kind -> what `meta` key goes to which column (by place in COLUMNS)."""
    found: dict[str, list[tuple[str, int]]] = {}
    for line in CATALOGUE.replace("\n  ", " ").replace("; ", "\n").strip().splitlines():
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


def bytes_of(uuid: str) -> bytes:
    """The bytes of a UUID. Raises ValueError."""
    return bytes.fromhex(uuid.replace("-", ""))


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


def proof_of(raw: bytes) -> tuple[list[str], bytes]:
    """The lines of a proof file, and the signed note behind its first empty line."""
    above, _, note = raw.partition(b"\n\n")
    return lines_of(above + b"\n"), note


# --- the tree (RFC 6962) ------------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def fold(hashes: bytes) -> bytes:
    """The root over concatenated hashes: pairs are hashed, an odd last one moves up as it is."""
    while len(hashes) > HASH:
        whole = len(hashes) // 64 * 64
        pairs = [sha256(b"\1" + hashes[i : i + 64]).digest() for i in range(0, whole, 64)]
        hashes = b"".join(pairs) + hashes[whole:]
    return hashes or sha256(b"").digest()


def split(size: int) -> int:
    """The largest power of two below the size: where a tree is split. Raises Bad below 2."""
    if size < 2:
        raise Bad("proof")
    return 1 << (size - 1).bit_length() - 1


def climb(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 6962 section 2.1.1, its last hash first)."""
    if not proof and (index, size) == (0, 1):
        return leaf
    if not proof or not 0 <= index < size:
        raise Bad("proof")
    half = split(size)
    if index < half:
        return node(climb(leaf, index, half, proof[:-1]), proof[-1])
    return node(proof[-1], climb(leaf, index - half, size - half, proof[:-1]))


def grown(old: int, new: int, old_root: bytes, proof: Sequence[bytes]) -> bytes:
    """The new root that a consistency proof leads to (RFC 6962 section 2.1.2, last hash first)."""

    def roots(
        old: int, new: int, proof: Sequence[bytes], known: bytes | None
    ) -> tuple[bytes, bytes]:
        if old == new:
            if len(proof) != (known is None):
                raise Bad("proof")
            return (known or proof[0],) * 2
        half = split(new)
        if not proof:
            raise Bad("proof")
        if old <= half:
            before, after = roots(old, half, proof[:-1], known)
            return before, node(after, proof[-1])
        before, after = roots(old - half, new - half, proof[:-1], None)
        return node(proof[-1], before), node(proof[-1], after)

    before, after = roots(old, new, proof, old_root)
    if before != old_root:
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
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.algorithm, self.public)).digest()[:4]

    @classmethod
    def parse(cls, vkey: str, algorithm: int) -> Key:
        """`name+id+base64(algorithm, key)`."""
        name, _, rest = vkey.partition("+")
        raw = base64(rest.partition("+")[2], 1 + HASH)
        key = cls(name, raw[0], raw[1:])
        if raw[0] != algorithm or key.written != vkey or not re.fullmatch(r"[^\s+]+", name):
            raise Bad("malformed")
        return key

    @property
    def written(self) -> str:
        """The vkey."""
        material = b64encode(bytes([self.algorithm, *self.public])).decode()
        return f"{self.name}+{self.id.hex()}+{material}"

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


class Trust(NamedTuple):
    """The verifier's own anchors."""

    origin: str
    log: tuple[Key, ...]
    witnesses: tuple[Key, ...] = ()
    quorum: int = 0
    tsa: tuple[Path, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    tolerance: int = 300
    reigns: Mapping[bytes, tuple[int, int]] = MappingProxyType({})  # key -> first, last size

    def reign(self, key: Key) -> tuple[int, int]:
        """The sizes that the key may sign; of a log without a history of keys, any."""
        return self.reigns.get(key.public, (0, 2**63))

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
        size = number(lines[1])
        if not any(first <= size <= last for first, last in map(self.reign, signers)):
            raise Bad("not_its_time")
        times = {key: int.from_bytes(sig[:8], "big") for key, sig in verified.items()}
        cosigned = {key: times[key] for key in self.witnesses if key in times}
        return Head(size, base64(lines[2], HASH), signers, cosigned)

    def statement(self, raw: bytes, what: str) -> tuple[list[str], list[Key]]:
        """The lines of a receipt or certificate, and who signed: the same keys under a name of
        their own."""
        name = f"{self.origin}/{what}"
        lines, verified = open_note(raw, [Key(name, 1, key.public) for key in self.log])
        if not verified:
            raise Bad("unknown_key")
        if lines[0] != name:
            raise Bad("other_origin")
        return lines[1:], list(verified)


# --- the bundle ---------------------------------------------------------------------------------

UNREADABLE = (KeyError, OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


class Bundle:
    """A folder or a zip whose files are read by name."""

    def __init__(self, path: Path) -> None:
        self.root = f"{path}{os.sep}"  # plain strings: Path is slow by the million
        try:
            self.zip = None if path.is_dir() else zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile):
            raise Misuse("no_bundle") from None

    def open(self, name: str) -> IO[bytes]:
        """A file, to be read. Raises one of UNREADABLE where there is none."""
        return self.zip.open(name) if self.zip else open(self.root + name, "rb")  # noqa: PTH123

    def get(self, name: str) -> bytes | None:
        """The content of a file, None where there is none."""
        try:
            if self.zip:
                return self.zip.read(name)
            with open(self.root + name, "rb", buffering=0) as file:  # noqa: PTH123
                return file.readall()
        except UNREADABLE:
            return None

    def read(self, name: str) -> bytes:
        """The content of a file, empty where there is none."""
        return self.get(name) or b""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        if self.zip:
            return name in self.zip.NameToInfo
        return os.path.isfile(self.root + name)  # noqa: PTH113

    def size(self, name: str) -> int:
        """The length of a file in bytes, 0 where there is none."""
        if not self.has(name):
            return 0
        return self.zip.getinfo(name).file_size if self.zip else os.stat(self.root + name).st_size  # noqa: PTH116

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


class Findings:
    """What was found wrong: (check, key of WORDS, values); every one counted, the first kept."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.kept: list[tuple[int, str, dict[str, Any]]] = []

    def add(self, check: int, key: str, **values: Any) -> None:
        """One more."""
        self.counts[check] += 1
        if self.counts[check] <= KEPT:
            self.kept.append((check, key, values))


# --- entries ------------------------------------------------------------------------------------

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DIGEST, CODE = r"[A-Za-z0-9_-]{43}", r"[a-z0-9][a-z0-9_.:-]{0,63}"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
HEAD = 80  # characters of an entry before `meta`: its time and its id
SHELL = re.compile(  # all of an entry but `meta` and `parts`, which are read as JSON
    rf'^\{{"at":"({TIME})","id":"({UUID})","pol":"({DIGEST})","salt":"[A-Za-z0-9_-]{{22}}",'
    rf'"stream":"({UUID})","type":"({CODE})","v":1,"ver":([1-9][0-9]{{0,14}})\}}$',
    re.MULTILINE,
)
PART = re.compile(rf"({DIGEST}) ({DIGEST}) ({DIGEST}) ({UUID}) ({CODE})")
INNER, EPOCH = {"meta", "parts", "pol"}, datetime(1970, 1, 1, tzinfo=UTC)


def whole(text: str) -> int:
    """An integer that every JSON reader holds exactly."""
    if abs(value := int(text)) >= 2**53:
        raise ValueError
    return value


DECODER = json.JSONDecoder(parse_float=int, parse_int=whole, parse_constant=int)  # no 1.5, no NaN
ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
)


def canonical(texts: list[str]) -> list[Any]:
    """The objects whose canonical JSON (RFC 8785) these are; None for what is not, or holds more
    than texts, integers, lists and objects.

    Written again, they must be the same bytes: duplicate keys, spaces, escapes would not be. They
    are read together, with a null between: no text holds one, so each null shows where one ends.
    """
    if not texts:
        return []
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
    since = datetime.fromisoformat(text) - EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


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


def pieces(raws: Sequence[bytes]) -> list[tuple[Any, ...] | None]:
    """Of each entry its time, id, policy, stream, kind, version, and `meta` and `parts` as read;
    None for what is no entry. They are read together; one by one only if one of them is bad."""
    try:
        texts = [raw.decode() for raw in raws]
    except UnicodeDecodeError:
        texts = []
    cuts = [text.rfind('"pol":"') for text in texts]
    lines = "\n".join([text[:HEAD] + text[cut:] for text, cut in zip(texts, cuts, strict=True)])
    shells = SHELL.findall(lines)
    short = max(map(len, raws), default=0) <= 16384
    if short and len(shells) == len(raws) == lines.count("\n") + bool(raws):
        inner = [f'{{{text[HEAD:cut]}"pol":""}}' for text, cut in zip(texts, cuts, strict=True)]
        return [
            (*shell, said) if said is not None and said.keys() <= INNER else None
            for shell, said in zip(shells, canonical(inner), strict=True)
        ]
    return [pieces([raw])[0] for raw in raws] if len(raws) > 1 else [None]


def entry_of(raw: bytes) -> dict[str, Any]:
    """One entry, strictly. Raises Bad."""
    if pieces([raw])[0] is None:
        raise Bad("form")
    said: dict[str, Any] = json.loads(raw)
    return said


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


TABLES = {  # what grows with the log goes to a temporary SQLite file; memory stays flat
    "runs": "stream BLOB, position INTEGER, first INTEGER, last INTEGER",
    "parts": "kid BLOB, position INTEGER, present INTEGER",
    "pruned": "position INTEGER",
    "destroyed": "kid BLOB, position INTEGER, authority TEXT",
    "erasures": "id TEXT, kid BLOB, position INTEGER",
    "excused": "rule INTEGER, first INTEGER, last INTEGER, position INTEGER",
}


class Scan:
    """One worker's share: what it found, and what only the whole log can judge."""

    def __init__(self, task: Task) -> None:
        self.task, self.found, self.counts = task, Findings(), Counter[str]()
        self.level1 = bytearray()  # hashes of the full tiles
        self.first_at = self.last_at = self.last_position = 0
        self.pols: dict[str, int] = {}  # first position at which each policy is in force
        self.editions: dict[str, Any] = {}  # what the columns call each policy
        self.published: dict[str, tuple[int, str]] = {}
        self.acts: list[tuple[int, str, dict[str, Any]]] = []  # of log keys and time stamps
        self.bundle, self.db = Bundle(task.path), sqlite3.connect(task.spill)
        self.db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        for table, columns in TABLES.items():
            self.db.execute(f"CREATE TABLE {table}({columns})")
        self.rows: dict[str, list[Any]] = {table: [] for table in TABLES}
        self.tips: dict[str, list[Any]] = {}
        self.sealed = next(self.bundle.names("envelopes/"), None) is not None
        slack = task.tolerance * 1_000_000
        sizes, times = [size for size, _ in task.stamps], [at for _, at in task.stamps]
        self.stamped = sizes  # before the i-th stamp, record times lie between bounds[i]
        lows = [0, *accumulate((at - slack for at in times), max)]
        highs = [2**63, *accumulate((at + slack for at in reversed(times)), min)]
        self.bounds = list(zip(lows, reversed(highs), strict=True))
        self.lines = self.bundle.open(LINES) if self.bundle.has(LINES) else None
        first = max(task.first, task.begin * WIDTH + 1)
        self.line_at = [seek(self.lines, first) if self.lines and task.begin else 0] * 2  # bytes

    def take(self, index: int) -> None:
        """Check one tile of leaves and its entries."""
        task, start = self.task, index * WIDTH
        width = min(WIDTH, task.size - start)
        path = tile(0, index, width)
        leaves = self.bundle.read(path)
        if len(leaves) != HASH * width:
            self.found.add(4, "tile", path=path)
            leaves = bytes(HASH * width)
        if width == WIDTH:
            self.level1 += fold(leaves)
        if task.last <= start or task.first > start + width:
            return
        path = tile("entries", index, width)
        entries = frames(self.bundle.read(path), width)
        if entries is None:
            self.found.add(5, "entry_bundle", path=path)
            return
        made = [sha256(b"\0" + entry).digest() for entry in entries]
        if b"".join(made) != leaves:
            for at, entry in enumerate(entries):
                if entry and made[at] != leaves[at * HASH : (at + 1) * HASH]:
                    self.found.add(5, "leaf", position=start + at + 1)
        if not task.hashes_only:
            first, last = max(task.first, start + 1), min(task.last, start + width)
            self.read(first, entries[first - start - 1 : last - start])

    def read(self, first: int, entries: list[bytes]) -> None:
        """Read the entries from this position on, and the lines of columns that stand for them."""
        there = {position: raw for position, raw in enumerate(entries, first) if raw}
        missing = set(range(first, first + len(entries))) - there.keys()
        self.rows["pruned"] += [(position,) for position in sorted(missing)]
        self.counts["entries"] += len(there)
        self.counts["pruned"] += len(missing)
        rows: dict[int, list[Any] | None] = {}
        for position, said in zip(there, pieces(list(there.values())), strict=True):
            try:
                rows[position] = self.entry(position, *(said or ()))
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                rows[position] = None
                self.found.add(5, "form", position=position)
        if self.lines:
            self.compare(rows, self.lines)
        self.flush()

    def entry(self, position: int, *pieces: Any) -> list[Any] | None:
        """Check one entry; the row of typed columns it implies. Raises ValueError and its like, at
        once where there are no pieces."""
        at, identifier, pol, stream, kind, written, said = pieces
        meta, version, moment = said.get("meta", {}), int(written), micros(at)
        low, high = self.bounds[bisect_left(self.stamped, position)]
        if moment <= self.last_at:
            self.found.add(7, "time", position=position)
        if not low <= moment <= high:
            self.found.add(7, "backdated", position=position)
        self.first_at = self.first_at or moment
        self.last_at, self.last_position = moment, position
        tip = self.tips.get(stream)
        if tip is None:
            self.tips[stream] = [position, version, version]
        else:
            if version != tip[2] + 1:
                self.found.add(7, "version", position=position)
            tip[2] = version
        if pol not in self.pols:
            self.pols[pol] = position
        for part in said.get("parts", ()):
            self.part(position, part)
        if kind in ACTS:
            self.act(position, kind, identifier, meta)
        if kind not in MAPPED:
            self.counts["unknown"] += 1
            return None
        if not self.lines:
            return None
        occurred, get = meta["occurred"], meta.get
        when = moment if occurred == at else micros(occurred)
        row = [
            *(position, stream, version, kind, get("subject"), get("class"), get("item")),
            *(None, None, None, None, None, get("actor"), pol, None, None, None),
            *(when, get("grain"), paris_day(when // 3_600_000_000), moment),
        ]
        for key, column in MAPPED[kind]:
            if key in meta:
                row[column] = typed(COLUMNS[column], meta[key])
        return row

    def part(self, position: int, part: dict[str, str]) -> None:
        """A sealed part: its envelope is there as it was recorded, or is noted as missing."""
        described = f"{part['cm']} {part['ct']} {part['kc']} {part['kid']} {part['n']}"
        if len(part) != 5 or not PART.fullmatch(described):
            raise ValueError
        name = f"envelopes/{position - 1}-{part['n']}"
        content = self.bundle.get(name) if self.sealed else None
        if content is not None and web64(sha256(b"\3" + content).digest()) != part["ct"]:
            self.found.add(8, "envelope", position=position)
        self.counts["parts"] += 1
        self.counts["envelopes"] += content is not None
        self.rows["parts"].append((bytes_of(part["kid"]), position, content is not None))

    def act(self, position: int, kind: str, identifier: str, meta: dict[str, Any]) -> None:
        """What rules R1 to R3, the policies and the keys of the log rest on."""
        if kind == ERASED:
            kids = [bytes_of(kid) for kid in meta.get("keys", ())]
            self.rows["erasures"] += [(identifier, kid, position) for kid in kids or (b"",)]
        elif kind == "ledger.key_destroyed.v1":
            authority = str(meta["authority"])
            kids = [bytes_of(key["kid"]) for key in meta["keys"]]
            self.rows["destroyed"] += [(kid, position, authority) for kid in kids]
        elif kind == "policy.published.v1":
            self.published.setdefault(meta["document"], (position, str(meta["edition"])))
        elif kind in ("ledger.pruned.v1", "ledger.restored.v1"):
            rule = 2 if kind == "ledger.pruned.v1" else 3
            for first, last in meta["ranges"] if rule == 2 else meta.get("lost_parts", ()):
                if not type(first) is type(last) is int:
                    raise ValueError
                self.rows["excused"].append((rule, first, min(last, position - 1), position))
        else:
            self.acts.append((position, kind, meta))

    def compare(self, rows: dict[int, list[Any] | None], file: IO[bytes]) -> None:
        """Each surviving entry has its line of columns, and the line says what the entry says."""
        try:
            lines = list(islice(file, len(rows)))
        except UNREADABLE:
            lines = []
        there = b"".join(lines)
        self.line_at[1] += len(there)
        self.counts["columns"] += len(rows)
        lines += [b""] * (len(rows) - len(lines))
        for line, row in zip(lines, rows.values(), strict=True):
            if row is not None:
                if (pol := row[13]) not in self.editions:
                    self.editions[pol] = parsed(line, 13)
                row[13] = self.editions[pol]
        wanted = ENCODER.encode(list(rows.values()))[1:-1].replace("],[", "]\n[") + "\n"
        if wanted.encode() == there:
            return
        for (position, row), line in zip(rows.items(), lines, strict=True):
            if row is not None and f"{ENCODER.encode(row)}\n".encode() != line:
                wrong = [name for at, name in enumerate(COLUMNS) if parsed(line, at) != row[at]]
                names = ", ".join(wrong) or "?"
                self.found.add(11, "columns_differ", position=position, names=names)

    def flush(self, *, last: bool = False) -> None:
        """Write down what has gathered."""
        if last or len(self.tips) > 1 << 14:
            self.rows["runs"] = [(bytes_of(stream), *tip) for stream, tip in self.tips.items()]
            self.tips = {}
        for table, rows in self.rows.items():
            if rows:
                marks = ",".join("?" * len(rows[0]))
                self.db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
                rows.clear()

    def close(self) -> Scan:
        """Write what is left. What remains can travel between processes."""
        self.flush(last=True)
        self.db.commit()
        self.db.close()
        if self.lines:
            self.lines.close()
        del self.db, self.bundle, self.lines
        return self


LINES, LISTED = "columns.ndjson", re.compile(r'\s*"([^"\\]+)": ?"([0-9a-f]{64})",?')
ADDED, RETIRED = "ledger.log_key_added.v1", "ledger.log_key_retired.v1"
ERASED, RAN = "customer.class_erased.v1", "control.ran.v1"
ACTS = {
    *(ERASED, "ledger.key_destroyed.v1", "ledger.pruned.v1", "ledger.restored.v1"),
    *("policy.published.v1", "ledger.anchored.v1", ADDED, RETIRED),
}


def seek(file: IO[bytes], first: int) -> int:
    """Go to the line of columns of this position, or the next one there is; where that is."""

    def position(line: bytes) -> int:
        found = re.match(rb"\[([0-9]{1,18}),", line)
        return int(found[1]) if found else first

    try:
        low, high = 0, file.seek(0, os.SEEK_END)
    except UNREADABLE:
        return 0
    while high - low > 1 << 16:
        file.seek((low + high) // 2)
        file.readline()
        at = file.tell()
        if at < high and position(file.readline()) < first:
            low = at
        else:
            high = (low + high) // 2
    file.seek(low)
    while (line := file.readline()) and position(line) < first:
        low += len(line)
    file.seek(low)
    return low


def frames(raw: bytes, width: int) -> list[bytes] | None:
    """The entries of a bundle, each behind its length in two bytes; b"" is a pruned one."""
    found, at = [], 2
    while at <= len(raw):
        end = at + (raw[at - 2] << 8 | raw[at - 1])
        found.append(raw[at:end])
        at = end + 2
    return found if at == len(raw) + 2 and len(found) == width else None


def parsed(line: bytes, column: int) -> Any:
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
        self.lang, self.found, self.words = lang, Findings(), WORDS
        self.about: dict[str, Any] = {}
        self.required: set[int] = set()
        self.rests: dict[int, tuple[str, dict[str, Any]]] = {}  # done, or done in part
        self.skipped: dict[int, str] = {}

    def word(self, key: str, values: dict[str, Any]) -> str:
        """A sentence in the language of the report; a finding says first where it was made."""
        french = self.lang == "fr"
        where = values.get("path") or ("position" in values and f"position {values['position']}")
        one = 1 - french <= values.get("n", 2) < 2  # French counts nothing like one
        said = PLURAL.sub(lambda m: m[1] or "" if one else m[2], self.words[key][french])
        return (f"{where}{' ' * french}: " if where else "") + said.format(**values)

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
            rests_on = self.rests.get(check, (self.skipped.get(check, "not_reached"), {}))
            if n := self.found.counts[check]:  # what it would rest on, had it passed, is no answer
                rests_on = ("findings", {"n": n})
            kept = [self.word(k, v) for number_, k, v in self.found.kept if number_ == check]
            said = {"check": check, "name": name, "status": self.status(check)}
            said |= {"required": check in self.required, "rests_on": self.word(*rests_on)}
            checks.append({**said, "found": n, "findings": kept})
        verdict = "passed" if self.ok else "failed"
        return {"verdict": verdict, "bundle": self.about, "checks": checks}

    def lines(self) -> Iterator[str]:
        """For people."""
        alone = len(self.required) == 1  # of one receipt or certificate nothing else is asked
        yield "{origin} ({kind})".format(**self.about) if alone else self.word("about", self.about)
        for one in filter(lambda one: one["required"] or not alone, self.to_json()["checks"]):
            name = FRENCH_NAMES[one["check"] - 1] if self.lang == "fr" else one["name"]
            status = self.word(one["status"], {}) + " " * (self.lang == "fr")
            yield f"{one['check']:>2} {name:<14} {status}: {one['rests_on']}"
            yield from (f"      {finding}" for finding in one["findings"])
            if (more := one["found"] - len(one["findings"])) > 0:
                yield "      " + self.word("more", {"n": more})
        yield self.word("ok" if self.ok else "not_ok", {})


class Verifier:
    """The checks of one bundle, in order. Size and root come from the verified checkpoint only."""

    def __init__(self, bundle: Bundle, path: Path, trust: Trust, report: Report) -> None:
        self.bundle, self.path, self.trust, self.report = bundle, path, trust, report
        self.fail = report.found.add
        self.kind, self.first, self.last = "whole", 1, 0
        self.history: dict[int, tuple[Key, int, int]] = {}  # by line: key, first size, last size
        self.levels: list[bytes] = []  # verified hashes of tile levels 1, 2, …
        self.heads: list[tuple[str, Head]] = []  # to be shown prefixes
        self.stamps: dict[int, tuple[int, bytes]] = {}  # size -> time, SHA-256 of the token
        self.proven: dict[int, bytes] = {}  # leaves proven one by one
        self.pols: dict[str, int] = {}
        self.counts: Counter[str] = Counter()  # of what the workers read
        self.enveloped = 0  # files

    def run(self, receipts: Sequence[Path], processes: int, hashes_only: bool) -> None:
        """All checks. If the checkpoint cannot be believed, nothing else is asked."""
        said = self.manifest()
        self.succession()
        if not self.checkpoint():
            return
        self.settle(said)
        self.each(6, "checkpoints/", self.earlier, self.trust.checkpoints)
        self.timestamps()
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            scans = self.scans(Path(folder), processes, hashes_only)
            self.tree(scans)
            shown = sum(filter(None, self.each(5, "proofs/", self.proof)))
            self.settled(9, "rests_disclosed", "" if shown else "nothing_shown", n=shown)
            self.entries(hashes_only)
            self.prefixes()
            if self.last and not hashes_only:
                with sqlite3.connect(scans[0].task.spill) as db:
                    gather(db, [one.task.spill for one in scans[1:]])
                    self.streams(db, scans)
                    self.keys(db)
                acts = [act for one in scans for act in one.acts]
                self.log_keys(acts)
                self.anchored(acts)
                self.columns(scans)
            self.policies(scans)
        found = self.each(12, "receipts/", self.receipt, receipts)
        missing = "receipt_elsewhere" if False in found else "" if found else "no_receipts"
        self.settled(12, "rests_receipts", missing, n=len(found))
        self.report.required |= {12} if receipts else set()
        n = len(self.each(13, "certificates/", self.certificate))
        self.settled(13, "rests_certificates", "" if n else "no_certificates", n=n)

    def settled(self, check: int, key: str, missing: str = "", **values: Any) -> None:
        """On what a check rests, or why it was not made."""
        if missing:
            self.report.skipped[check] = missing
        else:
            self.report.rests[check] = (key, values)

    def each(
        self, check: int, folder: str, judge: Callable[[str, bytes], Any], own: Sequence[Path] = ()
    ) -> list[Any]:
        """What is made of the verifier's own files and each file of a folder; of one that is Bad,
        nothing but a finding of this check."""
        inside = ((name, self.bundle.read(name)) for name in sorted(self.bundle.names(folder)))
        made = []
        for name, raw in chain(((path.name, path.read_bytes()) for path in own), inside):
            try:
                made.append(judge(name, raw))
            except Bad as bad:
                self.fail(check, str(bad), path=name)
                made.append(None)
        return made

    def manifest(self) -> dict[str, Any]:
        """14: what the bundle says of itself, and whether it arrived whole. A file stands on a line
        of its own, so that a long list is never held in memory: names are compared by their sum
        (of hashes with a seed of this run), and asked for one by one only if that differs."""
        rest, listed, there, balance = [], 0, 0, hash("manifest.json")  # it does not list itself
        for line in self.bundle.lines("manifest.json"):
            if not (found := LISTED.fullmatch(line)):
                rest.append(line[:1000])
                continue
            name, digest = found.groups()
            listed, balance = listed + 1, balance + hash(name)
            if name.startswith(("tile/", "envelopes/", "policies/", LINES)):
                continue  # the log itself proves these
            if self.bundle.has(name) and sha256(self.bundle.read(name)).hexdigest() != digest:
                self.fail(14, "damaged", path=name)
        for name in self.bundle.names():
            there, balance = there + 1, balance - hash(name)
            self.enveloped += name.startswith("envelopes/")
        if balance:
            self.strays(there - 1 - listed)
        try:
            said: dict[str, Any] = json.loads("".join(rest))
            if said["files"] or said["format"] != "probant-evidence/1":
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            self.fail(14, "manifest_form")
            said = {}
        self.settled(14, "rests_manifest", n=listed)
        return said

    def strays(self, more: int) -> None:
        """14: files listed but absent; and how many are there but not listed."""
        for found in filter(None, map(LISTED.fullmatch, self.bundle.lines("manifest.json"))):
            if not self.bundle.has(found[1]):
                self.fail(14, "absent", path=found[1])
                more += 1
        if more > 0:
            self.fail(14, "unlisted", n=more)
        elif not self.report.found.counts[14]:
            self.fail(14, "manifest_form")  # a file listed twice

    def succession(self) -> None:
        """1: the keys that the pinned ones lead to. A line under a note makes no key: one that is
        known must have signed a tree in which the log adds the new one, which signed too; or, for
        whoever pinned the newer one, a tree in which the log retires the older."""
        for at, line in enumerate(self.bundle.lines("keys/history.txt"), 1):
            try:
                written, first, last = line.split(" ")
                key, end = Key.parse(written, 1), 2**63 if last == "-" else number(last)
                self.history[at] = key, number(first), end
            except (ValueError, Bad):
                self.fail(1, "history", path=f"keys/history.txt:{at}")
        history = self.history.values()
        proofs = [(key, first - 1, ADDED) for key, first, _ in history]
        proofs += [(key, last, RETIRED) for key, _, last in history]
        proofs = [one for one in proofs if self.bundle.has(f"keys/{one[1]}.tlog-proof")]
        reigns = {key.public: (first, last) for key, first, last in history}
        self.trust, unknown = self.trust._replace(reigns=reigns), {self.trust.log[0]}
        while unknown:
            news = {key for key, at, kind in proofs if self.handover(key, at, kind)}
            unknown = news - set(self.trust.log)
            self.trust = self.trust._replace(log=(*self.trust.log, *unknown))
        for key, index, kind in proofs:
            name = f"keys/{index}.tlog-proof"
            if (head := self.handover(key, index, kind)) is None:
                self.fail(1, "history", path=name)
            else:
                self.heads.append((name, head))

    def handover(self, key: Key, index: int, kind: str) -> Head | None:
        """The head that proves what the log says of a key at an index, if a known key signed it."""
        proof, entry = (self.bundle.read(f"keys/{index}.{end}") for end in ("tlog-proof", "entry"))
        try:
            found, head, note = self.inclusion(proof, entry)
            said = entry_of(entry)
            if kind == ADDED:
                self.trust._replace(log=(key,)).open(note)
            fits = (said["type"], said["meta"]["vkey"], found) == (kind, key.written, index)
        except (Bad, KeyError, TypeError):
            return None
        return head if fits else None

    def checkpoint(self) -> bool:
        """1 and 2: the head of the log, and who else saw it."""
        try:
            self.head = head = self.trust.open(self.bundle.read("checkpoint"))
        except Bad as bad:
            self.fail(1, str(bad), path="checkpoint")
            return False
        if not set(self.bundle.lines("keys/log.vkey")) <= {key.written for key in self.trust.log}:
            self.fail(1, "other_key", path="keys/log.vkey")
        self.settled(1, "rests_checkpoint", name=self.trust.origin, size=head.size)
        own = {key.public for key in self.trust.log}
        seen = {key.public for key in head.cosigned} - own
        if len(seen) < self.trust.quorum:
            self.fail(2, "quorum", n=len(seen), quorum=self.trust.quorum)
        missing = "" if seen or self.trust.quorum else "no_cosignature"
        missing = missing if self.trust.witnesses else "no_witness"
        at = utc(max(head.cosigned.values(), default=0)) if seen else "-"
        self.settled(2, "rests_witnesses", missing, n=len(seen), at=at)
        return True

    def settle(self, said: dict[str, Any]) -> None:
        """What kind of bundle this is, and so what is required of it."""
        size, report, trust = self.head.size, self.report, self.trust
        if said and (said.get("origin"), said.get("size")) != (trust.origin, size):
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
        asked = {2: trust.quorum, 3: trust.tsa, 6: trust.checkpoints}
        report.required = REQUIRED[self.kind] | {check for check, wish in asked.items() if wish}
        root = b64encode(self.head.root).decode()
        report.about |= {"kind": self.kind, "size": size, "root": root}
        report.about |= {"first": self.first, "last": self.last}

    def earlier(self, name: str, raw: bytes) -> None:
        """6: a checkpoint that the verifier kept, or that came with the bundle."""
        head = self.trust.open(raw)
        if "/" in name and name != f"checkpoints/{head.size}":
            raise Bad("malformed")
        self.heads.append((name, head))

    def timestamps(self) -> None:
        """3: each token dates the checkpoint of its name, under a pinned root, at its own time."""
        names = sorted(name for name in self.bundle.names("tsa/") if name.endswith(".tsr"))
        openssl = shutil.which("openssl")
        if not self.trust.tsa or not names or openssl is None:
            missing = "no_tsa" if not self.trust.tsa else "no_token" if not names else "no_openssl"
            self.settled(3, "", missing)
            return
        signed = {name for name, _ in self.heads}
        for name in names:
            size, token, at = Path(name).stem, self.bundle.read(name), None
            if (dated := f"checkpoints/{size}") in signed:
                data, chain = self.bundle.read(dated), self.bundle.get("tsa/chain.pem")
                at = token_time(openssl, token, data, self.trust.tsa, chain)
            if at is None:
                self.fail(3, "token", path=name)
            else:
                self.stamps[int(size)] = (at * 1_000_000, sha256(token).digest())
        last = utc(max((at for at, _ in self.stamps.values()), default=0) // 1_000_000)
        self.settled(3, "rests_timestamps", n=len(self.stamps), at=last)

    def scans(self, folder: Path, processes: int, hashes_only: bool) -> list[Scan]:
        """Read the log, one share for each process."""
        if self.kind == "subject":
            return []
        size, total = self.head.size, -(-self.head.size // WIDTH)
        edges = sorted({total * part // processes for part in range(processes + 1)})
        stamps = tuple((n, at) for n, (at, _) in sorted(self.stamps.items()))
        tasks = [
            Task(
                *(self.path, size, begin, end, self.first, self.last, stamps),
                *(self.trust.tolerance, str(folder / f"{begin}.sqlite"), hashes_only),
            )
            for begin, end in pairwise(edges if total else [0, 0])
        ]
        if len(tasks) == 1:
            return [scan(tasks[0])]
        from concurrent.futures import ProcessPoolExecutor  # slow to load, and seldom needed
        from multiprocessing import get_context

        alone = sys.platform == "linux" and threading.active_count() == 1
        with ProcessPoolExecutor(len(tasks), get_context("fork" if alone else "spawn")) as pool:
            return list(pool.map(scan, tasks))

    def tree(self, scans: list[Scan]) -> None:
        """4: the leaves give every tile above them, and the root."""
        for one in scans:
            self.report.found.kept += one.found.kept
            self.report.found.counts.update(one.found.counts)
            self.counts.update(one.counts)
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
        if scans and self.root_at(self.head.size) != self.head.root:
            self.fail(4, "root")
        self.settled(4, "rests_tree", "" if scans else "no_tiles", size=self.head.size)

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` leaves: each level's open tile, folded into the next."""
        edge, level = b"", 0
        while count := size >> 8 * level:
            start = count // WIDTH * WIDTH
            if level:
                chunk = self.levels[level - 1][start * HASH : count * HASH]
            else:
                chunk = self.leaves(start)[: (count - start) * HASH] if count > start else b""
            edge, level = fold(chunk + edge) if chunk + edge else b"", level + 1
        return edge or sha256(b"").digest()

    def leaves(self, start: int, level: int | str = 0) -> bytes:
        """The tile of leaves, or the entries, that begins at this index."""
        return self.bundle.read(tile(level, start // WIDTH, min(WIDTH, self.head.size - start)))

    def proof(self, name: str, raw: bytes) -> int | None:
        """5 and 9, one by one: an entry with its inclusion proof, and how many texts it shows."""
        if not name.endswith(".tlog-proof"):
            return None
        stem = name.removesuffix(".tlog-proof")
        entry = self.bundle.read(f"{stem}.entry")
        index, head, _ = self.inclusion(raw, entry)
        if stem != f"proofs/{index}":
            raise Bad("proof")
        said = entry_of(entry)
        self.heads.append((name, head))
        self.proven[index] = sha256(b"\0" + entry).digest()
        self.pols.setdefault(said["pol"], index + 1)
        opened = self.bundle.get(f"{stem}.open.json")
        return 0 if opened is None else self.disclosed(f"{stem}.open.json", opened, said)

    def inclusion(self, raw: bytes, entry: bytes) -> tuple[int, Head, bytes]:
        """The index at which a .tlog-proof (C2SP) finds an entry, its head, and the head's note."""
        (header, *lines), note = proof_of(raw)
        lines = [line for line in lines if not line.startswith("extra ")]
        if header != "c2sp.org/tlog-proof@v1" or not lines or not lines[0].startswith("index "):
            raise Bad("malformed")
        head, index = self.trust.open(note), number(lines[0][6:])
        hashes = [base64(line, HASH) for line in lines[1:]]
        if climb(sha256(b"\0" + entry).digest(), index, head.size, hashes) != head.root:
            raise Bad("proof")
        return index, head, note

    def disclosed(self, name: str, raw: bytes, said: dict[str, Any]) -> int:
        """9: texts and salts give what was committed to."""
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

    def entries(self, hashes_only: bool) -> None:
        """5: whether every entry was read."""
        n, proven = self.counts["entries"], len(self.proven)
        self.report.about |= {"entries": n or proven, "pruned": self.counts["pruned"]}
        if self.last or hashes_only:
            self.settled(5, "rests_entries", "hashes_only" if hashes_only else "", n=n)
        elif proven or self.kind != "subject":
            self.settled(5, "rests_proofs", "" if proven else "no_entries", n=proven)

    def prefixes(self) -> None:
        """6: what was signed before is a prefix of what is signed now."""
        shown = set[Any]().union(*filter(None, self.each(6, "consistency/", self.consistency)))
        missing = "" if self.heads else "no_earlier"
        for name, head in self.heads:
            if head.size > self.head.size:
                self.fail(6, "longer", path=name, size=head.size)
            elif self.levels or head.size == self.head.size:
                same = self.head.root if head.size == self.head.size else self.root_at(head.size)
                if same != head.root:
                    self.fail(6, "fork", path=name, size=head.size)
            elif (head.size, head.root) not in shown:
                missing = "unproven"  # and an entry is only in this log if its tree is
                self.report.required |= {6} if name.startswith("proofs/") else set()
        self.settled(6, "rests_prefixes", missing, n=len(self.heads))

    def consistency(self, name: str, raw: bytes) -> set[tuple[int, bytes]]:
        """The older heads that a consistency file proves to be prefixes of this one."""
        (first, *lines), note = proof_of(raw)
        newer, old = self.trust.open(note), number(first.removeprefix("old "))
        hashes = [base64(line, HASH) for line in lines]
        if name != f"consistency/{old}-{newer.size}.txt" or not first.startswith("old "):
            raise Bad("malformed")
        roots = {head.root for _, head in self.heads if head.size == old}
        roots |= {self.root_at(old)} if self.levels and old <= self.head.size else set()
        for root in roots:
            if grown(old, newer.size, root, hashes) != newer.root:
                raise Bad("proof")
        self.heads.append((name, newer))
        return {(old, root) for root in roots if newer.root == self.head.root}

    def streams(self, db: sqlite3.Connection, scans: list[Scan]) -> None:
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
        pruned = ascending(db, "SELECT position FROM pruned ORDER BY position")
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
        self.settled(7, key, n=n, stamps=len(self.stamps))

    def keys(self, db: sqlite3.Connection) -> None:
        """8: rules R1, R2 and R3. What would excuse a missing part may lie outside of a range."""
        db.execute("CREATE INDEX by_kid ON destroyed(kid, position)")
        db.execute("CREATE INDEX by_id ON erasures(id, position)")
        db.execute("CREATE INDEX by_key ON erasures(kid)")
        ranges = "SELECT first, last FROM excused WHERE rule = ? ORDER BY first"
        later = "EXISTS (SELECT 1 FROM destroyed d WHERE d.kid = p.kid AND d.position > p.position)"
        query = f"SELECT position FROM parts p WHERE NOT present AND NOT {later} ORDER BY position"
        missing = uncovered(ascending(db, query), db.execute(ranges, (3,)))
        query = "SELECT position FROM pruned ORDER BY position"
        pruned = uncovered(ascending(db, query), db.execute(ranges, (2,)))
        unordered = ascending(
            db,
            "SELECT DISTINCT position FROM destroyed d WHERE NOT EXISTS (SELECT 1 FROM erasures e "
            "WHERE e.id = d.authority AND e.position < d.position) OR NOT EXISTS (SELECT 1 FROM "
            "erasures e WHERE e.kid = d.kid) ORDER BY position",
        )
        unexplained, there = 0, self.counts["envelopes"]
        whole_log = self.kind == "whole"
        for word, positions in (("missing", missing), ("pruned", pruned), ("authority", unordered)):
            for position in positions:
                unexplained += 1
                if whole_log and (there or word != "missing"):
                    self.fail(8, word, position=position)
        for position in ascending(db, f"SELECT position FROM parts p WHERE present AND {later}"):
            self.fail(8, "still_there", position=position)
        if self.enveloped > there:
            self.fail(8, "stray")
        why = "elsewhere" if there or not whole_log else "no_envelopes"
        skip = unexplained and not self.report.found.counts[8]
        self.settled(8, "rests_keys", why if skip else "", n=self.counts["parts"], there=there)

    def log_keys(self, acts: list[tuple[int, str, dict[str, Any]]]) -> None:
        """1: the history of keys is what the log says; each checkpoint has a key of its time."""
        said: dict[str, dict[str, int]] = {ADDED: {}, RETIRED: {}}
        for position, kind, meta in acts:
            if kind in said:
                said[kind].setdefault(str(meta.get("vkey")), position)
        begun, ended = said[ADDED], said[RETIRED]
        for at, (one, first, last) in self.history.items() if self.kind == "whole" else ():
            key = one.written
            in_time = first >= begun.get(key, 1) and last < ended.get(key, 2**63 + 1)
            known = (key in begun) == (at > 1) and (key in ended) == (last < 2**63)
            if not (known and in_time):
                self.fail(1, "history", path=f"keys/history.txt:{at}")
        for name, head in [("checkpoint", self.head), *self.heads]:
            keys = [key.written for key in head.signers]
            if not any(begun.get(k, 0) <= head.size < ended.get(k, 2**63) for k in keys):
                self.fail(1, "not_its_time", path=name)

    def anchored(self, acts: list[tuple[int, str, dict[str, Any]]]) -> None:
        """3: the tokens that the log says it received are those of the bundle."""
        for position, kind, meta in acts if 3 in self.report.rests else ():
            size = meta.get("size")
            _, digest = self.stamps.get(size if isinstance(size, int) else -1, (0, b""))
            if kind == "ledger.anchored.v1" and web64(digest) != meta.get("token"):
                self.fail(3, "anchored", position=position)

    def columns(self, scans: list[Scan]) -> None:
        """11: what workers compared; every line was read by one of them; the edition that columns
        name for a policy is the one that its publication states."""
        published = {document: day for one in scans for document, (_, day) in one.published.items()}
        for one in scans:
            for pol, edition in one.editions.items():
                if pol in published and str(edition) != published[pol].replace("-", ""):
                    self.fail(11, "edition", position=one.pols.get(pol, 0))
        ends = [0, *(at for one in scans for at in one.line_at), self.bundle.size(LINES)]
        if any(end != begin for end, begin in zip(ends[::2], ends[1::2], strict=True)):
            self.fail(11, "columns_more")
        lines, unknown = self.counts["columns"], self.counts["unknown"]
        missing = "no_columns" if not lines else "unknown_kinds" if unknown else ""
        self.settled(11, "rests_columns", missing, n=lines)

    def policies(self, scans: list[Scan]) -> None:
        """10: the document of each policy in force is there, and was published before its use."""
        published: dict[str, int] = {}
        for one in scans:
            for document, (position, _) in one.published.items():
                published.setdefault(document, position)
            for pol, position in one.pols.items():
                self.pols[pol] = min(position, self.pols.get(pol, position))
        for pol, position in self.pols.items():
            named = urlsafe_b64decode(f"{pol}=").hex()
            if web64(sha256(self.bundle.read(f"policies/{named}")).digest()) != pol:
                self.fail(10, "policy", position=position)
            elif self.last and self.kind == "whole" and published.get(pol, 2**63) > position:
                self.fail(10, "unpublished", position=position)
        self.settled(10, "rests_policies", "" if self.pols else "no_entries", n=len(self.pols))

    def receipt(self, name: str, raw: bytes) -> bool:  # noqa: ARG002
        """12: what the log promised to somebody is there; False if this bundle cannot tell."""
        position, leaf = receipt_of(self.trust, raw)
        if position > self.head.size:
            raise Bad("receipt_missing")
        at = (position - 1) % WIDTH
        found = self.proven.get(position - 1)
        if found is None and self.kind != "subject":
            found = self.leaves(position - 1 - at)[at * HASH :][:HASH]
        if found is not None and found != leaf:
            raise Bad("receipt_differs")
        return found is not None

    def certificate(self, name: str, raw: bytes) -> None:  # noqa: ARG002
        """13: the log signed it, and the erasures that it cites are there, of that person and class
        (unless the entry is pruned, or lies outside of this bundle)."""
        for position, cited in citations(certificate_of(self.trust, raw)):
            if position > self.head.size:
                raise Bad("receipt_missing")
            at = (position - 1) % WIDTH
            start = position - 1 - at
            entries = frames(self.leaves(start, "entries"), min(WIDTH, self.head.size - start))
            if entries and entries[at]:
                there = entry_of(entries[at])
                meta = there.get("meta")
                meta = meta if isinstance(meta, dict) else {}
                if cited != (there["type"], there["id"], meta.get("subject"), meta.get("of")):
                    raise Bad("cited")


def gather(db: sqlite3.Connection, others: list[str]) -> None:
    """Bring what the workers spilled into one database."""
    for other in others:
        db.execute("ATTACH ? AS other", (other,))
        for table in TABLES:
            db.execute(f"INSERT INTO {table} SELECT * FROM other.{table}")
        db.commit()
        db.execute("DETACH other")


def ascending(db: sqlite3.Connection, query: str) -> Iterator[int]:
    """The positions that a query finds."""
    return (row[0] for row in db.execute(query))


def utc(seconds: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


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
        try:
            date = " ".join(stated.groups()) if stated else ""
            at = int(datetime.strptime(f"{date} +0000", "%b %d %H:%M:%S %Y %z").timestamp())
        except ValueError:
            return None
        files = ["-data", str(paths["data"]), "-CAfile", str(paths["roots"]), "-attime", str(at)]
        files += ["-untrusted", str(paths["chain"])] if chain else []
        return at if ask("-verify", *files) is not None else None


# --- receipts and certificates ------------------------------------------------------------------


def receipt_of(trust: Trust, raw: bytes) -> tuple[int, bytes]:
    """The position and leaf that a receipt promises, if the log signed it. Raises Bad."""
    lines, signers = trust.statement(raw, "receipt")
    if len(lines) != 5 or not re.fullmatch(TIME, lines[3]) or number(lines[0]) < 1:
        raise Bad("malformed")
    _, leaf, _ = base64(lines[1], HASH), base64(lines[2], HASH), number(lines[4])
    # A later key may repeat an old promise; an older one cannot promise beyond its end.
    if not any(trust.reign(key)[1] >= number(lines[0]) for key in signers):
        raise Bad("not_its_time")
    return number(lines[0]), leaf


def certificate_of(trust: Trust, raw: bytes) -> dict[str, Any]:
    """The document of a certificate that the log signed. Raises Bad."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError
        return dict(pairs)

    lines, _ = trust.statement(raw, "certificate")
    try:
        said = json.loads("\n".join(lines), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise Bad("malformed") from None
    if not isinstance(said, dict):
        raise Bad("malformed")
    return said


def citations(said: dict[str, Any]) -> list[tuple[int, tuple[str, str, str, str]]]:
    """The events that a certificate (of erasure, of controls) cites: position, (kind, id, …)."""
    kinds = {"probant-certificate/1": ERASED, "probant-certificate/2": ERASED}
    kind = (kinds | {"probant-controls/1": RAN}).get(str(said.get("format")), "")
    try:
        cited = [
            (one["position"], (kind, str(one["event"]), (said | one)["subject"], one["class"]))
            for one in (said["erased"] if kind else [])
        ]
    except (KeyError, TypeError):
        raise Bad("malformed") from None
    if not all(type(position) is int and position > 0 for position, _ in cited):
        raise Bad("malformed")
    return cited


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
    if not single or not path.is_file():
        report.required = set(REQUIRED["whole"])
        Verifier(Bundle(path), path, trust, report).run(receipts, processes, hashes_only)
        return report
    report.about["kind"], report.required = path.suffix[1:], {single}
    try:
        if single == 12:
            report.about["receipt"] = receipt_of(trust, path.read_bytes())[0]
        else:
            report.about["certificate"] = certificate_of(trust, path.read_bytes())
        report.rests[single] = ("rests_statement", {})
    except Bad as bad:
        report.found.add(single, str(bad), path=path.name)
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
    options = {"processes": given.processes, "hashes_only": given.hashes_only}
    try:
        trust = Trust.load(given.trust)
        report = verify(given.bundle, trust, given.lang, receipts=given.receipt, **options)
    except Misuse as misuse:
        sys.stderr.write(f"verify: {WORDS[str(misuse)][given.lang == 'fr']}\n")
        return 2
    said = json.dumps(report.to_json(), ensure_ascii=False, indent=1) if given.json else None
    print(said or "\n".join(report.lines()))
    return 0 if report.ok else 1


# Every sentence: its key, in English, in French. Of one thing, [of one/of several]; [s] is [/s].
SENTENCES = """
passed|passed|réussi
failed|FAILED|ÉCHEC
not checked|not checked|non contrôlé
findings|found wrong: {n}|constats : {n}
ok|Verified: every required check passed, none failed.\
|Vérifié : chaque contrôle requis a réussi, aucun n'a échoué.
not_ok|NOT VERIFIED: a check failed, or a required one could not be made.\
|NON VÉRIFIÉ : un contrôle a échoué, ou un contrôle requis n'a pu être fait.
about|{origin} ({kind}): {size} leaves, root {root}; {entries} entries read, {pruned} pruned.\
|{origin} ({kind}) : {size} feuilles, racine {root} ; {entries} écritures lues, {pruned} élaguées.
more|and {n} more|et {n} autre[s]
rests_checkpoint|signed by a key you pinned, as {name} at size {size}\
|signé par une clé que vous avez épinglée, comme {name} à la taille {size}
rests_witnesses|{n} pinned witness[es], by key material, saw this head, the last at {at}\
|{n} témoin[s] épinglé[s], compté[s] par clé, [a/ont] vu cette tête, le dernier à {at}
rests_timestamps|{n} token[s] verified by openssl under your roots, each at its time, the last {at}\
|{n} jeton[s] vérifié[s] par openssl sous vos racines, chacun à sa date, le dernier {at}
rests_tree|all {size} leaves hashed up to the signed root, every tile on the way compared\
|les {size} feuilles hachées jusqu'à la racine signée, chaque tuile comparée en chemin
rests_entries|{n} entr[y/ies] hash[es/] to [its leaf/their leaves], canonical\
|{n} écriture[s] [a/ont] l'empreinte de [sa/leur] feuille et [est/sont] canonique[s]
rests_proofs|{n} entr[y/ies] proven one by one; nothing is said of the others\
|{n} écriture[s] prouvée[s] une à une ; rien n'est dit des autres
rests_prefixes|{n} checkpoint[s] [is a prefix/are prefixes] of this log; the rest rests on its key\
|{n} point[s] de contrôle [est un préfixe/sont des préfixes] du journal ; la suite repose sur sa clé
rests_streams|{n} stream[s] without a gap; record time grows and fits the time stamps ({stamps})\
|{n} flux sans lacune ; le temps d'enregistrement croît, en accord avec les horodatages ({stamps})
rests_streams_only|{n} stream[s] without a gap; record time grows, but no time stamp bounds it\
|{n} flux sans lacune ; le temps d'enregistrement croît, mais aucun horodatage ne le borne
rests_keys|{there} of {n} envelope[s] there as recorded, the log says why the others are not; \
that a key is really gone cannot be shown by hashing\
|{there} enveloppe[s] sur {n} comme enregistrée[s], le journal dit pourquoi les autres manquent ; \
qu'une clé n'existe plus ne se prouve pas par empreinte
rests_disclosed|{n} text[s] as committed to|{n} texte[s] [est celui engagé/sont ceux engagés]
rests_policies|{n} policy document[s] [is/are] there by SHA-256; what they mean is not judged\
|{n} politique[s] présente[s], par SHA-256 ; leur sens n'est pas jugé
rests_columns|{n} line[s] say[s/] what the entries say; derived states are replayed by other tools\
|{n} ligne[s] [dit/disent] ce que disent les écritures ; les états dérivés se rejouent ailleurs
rests_receipts|{n} receipt[s] signed by the log, [its event/their events] looked up\
|{n} récépissé[s] signé[s] par le journal, [son fait recherché/leurs faits recherchés]
rests_certificates|{n} certificate[s] signed by the log, erasures cited looked up; else its word\
|{n} certificat[s] signé[s] par le journal, effacements cités recherchés ; le reste est sa parole
rests_statement|signed by the log; give its bundle, a receipt as --receipt, to look it up there\
|signé par le journal ; donnez le dossier, un récépissé en --receipt, pour l'y chercher
rests_manifest|{n} file[s] arrived as listed; the list is the sender's own\
|{n} fichier[s] arrivé[s] comme listé[s] ; la liste vient de l'expéditeur
no_witness|no witness is pinned: a fork shown to somebody else is invisible\
|aucun témoin épinglé : une bifurcation montrée à d'autres est invisible
no_cosignature|no pinned witness cosigned: a fork shown to somebody else is invisible\
|aucun témoin épinglé n'a cosigné : une bifurcation montrée à d'autres est invisible
no_tsa|no time-stamping root is pinned: nothing dates the log but its own clock\
|aucune racine d'horodatage épinglée : rien ne date le journal que sa propre horloge
no_token|no time stamp came with the bundle|le dossier ne contient aucun horodatage
no_openssl|openssl is not on this machine|openssl est absent de cette machine
no_tiles|no tiles in this kind of bundle|pas de tuiles dans ce type de dossier
no_entries|no entries in this kind of bundle|pas d'écritures dans ce type de dossier
hashes_only|entries hash to their leaves; you asked not to read them\
|les écritures ont l'empreinte de leur feuille ; vous avez demandé de ne pas les lire
unproven|an earlier checkpoint has neither tiles nor a consistency file to compare with\
|un point de contrôle antérieur n'a ni tuiles ni preuve de cohérence pour le comparer
no_earlier|no earlier checkpoint was kept or sent: what was before this one is unknown\
|aucun point de contrôle antérieur : ce qui précédait celui-ci est inconnu
elsewhere|what would excuse a missing part may lie outside of this bundle\
|ce qui excuserait une partie absente peut être hors de ce dossier
no_envelopes|no ciphertext came with the bundle: sealed parts may have been lost or replaced\
|le dossier ne contient aucun chiffré : des parties scellées ont pu être perdues ou remplacées
nothing_shown|no text was disclosed|aucun texte n'a été divulgué
unknown_kinds|some kinds of event are newer than this verifier; the others agree\
|certains types de faits sont plus récents que ce vérificateur ; les autres concordent
no_columns|no typed columns came with the bundle|le dossier ne contient pas de colonnes typées
no_receipts|no receipt was given|aucun récépissé n'a été fourni
receipt_elsewhere|the bundle does not hold the event of a receipt, and cannot say if the log does\
|le dossier ne contient pas le fait d'un récépissé, et ne peut dire si le journal le contient
no_certificates|no certificate was given|aucun certificat n'a été fourni
not_reached|not reached|non atteint
trust|the trust file cannot be read: origin, log, and what this program's first lines list\
|le fichier de confiance est illisible : origin, log et ce que listent les premières lignes d'ici
trust_files|a file that the trust file names does not exist|un fichier de confiance n'existe pas
no_bundle|there is no such bundle (a folder or a zip), receipt or certificate\
|ce dossier de preuve (ouvert ou zip), ce récépissé ou ce certificat n'existe pas
malformed|malformed|mal formé
bad_signature|a signature of a pinned key is wrong|une signature d'une clé épinglée est fausse
unknown_key|none of the keys you pinned signed it|aucune des clés épinglées ne l'a signé
other_origin|it is of another log, or no checkpoint|d'un autre journal, ou pas un point de contrôle
other_key|the bundle names a key that you did not pin|le dossier nomme une clé non épinglée
history|the history of keys is not what the log says|l'histoire des clés diffère du journal
not_its_time|signed by a key outside of its time|signé par une clé hors de son temps
quorum|{n} witness[es] cosigned, {quorum} needed|{n} témoin[s] [a/ont] cosigné, il en faut {quorum}
token|the token does not date that checkpoint under your roots|le jeton ne date pas cette tête
anchored|the time stamp it names is not in the bundle|l'horodatage nommé n'est pas dans le dossier
tile|the tile is missing, or not what the leaves give|tuile absente, ou différente des feuilles
root|the leaves do not give the signed root|les feuilles ne donnent pas la racine signée
entry_bundle|the entries are missing or cut|écritures absentes ou tronquées
leaf|the entry is not the one its leaf was made of|la feuille n'est pas celle de cette écriture
form|the entry is not canonical, or not an entry|écriture non canonique, ou pas une écriture
proof|the proof does not hold|la preuve ne tient pas
longer|at size {size}, the log had more than now: its end was cut, or an old state replayed\
|à la taille {size}, le journal en avait plus : fin coupée, ou ancien état rejoué
fork|at size {size}, the log was another one: history was rewritten or forked\
|à la taille {size}, le journal était autre : histoire réécrite ou bifurquée
version|a version of its stream is missing before it, or comes twice\
|une version de son flux manque avant elle, ou vient deux fois
time|recorded no later than the one before|enregistrée pas plus tard que la précédente
backdated|its record time contradicts the time stamps around it\
|sa date d'enregistrement contredit les horodatages qui l'entourent
envelope|an envelope is not the one that was recorded|une enveloppe n'est pas celle enregistrée
missing|an envelope is missing and nothing destroyed its key (R1)\
|une enveloppe manque et rien n'a détruit sa clé (R1)
still_there|an envelope of a destroyed key is still there|une enveloppe d'une clé détruite est là
stray|there are envelopes that no entry names|des enveloppes ne sont nommées par aucune écriture
pruned|the entry is missing and no later event prunes it (R2)|écriture absente, non élaguée (R2)
authority|keys were destroyed on the order of no erasure in this log (R1)\
|clés détruites sans qu'aucun effacement du journal ne l'ordonne (R1)
text|a text is not the one that was committed to|un texte n'est pas celui qui avait été engagé
policy|the policy in force is not in the bundle, or was altered|politique absente ou altérée
unpublished|the policy in force was not published before|la politique n'était pas publiée avant
columns_differ|columns do not say what the entry says: {names}\
|les colonnes ne disent pas ce que dit l'écriture : {names}
columns_more|columns has lines that no entry stands for|columns a des lignes sans écriture
edition|the columns name another edition than its publication\
|les colonnes nomment une autre édition que sa publication
receipt_missing|its event is not in this log: younger than the bundle, or left out\
|son fait n'est pas dans ce journal : plus récent que le dossier, ou omis
cited|it cites an erasure that is not there|il cite un effacement qui ne s'y trouve pas
receipt_differs|another event stands at its position|un autre fait se trouve à sa position
absent|listed, but not there|listé, mais absent
damaged|not as it was sent|différent de ce qui fut envoyé
unlisted|{n} file[s] that the manifest does not list|{n} fichier[s] que le manifeste ne liste pas
manifest_form|manifest.json is missing or malformed|manifest.json est absent ou mal formé
manifest_differs|manifest.json names another origin or size than the signed checkpoint\
|manifest.json nomme une autre origine ou taille que le point de contrôle signé
"""
WORDS = {key: words for key, *words in (line.split("|") for line in SENTENCES.split("\n")[1:-1])}

if __name__ == "__main__":
    hasattr(signal, "SIGPIPE") and signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is fine
    sys.exit(main())
