"""`/v1/archive/consultations`: recorded, sealed, opened, and told to nobody but who asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from api import archive_schema, keys
from api.app import create_app
from api.routes import AUDITOR, DPO
from api.sealed import Seal
from api.surrounding import WORTH_IT
from ledger.archiving.asking import NoOpener
from ledger.archiving.granting import revoke
from ledger.archiving.wire import Request
from ledger.entry import read
from ledger.erasing.erase import erase_scopes
from ledger.opening import create
from ledger.store.vault import Scope
from tests.archiving.room import CASE, TEXT, Room, archive
from tests.clock import StepClock
from tests.contracts.props import somebody

PATH = "/v1/archive/consultations"
ANNE, BEA = "anne", "bea"  # a data protection officer and an auditor


class Desk:
    """Two people with keys, over a room with an archive; the opener is asked in this process."""

    def __init__(self, room: Room, folder: Path) -> None:
        self.room, self.answers, self.rules = room, True, dict[str, int]()
        path = folder / "api-keys.json"
        now = room.clock.now()
        made = {
            name: keys.add(path, name, frozenset({role}), now)
            for name, role in ((ANNE, DPO), (BEA, AUDITOR))
        }
        self.ids = {name: key.id for name, (key, _) in made.items()}
        self.secrets = {name: secret for name, (_, secret) in made.items()}
        seal = Seal(room.folder / "log", None)
        accepted = keys.Keys.load(path)
        app = create_app(lambda: room.ledger, accepted, seal, opener=self._open)
        self.client = TestClient(app, raise_server_exceptions=False)
        self.grant = str(room.grant(holder=self.ids[ANNE]))

    def _open(self, request: Request) -> dict[str, Any]:
        if not self.answers:
            raise NoOpener("no opener answers")
        return {"opened": self.room.opener(**self.rules).open(request)}

    def body(self, **changed: Any) -> dict[str, Any]:
        """What Anne asks; None takes a member away."""
        said = {
            "subject": str(self.room.subject),
            "class": "contact",
            "grant": self.grant,
            "motive": "litigation",
            "case": CASE,
            **changed,
        }
        return {name: value for name, value in said.items() if value is not None}

    def ask(self, method: str, path: str, item: Any = None, who: str = ANNE, **more: str) -> Any:
        """One request."""
        headers = {"Authorization": f"Bearer {self.secrets[who]}", **more}
        return self.client.request(method, path, json=item, headers=headers)

    def consulted(self, **changed: Any) -> str:
        """Where Anne's consultation is, once it is sealed."""
        answer = self.ask("POST", PATH, self.body(**changed))
        assert answer.status_code == 202, answer.text
        self.room.seal()
        where: str = answer.headers["location"]
        return where

    def facts(self, kind: str) -> list[Any]:
        """The entries of one kind, with where they stand."""
        head = self.room.ledger.recorder.head().position
        events = self.room.ledger.recorder.select_notifications(1, head)
        said = [(event.id, read(event.state)) for event in events]
        return [(at, one["meta"]) for at, one in said if one["type"] == kind]


@pytest.fixture
def opened(clock: StepClock, tmp_path: Path) -> Iterator[Callable[[str], Desk]]:
    """Makes a desk over a new ledger at a URL."""
    desks = []

    def make(url: str) -> Desk:
        keyring = None if url == "sqlite://" else tmp_path / "keys" / "keyring.json"
        ledger = create(url, keyring, clock=clock, origin="example.org/archive")
        desk = Desk(Room.build(ledger, clock, tmp_path), tmp_path)
        desk.client.__enter__()
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        desk.client.__exit__(None, None, None)


@pytest.fixture
def desk(opened: Callable[[str], Desk]) -> Desk:
    """Over a ledger in memory."""
    return opened("sqlite://")


@pytest.fixture
def anywhere(opened: Callable[[str], Desk], ledger_url: str) -> Desk:
    """Over each kind of database in turn."""
    return opened(ledger_url)


