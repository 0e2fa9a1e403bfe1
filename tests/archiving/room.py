"""Props of the archive: a ledger with an archived class, its log sealed, an opener beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.archiving import granting
from ledger.archiving.asking import gather
from ledger.archiving.granting import Consultation
from ledger.archiving.opener import Opener, Rules, State
from ledger.archiving.wire import Request
from ledger.commands import Record
from ledger.entry import to_base64
from ledger.events import ClassArchived, ContactedUs
from ledger.handlers import record
from ledger.seal.note import VerifyKey
from ledger.store import tables
from ledger.store.recorder import Written
from ledger.store.vault import context_of
from tests.clock import StepClock
from tests.contracts.props import now, somebody
from tests.evidence.test_export import sealed

TEXT = "Litige sur la commande, signé Élise Durand"
CASE = "Tribunal de Nanterre, affaire Durand"
UNTIL = 20260201
keys = tables.keys
OURS = keys.c.tier == "operational"


def archive(ledger: Ledger, key: ArchiveKey, subject: UUID, of: str = "contact") -> None:
    """What the retention run does to one class of one person: fact and rewrap, together."""
    with ledger.database.read() as connection:
        rows = connection.execute(
            sa.select(keys).where(keys.c.subject == subject, keys.c.data_class == of, OURS)
        ).all()
    fact = ClassArchived(
        occurred=now(ledger),
        actor="system",
        subject=subject,
        of=of,
        keys=tuple(row.key_id for row in rows),
        recipient=to_base64(key.recipient.digest),
        until=20310105,
        article="C. com. art. L110-4",
        reason="term",
    )

    def rewrap(connection: sa.Connection, _written: Sequence[Written]) -> None:
        for row in rows:
            context = context_of(row)
            dek = ledger.keyring.unwrap(row.kek_epoch, row.wrapped, context)
            wrapped = key.recipient.digest + key.recipient.wrap(dek, context)
            connection.execute(
                keys.update()
                .where(keys.c.key_id == row.key_id)
                .values(tier="archive", wrapped=wrapped)
            )

    act(ledger, [act_of(fact, subject)], rewrap, new_epoch=True)


@dataclass
class Room:
    """A ledger, an archived person, her archive key, the log and the opener's folder."""

    ledger: Ledger
    clock: StepClock
    folder: Path
    key: ArchiveKey
    subject: UUID
    vkey: VerifyKey

    @classmethod
    def build(cls, ledger: Ledger, clock: StepClock, folder: Path) -> Room:
        """One person wrote to us; what she wrote is archived; the log is sealed."""
        key, subject = ArchiveKey.generate(), somebody(ledger)
        fact = ContactedUs(occurred=now(ledger), subject=subject, channel="form", text=TEXT)
        record(ledger, Record(fact))
        archive(ledger, key, subject)
        signer = sealed(ledger, folder / "log")
        State(folder / "state.json").save()
        return cls(ledger, clock, folder, key, subject, VerifyKey.parse(signer.vkey))

    def grant(self, holder: str = "s1", classes: tuple[str, ...] = ("contact",)) -> UUID:
        """A grant of the DPO's."""
        return granting.grant(self.ledger, holder, classes, UNTIL, "dpo")[0]

    def consult(self, grant: UUID, **changed: Any) -> int:
        """A consultation of s1."""
        wish = Consultation(self.subject, "contact", "s1", grant, "litigation", CASE)
        return granting.consult(self.ledger, wish._replace(**changed))[1]

    def seal(self) -> None:
        """The log grows to the head of the ledger."""
        sealed(self.ledger, self.folder / "log")

    def request(self, position: int) -> Request:
        """What the opener is to see."""
        return gather(self.ledger, self.folder / "log", position)

    def asked(self) -> Request:
        """Granted, consulted, sealed, gathered."""
        position = self.consult(self.grant())
        self.seal()
        return self.request(position)

    def opener(self, **rules: Any) -> Opener:
        """An opener started now: it knows what is in its folder."""
        chosen = Rules((self.vkey,), self.folder / "log")._replace(**rules)
        return Opener(self.key, chosen, State.load(self.folder / "state.json"), self.clock)
