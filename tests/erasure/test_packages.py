"""A package holds every canary that is hers, and leaves none behind; after an erasure, none."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path
from uuid import UUID

import pytest

from api.access import Who
from api.packages import Package, Wanted, package_of
from ledger.erasing.erase import erase_scopes
from ledger.handlers import Accepted, record_many
from ledger.packages.rendering import Format
from ledger.store.vault import Scope
from tests.contracts.props import owner
from tests.erasure.canaries import CANARIES, in_files, in_tables, seen_in
from tests.erasure.conftest import Place
from tests.erasure.test_canary import told

NOT_HERS = {"author"}  # the staff who placed a hold (GDPR art. 15(4))
NEVER_KEPT = {"customer", "order"}  # business references: keyed hashes, never their text
DIGITS = {"bin6", "last4"}  # sought as a part says them, with no space after the colon
ERASED = {"contact", "account", "comment", "security_log", "card_proof", "card", "directive"}


def somebody(place: Place) -> UUID:
    """Who was told of everything, under her first reference."""
    outcomes = record_many(place.ledger, told(place.ledger))
    first = next(one for one in outcomes if isinstance(one, Accepted))
    assert first.subject is not None
    return first.subject


def package(place: Place, subject: UUID, form: Format) -> Package:
    who = Who("key:1", frozenset({"dpo"}))
    return package_of(place.ledger, who, subject, Wanted(form=form), "fr", {})


def content(place: Place, subject: UUID) -> bytes:
    """All that the ZIP holds, unpacked."""
    made = package(place, subject, "zip").content
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        return b"\n".join(packed.read(name) for name in packed.namelist())


def test_it_holds_what_was_planted_and_leaves_nothing_behind(
    place: Place, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    subject = somebody(place)
    for form in ("json", "csv"):
        package(place, subject, form)
    seen = seen_in(content(place, subject))
    assert seen >= CANARIES.keys() - NOT_HERS - NEVER_KEPT - DIGITS
    assert not seen & (NOT_HERS | NEVER_KEPT)
    with owner(place.ledger, place.url) as connection:
        assert in_tables(connection) == {}
    assert in_files([*place.files(), *tmp_path.rglob("*.json")]) == {}
    assert seen_in(caplog.text.encode()) == set()


def test_after_an_erasure_it_holds_none_of_it(place: Place, tmp_path: Path) -> None:
    subject = somebody(place)
    with place.ledger.database.read() as connection:
        keys = connection.exec_driver_sql("SELECT data_class, scope FROM keys").all()
    scopes = [Scope(subject, name, scope) for name, scope in keys if name in ERASED]
    erase_scopes(place.ledger, scopes, journal=tmp_path / "journal", reason="request")
    assert seen_in(content(place, subject)) <= {"reason"}  # of the hold, which was not erased
