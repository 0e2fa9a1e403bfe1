"""A second, naive writer of evidence bundles: from a real ledger, or from invented entries.

It shares no code with `ledger/seal/` and none with the verifier it feeds: the tree is the recursive
definition of RFC 6962, notes and tiles are written as C2SP prints them. Whoever holds an `Evidence`
holds the log's key, so a test can play the operator who rewrites history and signs it again.
"""

from __future__ import annotations

import json
import tomllib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.application import Ledger
from ledger.facts import Row
from ledger.store import tables
from ledger.store.mapper import row_from
from ledger.store.states import ROW_COLUMNS

ORIGIN = "ledger.example/softsystem"


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


@cache
def root(leaves: tuple[bytes, ...]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it is defined."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root(leaves[:half]) + root(leaves[half:])).digest()


def path(index: int, leaves: tuple[bytes, ...]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path(index, leaves[:half]), root(leaves[half:])]
    return [*path(index - half, leaves[half:]), root(leaves[:half])]


def proof(old: int, leaves: tuple[bytes, ...], whole: bool = True) -> list[bytes]:
    """PROOF of RFC 6962 section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return [*proof(old, leaves[:half], whole), root(leaves[half:])]
    return [*proof(old - half, leaves[half:], False), root(leaves[:half])]


def key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def material(private: Ed25519PrivateKey, algorithm: int) -> bytes:
    return bytes([algorithm]) + private.public_key().public_bytes_raw()


def key_id(name: str, private: Ed25519PrivateKey, algorithm: int) -> bytes:
    return sha256(name.encode() + b"\n" + material(private, algorithm)).digest()[:4]


def vkey(name: str, private: Ed25519PrivateKey, algorithm: int = 1) -> str:
    identifier = key_id(name, private, algorithm).hex()
    return f"{name}+{identifier}+{b64encode(material(private, algorithm)).decode()}"


def line(name: str, private: Ed25519PrivateKey, text: str, time: int | None = None) -> str:
    """A signature line: of a log, or at `time` of a witness."""
    if time is None:
        signed = key_id(name, private, 1) + private.sign(text.encode())
    else:
        message = f"cosignature/v1\ntime {time}\n{text}".encode()
        signed = key_id(name, private, 4) + time.to_bytes(8, "big") + private.sign(message)
    return f"— {name} {b64encode(signed).decode()}\n"


def b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def web64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def columns(row: Row | Sequence[Any]) -> str:
    """A line of columns.ndjson: the typed columns in the order of the events table."""
    plain = [value if value is None or isinstance(value, int) else str(value) for value in row]
    return canonical(plain).decode()


@dataclass
class Evidence:
    """Everything that a bundle says. `leaves` follow `entries` until a test takes them apart."""

    entries: list[bytes]
    columns: dict[int, str] = field(default_factory=dict)  # by position
    envelopes: dict[str, bytes] = field(default_factory=dict)  # by file name
    policies: dict[str, bytes] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    origin: str = ORIGIN
    signer: Ed25519PrivateKey = field(default_factory=lambda: key(1))
    signers: list[tuple[str, Ed25519PrivateKey]] = field(default_factory=list)
    witnesses: list[tuple[str, Ed25519PrivateKey, int]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # of earlier checkpoints
    proofs: dict[int, list[dict[str, str]] | None] = field(default_factory=dict)
    consistency: list[int] = field(default_factory=list)
    extra: dict[str, bytes] = field(default_factory=dict)
    kind: str = "whole"
    first: int = 1
    last: int = 0

    def __post_init__(self) -> None:
        self.leaves = self.leaves or [leaf(entry) for entry in self.entries]

    def copy(self) -> Evidence:
        """The same, with lists and tables of its own."""
        own: dict[str, Any] = {
            name: value.copy()
            for name, value in vars(self).items()
            if isinstance(value, list | dict)
        }
        return replace(self, **own)

    def said(self, position: int) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.entries[position - 1])
        return said

    def put(self, position: int, entry: bytes) -> None:
        """Another entry at this position, its leaf and columns with it."""
        self.entries[position - 1] = entry
        self.leaves[position - 1] = leaf(entry)
        self.restate(position)

    def restate(self, position: int) -> None:
        """Columns as the ledger derives them from the entry."""
        editions = {
            web64(bytes.fromhex(name)): self.edition(content)
            for name, content in self.policies.items()
        }
        row = row_from(self.entries[position - 1], position, lambda pol: editions.get(pol, 0))
        self.columns[position] = columns(row)

    @staticmethod
    def edition(content: bytes) -> int:
        day = tomllib.loads(content.decode())["edition"]["effective_from"]
        return int(str(day).replace("-", ""))

    def change(self, position: int, **fields: Any) -> None:
        """Rewrite fields of an entry."""
        self.put(position, canonical({**self.said(position), **fields}))

    def cut(self, size: int) -> None:
        """Only the first `size` events."""
        del self.entries[size:], self.leaves[size:]
        self.columns = {n: text for n, text in self.columns.items() if n <= size}
        self.envelopes = {
            name: content
            for name, content in self.envelopes.items()
            if int(name.split("-")[0]) < size
        }

    def prune(self, *positions: int) -> None:
        """Bare leaves."""
        for position in positions:
            self.entries[position - 1] = b""
            self.columns.pop(position, None)
            for name in [n for n in self.envelopes if n.startswith(f"{position - 1}-")]:
                del self.envelopes[name]

    def text(self, size: int | None = None) -> str:
        size = len(self.leaves) if size is None else size
        return f"{self.origin}\n{size}\n{b64(root(tuple(self.leaves[:size])))}\n"

    def checkpoint(self, size: int | None = None, *, cosigned: bool = False) -> bytes:
        text = self.text(size)
        signers = self.signers or [(self.origin, self.signer)]
        lines = [line(name, private, text) for name, private in signers]
        if cosigned:
            lines += [line(name, private, text, time) for name, private, time in self.witnesses]
        return (text + "\n" + "".join(lines)).encode()

    def statement(self, what: str, body: str) -> bytes:
        name = f"{self.origin}/{what}"
        text = f"{name}\n{body}"
        return (text + "\n" + line(name, self.signer, text)).encode()

    def receipt(self, position: int, entry: bytes | None = None) -> bytes:
        entry = self.entries[position - 1] if entry is None else entry
        hashes = f"{b64(sha256(entry).digest())}\n{b64(leaf(entry))}"
        at = json.loads(entry)["at"]
        return self.statement("receipt", f"{position}\n{hashes}\n{at}\n60\n")

    def files(self) -> dict[str, bytes]:
        """Every file of the bundle but the manifest."""
        size, made = len(self.leaves), dict(self.extra)
        made["checkpoint"] = self.checkpoint(cosigned=True)
        made["keys/log.vkey"] = f"{vkey(self.origin, self.signer)}\n".encode()
        for earlier in self.sizes:
            made[f"checkpoints/{earlier}"] = self.checkpoint(earlier)
        for index, opened in self.proofs.items():
            hashes = "".join(f"{b64(one)}\n" for one in path(index, tuple(self.leaves)))
            head = f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n".encode()
            made[f"proofs/{index}.tlog-proof"] = head + self.checkpoint()
            made[f"proofs/{index}.entry"] = self.entries[index]
            if opened is not None:
                made[f"proofs/{index}.open.json"] = json.dumps(opened).encode()
        for old in self.consistency:
            hashes = "".join(f"{b64(one)}\n" for one in proof(old, tuple(self.leaves)))
            made[f"consistency/{old}-{size}.txt"] = f"old {old}\n{hashes}\n".encode()
            made[f"consistency/{old}-{size}.txt"] += self.checkpoint()
        made |= {f"policies/{name}": content for name, content in self.policies.items()}
        if self.kind != "subject":
            made |= tiles(self.leaves)
        if self.kind in ("whole", "range"):
            made |= self._entries(size)
        return made

    def _entries(self, size: int) -> dict[str, bytes]:
        first, last = (1, size) if self.kind == "whole" else (self.first, self.last)
        made = {
            tile("entries", start // 256, min(256, size - start)): b"".join(
                len(one).to_bytes(2, "big") + one for one in self.entries[start : start + 256]
            )
            for start in range((first - 1) // 256 * 256, last, 256)
        }
        rows = [text for n, text in sorted(self.columns.items()) if first <= n <= last]
        if rows:
            made["columns.ndjson"] = "".join(f"{row}\n" for row in rows).encode()
        for name, content in self.envelopes.items():
            if first <= int(name.split("-")[0]) + 1 <= last:
                made[f"envelopes/{name}"] = content
        return made

    def manifest(self, files: dict[str, bytes]) -> bytes:
        size = len(self.leaves)
        said = {
            "format": "probant-evidence/1",
            "origin": self.origin,
            "size": size,
            "kind": self.kind,
            "first": self.first,
            "last": self.last or size,
            "files": {name: sha256(content).hexdigest() for name, content in files.items()},
        }
        return (json.dumps(said, indent=1) + "\n").encode()

    def write(self, folder: Path) -> Path:
        """The bundle as a folder, its manifest in order."""
        files = self.files() | self.extra
        files["manifest.json"] = self.manifest(files)
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return folder


def tile(level: int | str, index: int, width: int = 256) -> str:
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + ("" if width == 256 else f".p/{width}")


def tiles(leaves: Sequence[bytes]) -> dict[str, bytes]:
    """Every hash tile, each hash computed by the recursive definition."""
    made, level, hashes = {}, 0, list(leaves)
    while hashes:
        for start in range(0, len(hashes), 256):
            some = hashes[start : start + 256]
            made[tile(level, start // 256, len(some))] = b"".join(some)
        full = len(hashes) // 256
        hashes = [root(tuple(hashes[n * 256 : n * 256 + 256])) for n in range(full)]
        level += 1
    return made


def from_ledger(ledger: Ledger) -> Evidence:
    """What a ledger holds, pruned nothing."""
    events, sealed, documents = tables.events.c, tables.sealed.c, tables.documents.c
    with ledger.database.read() as connection:
        rows = connection.execute(
            sa.select(*ROW_COLUMNS, events.entry).order_by(events.position)
        ).all()
        parts = connection.execute(sa.select(sealed.position, sealed.part, sealed.envelope)).all()
        held = connection.execute(sa.select(documents.sha256, documents.bytes)).all()
    return Evidence(
        entries=[bytes(row.entry) for row in rows],
        columns={row.position: columns(row[:-1]) for row in rows},
        envelopes={f"{p.position - 1}-{p.part}": bytes(p.envelope) for p in parts},
        policies={bytes(d.sha256).hex(): bytes(d.bytes) for d in held},
    )
