"""Packages over HTTP: all of one person and of nobody else, on record before it is opened."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from base64 import urlsafe_b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api import keys, tokens
from api.routes import AGENT
from ledger.erasing.erase import erase_scopes
from ledger.packages.rendering import schema
from ledger.store import erasure
from ledger.store.vault import Scope
from tests.api.conftest import CANARY, Caller, order

OTHER = "someone.else@example.net"


def export(caller: Caller, subject: Any, body: Any = None, key: str | None = None, **q: str) -> Any:
    """`POST …/export`."""
    headers = {"Authorization": f"Bearer {key or caller.key}"}
    return caller.client.post(
        f"/v1/subjects/{subject}/export", params=q, json=body, headers=headers
    )


def document(caller: Caller, subject: Any, scope: str = "access", **q: str) -> dict[str, Any]:
    """The JSON document, valid against the schema that travels with it."""
    answer = export(caller, subject, scope=scope, format="json", **q)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    jsonschema_rs.validator_for(json.loads(schema())).validate(said)
    return said


def customer(caller: Caller, name: str = "0042", email: str = CANARY) -> str:
    """Somebody with an account, a login, an order, a letter, a choice and an inferred one."""
    person = {"kind": "shop", "value": name}
    items = [
        {
            "kind": "customer.account_opened",
            "person": person,
            "occurred": "2024-02-01",
            "data": {"name": "Zoé <b>Durand</b>", "email": email, "phone": "+33199007731"},
        },
        {"kind": "customer.logged_in", "person": person, "data": {"ip": "192.0.2.7"}},
        {
            "kind": "customer.contacted_us",
            "person": person,
            "data": {"channel": "email", "text": '=HYPERLINK("http://x") ' + email},
        },
        order(name, f"A-{name}", occurred="2024-02-02"),
        {
            "kind": "consent.given",
            "person": person,
            "data": {"purpose": "newsletter", "channel": "email", "grade": "proved"},
        },
        {
            "kind": "consent.given",
            "person": person,
            "data": {"purpose": "newsletter", "channel": "sms", "grade": "inferred"},
        },
        {
            "kind": "message.sent",
            "person": person,
            "data": {"purpose": "newsletter", "channel": "email"},
        },
    ]
    told = caller.post(items).json()["items"]
    assert {one["status"] for one in told} == {201}, told
    return str(told[0]["subject"])


def table(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


def kinds(said: dict[str, Any]) -> list[str]:
    return [fact["kind"] for fact in said["facts"]]


def test_access_holds_everything_of_hers_and_nothing_of_anybody_else(anywhere: Caller) -> None:
    """GDPR art. 15(1)(a) to (h) and (3), point by point."""
    subject, other = customer(anywhere), customer(anywhere, "0043", OTHER)
    said = document(anywhere, subject, lang="en")
    text = json.dumps(said, ensure_ascii=False)
    assert CANARY in text
    assert "192.0.2.7" in text
    assert OTHER not in text
    assert other not in text
    facts = anywhere.get(f"/v1/subjects/{subject}/timeline", limit="1000").json()["items"]
    assert [f["position"] for f in said["facts"]] == [f["position"] for f in facts]
    assert said["missing"] == []
    assert {p["id"] for p in said["purposes"]} >= {"newsletter", "order_management"}  # (a)
    classes = {c["class"]: c for c in said["classes"]}  # (b)
    assert classes.keys() >= {"account", "order", "contact", "security_log", "consent"}
    assert classes["security_log"]["sources"] == ["observed"]  # (g)
    assert said["recipients"] == []  # (c): nobody is declared
    assert all(d["explanation"] for d in said["deadlines"])  # (d)
    assert {r["article"] for r in said["rights"]} >= {"GDPR art. 16", "GDPR art. 77"}  # (e)
    assert "CNIL" in said["complaint"]["name"]  # (f)
    assert said["automated"]  # (h)
    assert said["choices"][0]["state"] == "ConsentGiven"


def test_the_read_is_on_record_and_in_the_package(anywhere: Caller, tmp_path: Path) -> None:
    """Who looked is recorded with every class; she is told when and why, not who (C-579/21)."""
    subject = customer(anywhere)
    key, secret = keys.add(tmp_path / "api-keys.json", "desk", frozenset({AGENT}), 1)
    answer = export(anywhere, subject, {"case": "r-1"}, secret, format="json")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    told = anywhere.get(f"/v1/subjects/{subject}/timeline", limit="1000").json()["items"][-1]
    assert told["kind"] == "data.read.v1"
    assert told["data"]["reader"] == key.id
    assert told["data"]["case"] == "r-1"
    assert set(told["data"]["classes"]) == {c["class"] for c in said["classes"]} - {"access_log"}
    (seen,) = said["consultations"]
    assert (seen["position"], seen["reason"]) == (told["position"], "access_request")
    assert key.id not in answer.text
    assert said["facts"][-1]["withheld"] == ["reader"]


def test_she_takes_her_own_and_nobody_elses_and_leaves_no_read(anywhere: Caller) -> None:
    """Under her own token: 403 about anybody else; no read, for she is not staff."""
    subject, other = customer(anywhere), customer(anywhere, "0043", OTHER)
    token, _ = tokens.issue(anywhere.ledger, UUID(subject), anywhere.ledger.clock.now())
    before = anywhere.position()
    answer = export(anywhere, subject, None, token, format="json")
    assert answer.status_code == 200
    assert answer.json()["consultations"] == []
    assert export(anywhere, other, None, token).status_code == 403
    assert export(anywhere, subject, {"consultations": [1]}, token).status_code == 403
    assert anywhere.position() == before


def test_her_own_packages_are_limited(caller: Caller) -> None:
    """Each opens a whole history: a few at once, then 429 and when to come back."""
    subject = customer(caller)
    token, _ = tokens.issue(caller.ledger, UUID(subject), caller.ledger.clock.now())
    said = [export(caller, subject, None, token, format="json") for _ in range(4)]
    assert [one.status_code for one in said] == [200, 200, 429, 429]
    assert int(said[2].headers["retry-after"]) >= 1


def test_who_is_joined_to_her_is_in_her_package(anywhere: Caller) -> None:
    """A package is of the person, under all her ids; one read says so."""
    subject, other = customer(anywhere), customer(anywhere, "0043", OTHER)
    joined = anywhere.client.post(
        f"/v1/subjects/{subject}/joins", json={"other": other}, headers=anywhere.headers
    )
    assert joined.status_code == 201, joined.text
    said = document(anywhere, subject)
    assert said["joined"] == [other]
    emails = {d["value"] for d in said["details"] if d["field"] == "email"}
    assert emails == {CANARY, OTHER}
    (read,) = (f for f in said["facts"] if f["kind"] == "data.read.v1")
    assert read["stream"] == subject
    assert set(read["data"]["classes"]) >= {"account", "security_log"}


def test_portability_holds_what_she_provided_under_consent_or_contract(anywhere: Caller) -> None:
    """Not what was inferred, not what we sent or assessed, not what rests on another basis."""
    subject = customer(anywhere)
    said = document(anywhere, subject, "portability")
    assert set(kinds(said)) == {
        *("customer.registered.v1", "customer.account_opened.v1", "customer.contacted_us.v1"),
        *("order.placed.v1", "consent.given.v1"),
    }
    assert [f["data"]["channel"] for f in said["facts"] if f["kind"] == "consent.given.v1"] == [
        "email"
    ]
    why = {(one["kind"], one["why"]) for one in said["left_out"]}
    assert why == {
        ("customer.logged_in.v1", "basis"),
        ("consent.given.v1", "inferred"),
        ("message.sent.v1", "ours"),
        ("data.read.v1", "ours"),
    }
    assert {f["basis"] for f in said["facts"]} == {"consent", "contract"}


def test_a_declared_inferred_field_is_not_portable(caller: Caller) -> None:
    """What the company declared of a field wins over what its kind says."""
    declared = {"name": "phone", "classes": ["account"], "source": "inferred"}
    assert caller.post({"kind": "field.declared", "data": declared}).status_code == 201
    said = document(caller, customer(caller), "portability")
    (account,) = (f for f in said["facts"] if f["kind"] == "customer.account_opened.v1")
    assert account["personal"].keys() == {"name", "email"}


def test_rectified_details_keep_both_intervals(anywhere: Caller) -> None:
    """When each was true, and when we knew it; a void closes what we knew."""
    subject = customer(anywhere)
    moved = {"changed": ["email"], "email": "new@example.org"}
    fact = {"kind": "customer.profile_rectified", "subject": subject, "data": moved}
    position = anywhere.post({**fact, "occurred": "2024-09-01"}).json()["position"]
    emails = [d for d in document(anywhere, subject)["details"] if d["field"] == "email"]
    old, new = emails
    assert (old["value"], old["true_from"]) == (CANARY, "2024-02-01")
    assert old["true_until"].startswith("2024-08-31T22:00")  # the first of September in Paris
    assert old["known_until"] is None
    assert (new["value"], new["true_from"], new["true_until"]) == (
        "new@example.org",
        "2024-09-01",
        None,
    )
    assert anywhere.post({"void": {"position": position, "reason": "typo"}}).status_code == 201
    old, new = (d for d in document(anywhere, subject)["details"] if d["field"] == "email")
    assert old["true_until"] is None
    assert new["known_until"] > new["known_from"]


def test_the_zip_holds_tables_a_page_and_their_sums(anywhere: Caller) -> None:
    """Formulas are defused in tables, exact in JSON; the page runs nothing and is printed whole."""
    subject = customer(anywhere)
    answer = export(anywhere, subject, lang="fr")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["package-sha256"] == sha256(answer.content).hexdigest()
    assert CANARY not in str(answer.headers)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    for line in files.pop("SHA256SUMS").decode().splitlines():
        digest, name = line.split("  ")
        assert sha256(files[name]).hexdigest() == digest
    assert files.keys() >= {"index.html", "package.json", "package.schema.json", "details.csv"}
    rows = list(
        csv.DictReader(io.StringIO(files["facts/customer.contacted_us.csv"].decode("utf-8-sig")))
    )
    assert rows[0]["text"].startswith("'=HYPERLINK")
    (phone,) = (d["value"] for d in table(files["details.csv"]) if d["field"] == "phone")
    assert phone == "'+33199007731"
    assert '"=HYPERLINK(' in files["package.json"].decode()
    page = files["index.html"].decode()
    assert '<html lang="fr">' in page
    assert "<script" not in page
    assert page.count("Zoé &lt;b&gt;Durand") == 2  # among her details, and in the fact
    assert "<b>" not in page
    assert "=HYPERLINK(&quot;http://x&quot;)" in page


def test_portability_is_tables_and_json_never_a_page(caller: Caller) -> None:
    """Machine-readable (GDPR art. 20(1)): the person gets no PDF, and no page in its place."""
    answer = export(caller, customer(caller), scope="portability", format="csv")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        names = packed.namelist()
    assert "facts/order.placed.csv" in names
    assert not [name for name in names if name.endswith((".html", ".json"))]


def test_after_an_erasure_the_package_holds_it_no_more(anywhere: Caller, tmp_path: Path) -> None:
    """Of the class erased it says that it was; of somebody erased whole there is none (410)."""
    subject = customer(anywhere)
    scopes = [Scope(UUID(subject), "contact", "")]
    erase_scopes(anywhere.ledger, scopes, journal=tmp_path / "journal", reason="request")
    said = document(anywhere, subject)
    (gone,) = said["missing"]
    assert (gone["class"], gone["state"]) == ("contact", "erased")
    assert "HYPERLINK" not in json.dumps(said)
    scopes = [Scope(UUID(subject), name, "") for name in erasure.IDENTIFYING]
    erase_scopes(anywhere.ledger, scopes, journal=tmp_path / "journal", reason="request")
    assert export(anywhere, subject).status_code == 410


def test_receipts_are_for_other_systems_and_no_read(anywhere: Caller) -> None:
    """ISO/IEC TS 27560 in JSON-LD, Kantara on demand; codes only, so nothing is recorded."""
    subject = customer(anywhere)
    withdrawn = {"purpose": "newsletter", "channel": "email"}
    fact = {"kind": "consent.withdrawn", "subject": subject, "data": withdrawn}
    assert anywhere.post(fact).status_code == 201
    before = anywhere.position()
    answer = anywhere.get(f"/v1/subjects/{subject}/receipts")
    assert answer.headers["content-type"].startswith("application/ld+json")
    assert CANARY not in answer.text
    states = {
        record["dct:identifier"]: [e["@type"][0] for e in record["dpv:hasConsentStatus"]]
        for record in answer.json()["dct:hasPart"]
    }
    assert sorted(states.values()) == [
        ["dpv:ConsentGiven"],
        ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"],
    ]
    headers = {**anywhere.headers, "Accept": "application/json; profile=KI-CR-v1.1.0"}
    answer = anywhere.client.get(f"/v1/subjects/{subject}/receipts", headers=headers)
    assert "profile=KI-CR-v1.1.0" in answer.headers["content-type"]
    (kantara,) = answer.json()
    assert states[kantara["consentReceiptID"]] == ["dpv:ConsentGiven"]
    assert anywhere.position() == before


@pytest.mark.clause("SS-CH-1")
def test_receipts_are_signed_by_a_key_that_anybody_may_fetch(anywhere: Caller) -> None:
    """JWS by EdDSA, checked by a library that is not the one that signs; a changed byte shows."""
    subject = customer(anywhere)
    public = {
        key["kid"]: key for key in anywhere.client.get("/.well-known/jwks.json").json()["keys"]
    }
    path = f"/v1/subjects/{subject}/receipts"
    for accept, plain in (
        ("application/jose", "application/ld+json"),
        ("application/jose; profile=KI-CR-v1.1.0", "application/json; profile=KI-CR-v1.1.0"),
    ):
        said = anywhere.client.get(path, headers={**anywhere.headers, "Accept": plain}).json()
        answer = anywhere.client.get(path, headers={**anywhere.headers, "Accept": accept})
        assert answer.headers["content-type"] == accept
        receipts = said if isinstance(said, list) else [said]
        signed = answer.text.splitlines()
        assert len(signed) == len(receipts) > 0
        for jws, receipt in zip(signed, receipts, strict=True):
            head, payload, signature = jws.split(".")
            named = json.loads(unpadded(head))
            assert named["alg"] == "EdDSA"
            key = Ed25519PublicKey.from_public_bytes(unpadded(public[named["kid"]]["x"]))
            key.verify(unpadded(signature), f"{head}.{payload}".encode())
            with pytest.raises(InvalidSignature):
                key.verify(unpadded(signature), f"{head}.{payload[:-1]}".encode())
            assert json.loads(unpadded(payload)) == receipt
            if "publicKey" in receipt:
                assert json.loads(receipt["publicKey"])["kid"] == named["kid"]


def unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        ({"reason": CANARY}, {}, 422),
        ({"case": CANARY}, {}, 422),
        ({"consultations": [CANARY]}, {}, 422),
        ({"consultations": [1]}, {}, 503),  # this server knows no opener
        ({CANARY: 1}, {}, 422),
        ([], {}, 422),
        (None, {"scope": CANARY}, 400),
        (None, {"format": "pdf"}, 400),
    ],
)
def test_a_wrong_question_records_and_repeats_nothing(
    caller: Caller, body: Any, query: dict[str, str], status: int
) -> None:
    """A PDF is refused: it is not what a machine reads."""
    subject = customer(caller)
    before = caller.position()
    answer = export(caller, subject, body, **query)
    assert answer.status_code == status, answer.text
    assert CANARY not in answer.text
    assert caller.position() == before


# --- heirs ----------------------------------------------------------------------------------------

PAID, COMMENT = "424242", "Merci pour tout, dit Zoé"


def deceased(caller: Caller, *more: dict[str, Any], proof: str = "notary") -> str:
    """A customer who commented, paid, may have said more, and died."""
    subject = customer(caller)
    mine = {"kind": "shop", "value": "0042"}
    items: list[dict[str, Any]] = [
        {"kind": "customer.commented", "data": {"about": "chair", "text": COMMENT}},
        {
            "kind": "order.paid",
            "thing": {"kind": "order_ref", "value": "A-0042"},
            "occurred": "2024-02-02",
            "data": {
                "amount": {"minor": 100, "currency": "EUR"},
                "psp_id": "psp-1",
                "bin6": PAID,
                "last4": "4242",
                "debit": "2024-02-02",
                "deferred": False,
            },
        },
        *more,
        {"kind": "customer.died", "occurred": "2024-03-01", "data": {"source": proof}},
    ]
    told = caller.post([{**one, "person": mine} for one in items]).json()["items"]
    assert {one["status"] for one in told} == {201}, told
    return subject


def heir_asks(caller: Caller, subject: str, wish: str = "access") -> None:
    said = {"wish": wish, "name": "Nièce", "email": "niece@example.org"}
    item = {"kind": "customer.heir_requested", "subject": subject, "data": said}
    assert caller.post(item).status_code == 201


@pytest.mark.clause("SS-DSR-7")
def test_heirs_are_handed_what_settles_the_estate_and_no_more(anywhere: Caller) -> None:
    """LIL art. 85 II 1°: account, orders, invoices, contracts, memories; what is kept back is said,
    by class, with its clause and article. Her choices, letters, logins and cards are not told."""
    subject = deceased(anywhere)
    heir_asks(anywhere, subject)
    said = document(anywhere, subject, "estate", lang="en")
    assert set(kinds(said)) == {
        *("customer.registered.v1", "customer.account_opened.v1", "customer.account_closed.v1"),
        *("order.placed.v1", "order.paid.v1", "customer.commented.v1"),
    }
    text = json.dumps(said, ensure_ascii=False)
    assert COMMENT in text
    assert "Zoé <b>Durand</b>" in text  # her own name and address are of her account
    for canary in ("HYPERLINK", "192.0.2.7", PAID, "psp-1", "newsletter", "niece@example.org"):
        assert canary not in text, canary
    assert not said.keys() & {"choices", "consultations", "purposes", "recipients", "rights"}
    back = {one["class"]: one for one in said["kept_back"]}
    assert back.keys() >= {"contact", "consent", "card_proof", "message", "rights", "access_log"}
    assert {(one["why"], one["clause"], one["article"]) for one in said["kept_back"]} == {
        ("estate", "SS-DSR-7", "LIL art. 85 II 1°")
    }
    assert {one["class"] for one in said["deadlines"]} <= {"account", "order", "comment"}
    (paid,) = (fact for fact in said["facts"] if fact["kind"] == "order.paid.v1")
    assert (paid["state"], paid["personal"]) == ("withheld", {})
    assert paid["data"]["amount"] == {"minor": 100, "currency": "EUR"}
    read = anywhere.get(f"/v1/subjects/{subject}/timeline", limit="1000").json()["items"][-1]
    assert read["data"]["reason"] == "heir_request"
    assert set(read["data"]["classes"]) == {"account", "order", "comment"}


@pytest.mark.clause("SS-DSR-7")
def test_an_heirs_letter_that_was_received_as_a_request_is_asking(caller: Caller) -> None:
    """Its id is the `case`. A request about somebody else is not, nor one that asks for more."""
    subject, other = deceased(caller), customer(caller, "0043", OTHER)

    def received(of: str, right: str) -> dict[str, str]:
        data = {"right": right, "channel": "letter"}
        body = {"subject": of, "actor": "agent", "data": data}
        answer = caller.client.post("/v1/requests", json=body, headers=caller.headers)
        return {"case": answer.json()["request"]["id"]}

    for case in ({"case": "r-1"}, received(other, "access"), received(subject, "complaint")):
        assert export(caller, subject, case, scope="estate").status_code == 409
    assert export(caller, subject, received(subject, "access"), scope="estate").status_code == 200


@pytest.mark.clause("SS-DSR-7")
def test_the_page_and_the_tables_for_heirs_say_the_same(caller: Caller) -> None:
    """In both languages, with what is kept back and what heirs may still ask."""
    subject = deceased(caller)
    heir_asks(caller, subject)
    for lang, title in (("fr", "Données d'une personne décédée"), ("en", "who has died")):
        answer = export(caller, subject, scope="estate", format="zip", lang=lang)
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        page = archive.read("index.html").decode()
        assert title in page.replace("&#x27;", "'")
        assert "LIL art. 85 II 1°" in page
        assert {one["class"] for one in table(archive.read("kept_back.csv"))} >= {"card_proof"}
        whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
        for canary in ("HYPERLINK", "192.0.2.7", PAID, "niece@example.org"):
            assert canary not in whole, canary


@pytest.mark.clause("SS-DSR-7")
def test_once_she_is_dead_nobody_is_handed_all_of_it(caller: Caller) -> None:
    """Her rights ended with her (LIL art. 84): neither staff nor her own token has them."""
    subject = deceased(caller)
    token, _ = tokens.issue(caller.ledger, UUID(subject), caller.ledger.clock.now())
    before = caller.position()
    for scope in ("access", "portability"):
        for key in (None, token):
            answer = export(caller, subject, None, key, scope=scope, format="json")
            assert (answer.status_code, answer.json()["clause"]) == (422, "SS-DSR-7")
            assert answer.json()["type"] == "/docs#problem-deceased"
    assert caller.position() == before, "nothing was read"


@pytest.mark.clause("SS-DSR-7")
def test_who_is_not_asked_for_or_not_proved_dead_leaves_no_estate(caller: Caller) -> None:
    """Nobody inherits from the living; mail that came back proves nothing; and somebody asks."""
    alive, subject = customer(caller, "0043", OTHER), deceased(caller, proof="returned_mail")
    assert export(caller, alive, scope="estate").status_code == 409
    assert export(caller, subject, scope="estate").status_code == 409
    assert export(caller, subject, scope="access").status_code == 200, "she may be alive"
    proof = {"kind": "customer.died", "occurred": "2024-03-01", "data": {"source": "heir"}}
    assert caller.post({**proof, "subject": subject}).status_code == 201
    assert export(caller, subject, scope="estate").status_code == 409
    heir_asks(caller, subject, "closing")
    assert export(caller, subject, scope="estate").status_code == 409, "not what was asked"
    heir_asks(caller, subject)
    assert export(caller, subject, scope="estate").status_code == 200


@pytest.mark.clause("SS-DSR-7")
@pytest.mark.parametrize("wish", ["erase", "keep", "transmit"])
def test_what_she_laid_down_goes_first(caller: Caller, wish: str) -> None:
    """Nothing, what settles the estate and her directive itself, or all of it."""
    directive = {"wish": wish, "text": "À ma nièce, mes commandes"}
    said = {"kind": "customer.directive_set", "occurred": "2024-02-20", "data": directive}
    subject = deceased(caller, said)
    heir_asks(caller, subject)
    if wish == "erase":
        answer = export(caller, subject, scope="estate")
        assert (answer.status_code, answer.json()["article"]) == (422, "LIL art. 85 I")
        return
    found = document(caller, subject, "estate")
    assert "customer.directive_set.v1" in kinds(found)
    is_all = wish == "transmit"
    assert ("customer.contacted_us.v1" in kinds(found)) is is_all
    assert bool(found["kept_back"]) is not is_all
    narrow = export(caller, subject, {"classes": ["order"]}, scope="estate", format="json")
    assert {fact["kind"] for fact in narrow.json()["facts"]} == {"order.placed.v1", "order.paid.v1"}
    more = export(caller, subject, {"classes": ["contact"]}, scope="estate", format="json")
    assert more.status_code == (200 if is_all else 422)
    assert export(caller, subject, {"classes": ["order"]}).status_code == 422, "of an estate only"
