"""Who may tell us which fact: a machine, staff, who answers for the data, or a service of ours
only; and a consent that waits for her token, whoever says yes in her place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import keys, telling
from api.app import create_app
from api.routes import AGENT, DPO, RECORDER
from ledger.choosing.optin import Confirmation
from ledger.events import KINDS, OWN
from ledger.opening import create
from tests.clock import StepClock

ROOT = Path(__file__).resolve().parents[2]
SHE = {"kind": "shop", "value": "0042"}
YES: dict[str, Any] = {
    "kind": "consent.given",
    "person": SHE,
    "data": {"purpose": "newsletter", "channel": "email", "form": "popup-3", "grade": "proved"},
}
ASKED = {"purpose": "newsletter", "channel": "email", "form": "popup-3"}


HOLD = {"article": "GDPR art. 17(3)(e)", "review": "2026-06-01", "classes": ["order"]}


class Office:
    """One ledger, and a caller for each role."""

    def __init__(self, client: TestClient, secrets: dict[str, str]) -> None:
        self.client, self.secrets = client, secrets
        self.carried: list[Confirmation] = []

    def tell(self, role: str, item: Any, path: str = "/v1/facts") -> Any:
        headers = {"Authorization": f"Bearer {self.secrets[role]}"}
        return self.client.post(path, json=item, headers=headers)


Opened = Callable[[], Office]


@pytest.fixture
def office(tmp_path: Path, clock: StepClock) -> Iterator[Office]:
    """Over a ledger in memory."""
    path = tmp_path / "api-keys.json"
    secrets = {RECORDER: keys.create(path, frozenset({RECORDER}))}
    for role in (AGENT, DPO):
        secrets[role] = keys.add(path, role, frozenset({role}), clock.now())[1]
    carried: list[Confirmation] = []
    ledger = create("sqlite://", clock=clock)
    app = create_app(lambda: ledger, keys.Keys.load(path), carry=carried.append)
    with TestClient(app) as client:
        made = Office(client, secrets)
        made.carried = carried
        yield made


def known(office: Office) -> str:
    contact = {"kind": "customer.contacted_us", "person": SHE, "data": {"channel": "form"}}
    found: str = office.tell(RECORDER, contact).json()["subject"]
    return found


def test_no_kind_is_forgotten() -> None:
    """Each is told by somebody, or a service is named; the tables name no kind that is none."""
    for kind, cls in KINDS.items():
        name = kind.removesuffix(".v1")
        is_ours = kind in OWN or name in telling.SERVICES or cls.aggregate == "rights_request"
        assert bool(telling.tellers(cls)) != is_ours, kind
    names = {kind.removesuffix(".v1") for kind in KINDS}
    assert names >= {*telling.SERVICES, *telling.KINDS_BY}
    assert {cls.aggregate for cls in KINDS.values()} >= telling.AGGREGATES_BY.keys()


def test_the_page_shows_the_tables_as_they_are() -> None:
    """`docs/access.md` holds what the code says."""
    page = (ROOT / "docs" / "access.md").read_text("utf-8")
    assert telling.markdown() in page, f"paste this into docs/access.md:\n{telling.markdown()}"


@pytest.mark.parametrize(
    ("role", "kind", "data"),
    [
        (RECORDER, "hold.placed", HOLD),
        (AGENT, "hold.placed", HOLD),
        (AGENT, "customer.logged_in", {}),
        (AGENT, "objection.assessed", {"purpose": "newsletter", "decision": "overridden"}),
        (RECORDER, "customer.died", {"source": "heir"}),
        (DPO, "message.sent", {"purpose": "newsletter", "channel": "email"}),
        (RECORDER, "data.read", {"reader": "x", "classes": ["contact"], "reason": "y"}),
        (DPO, "data.read", {"reader": "x", "classes": ["contact"], "reason": "y"}),
        (RECORDER, "motive.received", {"channel": "form", "match": "applied"}),
        (DPO, "request.received", {"right": "objection", "channel": "email"}),
        (DPO, "request.fulfilled", {}),
    ],
)
def test_who_may_not_tell_it_is_told_who_does(
    office: Office, role: str, kind: str, data: dict[str, Any]
) -> None:
    """A problem of its own item: the others of a batch are recorded."""
    known(office)
    cls = KINDS[f"{kind}.v1"]
    required = {spec.key for spec in cls.specs if spec.required}
    item = {"kind": kind, "person": SHE, "data": data}
    if not required <= data.keys():
        pytest.fail(f"the example of {kind} lacks {required - data.keys()}")
    actor = {} if role == RECORDER else {"actor": "agent"}
    fine = {"kind": "customer.contacted_us", "person": SHE, "data": {"channel": "phone"}, **actor}
    refused, recorded = office.tell(role, [item, fine]).json()["items"]
    assert (refused["status"], refused["type"]) == (403, "/docs#problem-forbidden")
    assert " is recorded by " in refused["detail"]
    assert recorded["status"] == 201


@pytest.mark.clause("SS-LB-2")
def test_staff_speak_in_nobodys_name(office: Office) -> None:
    """What they were told is theirs, said or not: a yes of hers is asserted by an agent."""
    known(office)
    for actor in ("self", "system"):
        refused = office.tell(AGENT, {**YES, "actor": actor})
        assert (refused.status_code, refused.json()["field"]) == (403, "actor")
    at = office.tell(AGENT, YES).json()["position"]
    subject = office.tell(AGENT, {"person": SHE}, "/v1/subjects/lookup").json()["subject"]
    headers = {"Authorization": f"Bearer {office.secrets[AGENT]}"}
    told = office.client.get(f"/v1/subjects/{subject}/timeline", headers=headers).json()["items"]
    assert [item["actor"] for item in told if item["position"] == at] == ["agent"]


def test_who_may_not_record_may_not_correct_or_void(office: Office) -> None:
    """A hold is placed by who answers for the data, and taken from nobody by a machine."""
    known(office)
    placed: dict[str, Any] = {"kind": "hold.placed", "person": SHE, "actor": "agent"}
    placed["data"] = HOLD
    at = office.tell(DPO, placed).json()["position"]
    for amend in ({"void": {"position": at}}, {"correct": {"position": at, "changes": {}}}):
        refused = office.tell(RECORDER, amend)
        assert (refused.status_code, refused.json()["field"]) == (403, "kind"), amend
    assert office.tell(DPO, {"void": {"position": at}}).status_code == 201
    assert office.tell(RECORDER, {"void": {"position": 999}}).status_code == 404


@pytest.mark.clause("SS-LB-2", "SS-CH-1")
@pytest.mark.parametrize("role", [RECORDER, AGENT, DPO])
def test_while_her_token_is_awaited_nobody_says_yes_for_her(office: Office, role: str) -> None:
    """By no kind, no correction, and not by naming the act; of another channel, yes; no, always."""
    her = known(office)
    sms = {**YES, "data": {**YES["data"], "channel": "sms"}}
    at = office.tell(role, sms).json()["position"]
    asked = office.tell(AGENT, ASKED, f"/v1/subjects/{her}/choices/requests")
    assert asked.status_code == 201
    stolen = {**YES["data"], "act": "double_opt_in"}
    for wrong in (
        YES,
        {**YES, "kind": "consent.renewed"},
        {**YES, "data": stolen},
        {"correct": {"position": at, "changes": {"channel": "email"}}},
        {"kind": "consent.requested", "person": SHE, "data": {**ASKED, "act": "double_opt_in"}},
    ):
        refused = office.tell(role, wrong)
        assert refused.json().get("type") == "/docs#problem-double-opt-in", (wrong, refused.json())
    assert office.tell(role, sms).status_code == 201
    (carried,) = office.carried
    done = office.client.post("/v1/choices/confirmations", json={"token": carried.token})
    assert done.status_code == 201, done.text
    assert office.tell(role, {**YES, "kind": "consent.withdrawn"}).status_code == 201


def test_a_no_ends_the_wait(office: Office) -> None:
    """Then a later yes is what it always was: asserted by whoever says it."""
    her = known(office)
    office.tell(AGENT, ASKED, f"/v1/subjects/{her}/choices/requests")
    assert office.tell(AGENT, {**YES, "kind": "consent.refused"}).status_code == 201
    assert office.tell(AGENT, YES).status_code == 201
    (carried,) = office.carried
    late = office.client.post("/v1/choices/confirmations", json={"token": carried.token})
    assert late.json()["type"] == "/docs#problem-token-void"
