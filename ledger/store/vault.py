"""Sealing and opening personal parts, under keys per (subject, data class, scope).

A part's plaintext is the canonical JSON of its fields. Its envelope is
`nonce12 || AES-256-GCM(key, nonce, salt32 || plaintext, aad)` with
`aad = u16be(len id)||id||u16be(len n)||n||u16be(len kid)||kid`, so it cannot be moved to another
event or part. The entry keeps `cm` (binds the plaintext), `ct` (binds the envelope) and `kc` (binds
the key).

Generations: the newest generation of a scope decides. Live: it seals. Archived: the service cannot
read it any more, so what is recorded from now on gets the next generation. Destroyed: a tombstone;
what it sealed is gone for ever. Of somebody who can still be named the next generation seals what
happened after that, and nothing that happened before; whoever was erased is never keyed again
(SS-DSR-3, decision 0059).

No plaintext is kept. Data keys are cached under the epoch of the head row, which every destruction
moves. Read next: `ledger/application.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger import entry
from ledger.calendar import Instant
from ledger.errors import ERASED_CLASS, Refused, Tampered
from ledger.events import Fact
from ledger.fields import Unreadable
from ledger.store import tables
from ledger.store.keyring import NONCE, Keyring
from ledger.store.mapper import Part
from ledger.store.recipient import ArchiveRecipient

MAX_CACHED = 4096
NEVER = 2**62  # later than any position and any instant
RANDOM = 32 + NONCE  # bytes that one part takes: its salt and its nonce
Gone = Callable[[sa.Connection, Collection[UUID]], set[UUID]]
"""Those of these people who were erased: nobody can name them any more."""
_AAD_HEAD = (36).to_bytes(2, "big")  # the length of an id, before each id


class Scope(NamedTuple):
    """What one data key protects: one person's data of one class, or one item of it."""

    subject: UUID
    data_class: str
    item: str


class Opened(NamedTuple):
    """One part in clear: its name, the salt of its commitment, its canonical JSON."""

    name: str
    salt: bytes
    plaintext: bytes


class DataKey(NamedTuple):
    """A usable key, with its id and commitment as entries write them, and what associated data ends
    with. `row` is set while it has not been stored yet; `since`: it seals only what happened after
    that, when what another key of its scope had sealed was erased."""

    id: UUID
    cipher: AESGCM
    kid: str
    kc: str
    aad_tail: bytes
    row: tuple[Any, ...] | None
    since: Instant | None = None

    def admit(self, fact: Fact) -> None:
        """Raises Refused for a fact that this key may not seal."""
        if self.since is not None and fact.occurred.at <= self.since:
            raise Refused(ERASED_CLASS)


class Named(NamedTuple):
    """A data key by everything that names it: the first columns of `keys`."""

    key_id: UUID
    subject: UUID
    data_class: str
    scope: str
    generation: int


def scope_of(fact: Fact) -> Scope:
    """The scope that seals this fact's personal fields."""
    assert fact.subject is not None and fact.sealed_class is not None
    return Scope(fact.subject, fact.sealed_class, fact.item or "")


