"""Coming in and going out: sessions, forms, and where a sign-in may lead."""

from __future__ import annotations

import re

import pytest

from api import keys
from api.access import Trusted
from api.console import sessions
from api.console.doors import SIGN_IN
from api.console.table import PAGES
from api.oidc import Issuer
from api.routes import DPO, PUBLIC, SUBJECT
from tests.api.issuer import AUDIENCE, provider
from tests.console.conftest import Opened
from tests.console.room import STAFF, Visitor, seen, token_of

COOKIE = "probant-session"


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(visitor: Visitor) -> None:
    assert visitor.get("/").headers["location"] == SIGN_IN
    first = visitor.get("/console")
    assert (first.status_code, first.headers["location"]) == (303, f"{SIGN_IN}?next=/console")
    page = visitor.get(first.headers["location"])
    assert 'name="next" value="/console"' in page.text
    done = visitor.send(SIGN_IN, proof=visitor.company.keys[DPO], next="/console")
    assert (done.status_code, done.headers["location"]) == (303, "/console")
    assert visitor.get("/console").status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "/console/../../evil"),
        *("javascript:alert(1)", "/console?next=//evil", "/console#x", "/docs", "/consoles/x"),
        "/console/%0d%0aSet-Cookie:x",
    ],
)
def test_a_sign_in_leads_to_our_own_pages_only(visitor: Visitor, elsewhere: str) -> None:
    """No open redirect: not by the address of the form, not by the form, not by the language."""
    page = visitor.client.get(SIGN_IN, params={"next": elsewhere})
    assert 'name="next" value=""' in page.text
    done = visitor.send(SIGN_IN, proof=visitor.company.keys[DPO], next=elsewhere)
    assert done.headers["location"] == "/console"
    done = visitor.send("/console/language", on="/console", lang="en", back=elsewhere)
    assert done.headers["location"] == SIGN_IN


def test_a_session_has_a_new_id_at_each_sign_in(visitor: Visitor) -> None:
    """Session fixation: an id that somebody planted is never taken up."""
    planted = "planted-by-somebody-else"
    visitor.client.cookies.set(COOKIE, planted)
    visitor.sign_in(DPO)
    first = visitor.client.cookies.get(COOKIE, domain="127.0.0.1", path="/")
    assert first not in (None, planted)
    visitor.client.cookies.clear()
    visitor.client.cookies.set(COOKIE, planted)
    assert visitor.get("/console").status_code == 303
    visitor.client.cookies.clear()
    visitor.client.cookies.set(COOKIE, str(first))
    assert visitor.get("/console").status_code == 200
    visitor.send(SIGN_IN, on="/console", proof=visitor.company.keys[DPO])
    visitor.client.cookies.clear()
    visitor.client.cookies.set(COOKIE, str(first))
    assert visitor.get("/console").status_code == 303


def test_what_opens_nothing_opens_nothing(visitor: Visitor) -> None:
    said = visitor.get(SIGN_IN)
    for proof in ("", "probant_" + "x" * 43, "a.b.c", "person_xyz", "x" * 20_000):
        said = visitor.send(SIGN_IN, proof=proof)
        assert said.status_code == 401
        assert COOKIE not in said.headers.get("set-cookie", "")
    assert "n'ouvre rien" in seen(said.text)


def test_the_cookie_is_for_us_alone(visitor: Visitor, open_visitor: Opened) -> None:
    said = visitor.sign_in(DPO).headers.get_list("set-cookie")
    (plain,) = [one for one in said if one.startswith(COOKIE)]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(plain.split("; "))
    assert "Secure" not in plain and "Max-Age" not in plain
    safe = open_visitor(visitor.company, base="https://privacy.example.org", host="192.0.2.7")
    said = safe.sign_in(DPO).headers.get_list("set-cookie")
    (prefixed,) = [one for one in said if one.startswith(f"__Host-{COOKIE}")]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Secure"} <= set(prefixed.split("; "))
    assert "Domain" not in prefixed
    assert safe.get("/console").status_code == 200


@pytest.mark.parametrize(
    ("base", "host"),
    [
        ("http://privacy.example.org", "127.0.0.1"),  # another name that leads to this machine
        ("http://127.0.0.1", "192.0.2.7"),
        ("http://192.0.2.1", "192.0.2.7"),
    ],
)
def test_nobody_signs_in_over_a_line_that_others_read(
    open_visitor: Opened, base: str, host: str
) -> None:
    there = open_visitor(base=base, host=host)
    page = there.get(SIGN_IN)
    assert 'name="proof"' not in page.text and 'name="part"' not in page.text
    fields = {"token": token_of(page.text), "proof": there.company.keys[DPO]}
    said = there.client.post(SIGN_IN, data=fields)
    assert said.status_code == 403


