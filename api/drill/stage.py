"""The scene of the drill: a made-up ledger that was sealed, witnessed and dated, and outsiders.

Two moments are kept, and everything returns to one of them before an attack:

    FIRST   policy, three people, a consent given and withdrawn, 260 orders; sealed, cosigned by a
            witness, dated by an authority; an auditor keeps the checkpoint
    NOW     40 days later: another consent, one person erased; sealed, cosigned, kept

Before FIRST, the ledger's clock is 40 days behind the authority's. `house` is what the operator
holds (keyring, log, signer), `outside` what he does not: kept checkpoints, the witness's state. He
holds the database too. What this file never does: attack.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from api.drill.authority import Authority
from api.settings import Language
from api.wording import spoken
from ledger.calendar import Instant, Moment, SystemClock, moment_of_instant
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.errors import BadData, Broken, ProbantError, Tampered
from ledger.events import ConsentGiven, ConsentWithdrawn, ContactedUs, Fact, OrderPlaced
from ledger.evidence.export import MANIFEST, Wanted, export
from ledger.handlers import record, record_many
from ledger.opening import create, open_ledger
from ledger.sealing.client import Remembered
from ledger.sealing.files import write_whole
from ledger.sealing.keyfiles import KEY
from ledger.sealing.receipt import text_of
from ledger.sealing.sealer import Sealer
from ledger.sealing.signer import STATE, Signer
from ledger.store import tampering
from ledger.store.log import leaves
from ledger.store.vault import Scope
from ledger.store.verify import verify as verify_database
from ledger.witnessing.cosigned import add_cosignatures
from ledger.witnessing.stamping import ask, keep
from ledger.witnessing.witness import cosign
from replay import verify as verifier

ORIGIN, WITNESS = "drill.example/ledger", "dpo.example/witness"
DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000  # in microseconds
BEHIND = 40 * DAY
ORDERS = 260  # more than one tile: what trusts a tile without its parent is caught by a second
FIRST, NOW = "first", "now"


class Seen(NamedTuple):
    """Something that caught an attack: which check or guard, and its own sentence."""

    by: str
    sentence: str


class Hands:
    """A clock that somebody sets."""

    def __init__(self, at: Instant) -> None:
        self.at = at

    def now(self) -> Instant:
        """Where the hands are."""
        return self.at


class Desk:
    """A signer in this process."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer

    def state(self) -> Remembered:
        """What it signed last."""
        return Remembered(*self.signer.last, self.signer.key.vkey)

    def checkpoint(self, origin: str, size: int, root: bytes, proof: list[bytes]) -> bytes:
        """The signed note."""
        return self.signer.checkpoint(origin, size, root, proof)