def problem(answer: Any) -> tuple[int, str, str | None]:
    """Status, slug and field of a refusal, which says the case to nobody."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert CASE not in answer.text
    assert TEXT not in answer.text
    said = answer.json()
    return answer.status_code, said["type"].removeprefix("/docs#problem-"), said.get("field")


@pytest.mark.clause("SS-RET-2")
def test_recorded_then_sealed_then_opened(anywhere: Desk) -> None:
    """The motive is in the log before anything is read; the read is, before it is answered."""
    desk = anywhere
    asked = desk.ask("POST", PATH, desk.body())
    assert (asked.status_code, asked.headers["retry-after"]) == (202, "2")
    said = asked.json()
    assert said.keys() == archive_schema.CONSULTED.keys()
    assert (said["state"], said["reader"], said["keys"]) == ("waiting", desk.ids[ANNE], 1)
    assert CASE not in asked.text
    ((position, meta),) = desk.facts("archive.consulted.v1")
    assert (position, meta["motive"]) == (said["position"], "litigation")
    where = asked.headers["location"]
    assert where == f"{PATH}/{said['id']}"
    waits = desk.ask("GET", where)
    assert (waits.status_code, waits.json(), waits.headers["retry-after"]) == (202, said, "2")
    assert desk.facts("data.read.v1") == []
    desk.room.seal()
    (listed,) = desk.ask("GET", PATH).json()["items"]
    assert listed == {**said, "state": "ready"}
    answer = desk.ask("GET", where, **{"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, answer.text
    (part,) = answer.json()["opened"]
    assert part["fields"] == {"text": TEXT}
    assert answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in answer.headers
    ((at, told),) = desk.facts("data.read.v1")
    assert answer.json()["read"] == at
    assert (told["reader"], told["classes"], told["reason"]) == (
        desk.ids[ANNE],
        ["contact"],
        "litigation",
    )
    assert told["case"] == said["id"]


def test_nothing_of_the_archive_is_compressed(desk: Desk) -> None:
    """However long it is, and whoever accepts it."""
    for n in range(8):
        desk.ask("POST", PATH, desk.body(case=f"dossier {n}"))
    listed = desk.ask("GET", PATH, **{"Accept-Encoding": "gzip"})
    assert len(listed.content) > WORTH_IT
    assert "content-encoding" not in listed.headers
    assert listed.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"motive": None}, (422, "archived-motive-required", "motive")),
        ({"motive": "curiosity"}, (422, "archived-motive-required", "motive")),
        ({"case": None}, (422, "archived-motive-required", "case")),
        ({"case": " "}, (422, "archived-motive-required", "case")),
        ({"case": 7}, (422, "malformed", "case")),
        ({"case": "4111 1111 1111 1111"}, (422, "pan-detected", "case")),
        ({"grant": str(uuid4())}, (422, "no-grant", "grant")),
        ({"grant": "mine"}, (422, "malformed", "grant")),
        ({"subject": None}, (422, "malformed", "subject")),
        ({"subject": str(uuid4())}, (422, "not-archived", None)),
        ({"scope": "elsewhere"}, (422, "not-archived", None)),
        ({"class": "order"}, (422, "no-grant", "grant")),
        ({"class": "Contact!"}, (422, "malformed", "class")),
        ({"reader": "somebody"}, (422, "malformed", "item")),
        ({"approver": "somebody"}, (422, "malformed", "item")),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_recorded(
    desk: Desk, changed: dict[str, Any], said: Any
) -> None:
    """Reader and approver are who they are: nobody writes a name."""
    before = desk.room.ledger.recorder.head().position
    answer = desk.ask("POST", PATH, desk.body(**changed))
    assert problem(answer) == said
    if said[1] in ("archived-motive-required", "no-grant", "not-archived"):
        assert answer.json()["clause"] == "SS-RET-2"
        assert answer.json()["article"]
    assert desk.room.ledger.recorder.head().position == before


def test_a_grant_is_hers_until_its_day(desk: Desk) -> None:
    """Somebody else's opens nothing; nor does one that ended, however fresh the consultation."""
    where = desk.consulted()
    assert problem(desk.ask("POST", PATH, desk.body(), BEA)) == (422, "no-grant", "grant")
    revoke(desk.room.ledger, desk.room.grant(holder=desk.ids[ANNE]), "dpo")  # another one
    assert desk.ask("GET", where).status_code == 200
    desk.room.clock.set("2026-02-01T22:30:00")
    late = desk.consulted()
    desk.room.clock.set("2026-02-01T23:30:00")  # the second of February in Paris
    assert problem(desk.ask("POST", PATH, desk.body())) == (422, "no-grant", "grant")
    refused = desk.ask("GET", late)
    assert problem(refused) == (422, "opener-refused", None)
    assert "the grant has ended" in refused.json()["detail"]


