"""`verify` finds whatever was changed by hand, and says where; a sound ledger has no finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger import entry
from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Correct, Record, Reference, Void
from ledger.erasing.erase import erase_scopes
from ledger.events import (
    ClassArchived,
    ConsentGiven,
    ConsentWithdrawn,
    ContactedUs,
    ContractStarted,
    KeyDestroyed,
    LoggedIn,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    PolicyNotified,
)
from ledger.fields import KeyProof
from ledger.handlers import publish, record, record_many
from ledger.opening import create
from ledger.policy.book import shipped_bytes
from ledger.store import tables, verify
from ledger.store.vault import Scope
from tests.clock import StepClock
from tests.contracts.props import now, owner, position, somebody, unfenced

events, sealed, keys = tables.events, tables.sealed, tables.keys
Change = Callable[[sa.Connection], Any]


@dataclass
class Story:
    """A ledger with something of everything, and where it is."""

    ledger: Ledger
    url: str
    subject: UUID
    at: dict[str, int]

    def changed(self, change: Change) -> verify.Report:
        """The report after an administrator took the fences down and did this."""
        with unfenced(self.ledger, self.url) as connection:
            change(connection)
        return verify.verify(self.ledger.database)

    def set(self, name: str, column: str, value: Any) -> verify.Report:
        """The report after one typed column of one event was changed."""
        row = events.c.position == self.at[name]
        return self.changed(lambda c: c.execute(events.update().where(row).values({column: value})))


@pytest.fixture
def anywhere(ledger: Ledger, ledger_url: str, clock: StepClock) -> Story:
    """The story on each database in turn."""
    return told(ledger, ledger_url, clock)


@pytest.fixture
def story(clock: StepClock) -> Iterator[Story]:
    """The story in memory, for the long tables of cases."""
    ledger = create("sqlite://", clock=clock)
    yield told(ledger, "sqlite://", clock)
    ledger.close()


def told(ledger: Ledger, url: str, clock: StepClock) -> Story:
    """A ledger in which something of everything happened."""
    subject = somebody(ledger, "one", "hello")
    somebody(ledger, "other", "hello")
    at = {"contact": 3, "other": 5}

    def done(name: str, fact: Any, thing: str | None = None) -> None:
        clock.advance(hours=1)
        reference = Reference("ref", thing) if thing else None
        at[name] = record(ledger, Record(fact, thing=reference)).position

    about: dict[str, Any] = {"occurred": now(ledger), "subject": subject}
    done("placed", OrderPlaced(**about), "A1")
    done("paid", OrderPaid(**about, bin6="497010", last4="1234"), "A1")
    done("cancelled", OrderCancelled(**about), "A1")
    done("given", ConsentGiven(**about, purpose="newsletter", channel="email"))
    done("withdrawn", ConsentWithdrawn(**about, purpose="newsletter", channel="email"))
    done("started", ContractStarted(**about, type="maintenance", tacit=True), "C1")
    done("login", LoggedIn(**about, ip="192.0.2.7"))
    text = shipped_bytes().decode().replace("2018-11-20", "2025-01-01")
    publish(ledger, text.encode())
    done("notified", PolicyNotified(**about, edition=20250101))
    done("call", ContactedUs(**about, channel="phone", text="again"))
    record(ledger, Correct(at["withdrawn"], {"channel": "sms"}))
    record(ledger, Void(at["cancelled"]))
    return Story(ledger, url, subject, at)


def test_a_sound_ledger_has_no_finding(anywhere: Story):
    heard: list[tuple[int, int]] = []
    report = verify.verify(anywhere.ledger.database, lambda *n: heard.append(n))
    last = position(anywhere.ledger)
    assert report.to_json() == {
        "ok": True,
        "events": last,
        "pruned": 0,
        "envelopes": 5,
        "counts": {},
        "findings": [],
    }
    assert heard[-1] == (last, last)


def test_a_log_longer_than_a_page_is_read_to_its_end(story: Story, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verify, "PAGE", 3)
    assert verify.verify(story.ledger.database).ok
    report = story.set("call", "channel", "letter")
    assert _where(report) == {("columns", story.at["call"])}


OTHER = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("placed", "stream", OTHER),
        ("placed", "kind", "order.refunded.v1"),
        ("placed", "subject", OTHER),
        ("placed", "subject", None),
        ("placed", "class", "account"),
        ("paid", "item", "2"),
        ("given", "purpose", "surveys"),
        ("given", "channel", None),
        ("placed", "decision", "upheld"),
        ("started", "basis", "warranty"),
        ("given", "grade", "proved"),
        ("placed", "actor", "import"),
        ("placed", "edition", 20250101),
        ("started", "until_day", 20300101),
        ("placed", "ref_position", 2),
        ("placed", "amount_minor", 1),
        ("placed", "occurred_at", 0),
        ("placed", "grain", "day"),
        ("placed", "local_day", 20200101),
        ("placed", "recorded_at", 1_767_607_201_000_000),
    ],
)
def test_a_typed_column_changed_by_hand_is_found(story: Story, name: str, column: str, value: Any):
    report = story.set(name, column, value)
    assert not report.ok
    assert ("columns", story.at[name]) in _where(report)
    (sentence,) = [f.sentence for f in report.findings if f.code == "columns"]
    assert column in sentence
    assert str(value) not in sentence or value in (None, 0, 1, 2, "2")


def test_a_typed_column_and_a_live_row_are_found_on_every_database(anywhere: Story):
    at = anywhere.at["given"]
    assert _where(anywhere.set("given", "channel", "sms")) == {("columns", at)}
    assert _where(anywhere.set("given", "channel", "email")) == set()
    email = tables.consents.c.channel == "email"
    live = tables.consents.update().where(email).values(day=20240101)
    report = anywhere.changed(lambda c: c.execute(live))
    assert report.counts == {"live": 1}


def test_every_column_has_its_turn_in_the_test_above():
    mark: Any = test_a_typed_column_changed_by_hand_is_found
    tried = {column for _, column, _ in mark.pytestmark[0].args[1]}
    not_here = {"position", "version", "entry", "leaf"}  # below
    assert tried | not_here == set(events.columns.keys())


def test_an_entry_changed_by_hand_is_found(anywhere: Story):
    at = anywhere.at["given"]

    def other_channel(connection: sa.Connection) -> None:
        row = events.c.position == at
        raw = connection.execute(sa.select(events.c.entry).where(row)).scalar_one()
        altered = raw.replace(b'"email"', b'"phone"')
        assert altered != raw
        connection.execute(events.update().where(row).values(entry=altered))

    assert _where(anywhere.changed(other_channel)) == {("leaf", at), ("columns", at)}


def test_an_entry_and_its_columns_changed_together_are_found_by_the_leaf(story: Story):
    at = story.at["call"]

    def both(connection: sa.Connection) -> None:
        row = events.c.position == at
        raw = connection.execute(sa.select(events.c.entry).where(row)).scalar_one()
        altered = raw.replace(b'"phone"', b'"email"')
        connection.execute(events.update().where(row).values(entry=altered, channel="email"))

    assert _where(story.changed(both)) == {("leaf", at)}


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda raw: raw + b" ",
        lambda raw: raw.replace(b'","id"', b'", "id"'),
        lambda raw: b"",
        lambda raw: b"\xff\x00",
        lambda raw: b"[]",
        lambda raw: b"{}",
        lambda raw: b'{"at":"x","type":"order.placed.v1"}',
        lambda raw: b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}",
        lambda raw: raw.replace(b'"parts":[', b'"parts":["x",'),
        lambda raw: raw.replace(b'"n":"contact"', b'"n":1'),
    ],
)
def test_an_entry_that_is_no_entry_any_more_is_found(story: Story, rewritten: Any):
    at = story.at["call"]

    def rewrite(connection: sa.Connection) -> None:
        row = events.c.position == at
        raw = connection.execute(sa.select(events.c.entry).where(row)).scalar_one()
        new = rewritten(raw)
        assert new != raw
        values = {"entry": new, "leaf": entry.leaf_hash(new)}
        connection.execute(events.update().where(row).values(values))

    assert ("entry", at) in _where(story.changed(rewrite))


def test_a_leaf_changed_by_hand_is_found(anywhere: Story):
    assert _where(anywhere.set("paid", "leaf", bytes(32))) == {("leaf", anywhere.at["paid"])}


def test_two_versions_swapped_are_found_at_both_positions(anywhere: Story):
    one, other = anywhere.at["given"], anywhere.at["withdrawn"]

    def swap(connection: sa.Connection) -> None:
        for at, version in ((one, 99), (other, 1), (one, 2)):
            row = events.c.position == at
            connection.execute(events.update().where(row).values(version=version))

    found = _where(anywhere.changed(swap))
    assert {("columns", one), ("columns", other)} <= found
    assert ("version", one) in found or ("version", other) in found


def test_an_event_taken_away_is_found(anywhere: Story):
    at = anywhere.at["given"]
    report = anywhere.changed(lambda c: c.execute(events.delete().where(events.c.position == at)))
    assert {("position", at), ("version", anywhere.at["withdrawn"])} <= _where(report)


def test_the_last_event_taken_away_is_found(story: Story):
    last = position(story.ledger)
    report = story.changed(lambda c: c.execute(events.delete().where(events.c.position == last)))
    assert ("head", last - 1) in _where(report)


def test_an_event_slipped_in_is_found(anywhere: Story):
    last = position(anywhere.ledger)

    def slip(connection: sa.Connection) -> None:
        row = connection.execute(sa.select(events).where(events.c.position == last)).one()
        values = row._asdict() | {"position": last + 1, "version": row.version + 1}
        connection.execute(events.insert().values(values))

    found = _where(anywhere.changed(slip))
    assert {("columns", last + 1), ("time", last + 1), ("head", last + 1)} <= found


def test_two_events_that_changed_places_are_found(story: Story):
    one, other = story.at["call"], story.at["login"]

    def swap(connection: sa.Connection) -> None:
        for at, new in ((one, 9999), (other, one), (9999, other)):
            row = events.c.position == at
            connection.execute(events.update().where(row).values(position=new))

    assert ("time", other + 1) in _where(story.changed(swap))


def test_a_head_set_back_is_found(anywhere: Story):
    last = position(anywhere.ledger)
    report = anywhere.changed(lambda c: c.execute(tables.head.update().values(position=last - 1)))
    assert ("head", last) in _where(report)
    values = {"position": last, "last_at": 1}
    report = anywhere.changed(lambda c: c.execute(tables.head.update().values(values)))
    assert ("head", last) in _where(report)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("activity", "n", 7),
        ("activity", "last_day", 20300101),
        ("contracts", "tacit", 0),
        ("contracts", "ended_day", 20240101),
        ("consents", "rank", 0),
        ("consents", "grade", "proved"),
        ("notified", "day", 20240101),
    ],
)
def test_a_projection_row_changed_by_hand_is_found(
    story: Story, table: str, column: str, value: Any
):
    live = tables.metadata.tables[table]
    report = story.changed(lambda c: c.execute(live.update().values({column: value})))
    found = [finding for finding in report.findings if finding.code == "live"]
    assert found
    assert len(found) == report.counts["live"]
    assert all(finding.position and table in finding.sentence for finding in found)


@pytest.mark.parametrize("table", [table.name for table in tables.PROJECTIONS])
def test_a_projection_emptied_by_hand_is_found(story: Story, table: str):
    live = tables.metadata.tables[table]
    if live is tables.ended:
        archived(story)
    report = story.changed(lambda c: c.execute(live.delete()))
    assert set(report.counts) == {"live"}


def archived(story: Story) -> None:
    """Something of hers left daily use."""
    fact = ClassArchived(
        occurred=moment_of_instant(story.ledger.clock.now()),
        actor="system",
        subject=story.subject,
        of="order",
        until=20360101,
        article="C. com. art. L110-4",
        reason="term",
    )
    act(story.ledger, [act_of(fact, story.subject)])


def test_an_envelope_taken_away_is_found_where_its_key_lives(anywhere: Story):
    at = anywhere.at["paid"]
    one = sealed.c.position == at
    assert _where(anywhere.changed(lambda c: c.execute(sealed.delete().where(one)))) == {
        ("sealed", at)
    }


def erase(story: Story, folder: Path) -> tuple[int, Any]:
    """Her contact is erased lawfully: where the log says so, and the row of her key before."""
    mine = (keys.c.subject == story.subject) & (keys.c.data_class == "contact")
    with story.ledger.database.read() as connection:
        before = connection.execute(sa.select(keys).where(mine)).one()
    scope = Scope(story.subject, "contact", "")
    [done] = erase_scopes(story.ledger, [scope], journal=folder, reason="request")
    return done.position, before


def test_an_envelope_is_gone_where_its_key_was_destroyed_on_record(anywhere: Story, tmp_path: Path):
    erase(anywhere, tmp_path)
    assert verify.verify(anywhere.ledger.database).ok


def test_an_erasure_on_record_whose_key_lives_is_found(anywhere: Story, tmp_path: Path):
    at, before = erase(anywhere, tmp_path)
    row = keys.update().where(keys.c.key_id == before.key_id)
    back = {"wrapped": before.wrapped, "state": "live", "destroyed_position": None}
    report = anywhere.changed(lambda c: c.execute(row.values(back)))
    found = {(f.code, f.position) for f in report.findings}
    assert {("destroyed", at), ("destroyed", at + 1)} <= found


def test_a_tombstone_taken_away_is_found(story: Story, tmp_path: Path):
    at, before = erase(story, tmp_path)
    mine = keys.c.key_id == before.key_id
    report = story.changed(lambda c: c.execute(keys.delete().where(mine)))
    assert ("destroyed", at) in _where(report)


@pytest.mark.parametrize("claimed", [None, 1, "another's erasure"])
def test_a_key_destroyed_with_no_record_is_found(anywhere: Story, tmp_path: Path, claimed: Any):
    lawful, _ = erase(anywhere, tmp_path)
    at = anywhere.at["paid"]
    position = lawful if isinstance(claimed, str) else claimed

    def shred(connection: sa.Connection) -> None:
        mine = keys.c.created_position == at
        values = {"wrapped": None, "state": "destroyed", "destroyed_position": position}
        connection.execute(keys.update().where(mine).values(values))
        connection.execute(sealed.delete().where(sealed.c.position == at))

    report = anywhere.changed(shred)
    assert {("destroyed", at), ("destroyed", position)} <= _where(report)
    assert set(report.counts) == {"destroyed"}


def test_an_envelope_that_outlived_its_key_is_found(story: Story, tmp_path: Path):
    at = story.at["contact"]
    with story.ledger.database.read() as connection:
        row = connection.execute(sa.select(sealed).where(sealed.c.position == at)).one()
    erase(story, tmp_path)
    report = story.changed(lambda c: c.execute(sealed.insert().values(row._asdict())))
    assert _where(report) == {("sealed", at)}


@pytest.mark.parametrize("order", ["an order of things", "another person's erasure"])
def test_a_key_destroyed_on_the_wrong_order_is_found(anywhere: Story, tmp_path: Path, order: str):
    lawful, _ = erase(anywhere, tmp_path)
    at = lawful if "erasure" in order else anywhere.at["placed"]
    theirs = anywhere.at["other"]
    with anywhere.ledger.database.read() as connection:
        query = sa.select(events.c.entry).where(events.c.position.in_([at, theirs]))
        first, second = connection.scalars(query.order_by(events.c.position)).all()
    authority, part = (first, second) if at < theirs else (second, first)
    part = entry.read(bytes(part))["parts"][0]
    fact = KeyDestroyed(
        occurred=now(anywhere.ledger),
        actor="system",
        keys=(KeyProof(UUID(part["kid"]), part["kc"]),),
        reason="request",
        authority=UUID(entry.read(bytes(authority))["id"]),
    )
    act(anywhere.ledger, [act_of(fact)])
    said = position(anywhere.ledger)

    def shred(connection: sa.Connection) -> None:
        mine = keys.c.key_id == UUID(part["kid"])
        values = {"wrapped": None, "state": "destroyed", "destroyed_position": lawful}
        connection.execute(keys.update().where(mine).values(values))
        connection.execute(sealed.delete().where(sealed.c.position == theirs))

    report = anywhere.changed(shred)
    # On the order, and on the tombstone, which names an erasure that is not of its scope.
    assert _where(report) == {("destroyed", said), ("destroyed", lawful)}


@pytest.mark.parametrize(
    "change",
    [
        lambda one: sealed.update().where(sealed.c.position == one).values(envelope=bytes(80)),
        lambda one: sealed.update().where(sealed.c.position == one).values(key_id=OTHER),
        lambda one: sealed.update().where(sealed.c.position == one).values(part="account"),
        lambda one: sealed.insert().values(position=one, part="x", key_id=OTHER, envelope=b"x"),
        lambda one: keys.update().where(keys.c.created_position == one).values(state="destroyed"),
        lambda one: keys.update().where(keys.c.created_position == one).values(subject=OTHER),
        lambda one: keys.update().where(keys.c.created_position == one).values(data_class="order"),
        lambda one: keys.delete().where(keys.c.created_position == one),
    ],
)
def test_a_part_or_key_changed_by_hand_is_found(story: Story, change: Any):
    at = story.at["paid"]
    report = story.changed(lambda c: c.execute(change(at)))
    assert ("sealed", at) in _where(report)
    assert set(report.counts) == {"sealed"}


def test_an_envelope_beyond_the_log_is_found(story: Story):
    values = {"position": 9999, "part": "contact", "key_id": OTHER, "envelope": b"x"}
    report = story.changed(lambda c: c.execute(sealed.insert().values(values)))
    assert _where(report) == {("sealed", 9999)}


def test_a_policy_document_changed_by_hand_is_found(story: Story):
    altered = shipped_bytes().replace(b"operational_months = 60", b"operational_months = 61")
    text = tables.documents.c.sha256.is_not(None)
    report = story.changed(
        lambda c: c.execute(tables.documents.update().where(text).values(bytes=altered))
    )
    assert report.counts["document"] == 2
    report = story.changed(lambda c: c.execute(tables.documents.delete()))
    assert "policy" in report.counts


def test_an_entry_that_names_an_unpublished_policy_is_found(story: Story):
    at = story.at["placed"]

    def rewrite(connection: sa.Connection) -> None:
        row = events.c.position == at
        raw = connection.execute(sa.select(events.c.entry).where(row)).scalar_one()
        said = entry.read(raw) | {"pol": entry.to_base64(bytes(32))}
        new = entry.write(said)
        values = {"entry": new, "leaf": entry.leaf_hash(new)}
        connection.execute(events.update().where(row).values(values))

    assert _where(story.changed(rewrite)) == {("policy", at)}


def test_a_bare_leaf_that_no_prune_names_is_found_and_so_is_a_gap_elsewhere(anywhere: Story):
    names = [c.name for c in events.columns if c.name not in ("position", "leaf")]
    at = anywhere.at["given"]

    def prune(connection: sa.Connection) -> None:
        row = events.c.position == at
        connection.execute(events.update().where(row).values(dict.fromkeys(names)))

    with owner(anywhere.ledger, anywhere.url) as connection:
        prune(connection)
    report = verify.verify(anywhere.ledger.database)
    assert (report.pruned, report.events) == (1, position(anywhere.ledger))
    # Its consent now rests on nothing: pruning will rebuild; what is derived is not the log.
    assert {"pruned"} <= set(report.counts) <= {"live", "pruned"}
    taken = anywhere.at["placed"]
    report = anywhere.changed(
        lambda c: c.execute(events.delete().where(events.c.position == taken))
    )
    assert {("position", taken)} <= _where(report)


def test_a_value_of_the_wrong_type_does_not_stop_the_rest(story: Story):
    if not story.ledger.database.is_sqlite:
        return  # PostgreSQL would not store it
    at, later = story.at["placed"], story.at["call"]

    def spoil(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"UPDATE events SET subject = x'00' WHERE position = {at}")
        row = events.c.position == later
        connection.execute(events.update().where(row).values(channel="letter"))

    assert {("columns", at), ("columns", later)} <= _where(story.changed(spoil))


def test_only_some_findings_are_kept_and_all_are_counted(
    story: Story, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verify, "KEPT", 4)
    report = story.changed(lambda c: c.execute(events.update().values(leaf=bytes(32))))
    assert report.counts["leaf"] == position(story.ledger)
    assert len(report.findings) == 4


def test_writers_may_go_on_while_it_runs(anywhere: Story, monkeypatch: pytest.MonkeyPatch):
    if anywhere.ledger.database.is_memory:
        return  # one connection only
    monkeypatch.setattr(verify, "PAGE", 4)
    call = ContactedUs(occurred=now(anywhere.ledger), subject=anywhere.subject, channel="phone")
    last = position(anywhere.ledger)

    def write(*_: int) -> None:
        record_many(anywhere.ledger, [Record(call)] * 3)

    report = verify.verify(anywhere.ledger.database, write)
    assert report.ok
    assert report.events == last
    assert position(anywhere.ledger) > last


def _where(report: verify.Report) -> set[tuple[str, int | None]]:
    """Findings without those that only follow from them: what is derived from a changed row."""
    return {(f.code, f.position) for f in report.findings if f.code != "live"}
