"""The bytes of an entry never change: one golden file for every kind, with fixed inputs."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ledger import entry
from ledger.errors import Tampered
from ledger.events import KINDS
from ledger.fields import Unreadable
from ledger.store.keyring import FileKeyring
from ledger.store.mapper import fact_from, row_from
from ledger.store.vault import Named, Vault, context_of, scope_of
from tests.golden.examples import (
    EDITION,
    EVENT,
    KEY,
    KEY_ID,
    POL,
    RECORDED,
    STREAM,
    entries,
    entry_of,
    example,
    part_of,
)
from tests.golden.regenerate import COLUMNS, FOLDER, LEAVES, columns_of, leaves_of

HOW = "run: python -m tests.golden.regenerate (and read its docstring first)"
SEALED = [kind for kind, cls in sorted(KINDS.items()) if part_of(example(cls))]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_entry_of_a_kind_is_what_it_always_was(kind: str):
    assert entry_of(example(KINDS[kind])) == (FOLDER / f"{kind}.json").read_bytes(), HOW


def test_every_kind_has_its_golden_file_and_no_kind_has_vanished():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(KINDS), HOW


def test_the_leaves_are_what_they_always_were():
    assert LEAVES.read_text("ascii") == leaves_of(entries()), HOW


def test_the_typed_columns_are_what_they_always_were():
    assert COLUMNS.read_text("ascii") == columns_of(entries()), HOW


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_declared_column_holds_its_field(kind: str):
    """`column` in `events.py` says which typed column a field fills."""
    columns = json.loads(COLUMNS.read_text("ascii"))[kind]
    for spec in KINDS[kind].specs:
        if spec.column:
            value = getattr(example(KINDS[kind]), spec.name)
            expected = {"tacit": "tacit"}.get(spec.name, getattr(value, "minor", value))
            assert columns[spec.column] == expected


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_golden_entry_reads_back_as_its_fact(kind: str):
    raw = (FOLDER / f"{kind}.json").read_bytes()
    fact = example(KINDS[kind])
    personal: dict[str, Any] = {
        spec.name: Unreadable.SEALED for spec in fact.specs if spec.personal
    }
    assert fact_from(entry.read(raw)) == replace(fact, **personal)
    row = row_from(raw, 7, {POL: EDITION}.__getitem__)
    assert (row.position, row.stream, row.version, row.kind) == (7, STREAM, 3, kind)
    assert (row.recorded_at, row.edition) == (RECORDED, EDITION)
    assert (row.subject, row.klass, row.item) == (fact.subject, fact.home, fact.item)


@pytest.mark.parametrize("kind", SEALED)
def test_the_vault_opens_a_part_sealed_as_the_format_says(kind: str):
    fact = example(KINDS[kind])
    made, scope = part_of(fact), scope_of(fact)
    assert made is not None
    assert scope is not None
    keyring = FileKeyring.generate("example.org/golden")
    named = Named(KEY_ID, *scope, generation=1)
    epoch, wrapped = keyring.wrap(KEY, context_of(named))
    row = SimpleNamespace(
        **named._asdict(), kek_epoch=epoch, wrapped=wrapped, envelope=made[0].envelope
    )
    described = entry.read((FOLDER / f"{kind}.json").read_bytes())["parts"][0]
    opened = Vault(keyring)._open_part(str(EVENT), described, row)
    assert entry.read(opened.plaintext) == fact.personal_fields()
    with pytest.raises(Tampered):
        Vault(keyring)._open_part(str(STREAM), described, row)
