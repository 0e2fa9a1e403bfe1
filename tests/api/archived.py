"""Somebody with an archived class, for the tests that walk every route of a server."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from ledger.archive_key import ArchiveKey
from ledger.archiving import granting
from ledger.archiving.granting import Consultation
from tests.api.conftest import Caller
from tests.archiving.room import archive

PATH = "/v1/archive/consultations"
UNTIL = 20990101


class Archived(NamedTuple):
    """Whose class `contact` is archived, the caller's grant, and somebody else's consultation."""

    subject: UUID
    grant: UUID
    theirs: UUID


def archived(caller: Caller, key: ArchiveKey) -> Archived:
    """She wrote to us; it is archived; the caller, whose server has an archive, may consult it."""
    text = {"channel": "form", "text": "Une vieille lettre"}
    told = {"kind": "customer.contacted_us", "person": {"kind": "shop", "value": "0099"}}
    subject = UUID(caller.post({**told, "data": text}).json()["subject"])
    ledger = caller.ledger
    archive(ledger, key, subject)
    reader = caller.get(PATH).json()["reader"]
    mine, other = (
        granting.grant(ledger, who, ("contact",), UNTIL, "dpo")[0] for who in (reader, "s1")
    )
    wish = Consultation(subject, "contact", "s1", other, "fraud", "dossier 7")
    return Archived(subject, mine, granting.consult(ledger, wish)[0])


def body(found: Archived) -> dict[str, str]:
    """What the caller may send to consult it."""
    about = {"subject": str(found.subject), "class": "contact", "grant": str(found.grant)}
    return {**about, "motive": "authority", "case": "dossier 8"}
