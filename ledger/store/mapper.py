"""From a fact to its bytes and columns, and back. Kinds come from the closed dictionary only.

A `Draft` is a fact on its way in: sealed, versioned, complete but for its record time and position,
which are settled under the head lock. A `Recorded` is a fact on its way out: its personal fields
read as `Unreadable.SEALED` until the vault opens them. The typed columns are derived from the
entry and nothing else (`row_from`), which is what `probant verify` recomputes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import Mapper, StoredEvent

from ledger import entry
from ledger.calendar import Day, Instant, Moment, day_of, format_instant, parse_instant
from ledger.errors import BadData, Tampered
from ledger.events import KINDS, Fact, Row, fact_class
from ledger.fields import BOOLEAN, MONEY, Unreadable


class Part(NamedTuple):
    """One sealed part of a fact: what its entry says of it, and its ciphertext."""

    name: str
    key_id: UUID
    described: dict[str, str]  # n, kid, kc, cm, ct
    envelope: bytes


class Draft(NamedTuple):
    """A fact ready to be recorded: the domain event that the library's `save` is given."""

    originator_id: UUID
    originator_version: int
    fact: Fact
    id: UUID
    edition: Day
    pol: str
    parts: tuple[Part, ...] = ()
    salt: bytes | None = None  # 16 random bytes; None: drawn when it is written


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact as history holds it: the domain event that a repository folds."""

    originator_id: UUID
    originator_version: int
    fact: Fact
    position: int
    recorded_at: Instant


@dataclass(frozen=True)
class StoredDraft(StoredEvent):
    """What the recorder needs: `state` is the entry without its record time."""

    row: Row
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class StoredFact(StoredEvent):
    """What the recorder found: `state` is the entry."""

    position: int


class FactMapper(Mapper[UUID]):
    """The library's mapper protocol, spoken over entries."""

    def __init__(self) -> None:
        """No transcoder, no compressor, no cipher: entries are canonical, parts sealed apart."""

    def to_stored_event(self, domain_event: Any) -> StoredDraft:
        """A draft as prepared bytes, typed columns and envelopes."""
        draft: Draft = domain_event
        return StoredDraft(
            originator_id=draft.originator_id,
            originator_version=draft.originator_version,
            topic=draft.fact.kind,
            state=prepare(draft, draft.salt),
            row=row_of(draft),
            parts=draft.parts,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """A stored entry as a recorded fact. Raises Tampered if it is not canonical."""
        assert isinstance(stored_event, StoredFact)
        said = entry.read(stored_event.state)
        return Recorded(
            originator_id=UUID(said["stream"]),
            originator_version=said["ver"],
            fact=fact_from(said),
            position=stored_event.position,
            recorded_at=parse_instant(said["at"]),
        )


def meta_of(fact: Fact) -> dict[str, Any]:
    """The clear facts of an entry: codes, ids, amounts and times, absent when not stated. (Ids are
    written by whoever encodes them.)"""
    meta: dict[str, Any] = {
        "occurred": format_instant(fact.occurred.at),
        "grain": fact.occurred.grain,
        "actor": fact.actor,
    }
    if fact.subject is not None:
        meta["subject"] = fact.subject
    if fact.home is not None:
        meta["class"] = fact.home
    if fact.item is not None:
        meta["item"] = fact.item
    for spec in fact.specs:
        if not spec.personal:
            value = getattr(fact, spec.name)
            if value is not None:
                meta[spec.key] = spec.codec.dump(value)
    return meta


def prepare(draft: Draft, salt: bytes | None = None) -> bytes:
    """The canonical entry without `at` (evidence format 1.1); 16 random bytes of salt."""
    said: dict[str, Any] = {
        "v": entry.VERSION,
        "type": draft.fact.kind,
        "id": draft.id,
        "stream": draft.originator_id,
        "ver": draft.originator_version,
        "pol": draft.pol,
        "meta": meta_of(draft.fact),
        "salt": entry.to_base64(salt or os.urandom(16)),
    }
    if draft.parts:
        said["parts"] = [part.described for part in draft.parts]
    return entry.draft(said)


def row_of(draft: Draft) -> Row:
    """The typed columns of a draft; position and record time are settled by the recorder."""
    fact = draft.fact
    typed = {
        spec.column: _typed(spec.codec, getattr(fact, spec.name))
        for spec in fact.specs
        if spec.column
    }
    stated = typed.get
    at, grain, day = fact.occurred
    return Row(  # by place: twenty names would cost more than all the rest
        0,
        draft.originator_id,
        draft.originator_version,
        fact.kind,
        fact.subject,
        fact.home,
        fact.item,
        stated("purpose"),
        stated("channel"),
        stated("decision"),
        stated("basis"),
        stated("grade"),
        fact.actor,
        draft.edition,
        stated("until_day"),
        stated("ref_position"),
        stated("amount_minor"),
        at,
        grain,
        day,
        recorded_at=0,
    )


SHARED = frozenset({"subject", "occurred", "grain", "actor", "item"})  # members of each `meta`


def fact_from(said: dict[str, Any]) -> Fact:
    """The fact an entry states, personal fields unopened. Raises Tampered if it states none."""
    try:
        cls, meta = KINDS[said["type"]], said["meta"]
        subject = meta.get("subject")
        values: dict[str, Any] = {
            "subject": entry.id_from(subject) if subject else None,
            "occurred": _moment(meta["occurred"], meta["grain"]),
            "actor": meta["actor"],
            "item": meta.get("item"),
        }
        unopened = Unreadable.SEALED if said.get("parts") else None
        for spec in cls.specs:
            if spec.personal:
                values[spec.name] = unopened
            elif spec.key in meta and spec.key not in SHARED:
                values[spec.name] = spec.load(meta[spec.key])
        return cls(**values)
    except (KeyError, TypeError, AttributeError, ValueError, BadData) as error:
        raise Tampered(f"an entry does not state a fact ({type(error).__name__})") from error


def row_from(raw: bytes, position: int, edition_of: Callable[[str], Day]) -> Row:
    """The typed columns that an entry implies. `edition_of` names the edition of a `pol` digest."""
    said = entry.read(raw)
    return row_stated(said, fact_from(said), position, edition_of)


def row_stated(
    said: dict[str, Any], fact: Fact, position: int, edition_of: Callable[[str], Day]
) -> Row:
    """The same, of an entry that was read already, with the fact that it states."""
    draft = Draft(
        UUID(said["stream"]), said["ver"], fact, UUID(said["id"]), edition_of(said["pol"]), ""
    )
    return row_of(draft)._replace(position=position, recorded_at=parse_instant(said["at"]))


def _moment(text: str, grain: str) -> Moment:
    at = parse_instant(text)
    if grain not in ("instant", "day"):
        raise BadData("field 'grain' must be one of: instant, day")
    return Moment(at, "day" if grain == "day" else "instant", day_of(at))


def _typed(codec: Any, value: Any) -> Any:
    if value is None:
        return None
    if codec is BOOLEAN:
        return "tacit" if value else "express"
    return value.minor if codec is MONEY else value


__all__ = ["Draft", "FactMapper", "Part", "Recorded", "StoredDraft", "StoredFact", "fact_class"]
