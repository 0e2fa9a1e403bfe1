"""Erase, so that it stays erased: journal first, then one transaction, then `done`.

1. Under the head lock we read what must be destroyed and write the intent to the journal, on disk.
   A crash before that: nothing happened. After it: whoever opens the ledger next carries it out.
2. One transaction records the facts (her class was erased; these keys were destroyed by that
   authority), turns the keys into tombstones, deletes envelopes, references and fingerprints, adds
   the suppressions, and counts the intent. A crash inside: none of it happened, see 1.
3. After the commit the journal says `done`, for its reader. A crash before: the count tells.

A restored database counts fewer intents than the journal holds: the rest is carried out again
before anything is served. Facts that came back from the exported log are not recorded twice.
Read next: `ledger/erasing/journal.py`, `ledger/store/erasure.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.acting import Act, After, act
from ledger.application import Ledger
from ledger.calendar import Instant, Moment, add_months, day_of, moment_of_instant
from ledger.erasing.journal import Intent, Journal
from ledger.errors import Broken
from ledger.events import ClassErased, KeyDestroyed
from ledger.fields import MAX_KEYS, KeyProof
from ledger.permitting.joined import as_one
from ledger.policy.consents import standing_objections
from ledger.policy.permissions import objects_still
from ledger.policy.permitting import Person
from ledger.projections.joins import Joins
from ledger.store import erasure, states, suppressions
from ledger.store.erasure import Condemned, Doomed
from ledger.store.suppressions import Suppressed
from ledger.store.vault import Scope

SUPPRESSED_MONTHS = 60
"""As long as the proof of what was asked and done is kept (class `rights`); a list of objections to
marketing is expected to last three years at least (CNIL)."""


class Erased(NamedTuple):
    """What became of one scope."""

    scope: Scope
    event: UUID  # the id of its customer.class_erased
    position: int
    keys: tuple[UUID, ...]  # destroyed; empty when nothing was sealed
    envelopes: int  # deleted just now
    intent: UUID


class Deed(NamedTuple):
    """Facts of ours, and what is done with them in the transaction that records them."""

    acts: Sequence[Act] = ()
    after: After | None = None


NOTHING = Deed()


def erase_scopes(
    ledger: Ledger,
    scopes: Sequence[Scope],
    *,
    journal: Path,
    reason: str,
    article: str | None = None,
    request: UUID | None = None,
    beside: Deed = NOTHING,
) -> list[Erased]:
    """End these scopes for ever, all in one transaction; those that have ended are left out.

    `journal` is the folder of the erasure journal, `reason` one of `ledger.events.ERASURES`. Open
    intents of before are settled first. `beside` is done in the same transaction; no journal
    remembers it, so it must be a thing that is found still to do when it was not done. Raises
    Broken when the database or the disk failed: then it happened wholly or not at all, and running
    again, or opening the ledger, completes it.
    """
    book = Journal(journal, ledger.keyring.origin)
    settle(ledger, book)
    with _turn(ledger):
        with ledger.database.read() as connection:
            ending = erasure.condemned(connection, ledger.vault, list(dict.fromkeys(scopes)))
            references = erasure.ending_references(connection, ending)
            number = erasure.carried_out(connection) + 1
        if not ending:
            if beside.acts:
                act(ledger, beside.acts, beside.after, new_epoch=True)
            return []
        now = ledger.clock.now()
        suppressed = tuple(dict.fromkeys(_suppressed(ledger, references, now)))
        until = add_months(day_of(now), SUPPRESSED_MONTHS)
        intent = Intent(uuid4(), now, ending, suppressed, until, reason, article, request)
        _check(ledger, intent)
        book.intend(intent)
        done = _carry_out(ledger, intent, number, beside)
    if not ledger.recorder.is_alone:  # else our caller commits, and calls `settle` for the rest
        book.finish(intent.id, ledger.clock.now())
        erasure.tidy(ledger.database)
    return done


def history(
    ledger: Ledger, journal: Journal, subject: UUID, request: UUID | None = None
) -> list[Erased]:
    """Everything of this person that was ever erased (for one request, if it is named), as the
    journal and the log tell it."""
    found: list[Erased] = []
    intents = journal.intents()
    with ledger.database.read() as connection:
        carried_out = erasure.carried_out(connection)
    for intent in intents[:carried_out]:
        if request in (None, intent.request):
            found += of_intent(ledger, intent, subject)
    return found


def of_intent(ledger: Ledger, intent: Intent, subject: UUID | None = None) -> list[Erased]:
    """What an intent that was carried out erased (of one person, if she is named), as the log tells
    it; what was pruned since is left out."""
    scopes = [one for one in intent.scopes if subject in (None, one.scope.subject)]
    with ledger.database.read() as connection:
        told = erasure.told(connection, scopes, intent.at)
    found = []
    for one in scopes:
        if one.scope in told:
            at, event = told[one.scope]
            keys = tuple(key.kid for key in one.keys if key.kc)
            found.append(Erased(one.scope, event, at, keys, 0, intent.id))
    return found


def settle(ledger: Ledger, journal: Journal) -> int:
    """Carry out every intent that this database has not carried out. Returns how many.

    Raises Broken when the journal has fewer intents than the database carried out: some of it was
    lost, and a later restore could bring erased people back.
    """
    with ledger.database.read() as connection:
        known = erasure.carried_out(connection)
    if journal.is_settled(known):
        return 0
    written = journal.count()
    if known > written:
        raise Broken("the erasure journal is not complete; put it back before anything is served")
    settled = 0
    for number, intent in enumerate(journal.intents(known)[: written - known], known + 1):
        with _turn(ledger):
            with ledger.database.read() as connection:
                if erasure.carried_out(connection) >= number:
                    continue  # somebody who opened the ledger with us was faster
            _carry_out(ledger, intent, number)
        settled += 1
    if settled:
        erasure.tidy(ledger.database)
    # Those counted above only: what others intend meanwhile they report themselves.
    for unreported in journal.unreported(written):
        journal.finish(unreported, ledger.clock.now())
    return settled


def _suppressed(ledger: Ledger, references: Sequence[Any], now: Instant) -> Iterator[Suppressed]:
    """These references shall not come back; and her no to marketing stays under every reference of
    hers, whichever she said it under: those that are left keep what this one can say no more."""
    for row in references:
        yield Suppressed(row.kind, bytes(row.blind), row.pepper)
    joins = ledger.joins(ledger.epoch())
    for subject in {row.subject for row in references if row.target == row.subject}:
        said = _standing_noes(ledger, joins, subject, now)
        with ledger.database.read() as connection:
            hers = erasure.references_of(connection, joins.family(subject) if said else ())
        for row in hers:
            for purpose, channel in said:
                yield Suppressed(
                    *(row.kind, bytes(row.blind), row.pepper, "objected", purpose, channel)
                )


def _standing_noes(
    ledger: Ledger, joins: Joins, subject: UUID, now: Instant
) -> list[tuple[str, str]]:
    """The (purpose, channel) of marketing to which she has said no under any reference and not yes
    since: by her facts, or by the list that outlived those of a reference forgotten before."""
    kept, book = joins.kept(subject), ledger.book(ledger.epoch())
    family = joins.everybody(kept)
    with ledger.database.read() as connection:
        listed = suppressions.opposed_of(connection, family)
        hers = {
            one: Person(states.live_state(connection, one), (), {}, listed.get(one, frozenset()))
            for one in family
        }
    others = [(join.position, hers[join.other]) for join in joins.others(kept)]
    person = as_one(hers[kept], others, joins)
    noes = standing_objections(person.state, book, now)
    still = sorted({(one.purpose, one.channel) for one in person.opposed})
    return list(dict.fromkeys((*noes, *(one for one in still if objects_still(person, *one)))))


def _turn(ledger: Ledger) -> Any:
    return nullcontext() if ledger.recorder.is_alone else ledger.recorder.alone()


def _check(ledger: Ledger, intent: Intent) -> None:
    """Nothing is intended that could not be recorded. Raises BadData."""
    for one in _facts(intent, moment_of_instant(ledger.clock.now()), {}):
        one.fact.check()


def _carry_out(ledger: Ledger, intent: Intent, number: int, beside: Deed = NOTHING) -> list[Erased]:
    """Record what history does not say yet, and destroy."""
    scopes = [one.scope for one in intent.scopes]
    with ledger.database.read() as connection:
        told = erasure.told(connection, intent.scopes, intent.at)
        streams = [
            erasure.destruction_stream(c[0].kid) for one in intent.scopes for c in _chunks(one)
        ]
        begun = erasure.begun(connection, streams)
    now = moment_of_instant(ledger.clock.now())
    ids = {scope: event for scope, (_, event) in told.items()}
    acts = [one for one in _facts(intent, now, ids) if one.stream not in begun]
    positions = {scope: at for scope, (at, _) in told.items()}
    gone: list[int] = []

    def deed(connection: Any, written: Sequence[Any] = ()) -> None:
        for one, at in zip(acts, written, strict=False):
            if isinstance(one.fact, ClassErased):
                assert one.fact.subject is not None
                scope = Scope(one.fact.subject, one.fact.of, one.fact.item or "")
                positions.setdefault(scope, at.position)
                ids.setdefault(scope, one.id)
        gone[:] = erasure.destroy(
            connection,
            intent.scopes,
            [positions[scope] for scope in scopes],
            ledger.keyring.epoch,
            intent.suppressed,
            intent.at,
            intent.until,
            number,
        )
        if beside.after is not None:
            beside.after(connection, written[len(acts) :])

    if acts or beside.acts:
        act(ledger, [*acts, *beside.acts], deed, new_epoch=True)
    else:
        ledger.recorder.redo(deed)
    return [
        Erased(
            one.scope,
            ids[one.scope],
            positions[one.scope],
            tuple(key.kid for key in one.keys if key.kc),
            envelopes,
            intent.id,
        )
        for one, envelopes in zip(intent.scopes, gone, strict=True)
    ]


def _facts(intent: Intent, now: Moment, told: dict[Scope, UUID]) -> list[Act]:
    """The facts of an intent, those of scopes in `told` (with the ids they have) left out."""
    found: list[Act] = []
    for one in intent.scopes:
        authority = told.get(one.scope)
        chunks = _chunks(one)
        if authority is None:
            for keys in chunks or [()]:
                erased = ClassErased(
                    subject=one.scope.subject,
                    occurred=now,
                    actor="system",
                    item=one.scope.item or None,
                    of=one.scope.data_class,
                    keys=tuple(key.kid for key in keys) or None,
                    reason=intent.reason,
                    article=intent.article,
                    request=intent.request,
                )
                found.append(Act(one.scope.subject, erased, uuid4()))
                authority = authority or found[-1].id
        assert authority is not None
        found += [_destroyed(keys, intent.reason, authority, now) for keys in chunks]
    return found


def _destroyed(keys: Sequence[Doomed], reason: str, authority: UUID, now: Moment) -> Act:
    proofs = tuple(KeyProof(key.kid, key.kc) for key in keys if key.kc)
    fact = KeyDestroyed(
        occurred=now, actor="system", keys=proofs, reason=reason, authority=authority
    )
    return Act(erasure.destruction_stream(keys[0].kid), fact, uuid4())


def _chunks(one: Condemned) -> list[tuple[Doomed, ...]]:
    """The keys that entries speak of, as many at a time as one fact may name."""
    keys = tuple(key for key in one.keys if key.kc)
    return [keys[start : start + MAX_KEYS] for start in range(0, len(keys), MAX_KEYS)]
