"""A fact, its entry and its typed columns say the same thing, for every kind there is."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import entry
from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.errors import Tampered
from ledger.events import KINDS, Fact
from ledger.fields import Unreadable
from ledger.store import tables
from ledger.store.keyring import FileKeyring
from ledger.store.mapper import Draft, FactMapper, Part, StoredFact, fact_from, row_from
from ledger.store.vault import Vault, scope_of
from tests.contracts.facts import any_fact, facts, instants
from tests.contracts.props import assert_whole, draft, somebody

POL = entry.to_base64(bytes(32))
EDITION = 20181120
VAULT = Vault(FileKeyring.generate("example.org/mapper"))


def edition_of(pol: str) -> int:
    assert pol == POL
    return EDITION


def personal(fact: Fact) -> dict[str, str]:
    """What there is to seal."""
    return fact.personal_fields() if fact.subject is not None else {}


def sealed(fact: Fact, stream: UUID, version: int = 1) -> Draft:
    """A draft with its personal part sealed, as the handlers make it."""
    event_id = uuid4()
    parts: tuple[Part, ...] = ()
    if personal(fact):
        scope = scope_of(fact)
        key = VAULT.keys_for(None, 1, [scope])[scope]
        parts = (VAULT.seal(fact, personal(fact), event_id, key),)
    return Draft(stream, version, fact, event_id, EDITION, POL, parts)


def unopened(fact: Fact) -> Fact:
    """The fact as one reads it back before anything is opened."""
    state = Unreadable.SEALED if personal(fact) else None
    values: dict[str, Any] = {spec.name: state for spec in fact.specs if spec.personal}
    return replace(fact, **values)


@settings(deadline=None, max_examples=400)
@given(
    fact=any_fact, stream=st.uuids(), version=st.integers(1, 2**40), at=instants, n=st.integers(1)
)
def test_columns_and_fact_come_back_from_the_entry_alone(
    fact: Fact, stream: UUID, version: int, at: Instant, n: int
):
    stored = FactMapper().to_stored_event(sealed(fact, stream, version))
    raw = entry.complete(stored.state, at)
    assert row_from(raw, n, edition_of) == stored.row._replace(position=n, recorded_at=at)
    assert fact_from(entry.read(raw)) == unopened(fact)
    back = FactMapper().to_domain_event(StoredFact(stream, version, fact.kind, raw, n))
    assert (back.fact, back.position, back.recorded_at) == (unopened(fact), n, at)
    assert (back.originator_id, back.originator_version) == (stream, version)


@settings(deadline=None, max_examples=200)
@given(fact=any_fact)
def test_an_entry_holds_no_personal_text_and_only_what_the_format_names(fact: Fact):
    said = entry.read(entry.complete(FactMapper().to_stored_event(sealed(fact, uuid4())).state, 0))
    parts = {"parts"} if personal(fact) else set()
    names = {"at", "v", "type", "id", "stream", "ver", "pol", "meta", "salt"}
    assert set(said) == names | parts
    names = {spec.key for spec in fact.specs if spec.personal}
    assert not names & set(said["meta"])
    for part in said.get("parts", ()):
        assert set(part) == {"n", "kid", "kc", "cm", "ct"}


def test_each_entry_has_a_salt_of_its_own():
    fact = next(iter(KINDS.values()))
    example = facts(fact).filter(lambda f: f.subject is not None)
    salts = set()

    @settings(deadline=None, max_examples=20)
    @given(example)
    def collect(one: Fact) -> None:
        for _ in range(2):
            state = FactMapper().to_stored_event(sealed(one, uuid4())).state
            salts.add(entry.read(entry.complete(state, 0))["salt"])

    collect()
    assert all(len(entry.from_base64(salt)) == 16 for salt in salts)
    assert len(salts) >= 2


@pytest.mark.parametrize(
    "change",
    [
        {"type": "order.placed.v2"},
        {"type": 1},
        {"meta": {}},
        {"meta": []},
        {"meta": {"occurred": "yesterday", "grain": "instant", "actor": "self"}},
        {"meta": {"occurred": "2026-01-05T09:00:00.000000Z", "grain": "hour", "actor": "self"}},
        {"meta": {"occurred": "2026-01-05T09:00:00.000000Z", "grain": "day"}},
    ],
)
def test_an_entry_that_states_no_fact_is_reported_as_tampered(change: dict[str, Any]):
    meta = {"occurred": "2026-01-05T09:00:00.000000Z", "grain": "instant", "actor": "self"}
    said = {"type": "order.placed.v1", "meta": meta} | change
    with pytest.raises(Tampered):
        fact_from(said)


def test_every_kind_is_stored_as_its_entry_says(ledger: Ledger):
    """Through the recorder and back, on each database: bytes, types, UUIDs, big integers."""
    subject = somebody(ledger)

    @settings(deadline=None, max_examples=3, database=None)
    @given(st.tuples(*(facts(cls, subject, position=2) for cls in KINDS.values())))
    def stored(every: tuple[Fact, ...]) -> None:
        for fact in every:
            through(fact)

    def through(fact: Fact) -> None:
        stream = uuid4()
        ledger.save(draft(ledger, fact, 1, stream))
        with ledger.database.read() as connection:
            found = connection.execute(
                sa.select(tables.events).where(tables.events.c.stream == stream)
            ).one()
        book = ledger.book(ledger.epoch())
        number = book.entries[0].edition.number
        assert row_from(found.entry, found.position, lambda _: number) == tuple(found)[:-2]
        assert found.leaf == entry.leaf_hash(found.entry)
        assert fact_from(entry.read(found.entry)) == replace(fact, **_absent(fact))

    stored()
    assert_whole(ledger.database)


def _absent(fact: Fact) -> dict[str, Any]:
    # `draft` seals nothing: personal fields simply are not there.
    return {spec.name: None for spec in fact.specs if spec.personal}


@given(st.binary(min_size=16, max_size=16))
def test_random_ids_are_what_the_library_makes_of_the_same_bytes(drawn: bytes) -> None:
    made, theirs = entry.random_id(drawn), UUID(bytes=drawn, version=4)
    assert made == theirs and made.is_safe is theirs.is_safe
    assert pickle.loads(pickle.dumps(made)) == theirs
    assert entry.derived_id(drawn).version == 8
