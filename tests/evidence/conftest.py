"""One history with something of everything, told once by a real ledger; each test has its copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ledger.acting import act, act_of
from ledger.commands import Record, Reference
from ledger.events import (
    ClassErased,
    ConsentGiven,
    ConsentWithdrawn,
    KeyDestroyed,
    LoggedIn,
    OrderPlaced,
    Pruned,
    Restored,
)
from ledger.fields import KeyProof
from ledger.handlers import record, record_many
from ledger.opening import create
from replay.verify import Report, Trust, verify
from tests.clock import StepClock
from tests.contracts.props import now, somebody
from tests.evidence.bundles import ORIGIN, Evidence, from_ledger, key, vkey

WITNESSES = (("dpo.example", key(11), 1_800_000_000), ("works.example", key(12), 1_800_000_100))


class Told(Evidence):
    """An `Evidence`, and where the acts of the story are."""


@pytest.fixture(scope="session")
def story() -> Evidence:
    """People, choices, 560 orders; one person's contact erased, three logins pruned, one lost."""
    clock = StepClock()
    ledger = create("sqlite://", clock=clock)
    try:
        anna = somebody(ledger, "anna", "hello")  # 2, 3
        berta = somebody(ledger, "berta", "good day")  # 4, 5
        about: dict[str, Any] = {"occurred": now(ledger), "subject": anna}
        clock.advance(hours=1)
        record(ledger, Record(ConsentGiven(**about, purpose="newsletter", channel="email")))  # 6
        clock.advance(hours=1)
        record(ledger, Record(ConsentWithdrawn(**about, purpose="newsletter", channel="email")))
        for hour in range(3):  # 8, 9, 10
            clock.advance(hours=hour)
            record(ledger, Record(LoggedIn(**about, ip="192.0.2.7")))
        orders = [Record(OrderPlaced(**about), thing=Reference("ref", f"A{n}")) for n in range(560)]
        record_many(ledger, orders)  # 11 to 570
        clock.advance(hours=1)
        told = from_ledger(ledger)
        kid, kc = (told.said(5)["parts"][0][name] for name in ("kid", "kc"))
        erased = act_of(
            ClassErased(
                subject=berta,
                occurred=now(ledger),
                actor="system",
                of="contact",
                keys=(kid,),
                reason="request",
            ),
            berta,
        )
        about = {"occurred": now(ledger), "actor": "system"}
        act(ledger, [erased])  # 571
        destroyed = KeyDestroyed(
            **about, keys=(KeyProof(kid, kc),), reason="request", authority=erased.id
        )
        act(ledger, [act_of(destroyed)])  # 572
        pruned = Pruned(**about, ranges=((20, 22),), events=3, reason="term")
        act(ledger, [act_of(pruned)])  # 573
        restored = Restored(**about, backup_head=9, last_checkpoint=500, lost_parts=((9, 9),))
        act(ledger, [act_of(restored, uuid4())])  # 574
        told = from_ledger(ledger)
    finally:
        ledger.close()
    del told.envelopes["4-contact"], told.envelopes[f"8-{told.said(9)['parts'][0]['n']}"]
    told.prune(20, 21, 22)
    told.sizes, told.consistency = [256, 300, 570], [300]
    told.witnesses = list(WITNESSES)
    return told


@pytest.fixture
def evidence(story: Evidence) -> Evidence:
    """The story, to be altered."""
    return story.copy()


class Auditor:
    """Somebody with a folder of her own: what she pins, what she kept, what she is told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, [("kept", b"")][:0]
        self.lines = {
            "origin": f'"{ORIGIN}"',
            "log": f'["{vkey(ORIGIN, key(1))}"]',
            "witnesses": str([vkey(name, private, 4) for name, private, _ in WITNESSES]),
            "quorum": "2",
        }

    def keep(self, note: bytes) -> None:
        """Remember a checkpoint."""
        name = f"kept-{len(self.kept)}"
        self.kept.append((name, note))
        (self.folder / name).write_bytes(note)
        self.lines["checkpoints"] = str([kept for kept, _ in self.kept])

    @property
    def trust(self) -> Path:
        """Her trust file."""
        file = self.folder / "anchors.toml"
        file.write_text("".join(f"{k} = {v}\n" for k, v in self.lines.items()), "utf-8")
        return file

    def ask(self, path: Path, **options: Any) -> Report:
        """The verdict on a bundle."""
        return verify(path, Trust.load(self.trust), **options)

    def judge(self, evidence: Evidence, **options: Any) -> Report:
        """The verdict on what somebody says."""
        return self.ask(evidence.write(self.folder / "bundle"), **options)


@pytest.fixture
def auditor(tmp_path: Path) -> Auditor:
    """An auditor who pins the log's key and two witnesses, both of them needed."""
    return Auditor(tmp_path)