def test_one_click_opens_a_demo_and_nothing_else(open_visitor: Opened) -> None:
    real = open_visitor(demo=False)
    assert 'name="part"' not in real.get(SIGN_IN).text
    assert real.play("dpo").status_code == 403
    demo = open_visitor(real.company)
    assert demo.play("dpo").headers["location"] == "/console"
    assert demo.get("/console").status_code == 200
    assert demo.play("operator").status_code == 404


def test_a_session_ends_by_the_clock(visitor: Visitor) -> None:
    clock = visitor.company.clock
    visitor.sign_in(DPO)
    for _ in range(2):
        clock.advance(minutes=29)
        assert visitor.get("/console").status_code == 200
    clock.advance(minutes=30)
    assert visitor.get("/console").status_code == 303
    visitor.sign_in(DPO)
    begun = clock.now()
    while clock.now() < begun + sessions.LIFE - 29 * 60_000_000:
        assert visitor.get("/console").status_code == 200
        clock.advance(minutes=29)
    clock.advance(minutes=29)
    assert visitor.get("/console").status_code == 303


def test_a_key_that_is_revoked_closes_the_pages_it_opened(visitor: Visitor) -> None:
    path = visitor.company.folder / "api-keys.json"
    visitor.sign_in(DPO)
    assert visitor.get("/console").status_code == 200
    (hers,) = [one.id for one in keys.read(path) if one.name == DPO]
    keys.revoke(path, hers, visitor.company.clock.now())
    assert visitor.get("/console").status_code == 303


def test_a_token_of_one_person_ends_her_session_with_it(visitor: Visitor) -> None:
    visitor.play("customer")
    assert visitor.get("/console").status_code == 403
    visitor.company.clock.advance(minutes=15)
    assert visitor.get("/console").status_code == 303


def test_a_token_of_the_identity_provider_opens_the_pages_of_its_roles_until_it_ends(
    open_visitor: Opened,
) -> None:
    with provider() as idp:
        idp.add("first", "ES256")
        trusted = Trusted(idp.url, AUDIENCE)
        visitor = open_visitor(oidc=Issuer(trusted))
        ends = visitor.company.clock.now() // 1_000_000 + 300
        claims = {"iss": idp.url, "aud": AUDIENCE, "sub": "zoe@example.org", "exp": ends}
        token = idp.token("first", {**claims, "roles": ["agent"]})
        done = visitor.send(SIGN_IN, proof=token)
        assert done.headers["location"] == "/console/people"  # the first page she may open
        assert visitor.get("/console/requests").status_code == 200
        assert visitor.get("/console").status_code == 403
        visitor.company.clock.advance(minutes=7)  # its end, and the minute that clocks may differ
        assert visitor.get("/console/requests").status_code == 303


def test_signing_out_ends_the_session_on_our_side(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    id = str(visitor.client.cookies.get(COOKIE))
    said = visitor.send("/console/sign-out", on="/console")
    assert said.headers["location"] == SIGN_IN
    visitor.client.cookies.set(COOKIE, id)
    assert visitor.get("/console").status_code == 303


# --- forms ----------------------------------------------------------------------------------------


FORMS = [page for page in PAGES if page.method == "POST"]


def filled(path: str) -> str:
    return re.sub(r"{\w+}", "1", path)


@pytest.mark.parametrize("page", FORMS, ids=lambda page: page.path)
def test_a_form_from_elsewhere_is_refused(visitor: Visitor, page: object) -> None:
    """Without the token of this browser, with somebody else's, or sent by another site."""
    path, roles = filled(page.path), page.roles  # type: ignore[attr-defined]
    stranger = token_of(visitor.get(SIGN_IN).text)
    if roles == {SUBJECT}:
        visitor.play("customer")
    elif roles != PUBLIC:
        visitor.sign_in(next(role for role in STAFF if role in roles))
    for fields in ({"lang": "en"}, {"token": ""}, {"token": "0" * 64}):
        assert visitor.client.post(path, data=fields).status_code == 403
    if roles != PUBLIC:
        assert visitor.client.post(path, data={"token": stranger}).status_code == 403
    mine = token_of(visitor.get(SIGN_IN).text)
    site = {"Sec-Fetch-Site": "cross-site"}
    assert visitor.client.post(path, data={"token": mine}, headers=site).status_code == 403
    assert visitor.client.post(path, json={"token": mine}).status_code == 415


def test_a_form_without_a_visit_is_refused(open_visitor: Opened) -> None:
    visitor = open_visitor()
    token = token_of(visitor.get(SIGN_IN).text)
    visitor.client.cookies.clear()
    said = visitor.client.post(SIGN_IN, data={"token": token, "proof": visitor.company.keys[DPO]})
    assert said.status_code == 403
