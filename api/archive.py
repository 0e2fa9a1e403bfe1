"""Consulting the archive over HTTP: recorded first, opened by the opener once that is sealed.

The reader is whoever asks, by the id that her key or her identity provider gives her, never a name
that she writes; so is the approver. What the opener answers passes through and rests nowhere; that
it was read is on record before it leaves. What this file never does: judge a consultation (that is
`ledger/archiving/`, and again the opener), or keep a plaintext. Read next:
`ledger/archiving/granting.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from api.access import Who
from api.facts import an_object, check_keys, check_strict
from api.problems import Problem
from api.reading import loaded, record_read
from api.sealed import Seal
from ledger.application import Ledger
from ledger.archiving import consulted, granting
from ledger.archiving.asking import Ask, NoOpener, gather
from ledger.archiving.consulted import Consulted
from ledger.archiving.granting import Consultation
from ledger.calendar import format_instant
from ledger.errors import BadData, NotFound, Refused
from ledger.fields import CODE, IDENTIFIER

ASKED = ("subject", "class", "scope", "grant", "motive", "case")
APPROVED = ("case",)
WAITING, READY = "waiting", "ready"


class Archive(NamedTuple):
    """What opens the archive of this server: the sealed log that proves a consultation, and whoever
    asks the opener."""

    seal: Seal
    ask: Ask


def archive_of(seal: Seal | None, ask: Ask | None) -> Archive:
    """The archive, if this server has one. Raises Problem."""
    if seal is None or ask is None:
        raise Problem("no-opener", "this server is not told where the archive's opener listens")
    return Archive(seal, ask)


def wish_of(value: Any, who: Who) -> Consultation:
    """What a body asks for, in the name of whoever sent it. A motive or a case that is missing is
    refused when it is recorded, with its clause. Raises Problem, naming a field and never what was
    in it."""
    item = _members(value, ASKED)
    try:
        subject = loaded("subject", IDENTIFIER, item.get("subject"))
        grant = loaded("grant", IDENTIFIER, item.get("grant"))
        of = str(loaded("class", CODE, item.get("class")))
        scope, motive = (_code_or_none(item, name) for name in ("scope", "motive"))
        return Consultation(subject, of, who.id, grant, motive, _case(item), scope)
    except BadData as error:
        raise Problem("malformed", str(error)) from None


def case_of(value: Any) -> str | None:
    """The case that an approval names. Raises Problem."""
    try:
        return _case(_members(value, APPROVED))
    except BadData as error:
        raise Problem("malformed", str(error)) from None


def consult(ledger: Ledger, archive: Archive, wish: Consultation) -> dict[str, Any]:
    """Record a consultation, and say where it stands. Raises Refused."""
    consultation, _ = granting.consult(ledger, wish)
    return told(archive.seal, consulted.one(ledger, consultation))


def approve(
    ledger: Ledger, archive: Archive, who: Who, consultation: UUID, case: str | None
) -> dict[str, Any]:
    """Record that `who` approves it, and say where it stands. Raises NotFound, Refused."""
    granting.approve(ledger, consultation, who.id, case)
    return told(archive.seal, consulted.one(ledger, consultation))


def listed(ledger: Ledger, archive: Archive, who: Who, *, to_approve: bool) -> dict[str, Any]:
    """Those of the last day that `who` asked for; or those of others that nobody approved yet."""
    found = [
        told(archive.seal, one)
        for one in consulted.recent(ledger)
        if (one.reader != who.id and one.approver is None if to_approve else one.reader == who.id)
    ]
    return {"reader": who.id, "items": found}


def opened(ledger: Ledger, archive: Archive, who: Who, consultation: UUID) -> dict[str, Any]:
    """Where it stands; once it is sealed, with the record that the opener opens. That it was read
    is recorded when it was opened, and before it is told.

    Raises NotFound, for somebody else's too; Refused as the opener refuses; Problem when no opener
    answers.
    """
    found = consulted.one(ledger, consultation)
    if found.reader != who.id:
        raise NotFound("there is no such consultation")
    said = told(archive.seal, found)
    try:
        request = gather(ledger, archive.seal.folder, found.position)
    except Refused as refused:
        if refused.refusal.problem != "not-sealed-yet":
            raise
        return {**said, "state": WAITING}
    try:
        parts = archive.ask(request)["opened"]
    except NoOpener:
        raise Problem("no-opener", "no opener of the archive answers; ask again") from None
    read = record_read(ledger, who, found.subject, [found.of], found.motive, str(consultation))
    return {**said, "state": READY, "read": read, "opened": parts}


def told(seal: Seal, one: Consulted) -> dict[str, Any]:
    """A consultation as plain values. Its case is sealed, and stays so."""
    return {
        "id": str(one.id),
        "position": one.position,
        "recorded_at": format_instant(one.recorded_at),
        "state": READY if one.position <= seal.size() else WAITING,
        "subject": str(one.subject),
        "class": one.of,
        "scope": one.scope,
        "motive": one.motive,
        "reader": one.reader,
        "approver": one.approver,
        "grant": str(one.grant),
        "keys": one.keys,
    }


def _members(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        check_strict(value)
        item = an_object("item", value)
        check_keys("item", item, names)
    except Refused as refused:
        raise Problem(refused.refusal.problem, refused.refusal.detail) from None
    except BadData as error:
        raise Problem("malformed", str(error)) from None
    return item


def _code_or_none(item: dict[str, Any], name: str) -> str | None:
    return None if item.get(name) is None else str(loaded(name, CODE, item[name]))


def _case(item: dict[str, Any]) -> str | None:
    """Free text, sealed when it is recorded."""
    said = item.get("case")
    if said is not None and not isinstance(said, str):
        raise BadData("field 'case' must be a text")
    return said