def test_what_somebody_else_consulted_is_not_there(desk: Desk) -> None:
    """The same words as for what never was, before it is sealed and after."""
    asked = desk.ask("POST", PATH, desk.body())
    for path in (asked.headers["location"], f"{PATH}/{uuid4()}", f"{PATH}/nonsense"):
        assert problem(desk.ask("GET", path, who=BEA)) == (404, "not-found", None)
    grant = f"{PATH}/{desk.grant}"  # a stream of the archive, and no consultation
    assert problem(desk.ask("GET", grant)) == (404, "not-found", None)
    desk.room.seal()
    assert desk.ask("GET", asked.headers["location"], who=BEA).status_code == 404
    assert desk.ask("GET", PATH, who=BEA).json() == {"reader": desk.ids[BEA], "items": []}
    assert desk.facts("data.read.v1") == []


def test_without_an_opener_it_is_said(desk: Desk) -> None:
    """One that does not answer now is asked again; a server that knows none records nothing."""
    where = desk.consulted()
    desk.answers = False
    absent = desk.ask("GET", where)
    assert problem(absent) == (503, "no-opener", None)
    assert absent.headers["retry-after"]
    assert desk.facts("data.read.v1") == []
    desk.answers = True
    assert desk.ask("GET", where).status_code == 200
    before = desk.room.ledger.recorder.head().position
    state = desk.client.app.state  # type: ignore[attr-defined]
    state.opener = None
    for method, path in (
        ("POST", PATH),
        ("GET", PATH),
        ("GET", where),
        ("POST", f"{where}/approval"),
    ):
        item = desk.body() if path == PATH else {"case": CASE}
        answer = desk.ask(method, path, item if method == "POST" else None)
        assert problem(answer) == (503, "no-opener", None)
    assert desk.room.ledger.recorder.head().position == before


def many_keys(desk: Desk) -> None:
    """Three keys of hers are archived, and the opener opens two for one person."""
    for _ in range(2):
        somebody(desk.room.ledger, "somebody", TEXT)
        archive(desk.room.ledger, desk.room.key, desk.room.subject)
    desk.rules = {"many": 2}


