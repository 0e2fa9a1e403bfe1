"""Whatever the OpenAPI description allows, and what it does not, sent to every route of a server.

schemathesis makes the requests: half of them as described, half with something against the
description. The ledger is a real one, in a file, sealed, with people, orders, requests and a queue
in it; ids in paths are theirs or made up. Whatever is sent: never a 5xx, and every answer is what
the description says of it (status, media type, headers, body).

The seed is fixed and said in every failure; `PROBANT_TEST_SEED` sets another, `PROBANT_TEST_FUZZ`
how many requests of either half each route gets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api import examples, keys, things_schema
from api.access import HELD
from api.app import create_app
from api.sealed import Seal
from ledger.archive_key import ArchiveKey
from ledger.archiving.asking import Ask
from ledger.archiving.opener import Opener, Rules, State
from ledger.opening import create
from ledger.seal.note import VerifyKey
from ledger.sealing.client import SignerClient, running_signer
from ledger.sealing.sealer import Sealer
from tests.api import archived
from tests.api.conftest import Caller, order

SEED = int(os.environ.get("PROBANT_TEST_SEED", "20180525"))
EACH = int(os.environ.get("PROBANT_TEST_FUZZ", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# A copy: what is made up may begin with an example, and is changed where it stands.
DESCRIPTION = deepcopy(create_app(lambda: create("sqlite://"), keys.Keys(())).openapi())
READ: Any = schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
OPERATIONS = {found.ok().label: found.ok() for found in READ}
SETTINGS = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
OURS = ("user-agent", "x-schemathesis-testcaseid", "authorization", "connection", "content-length")


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """A text as it is; anything else as one line of JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


