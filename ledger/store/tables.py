"""The whole schema on one page.

Instants are BIGINT microseconds UTC, days are integers YYYYMMDD, ids are 16-byte UUIDs. No name, no
address, no free text has a column here: personal parts are envelopes in `sealed`, references are
keyed HMACs in `lookups`. Migrations live in `migrations/`; a test proves that they build exactly
this page. Read next: `ledger/store/recorder.py`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from ledger.policy.telling import CONCERNING


class Id(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, 16 bytes on SQLite."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """The column type of this dialect."""
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.Uuid() if native else sa.LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: sa.Dialect) -> Any:
        """To the driver."""
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> UUID | None:  # noqa: ARG002
        """From the driver."""
        return UUID(bytes=value) if isinstance(value, bytes) else value


metadata = sa.MetaData()
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DAY = sa.Integer
CODE = sa.Text
INSTANT = BIG


def _col(name: str, type_: Any, *, null: bool = False, pk: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=null, primary_key=pk, autoincrement=False)


# The log. One row per event; pruned rows keep position and leaf only. `entry` is the truth, the
# typed columns are derived from it and `probant verify` compares them.
head = sa.Table(
    "head",
    metadata,
    _col("id", sa.SmallInteger, pk=True),
    _col("origin", sa.Text),
    _col("position", BIG),
    _col("last_at", INSTANT),
    _col("epoch", BIG),  # bumped by whatever invalidates caches: editions, keys, suppressions
)
_CLEAR: tuple[tuple[str, Any], ...] = (
    ("stream", Id),
    ("version", BIG),
    ("kind", CODE),
    ("subject", Id),
    ("class", CODE),
    ("item", sa.Text),
    ("purpose", CODE),
    ("channel", CODE),
    ("decision", CODE),
    ("basis", CODE),
    ("grade", CODE),
    ("actor", CODE),
    ("edition", DAY),
    ("until_day", DAY),
    ("ref_position", BIG),
    ("amount_minor", BIG),
    ("occurred_at", INSTANT),
    ("grain", CODE),
    ("local_day", DAY),
    ("recorded_at", INSTANT),
    ("entry", sa.LargeBinary),
)
WHOLE = ("stream", "version", "kind", "edition", "occurred_at", "grain", "local_day", "recorded_at")
_whole_row = " AND ".join(f"{name} IS NOT NULL" for name in (*WHOLE, "entry"))
_pruned_row = " AND ".join(f"{name} IS NULL" for name, _ in _CLEAR).replace("class", '"class"')
events = sa.Table(
    "events",
    metadata,
    _col("position", BIG, pk=True),
    *(_col(name, type_, null=True) for name, type_ in _CLEAR),
    _col("leaf", sa.LargeBinary),
    sa.UniqueConstraint("stream", "version", name="events_stream_version"),
    sa.CheckConstraint(f"({_whole_row}) OR ({_pruned_row})", name="events_whole_or_pruned"),
)
sa.Index("events_subject_position", events.c.subject, events.c.position)
sa.Index(
    "events_ref",
    events.c.ref_position,
    postgresql_where=events.c.ref_position.is_not(None),
    sqlite_where=events.c.ref_position.is_not(None),
)
# The queues walk these few rows in order (docs/decisions/0018, 0019).
REQUESTED = "kind = 'request.received.v1'"
# Of whom a campaign must know more than her choices (`ledger/policy/looks.py`: RARE, OFFERED).
GATED = (
    "kind IN ('customer.died.v1', 'customer.minor_signalled.v1', 'customer.class_erased.v1', "
    "'customer.restricted.v1', 'customer.restriction_lifted.v1', 'fact.voided.v1', "
    "'optout.offered.v1')"
)
for _name, _kinds in (
    ("events_waiting", "kind = 'motive.received.v1' AND decision <> 'applied'"),
    ("events_joins", "kind = 'customer.joined.v1'"),
    ("events_requests", REQUESTED),
):
    sa.Index(
        _name,
        events.c.position,
        postgresql_where=sa.text(_kinds),
        sqlite_where=sa.text(_kinds),
    )
sa.Index(  # how many leaves are bare is asked with every count
    "events_bare",
    events.c.position,
    postgresql_where=sa.text("entry IS NULL"),
    sqlite_where=sa.text("entry IS NULL"),
)
# How many facts of a class and a day one prune took: its `ledger.pruned` is at `position`. Only
# from five up (docs/decisions/0027).
pruned_days = sa.Table(
    "pruned_days",
    metadata,
    _col("position", BIG, pk=True),
    _col("class", CODE, pk=True),
    _col("day", DAY, pk=True),
    _col("n", BIG),
)

sa.Index(
    "events_gated",
    events.c.kind,
    events.c.subject,
    postgresql_where=sa.text(GATED),
    sqlite_where=sa.text(GATED),
)

# Personal parts and their keys. Deleting an envelope and destroying its key forgets the part.
sealed = sa.Table(
    "sealed",
    metadata,
    _col("position", BIG, pk=True),
    _col("part", CODE, pk=True),
    _col("key_id", Id),
    _col("envelope", sa.LargeBinary),
)
keys = sa.Table(
    "keys",
    metadata,
    _col("key_id", Id, pk=True),
    _col("subject", Id),
    _col("data_class", CODE),
    _col("scope", sa.Text),
    _col("generation", sa.Integer),
    _col("tier", CODE),  # operational | archive
    _col("kek_epoch", sa.Integer),
    _col("wrapped", sa.LargeBinary, null=True),  # NULL once destroyed: the row is a tombstone
    _col("state", CODE),  # live | destroyed
    _col("created_position", BIG),
    _col("destroyed_position", BIG, null=True),
    sa.UniqueConstraint("subject", "data_class", "scope", "generation", name="keys_scope"),
)
sa.Index(
    "keys_destroyed",
    keys.c.subject,
    keys.c.data_class,
    keys.c.scope,
    postgresql_where=sa.text("state = 'destroyed'"),
    sqlite_where=sa.text("state = 'destroyed'"),
)

# Finding people without knowing them: keyed HMACs, deletable with the subject.
lookups = sa.Table(
    "lookups",
    metadata,
    _col("kind", CODE, pk=True),
    _col("blind", sa.LargeBinary, pk=True),
    _col("pepper", sa.Integer),
    _col("target", Id),  # a subject, or the stream of an order or a contract
    _col("subject", Id),
)
sa.Index("lookups_subject", lookups.c.subject)
suppressions = sa.Table(
    "suppressions",
    metadata,
    _col("kind", CODE, pk=True),
    _col("blind", sa.LargeBinary, pk=True),
    _col("reason", CODE, pk=True),  # erased | objected
    _col("purpose", CODE, pk=True),
    _col("channel", CODE, pk=True),
    _col("pepper", sa.Integer),
    _col("cutoff", INSTANT),
    _col("until_day", DAY),
    _col("at_position", BIG),
)

# Documents by hash, commands for 72 hours, imports for ever.
documents = sa.Table(
    "documents",
    metadata,
    _col("sha256", sa.LargeBinary, pk=True),
    _col("media", sa.Text),
    _col("bytes", sa.LargeBinary),
)
commands = sa.Table(
    "commands",
    metadata,
    _col("fingerprint", sa.LargeBinary, pk=True),
    _col("payload_mac", sa.LargeBinary),
    _col("outcome", sa.LargeBinary),
    _col("first_position", BIG, null=True),
    _col("n", sa.Integer),
    _col("expires_at", INSTANT),
)
imports = sa.Table(
    "imports",
    metadata,
    _col("source", CODE, pk=True),
    _col("row_mac", sa.LargeBinary, pk=True),
    _col("ordinal", sa.Integer, pk=True),
    _col("position", BIG),
)
sa.Index("imports_position", imports.c.position)  # an erasure takes the fingerprints away

# Projections: facts by subject, never a due date. Kept in the append transaction.
activity = sa.Table(
    "activity",
    metadata,
    _col("subject", Id, pk=True),
    _col("class", CODE, pk=True),
    _col("scope", sa.Text, pk=True),
    _col("kind", CODE, pk=True),
    _col("edition", DAY, pk=True),
    _col("first_day", DAY),
    _col("first_position", BIG),
    _col("last_day", DAY),
    _col("last_position", BIG),
    _col("n", BIG),
)
contracts = sa.Table(
    "contracts",
    metadata,
    _col("subject", Id, pk=True),
    _col("item", sa.Text, pk=True),
    _col("type", CODE, null=True),
    _col("tacit", sa.SmallInteger, null=True),
    _col("from_day", DAY, null=True),
    _col("from_position", BIG, null=True),
    _col("planned_day", DAY, null=True),
    _col("planned_at", INSTANT, null=True),
    _col("planned_position", BIG, null=True),
    _col("planned_edition", DAY, null=True),
    _col("ended_day", DAY, null=True),
    _col("ended_position", BIG, null=True),
    _col("ended_edition", DAY, null=True),
)
consents = sa.Table(
    "consents",
    metadata,
    _col("subject", Id, pk=True),
    _col("purpose", CODE, pk=True),
    _col("channel", CODE, pk=True),
    _col("at", INSTANT),
    _col("rank", sa.SmallInteger),
    _col("position", BIG),
    _col("kind", CODE),
    _col("day", DAY),
    _col("edition", DAY),
    _col("grade", CODE, null=True),
    _col("actor", CODE, null=True),
    _col("first_stop", BIG, null=True),
    _col("last_stop", BIG, null=True),
)
notified = sa.Table(
    "notified",
    metadata,
    _col("subject", Id, pk=True),
    _col("edition", DAY),
    _col("day", DAY),
    _col("position", BIG),
)
ended = sa.Table(
    "ended",
    metadata,
    _col("subject", Id, pk=True),
    _col("class", CODE, pk=True),
    _col("scope", sa.Text, pk=True),
    _col("tier", CODE),  # archived | erased
    _col("day", DAY),
    _col("until_day", DAY, null=True),
    _col("position", BIG),
)

# The sealed log: how far the tree reaches, and what was signed. Tiles are plain files.
log = sa.Table(
    "log",
    metadata,
    _col("id", sa.SmallInteger, pk=True),
    _col("size", BIG),
    _col("root", sa.LargeBinary),
    _col("frontier", sa.LargeBinary),  # the roots of the perfect subtrees, largest first
)
checkpoints = sa.Table(
    "checkpoints",
    metadata,
    _col("size", BIG, pk=True),
    _col("note", sa.LargeBinary),
    _col("cosigned", sa.LargeBinary, null=True),
    _col("token", sa.LargeBinary, null=True),  # RFC 3161, over the exact bytes of `note`
)

# The library's process recorder.
tracking = sa.Table(
    "tracking",
    metadata,
    _col("application_name", sa.Text, pk=True),
    _col("notification_id", BIG),
)

# What leaves the ledger. A delivery is put there by the append itself and by nothing else; whose
# message it is and how often it was tried, never what it says.
endpoints = sa.Table(
    "endpoints",
    metadata,
    _col("id", Id, pk=True),
    _col("url", sa.Text),
    _col("recipient", CODE),
    _col("kinds", sa.Text),  # separated by spaces
    _col("state", CODE),  # live | gone (it answered 410)
    _col("created_at", INSTANT),
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    _col("endpoint", Id, pk=True),
    _col("position", BIG, pk=True),
    _col("state", CODE),  # pending | delivered | dead
    _col("attempts", sa.Integer),
    _col("next_at", INSTANT),
    _col("last_at", INSTANT, null=True),
    _col("last_status", sa.Integer, null=True),  # of HTTP; NULL when there was no answer
    _col("last_error", CODE, null=True),
)
_pending = sa.text("state = 'pending'")
sa.Index(
    "deliveries_due",
    deliveries.c.endpoint,
    deliveries.c.next_at,
    postgresql_where=_pending,
    sqlite_where=_pending,
)
# Of these facts recipients are told; few, among many that are nothing to them.
CONCERNING_SQL = "kind IN (" + ", ".join(f"'{kind}'" for kind in CONCERNING) + ")"
_concerning = sa.text(CONCERNING_SQL)
sa.Index(
    "events_concerning",
    events.c.position,
    postgresql_where=_concerning,
    sqlite_where=_concerning,
)

# Retention runs that a server was asked for: how far each got, so that the next server goes on with
# what a killed one left. What was done is in the facts; this says how it goes.
runs = sa.Table(
    "runs",
    metadata,
    _col("id", Id, pk=True),
    _col("rehearsal", sa.SmallInteger),
    _col("asked_by", CODE),  # id of the key
    _col("state", CODE),  # running | done | failed
    _col("holder", Id, null=True),  # the server at it; NULL when it let go
    _col("begun_at", INSTANT),
    _col("beat_at", INSTANT),  # when its holder was last heard of
    *(_col(name, BIG) for name in ("looked", "people", "archived", "erased", "held")),
    _col("position", BIG, null=True),  # of its retention.ran
    _col("error", CODE, null=True),
    _col("classes", sa.Text, null=True),  # what is held by which article, counts by class (JSON)
)
# What was last counted over everybody: numbers, of nobody (`api/counting.py`).
counts = sa.Table(
    "counts",
    metadata,
    _col("name", CODE, pk=True),
    _col("answer", sa.Text),  # JSON
    _col("at", INSTANT),
    _col("took", BIG),  # µs
    _col("epoch", BIG),
    _col("since", BIG, null=True),  # position of what else must not have changed
)
# What is listed for people, few among many.
LISTED = "kind IN ('hold.placed.v1', 'retention.ran.v1', 'recipient.acknowledged.v1')"
_listed = sa.text(LISTED)
sa.Index(
    "events_listed",
    events.c.kind,
    events.c.position,
    postgresql_where=_listed,
    sqlite_where=_listed,
)

PROJECTIONS = (activity, contracts, consents, notified, ended)
APPEND_ONLY = (events, documents)