@pytest.mark.clause("SS-RET-2")
def test_many_keys_wait_for_a_second_person(anywhere: Desk) -> None:
    """She who asked cannot approve; who approves sees what, not which case, and says it herself."""
    desk = anywhere
    many_keys(desk)
    where = desk.consulted()
    pending = desk.ask("GET", where)
    assert problem(pending) == (422, "four-eyes", None)
    assert pending.json()["clause"] == "SS-RET-2"
    assert desk.facts("data.read.v1") == []
    assert desk.ask("GET", f"{PATH}?to_approve=true").json()["items"] == []
    (shown,) = desk.ask("GET", f"{PATH}?to_approve=true", who=BEA).json()["items"]
    assert (shown["reader"], shown["keys"]) == (desk.ids[ANNE], 3)
    assert CASE not in json.dumps(shown)
    approval = f"{where}/approval"
    own = desk.ask("POST", approval, {"case": CASE})
    assert problem(own) == (422, "four-eyes", "approver")
    unsaid = desk.ask("POST", approval, {}, BEA)
    assert problem(unsaid) == (422, "archived-motive-required", "case")
    assert problem(desk.ask("POST", approval, {"case": CASE, "reader": "x"}, BEA))[0] == 422
    approved = desk.ask("POST", approval, {"case": CASE}, BEA)
    assert (approved.status_code, approved.headers["location"]) == (202, where)
    assert approved.json()["approver"] == desk.ids[BEA]
    again = desk.ask("POST", approval, {"case": CASE}, BEA)
    assert problem(again) == (409, "conflict", None)
    assert desk.ask("GET", where).status_code == 202  # the approval is to be sealed, too
    desk.room.seal()
    assert len(desk.ask("GET", where).json()["opened"]) == 3
    assert desk.ask("GET", where, who=BEA).status_code == 404  # she approved, and reads nothing
    assert desk.ask("GET", f"{PATH}?to_approve=true", who=BEA).json()["items"] == []
    (listed,) = desk.ask("GET", PATH).json()["items"]
    assert listed["position"] == approved.json()["position"]
    first, second = desk.facts("archive.consulted.v1")
    assert [meta.pop("approver", None) for _, meta in (first, second)] == [None, desk.ids[BEA]]
    said = ("subject", "reader", "motive", "of", "keys", "grant")
    assert all(first[1][name] == second[1][name] for name in said)


def test_an_approval_is_of_something_that_can_still_be_opened(desk: Desk) -> None:
    where = desk.consulted()
    assert problem(desk.ask("POST", f"{PATH}/{uuid4()}/approval", {"case": CASE}, BEA))[0] == 404
    assert problem(desk.ask("POST", f"{PATH}/{desk.grant}/approval", {"case": CASE}, BEA))[0] == 404
    scope = Scope(desk.room.subject, "contact", "")
    folder = desk.room.folder / "journal"
    erase_scopes(desk.room.ledger, [scope], journal=folder, reason="request")
    approval = desk.ask("POST", f"{where}/approval", {"case": CASE}, BEA)
    assert problem(approval) == (410, "erased", None)
    assert problem(desk.ask("GET", where)) == (410, "erased", None)


def test_the_list_is_of_the_last_day(desk: Desk) -> None:
    """As long as the opener opens them."""
    first = desk.ask("POST", PATH, desk.body()).json()["id"]
    desk.room.clock.advance(hours=23)
    second = desk.ask("POST", PATH, desk.body(motive="authority")).json()["id"]
    assert [one["id"] for one in desk.ask("GET", PATH).json()["items"]] == [first, second]
    desk.room.clock.advance(hours=2)
    (left,) = desk.ask("GET", PATH).json()["items"]
    assert (left["id"], left["motive"]) == (second, "authority")


def test_the_same_request_again_is_recorded_once(desk: Desk) -> None:
    """Under its key: the same consultation, and when to come back."""
    key = {"Idempotency-Key": '"once"'}
    first, again = (desk.ask("POST", PATH, desk.body(), **key) for _ in range(2))
    assert (again.status_code, again.json()) == (202, first.json())
    for name in ("location", "retry-after"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["idempotency-replayed"] == "true"
    assert len(desk.facts("archive.consulted.v1")) == 1
    other = desk.ask("POST", PATH, desk.body(case="another"), **key)
    assert problem(other) == (422, "idempotency-key-reused", None)


def test_only_json_and_one_at_a_time(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.secrets[ANNE]}", "Content-Type": "text/plain"}
    assert desk.client.post(PATH, content=b"{}", headers=headers).status_code == 415
    assert problem(desk.ask("POST", PATH, [desk.body()]))[1] == "malformed"
    assert problem(desk.ask("POST", PATH, ["x"]))[1] == "malformed"