class Server(NamedTuple):
    """A server, and what its paths may name."""

    caller: Caller
    named: dict[str, list[Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A sealed ledger in a file, with something of everything in it."""
    home = tmp_path_factory.mktemp("l")
    ledger = create(f"sqlite:///{home / 'ledger.sqlite'}", home / "keyring.json", origin="ex.org/s")
    key = keys.create(home / "keys.json", HELD)
    accepted = keys.Keys.load(home / "keys.json")
    with running_signer(home / "signer", home / "s", "ex.org/s") as signer:
        seal, archive_key = Seal(home / "log", SignerClient(home / "s")), ArchiveKey.generate()
        made = create_app(
            lambda: ledger,
            accepted,
            seal,
            carry=lambda _message: None,
            journal=home / "journal",
            opener=opening(home, archive_key, signer.state().vkey),
            origins=["https://choices.example.org"],
        )
        made.state.limits = made.state.limits._replace(
            **{name: Unlimited() for name in made.state.limits._fields}
        )
        with TestClient(made, raise_server_exceptions=False) as client:
            caller = Caller(client, ledger, key)
            named = furnished(caller) | consulted(caller, archive_key)
            named["subject"] = [*named["subject"], *named.pop("archived")]
            Sealer(ledger.database, ledger.keyring.origin, signer, home / "log").round()
            yield Server(caller, named)


class Unlimited:
    """A bucket without a bottom: 429 would hide what we look for."""

    def take(self, *_: object) -> None:
        """Always."""


def furnished(caller: Caller) -> dict[str, list[Any]]:
    """Record something of everything; what can be named, in a path, a question or a body."""
    items = [order(name, f"A-{name}") for name in ("0042", "0043", "0044")]
    told = caller.post([*items, examples.CONSENT, examples.UNDECLARED]).json()["items"]
    people = [item["subject"] for item in told[:3]]
    written = {"subject": people[0], "channel": "letter", "text": "Plus de courrier, merci"}
    caller.client.post("/v1/motives", json=written, headers=caller.headers)
    asked = caller.client.post("/v1/requests", json=examples.REQUEST_SENT, headers=caller.headers)
    request = asked.json()["request"]["id"]
    position = caller.get("/v1/queue").json()["items"][0]["position"]
    refused = {"kind": "tracker.refused", "data": {"purpose": "audience"}}
    device = caller.post(refused).json()["stream"]
    things = {
        name: [one["stream"]]
        for name, one in zip(("cards", "contracts", "holds"), begun(caller, people[0]), strict=True)
    }
    size = caller.position()
    days = ["2026-01-05", "2031-01-05T09:30:00Z", "1999-12-31"]
    return {
        **dict.fromkeys(("id", "subject", "other"), people),
        "request": [request],
        **things,
        "card": things["cards"],
        "day": ["current", "2020-01-01"],
        "name": ["contact", "card", "order"],
        **dict.fromkeys(("as_of", "known_at", "at", "due_before"), days),
        "review_by": ["2026-01-05"],
        "law_of": ["1999-12-31"],
        "person": [{"kind": "shop", "value": name} for name in ("0042", "0043", "nobody")],
        "purpose": ["newsletter", "resale", "audience"],
        "channel": ["email", "phone", "letter", "form"],
        "right": ["access", "erasure", "objection", "portability"],
        "device": [device],
        "position": [position, 1, 2],
        "old": [1, size],
        "new": [size],
        "path": [f"0/000.p/{size}", f"entries/000.p/{size}", "entries/000"],
        "step": ["acknowledge", "qualify", "extend", "fulfil", "refuse", "withdraw", "close"],
    }


def begun(caller: Caller, subject: str) -> list[Any]:
    """A card, a contract and a hold of hers."""
    yes = {"kind": "consent.given", "subject": subject, "data": {"purpose": "wallet"}}
    data = {"ground": "wallet", "expiry": "2031-03"}
    card = caller.post([yes, {"kind": "card.kept", "subject": subject, "data": data}]).json()
    found = [card["items"][1]]
    for path, body in (
        ("/v1/contracts", things_schema.BEGIN_CONTRACT),
        ("/v1/holds", things_schema.BEGIN_HOLD),
    ):
        found.append(caller.say("POST", path, body).json())
    return found


def opening(home: Path, key: ArchiveKey, log_key: str) -> Ask:
    """An opener of what this log proves, asked in this process."""
    State(home / "state.json").save()
    rules = Rules((VerifyKey.parse(log_key),), home / "log")
    opener = Opener(key, rules, State.load(home / "state.json"))
    return lambda request: {"opened": opener.open(request)}


def consulted(caller: Caller, key: ArchiveKey) -> dict[str, list[Any]]:
    """Something of the archive: consulted by the caller, who may open it, and by somebody else."""
    old = archived.archived(caller, key)
    mine = caller.say("POST", archived.PATH, archived.body(old)).json()["id"]
    return {
        "archived": [str(old.subject)],
        "consultation": [mine, str(old.theirs)],
        "grant": [str(old.grant)],
        "class": ["contact", "order"],
        "motive": ["litigation", "curiosity"],
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_request_makes_us_fail_or_answer_otherwise_than_described(
    server: Server, label: str, mode: GenerationMode
) -> None:
    """Each route, as described and against its description."""
    print(f"PROBANT_TEST_SEED={SEED} PROBANT_TEST_FUZZ={EACH}")  # shown when it fails
    operation = OPERATIONS[label]
    if mode is GenerationMode.NEGATIVE and not takes_anything(operation):
        return  # nothing can be wrong with a request that says nothing

    named = server.named
    if "/v1/requests/" in label:
        named = {**named, "id": named["request"]}
    for thing in ("cards", "contracts", "holds"):
        if f"/v1/{thing}/" in label:
            steps = ["notify-renewal", "renew", "amend", "end", "review", "lift"]
            named = {**named, "id": named[thing], "step": steps}
    if archived.PATH in label:
        named = {**named, "id": named["consultation"]}

    @seed(SEED)
    @SETTINGS
    @given(operation.as_strategy(mode), st.data())
    def sent(case: Any, data: st.DataObject) -> None:
        for made in (case.path_parameters, case.query, case.body):
            name_some(made, named, data)
        answer = send(server.caller, case)
        case.validate_response(answer, checks=CHECKS)

    sent()


def name_some(made: Any, named: dict[str, list[Any]], data: st.DataObject) -> None:
    """Put what is there into what was made up, here and there, so that not all is unheard of."""
    if isinstance(made, list):
        for inner in made:
            name_some(inner, named, data)
    if not isinstance(made, dict):
        return
    for name, value in made.items():
        if name in named and data.draw(st.booleans()):
            made[name] = data.draw(st.sampled_from(named[name]))
        else:
            name_some(value, named, data)


def takes_anything(operation: Any) -> bool:
    """Whether a request to it has parameters of its own, or a body."""
    told = operation.definition.raw
    return bool(told.get("parameters") or told.get("requestBody"))


def send(caller: Caller, case: Any) -> Any:
    """The answer to a request as it was made up, with our key."""
    made = case.as_transport_kwargs()
    headers = {
        name: str(value).encode("utf-8", "surrogatepass")
        for name, value in made["headers"].items()
        if name.lower() not in OURS
    }
    body = {"json": made["json"]} if "json" in made else {"content": made.get("data")}
    return caller.client.request(
        made["method"],
        made["url"],
        params=made["params"],
        headers={**headers, **{name: v.encode() for name, v in caller.headers.items()}},
        **body,
    )


def test_every_route_is_in_the_description() -> None:
    """What is fuzzed is everything but the pages that show the description."""
    from api.routes.table import TABLE

    rows = {f"{row.method} {row.path.replace(':path', '')}" for row in TABLE}
    assert rows - OPERATIONS.keys() == {"GET /docs", "GET /openapi.json"}
