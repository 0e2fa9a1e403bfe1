"""`GET /v1/subjects/{id}` and the documentation: explained answers, and no other server asked."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import Any
from uuid import UUID

from api.answers import Times, subject_answer
from api.routes.table import TABLE
from ledger.calendar import parse_as_of
from ledger.events import KINDS, OWN
from tests.api.conftest import Caller, order
from tests.clock import StepClock


def told(caller: Caller) -> str:
    """A person with an order, a consent and a withdrawal."""
    person = {"person": {"kind": "shop", "value": "0042"}}
    letters = {"purpose": "newsletter", "channel": "email", "grade": "proved"}
    said = caller.post(
        [
            order(occurred="2020-02-29"),
            {"kind": "consent.given", **person, "occurred": "2020-03-01", "data": letters},
            {"kind": "consent.withdrawn", **person, "occurred": "2021-03-01", "data": letters},
        ]
    ).json()
    assert said["recorded"] == 3
    subject: str = said["items"][0]["subject"]
    return subject


def test_a_person_is_explained_in_both_languages(anywhere: Caller) -> None:
    """Deadlines and choices with rule, clause, article, positions; what would change them."""
    subject = told(anywhere)
    english = anywhere.get(f"/v1/subjects/{subject}", lang="en")
    assert english.headers["content-language"] == "en"
    page = english.json()
    assert page["path"] == "live"
    (deadline,) = (d for d in page["deadlines"] if d["class"] == "order")
    assert deadline["operational_until"] == "2025-02-28"
    assert (deadline["tier"], deadline["clause"]) == ("past_operational", "SS-RET-5")
    assert deadline["rests_on"] == [deadline["counted"]["position"]]
    assert deadline["explanation"][0].startswith("Orders: the term ended on February 28, 2025")
    (choice,) = page["consents"]
    assert choice["state"] == "ConsentWithdrawn"
    french = anywhere.get(f"/v1/subjects/{subject}").json()
    (deadline,) = (d for d in french["deadlines"] if d["class"] == "order")
    assert deadline["explanation"][0].startswith("Commandes : le terme est passé depuis le 28")
    wished = {**anywhere.headers, "Accept-Language": "en-GB,en;q=0.9"}
    asked = anywhere.client.get(f"/v1/subjects/{subject}", headers=wished)
    assert asked.headers["content-language"] == "en"


def test_the_past_is_answered_as_it_was_and_as_it_was_known(
    anywhere: Caller, clock: StepClock
) -> None:
    """Before the withdrawal the consent stood; before the record nothing was known."""
    before = "2026-01-05T08:00:00Z"
    subject = told(anywhere)
    clock.advance(days=1)
    then = anywhere.get(f"/v1/subjects/{subject}", as_of="2020-12-31").json()
    assert (then["path"], then["consents"][0]["state"]) == ("fold", "ConsentGiven")
    assert then["deadlines"][-1]["tier"] == "operational"
    unknown = anywhere.get(f"/v1/subjects/{subject}", known_at=before).json()
    assert (unknown["facts"], unknown["position"]) == ({}, 0)
    live = anywhere.get(f"/v1/subjects/{subject}").json()
    fold = anywhere.get(f"/v1/subjects/{subject}", known_at="2026-01-06T09:00:00Z").json()
    assert {**live, "path": "fold", "known_at": fold["known_at"]} == fold


def test_both_faces_give_the_same_answer(caller: Caller) -> None:
    """The command line prints this very object."""
    subject = told(caller)
    times = Times(parse_as_of("2024-06-30"))
    page = caller.get(f"/v1/subjects/{subject}", as_of="2024-06-30", lang="fr").json()
    assert subject_answer(caller.ledger, UUID(subject), times, "fr") == page


def test_health_says_version_and_position_and_nothing_else(caller: Caller) -> None:
    """Open to all."""
    answer = caller.client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "version", "position"}


def test_the_documentation_asks_nothing_of_any_other_server(caller: Caller) -> None:
    """No script, no foreign address, one style sheet that the policy names by its hash."""
    answer = caller.client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    page = answer.text
    assert "<script" not in page
    assert re.findall(r"""(?:src|href)=["'](?!/openapi\.json)""", page) == []
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    hashed = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert f"'sha256-{hashed}'" in policy
    assert "order.placed" in page
    assert 'id="problem-erased"' in page
    assert '<html lang="en">' in page


def test_the_description_is_whole(caller: Caller) -> None:
    """Every reference leads somewhere, every kind that may be sent is described."""
    made = caller.client.get("/openapi.json").json()
    schemas = made["components"]["schemas"]

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            inner = {name for one in value.values() for name in references(one)}
            return inner | ({str(value["$ref"])} if "$ref" in value else set())
        return {n for one in value for n in references(one)} if isinstance(value, list) else set()

    assert {name.rpartition("/")[2] for name in references(made)} <= set(schemas)
    recordable = {k for k, c in KINDS.items() if c.aggregate != "any"} - OWN
    assert {kind.removesuffix(".v1") for kind in recordable} <= set(schemas)
    listed = [route for route in TABLE if route.extra.get("include_in_schema", True)]
    assert set(made["paths"]) == {route.path.replace(":path}", "}") for route in listed}
    assert made["paths"]["/v1/facts"]["post"]["security"] == [{"key": []}]
    data = schemas["customer.contacted_us"]["properties"]["data"]
    assert data["required"] == ["channel"]
    assert "Personal" in data["properties"]["text"]["description"]
