"""After an erasure nothing of hers is left that opens, or that a right guess could confirm.

What was planted is found first: her texts open, and the bytes that carry them (envelopes, wrapped
keys) are in the tables and in the files. Then she is erased, and all are looked for again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger import entry
from ledger.application import Ledger
from ledger.commands import Record, Reference
from ledger.erasing.certificate import certificate, write
from ledger.erasing.erase import erase_scopes, history
from ledger.erasing.journal import Journal
from ledger.events import OrderPlaced
from ledger.fields import Unreadable
from ledger.handlers import record
from ledger.store import erasure, tables, verify
from ledger.store.keyring import NONCE
from ledger.store.vault import Scope
from tests.contracts.props import now
from tests.erasure.canaries import CANARIES, in_files, in_tables
from tests.erasure.conftest import Place
from tests.erasure.test_canary import told
from tests.rotation import told as somebody

ERASURE = Path(__file__).parents[2] / "docs" / "erasure.md"
CARRIED = 24  # bytes of an envelope or a wrapped key that give it away: its nonce, then ciphertext


def rows(ledger: Ledger, query: Any) -> list[Any]:
    with ledger.database.read() as connection:
        return list(connection.execute(query))


def carriers(ledger: Ledger, subject: UUID) -> list[bytes]:
    """The bytes that her texts are in, and those that open them."""
    e, k, s = tables.events.c, tables.keys.c, tables.sealed.c
    hers = sa.select(s.envelope).join(tables.events, e.position == s.position)
    found = [row.envelope for row in rows(ledger, hers.where(e.subject == subject))]
    living = sa.select(k.wrapped).where(k.subject == subject, k.wrapped.is_not(None))
    found += [row.wrapped for row in rows(ledger, living)]
    return [bytes(raw)[:CARRIED] for raw in found]


def in_rows(ledger: Ledger, sought: list[bytes]) -> int:
    """How many of these are in a row of the tables that ever held them."""
    held = b"\0".join(
        bytes(value)
        for table in (tables.sealed, tables.keys)
        for row in rows(ledger, sa.select(table))
        for value in row
        if isinstance(value, bytes | memoryview)
    )
    return sum(raw in held for raw in sought)


def on_disk(place: Place, sought: list[bytes], log: bool = True) -> int:
    """How many of these are in the files of the database; without its write-ahead log if asked."""
    files = [path for path in place.files() if log or path.parent.name != "pg_wal"]
    content = b"".join(path.read_bytes() for path in files)
    return sum(raw in content for raw in sought)


def erase_all(ledger: Ledger, journal: Path, subject: UUID) -> None:
    k = tables.keys.c
    query = sa.select(k.data_class, k.scope).where(k.subject == subject).distinct()
    scopes = [Scope(subject, *row) for row in rows(ledger, query)]
    scopes += [Scope(subject, name, "") for name in erasure.IDENTIFYING]  # sealed or not
    erase_scopes(ledger, scopes, journal=journal, reason="request")


def test_nothing_of_hers_is_left_anywhere(place: Place, tmp_path: Path):
    ledger, journal = place.ledger, tmp_path / "journal"
    her_id, *_ = [done.subject for done in [record(ledger, wish) for wish in told(ledger)]]
    assert her_id is not None
    his, _ = somebody(ledger, "bert", "his")
    sought = carriers(ledger, her_id)
    assert len(sought) > 6
    assert in_rows(ledger, sought) == len(sought)
    if place.folder is not None:
        assert on_disk(place, sought) == len(sought)
    references = sa.select(tables.lookups).where(tables.lookups.c.subject == her_id)
    assert rows(ledger, references)

    erase_all(ledger, journal, her_id)

    assert in_rows(ledger, sought) == 0
    if place.folder is not None and place.log is None:
        assert on_disk(place, sought) == 0  # file and write-ahead log: overwritten
        assert {p.name for p in place.files()} >= {"ledger.sqlite"}
    if place.log is not None:  # the hygiene of docs/erasure.md; the server's own log lives longer
        _vacuum_full(place.url)
        assert on_disk(place, sought, log=False) == 0
    assert rows(ledger, references) == []
    e = tables.events.c
    with ledger.database.read() as connection:
        for row in connection.execute(sa.select(e.position, e.entry).where(e.subject == her_id)):
            if entry.read(bytes(row.entry)).get("parts"):
                assert ledger.vault.open(connection, row.position) is Unreadable.ERASED
        assert ledger.vault.open(connection, his) == {"text": "his"}
        assert in_tables(connection) == {}
    done = history(ledger, Journal(journal, ledger.keyring.origin), her_id)
    made = certificate(ledger, her_id, done, {}, reason="request", horizon=35)
    write(tmp_path / "certificates", made)
    assert made["checks"]["keys_destroyed"] is made["checks"]["envelopes_deleted"] is True
    kept = [p for name in ("journal", "certificates") for p in (tmp_path / name).iterdir()]
    assert len(kept) == 2
    assert in_files([*kept, *place.files()]) == {}
    assert verify.verify(ledger.database).ok


def test_what_was_erased_is_nowhere_after_she_came_back(place: Place, tmp_path: Path):
    """One class of hers; what she writes then is sealed under a key of its own, and nothing of
    before lies anywhere (decision 0059)."""
    ledger, journal = place.ledger, tmp_path / "journal"
    at, her = somebody(ledger, "anna", CANARIES["text"])
    bought = OrderPlaced(occurred=now(ledger))
    assert record(ledger, Record(bought, Reference("shop", "anna"))).subject == her
    sought = carriers(ledger, her)
    assert (len(sought), in_rows(ledger, sought)) == (2, 2)
    erase_scopes(ledger, [Scope(her, "contact", "")], journal=journal, reason="request")
    back, same = somebody(ledger, "anna", "Me revoilà")
    assert same == her
    fresh = carriers(ledger, her)
    assert (len(fresh), in_rows(ledger, fresh)) == (2, 2)
    assert in_rows(ledger, sought) == 0
    if place.log is not None:
        _vacuum_full(place.url)
    if place.folder is not None:
        assert on_disk(place, sought, log=place.log is None) == 0
        assert on_disk(place, fresh) == 2
    with ledger.database.read() as connection:
        assert ledger.vault.open(connection, at) is Unreadable.ERASED
        assert ledger.vault.open(connection, back) == {"text": "Me revoilà"}
        assert in_tables(connection) == {}
    done = history(ledger, Journal(journal, ledger.keyring.origin), her)
    made = certificate(ledger, her, done, {}, reason="request", horizon=35)
    assert [len(one["keys"]) for one in made["erased"]] == [1]
    assert made["checks"]["keys_destroyed"] is made["checks"]["envelopes_deleted"] is True
    assert in_files([*journal.iterdir(), *place.files()]) == {}
    assert verify.verify(ledger.database).ok


def _vacuum_full(url: str) -> None:
    (command,) = re.findall(r"`(VACUUM \(FULL\) [a-z, ]+)`", ERASURE.read_text("utf-8"))
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(command)
    engine.dispose()


@pytest.mark.parametrize("name", ["name", "email"])
def test_a_right_guess_cannot_be_confirmed(place: Place, tmp_path: Path, name: str):
    ledger, text = place.ledger, CANARIES[name]
    position, her = somebody(ledger, "anna", text)
    right = entry.encode({"text": text})
    [row] = rows(ledger, sa.select(tables.events).where(tables.events.c.position == position))
    said = entry.read(bytes(row.entry))
    [part] = said["parts"]

    def confirms(salt: bytes) -> bool:
        return bool(entry.to_base64(entry.commitment(salt, part["n"], right)) == part["cm"])

    [key] = rows(ledger, sa.select(tables.keys).where(tables.keys.c.subject == her))
    [sealed] = rows(ledger, sa.select(tables.sealed).where(tables.sealed.c.position == position))
    dek = ledger.keyring.unwrap(key.kek_epoch, key.wrapped, _context(key))
    head = f"\x00\x24{said['id']}\x00\x07contact\x00\x24{part['kid']}".encode()
    opened = AESGCM(dek).decrypt(sealed.envelope[:NONCE], sealed.envelope[NONCE:], head)
    assert confirms(opened[:32])  # as long as the envelope opens, the guess is confirmed

    erase_all(ledger, tmp_path / "journal", her)
    [after] = rows(ledger, sa.select(tables.events).where(tables.events.c.position == position))
    assert bytes(after.entry) == bytes(row.entry)  # all that is left to guess with
    known = [bytes(32), entry.from_base64(said["salt"]), UUID(part["kid"]).bytes]
    known += [entry.from_base64(part[field]) for field in ("kc", "cm", "ct")]
    assert not any(confirms(salt) for salt in [*known, *(raw.ljust(32, b"\0") for raw in known)])


def _context(row: Any) -> bytes:
    said = [str(row.key_id), str(row.subject), row.data_class, row.scope, row.generation]
    return entry.encode(["probant/key/1", *said])