class Stage:
    """The scene on one database. `people` are random ids by name."""

    def __init__(self, folder: Path, url: str, lang: Language) -> None:
        self.folder, self.url, self.lang = folder, url, lang
        self.house, self.outside = folder / "house", folder / "outside"
        self.authority = Authority(folder / "authority")
        self.began = SystemClock().now()
        self.clock = Hands(self.began - BEHIND)
        self.people: dict[str, UUID] = {}
        self.at: dict[str, int] = {}  # positions of the story
        self._kept: dict[str, tampering.Copy] = {}
        self.ledger = create(url, self.house / "keyring.json", origin=ORIGIN, clock=self.clock)
        Signer.create(self.house / "signer", ORIGIN)
        self.trust = self._pinned()
        self._tell()

    # -- the story ----------------------------------------------------------------------------

    def _tell(self) -> None:
        for name in ("anna", "berta", "carla"):
            self.contact(name)
        self.consent("anna", "given")
        self.consent("anna", "withdrawn")
        self.clock.at += MINUTE
        about: dict[str, Any] = {"occurred": self.moment(), "subject": self.people["anna"]}
        placed = [
            Record(OrderPlaced(**about), thing=Reference("shop", f"D{n}")) for n in range(ORDERS)
        ]
        record_many(self.ledger, placed)
        self.at["orders"] = self.ledger.recorder.head().position - ORDERS + 1
        self._publish(dated=True)
        self._keep(FIRST)
        self.clock.at = SystemClock().now()
        self.consent("berta", "given")
        carla = Scope(self.people["carla"], "contact", "")
        erase_scopes(self.ledger, [carla], journal=self.house / "journal", reason="request")
        self._publish(dated=False)
        self._keep(NOW)

    def _publish(self, *, dated: bool) -> None:
        """Seal; the witness visits and the auditor keeps what he saw; the authority dates it."""
        self.seal()
        if dated:
            keep(self.log, self.authority.roots, self.authority.answer(ask(self.log)))
        self.visit()
        size = Desk(self.signer()).state().size
        write_whole(
            self.outside / "kept" / f"{size}.txt",
            (self.log / "checkpoints" / str(size)).read_bytes(),
        )

    def contact(self, name: str) -> None:
        """Somebody new writes to us: her text is sealed."""
        fact = ContactedUs(occurred=self.moment(), channel="form", text=f"hello, I am {name}")
        done = record(self.ledger, Record(fact, person=Reference("shop", name)))
        assert done.subject is not None
        self.people[name], self.at[name] = done.subject, done.position

    def consent(self, name: str, what: str) -> int:
        """She gives or withdraws her consent; the position."""
        kind = ConsentGiven if what == "given" else ConsentWithdrawn
        about: dict[str, Any] = {"occurred": self.moment(), "subject": self.people[name]}
        return self.record(kind(**about, purpose="newsletter", channel="email"), f"{name} {what}")

    def record(self, fact: Fact, called: str) -> int:
        """Record a fact, and remember where; the position."""
        self.clock.at += MINUTE
        self.at[called] = record(self.ledger, Record(fact)).position
        return self.at[called]

    def moment(self) -> Moment:
        """The present, by the ledger's clock."""
        return moment_of_instant(self.clock.now())

    # -- moments ------------------------------------------------------------------------------

    def _keep(self, name: str) -> None:
        self._kept[name] = tampering.copy_of(self.ledger.database)
        for folder in (self.house, self.outside):
            shutil.copytree(folder, self.folder / name / folder.name)

    def begin(self, name: str = NOW) -> None:
        """Everything is as it was at that moment."""
        for folder in (self.house, self.outside):
            shutil.rmtree(folder)
            shutil.copytree(self.folder / name / folder.name, folder)
        shutil.rmtree(self.folder / "bundles", ignore_errors=True)
        shutil.rmtree(self.folder / "thief", ignore_errors=True)
        self.clock.at = self.began + HOUR if name == NOW else self.began - BEHIND + DAY
        self.restore(name)

    def restore(self, name: str) -> None:
        """The operator puts a backup of the database back, and nothing else."""
        tampering.put_back(self.ledger.database, self._kept[name])
        self.reopen()

    def restore_log(self, name: str) -> None:
        """The operator shows the files of the log as they were."""
        shutil.rmtree(self.log)
        shutil.copytree(self.folder / name / "house" / "log", self.log)

    def reopen(self) -> None:
        """What a process remembers of the database is forgotten."""
        self.ledger.close()
        self.ledger = open_ledger(self.url, self.house / "keyring.json", clock=self.clock)

    def close(self) -> None:
        """Leave the database."""
        self.ledger.close()

    # -- what the operator does -----------------------------------------------------------------

    @property
    def log(self) -> Path:
        """The folder of the sealed log."""
        return self.house / "log"

    def signer(self) -> Signer:
        """The signer that guards the log, with its memory."""
        return Signer(self.house / "signer")

    def seal(self, signer: Signer | None = None) -> list[Seen]:
        """A round of the sealer: who refused, if anybody did."""
        desk = Desk(signer or self.signer())
        try:
            Sealer(self.ledger.database, ORIGIN, desk, self.log).round()
        except Broken as error:
            return [Seen("sealer", self.said(error))]
        except BadData as error:
            return [Seen("signer", self.said(error))]
        return []

    def stolen(self) -> Signer:
        """The log's own key in a thief's hands: a signer that remembers nothing."""
        thief = self.folder / "thief"
        thief.mkdir()
        shutil.copy(self.house / "signer" / KEY, thief / KEY)
        write_whole(thief / STATE, json.dumps({"size": 0, "root": ""}).encode(), 0o600)
        return Signer(thief)

    def seal_again(self, signer: Signer) -> None:
        """The whole log is sealed anew, as if it had never been."""
        tampering.forget_seal(self.ledger.database)
        shutil.rmtree(self.log)
        assert self.seal(signer) == []

    def rewrite(self, change: Callable[[list[bytes]], list[bytes]]) -> None:
        """History is another one, and the database agrees with itself."""
        tampering.rewrite(self.ledger.database, change(tampering.history(self.ledger.database)))
        self.reopen()

    def receipt(self, position: int) -> Path:
        """What whoever recorded the event at this position was handed, kept outside."""
        (event,) = tampering.rows(self.ledger.database, "events", position=position)
        (((raw, leaf),),) = leaves(self.ledger.database, position, position)
        text = text_of(ORIGIN, position, sha256(raw).digest(), leaf, event["recorded_at"])
        path = self.outside / f"{position}.receipt"
        write_whole(path, self.signer().statement(text))
        return path

    def bundle(self, wanted: Wanted | None = None) -> Path:
        """An evidence bundle. Raises Tampered when what is exported is not what was signed."""
        number = len(list((self.folder / "bundles").glob("*"))) + 1
        folder = self.folder / "bundles" / str(number)
        export(self.ledger, self.log, folder, wanted or Wanted("whole"))
        return folder

    def said(self, error: ProbantError) -> str:
        """A refusal, in the language of whoever watches."""
        return spoken(error, self.lang)

    def refused(self, by: str, call: Callable[[], object]) -> list[Seen]:
        """Who refused, and how; nothing when nobody did."""
        try:
            call()
        except ProbantError as error:
            return [Seen(by, self.said(error))]
        return []

    # -- what others do ---------------------------------------------------------------------------

    def check(self) -> list[Seen]:
        """`probant verify` on the database: the first finding of each sort."""
        found: dict[str, str] = {}
        for one in verify_database(self.ledger.database).findings:
            at = "" if one.position is None else f"{one.position}: "
            found.setdefault(one.code, f"{at}{one.said(self.lang)}")
        return [Seen("database", sentence) for sentence in found.values()]

    def visit(self) -> list[Seen]:
        """The witness is shown a bundle and cosigns, or refuses."""
        now = self.began // 1_000_000
        state = self.outside / "witness.state"
        try:
            answer = cosign(self.bundle(), state, now, WITNESS, self.signer().key.vkey)
        except BadData as error:
            return [Seen("witness", self.said(error))]
        add_cosignatures(self.log, answer.note, [answer.vkey])
        if not self.trust.witnesses:
            witness = verifier.Key.parse(answer.vkey, 4)
            self.trust = self.trust._replace(witnesses=(witness,), quorum=1)
        return []

    def audit(self, receipts: Sequence[Path] = ()) -> list[Seen]:
        """What an auditor finds who was here before, after the witness was asked."""
        try:
            seen = self.visit()
            return seen + self.judge(self.bundle(), self.trust_now(), receipts)
        except Tampered as error:
            return [Seen("export", self.said(error))]

    def judge(
        self, bundle: Path, trust: verifier.Trust, receipts: Sequence[Path] = ()
    ) -> list[Seen]:
        """The findings of `verify.py`: the first of each check that failed; where none did, what
        was required and could not be checked."""
        report = verifier.verify(bundle, trust, self.lang, receipts=receipts)
        checks = report.to_json()["checks"]
        failed = [Seen(c["name"], c["findings"][0]) for c in checks if c["status"] == "failed"]
        open_ = [c for c in checks if c["required"] and c["status"] != "passed"]
        return failed or [Seen(c["name"], c["rests_on"]) for c in open_]

    def trust_now(self) -> verifier.Trust:
        """The auditor's anchors, with the checkpoints kept by now."""
        kept = tuple(sorted((self.outside / "kept").iterdir()))
        return self.trust._replace(checkpoints=kept)

    def first_visit(self, *, witness: bool = True) -> verifier.Trust:
        """The anchors of somebody who kept nothing, and may know of no witness."""
        none: dict[str, Any] = {"checkpoints": (), "tsa": ()}
        if not witness:
            none |= {"witnesses": (), "quorum": 0}
        return self.trust._replace(**none)

    def _pinned(self) -> verifier.Trust:
        log = verifier.Key.parse(self.signer().key.vkey, 1)
        return verifier.Trust(ORIGIN, (log,), tsa=(self.authority.roots,))


def replace_file(bundle: Path, name: str, content: bytes) -> None:
    """A file of a finished bundle is another one, and the manifest says so."""
    (bundle / name).write_bytes(content)
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    manifest["files"][name] = sha256(content).hexdigest()
    (bundle / MANIFEST).write_bytes(json.dumps(manifest, indent=1).encode())


@contextmanager
def staged(folder: Path, url: str, lang: Language) -> Iterator[Stage]:
    """The scene in a folder and on a scratch place of the database; the latter goes with it."""
    with tampering.scratch(url, folder) as place:
        stage = Stage(folder, place, lang)
        try:
            yield stage
        finally:
            stage.close()