class Vault:
    """One per process. Not a place where plaintext rests. `gone` tells who was erased; without it
    nobody of whom a key was destroyed gets another."""

    def __init__(self, keyring: Keyring, gone: Gone = lambda _, people: set(people)) -> None:
        self.keyring, self._gone = keyring, gone
        self._cache: dict[Scope, DataKey] = {}
        self._epoch = -1

    def keys_for(
        self, connection: sa.Connection | None, epoch: int, wanted: Collection[Scope]
    ) -> dict[Scope, DataKey]:
        """A key for each scope: cached, stored or new. Raises Refused for a destroyed one of whom
        was erased.

        `connection` may be None when `missing` said that nothing must be read.
        """
        if epoch != self._epoch:
            self._cache.clear()
            self._epoch = epoch
        # One look each: another thread may forget all of them in between.
        cached = ((scope, self._cache.get(scope)) for scope in wanted)
        found = {scope: key for scope, key in cached if key is not None}
        absent = [scope for scope in wanted if scope not in found]
        if absent and connection is not None:
            found |= self._stored(connection, absent)
        return found | {scope: self._new(scope) for scope in absent if scope not in found}

    def missing(self, epoch: int, wanted: Iterable[Scope]) -> bool:
        """Whether the database must be asked for any of these keys."""
        return epoch != self._epoch or any(scope not in self._cache for scope in wanted)

    def remember(self, epoch: int, keys: dict[Scope, DataKey]) -> None:
        """Keep keys that are now committed."""
        if epoch != self._epoch:
            return  # others have moved on meanwhile
        if len(self._cache) + len(keys) > MAX_CACHED:
            self._cache.clear()
        self._cache |= {scope: key._replace(row=None) for scope, key in keys.items()}

    def seal(
        self,
        fact: Fact,
        personal: dict[str, str],
        event_id: UUID,
        key: DataKey,
        random: bytes | None = None,
    ) -> Part:
        """The fact's personal fields as one part named after its data class. `random`: so many
        bytes (`RANDOM`) drawn for this part alone. Raises Refused for a fact of before the end of
        what was erased."""
        key.admit(fact)
        name = fact.sealed_class or ""
        plaintext = entry.encode(personal)
        salt, envelope = encrypt(key, str(event_id), plaintext, random)
        described = {
            "n": name,
            "kid": key.kid,
            "kc": key.kc,
            "cm": entry.to_base64(entry.commitment(salt, name, plaintext)),
            "ct": entry.to_base64(entry.envelope_hash(envelope)),
        }
        return Part(name, key.id, described, envelope)

    def open(
        self, connection: sa.Connection, position: int, classes: Collection[str] | None = None
    ) -> dict[str, Any] | Unreadable:
        """The personal fields of the fact at `position`, of these classes of data only if they are
        named, or why they cannot be read.

        Raises Tampered when the envelope contradicts the entry.
        """
        opened: dict[str, Any] = {}
        for part in self._parts(connection, position, classes):
            if isinstance(part, Unreadable):
                return part
            opened |= entry.read(part.plaintext)
        return opened

    def disclose(
        self, connection: sa.Connection, position: int
    ) -> list[dict[str, str]] | Unreadable:
        """The parts of the fact at `position` as they are handed over with a proof: name, salt
        (base64url) and text of each, which together give its commitment `cm`; or why not."""
        opened: list[dict[str, str]] = []
        for part in self._parts(connection, position):
            if isinstance(part, Unreadable):
                return part
            text = part.plaintext.decode()
            opened.append({"n": part.name, "salt": entry.to_base64(part.salt), "text": text})
        return opened

    def _parts(
        self, connection: sa.Connection, position: int, classes: Collection[str] | None = None
    ) -> Iterator[Opened | Unreadable]:
        """Each part of the fact at `position`, opened and compared with its entry; of other classes
        than `classes` nothing is even unwrapped."""
        sealed, keys, events = tables.sealed, tables.keys, tables.events
        raw = connection.scalar(sa.select(events.c.entry).where(events.c.position == position))
        said = entry.read(raw) if raw else {}
        for described in said.get("parts", ()):
            if classes is not None and described["n"] not in classes:
                continue
            row = connection.execute(
                sa.select(keys, sealed.c.envelope)
                .select_from(
                    keys.outerjoin(
                        sealed,
                        (sealed.c.key_id == keys.c.key_id) & (sealed.c.position == position),
                    )
                )
                .where(keys.c.key_id == UUID(described["kid"]))
            ).one_or_none()
            reason = _unreadable(row)
            if reason is not None:
                yield reason
                return
            assert row is not None
            yield self._open_part(said["id"], described, row)

    def rewrapped(self, row: Any) -> tuple[int, bytes]:
        """The data key of a row of `keys`, wrapped under the newest KEK, and the epoch of that.

        Raises Broken when its KEK is gone.
        """
        context = context_of(row)
        return self.keyring.wrap(self.keyring.unwrap(row.kek_epoch, row.wrapped, context), context)

    def commitment_of(self, row: Any) -> str | None:
        """`kc` of the key of a row of `keys`; None where we cannot know it: archived or gone."""
        if row.wrapped is None or row.tier != "operational":
            return None
        key = self.keyring.unwrap(row.kek_epoch, row.wrapped, context_of(row))
        return entry.to_base64(entry.key_commitment(key))

    def archived(self, row: Any, recipient: ArchiveRecipient) -> bytes:
        """The data key of a row of `keys`, as only the archive's private half opens it: the
        recipient's digest, then the ciphertext. Raises Broken when its KEK is gone."""
        context = context_of(row)
        key = self.keyring.unwrap(row.kek_epoch, row.wrapped, context)
        return recipient.digest + recipient.wrap(key, context)

    def _open_part(self, event_id: str, described: dict[str, str], row: Any) -> Opened:
        key = self.keyring.unwrap(row.kek_epoch, row.wrapped, context_of(row))
        return open_part(key, event_id, described, row.envelope)

    def _stored(self, connection: sa.Connection, scopes: list[Scope]) -> dict[Scope, DataKey]:
        keys = tables.keys
        subjects = {scope.subject for scope in scopes}
        rows = connection.execute(
            sa.select(keys).where(keys.c.subject.in_(subjects)).order_by(keys.c.generation)
        )
        wanted, newest, ended = set(scopes), dict[Scope, Any](), dict[Scope, int]()
        for row in rows:
            scope = Scope(row.subject, row.data_class, row.scope)
            if scope in wanted:
                newest[scope] = row
                if row.wrapped is None:
                    ended[scope] = max(row.destroyed_position or NEVER, ended.get(scope, 0))
        since = {scope: recorded_from(connection, at) for scope, at in ended.items()}
        people = {scope.subject for scope in ended if newest[scope].wrapped is None}
        if people and self._gone(connection, people):
            raise Refused(ERASED_CLASS)
        return {
            scope: self._usable(scope, row)._replace(since=since.get(scope))
            for scope, row in newest.items()
        }

    def _usable(self, scope: Scope, row: Any) -> DataKey:
        if row.wrapped is None or row.tier != "operational":
            return self._new(scope, row.generation + 1)
        key = self.keyring.unwrap(row.kek_epoch, row.wrapped, context_of(row))
        return _usable_key(row, key, None)

    def _new(self, scope: Scope, generation: int = 1) -> DataKey:
        key = os.urandom(32)
        named = Named(uuid4(), *scope, generation)
        epoch, wrapped = self.keyring.wrap(key, context_of(named))
        row = (*named, "operational", epoch, wrapped, "live")
        return _usable_key(named, key, row)


def recorded_from(connection: sa.Connection, position: int) -> Instant:
    """When this position was recorded; if it was pruned, the next one that was not: no earlier. A
    position that nobody knows was never."""
    e = tables.events.c
    later = sa.select(e.recorded_at).where(e.position >= position, e.recorded_at.is_not(None))
    return connection.scalar(later.order_by(e.position).limit(1)) or NEVER


def encrypt(
    key: DataKey, event_id: str, plaintext: bytes, random: bytes | None = None
) -> tuple[bytes, bytes]:
    """A new salt, and the envelope that hides it with the plaintext."""
    random = random or os.urandom(RANDOM)
    salt, nonce = random[:32], random[32:]
    aad = _AAD_HEAD + event_id.encode() + key.aad_tail
    return salt, nonce + key.cipher.encrypt(nonce, salt + plaintext, aad)


def open_part(key: bytes, event_id: str, described: dict[str, str], envelope: bytes) -> Opened:
    """One part in clear, by its data key; `described` is what its entry says of it.

    Raises Tampered when the envelope, or what it holds, is not what the entry committed to.
    """
    aad = _AAD_HEAD + event_id.encode() + _aad_tail(described["n"], described["kid"])
    if entry.to_base64(entry.envelope_hash(envelope)) != described["ct"]:
        raise Tampered("an envelope is not the one that was recorded")
    try:
        content = AESGCM(key).decrypt(envelope[:NONCE], envelope[NONCE:], aad)
    except InvalidTag as error:
        raise Tampered("an envelope does not open under its own key") from error
    salt, plaintext = content[:32], content[32:]
    if entry.to_base64(entry.commitment(salt, described["n"], plaintext)) != described["cm"]:
        raise Tampered("an envelope does not hold the text that was committed to")
    return Opened(described["n"], salt, plaintext)


def _unreadable(row: Any) -> Unreadable | None:
    if row is None:
        return Unreadable.LOST
    if row.wrapped is None:
        return Unreadable.ERASED
    if row.tier != "operational":
        return Unreadable.ARCHIVED
    return Unreadable.LOST if row.envelope is None else None


def context_of(row: Any) -> bytes:
    """What a wrapped data key is bound to, under a KEK and in the archive: `row` has the columns
    of `Named`."""
    said = [str(row.key_id), str(row.subject), row.data_class, row.scope, row.generation]
    return entry.encode(["probant/key/1", *said])


def _usable_key(named: Any, key: bytes, row: tuple[Any, ...] | None) -> DataKey:
    kid, kc = str(named.key_id), entry.to_base64(entry.key_commitment(key))
    return DataKey(named.key_id, AESGCM(key), kid, kc, _aad_tail(named.data_class, kid), row)


def _aad_tail(name: str, kid: str) -> bytes:
    label = name.encode()
    return len(label).to_bytes(2, "big") + label + _AAD_HEAD + kid.encode()
