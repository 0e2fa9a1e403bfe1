"""Signing in with the company's account: in a browser, and each way in which it must not succeed.

The identity provider of the browser's tests is called `localhost` and the pages `127.0.0.1`: two
sites, as in a company, so that strict cookies are not sent along on the way back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from api.access import RETURN, Client, Trusted
from api.console.doors import SIGN_IN
from api.oidc import Issuer
from api.settings import settle
from api.signing_on import SignOn, challenge
from ledger.errors import Misuse
from tests.api.issuer import AUDIENCE, CLIENT, CLIENT_SECRET, Provider, provider
from tests.console.conftest import Live, Opened, Windows
from tests.console.room import HERE, Company, Visitor, seen

COMPANY = f"{SIGN_IN}/company"
BACK = f"{HERE}{RETURN}"
SUB = "zoe.canari@example.org"


@pytest.fixture
def idp() -> Iterator[Provider]:
    """Of another site than ours."""
    with provider("localhost") as made:
        made.add("first", "ES256")
        made.kid = "first"
        yield made


def parts(idp: Provider, url: str = HERE, audience: str = AUDIENCE) -> dict[str, Any]:
    """What a server at this address knows of it."""
    idp.redirects.add(f"{url}{RETURN}")
    client = Client(CLIENT, CLIENT_SECRET, f"{url}{RETURN}")
    issuer = Issuer(Trusted(idp.url, audience))
    return {"oidc": issuer, "sign_on": SignOn(issuer, client)}


def give(idp: Provider, company: Company, **more: Any) -> None:
    """Have it know a colleague: her identity, and an access token with her roles."""
    ends = company.clock.now() // 1_000_000 + 300
    idp.claims = {"sub": SUB, "exp": ends, **more.pop("identity", {})}
    access = {"iss": idp.url, "aud": AUDIENCE, "sub": SUB, "exp": ends, "roles": ["dpo"], **more}
    idp.access = idp.token("first", access)


@pytest.fixture
def visitor(idp: Provider, open_visitor: Opened) -> Visitor:
    """Somebody at the pages of a company that has an identity provider."""
    made = open_visitor(**parts(idp))
    give(idp, made.company)
    return made


def leave(visitor: Visitor, wanted: str = "") -> dict[str, str]:
    """Off to the identity provider: what it is asked."""
    gone = visitor.get(COMPANY + (f"?next={wanted}" if wanted else ""))
    assert gone.status_code == 303
    query = parse_qs(urlsplit(gone.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def answered(idp: Provider, asked: dict[str, str]) -> dict[str, str]:
    """What it answers to somebody who says who she is."""
    assert idp.authorize(asked) is not None
    return {"code": list(idp.grants)[-1], "state": asked["state"], "iss": idp.url}


def come_back(visitor: Visitor, said: dict[str, str]) -> Any:
    """Led back to us with these parameters."""
    return visitor.client.get(RETURN, params=said)


def is_in(visitor: Visitor) -> bool:
    """Whether her pages open."""
    return bool(visitor.get("/console").status_code == 200)


def test_a_colleague_signs_in_with_one_click(
    idp: Provider, window: Windows, told: Any, tmp_path: Any
) -> None:
    """From the page she wanted, to her company's account, and back to that page: in a browser, from
    another site, with scripts and without."""
    live = Live(Company(tmp_path / "live", told), lambda url: parts(idp, url))
    try:
        for scripted in (True, False):
            give(idp, live.company)
            opened = window(live, java_script_enabled=scripted)
            opened.known, page = (idp.url,), opened.page
            page.goto("/console/requests")
            page.get_by_role("link", name="Se connecter avec le compte de l'entreprise").click()
            expect(page).to_have_url(re.compile(re.escape(f"{idp.url}/authorize?")))
            page.locator("#yes").click()
            page.wait_for_url(f"{live.url}/console/requests")
            expect(page.get_by_role("heading", level=1)).to_contain_text("Demandes")
            assert SUB not in page.content() and idp.access not in (None, page.content())
            (session,) = [c for c in opened.context.cookies() if "session" in c["name"]]
            assert (session["sameSite"], session["httpOnly"]) == ("Strict", True)
            assert not [c for c in opened.context.cookies() if "flow" in c["name"]]
            live.company.clock.advance(minutes=7)  # the end of her token, and what clocks differ
            page.goto("/console")
            assert "/console/sign-in" in page.url
    finally:
        live.close()


def test_who_stops_or_is_refused_there_is_told_so(
    idp: Provider, window: Windows, told: Any, tmp_path: Any
) -> None:
    live = Live(Company(tmp_path / "live", told), lambda url: parts(idp, url))
    try:
        opened = window(live, may_fail=True)
        opened.known, page = (idp.url,), opened.page
        for button, said in (("no", "interrompu"), ("ill", "a refusé")):
            page.goto(SIGN_IN)
            page.get_by_role("link", name="Se connecter avec le compte de l'entreprise").click()
            page.locator(f"#{button}").click()
            expect(page.get_by_role("alert")).to_contain_text(said)
            assert not [c for c in opened.context.cookies() if "session" in c["name"]]
    finally:
        live.close()


def test_the_question_is_ours_alone(idp: Provider, visitor: Visitor) -> None:
    """PKCE with S256, the one redirect, and new secrets each time; none of them is in a cookie."""
    first, second = leave(visitor), leave(visitor)
    assert first["redirect_uri"] == BACK
    assert first["code_challenge_method"] == "S256"
    assert len(first["code_challenge"]) == 43
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert first[name] not in visitor.client.cookies.values()
    # The example of RFC 7636, appendix B.
    shown = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert shown == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_she_is_in_with_a_new_session_and_her_own_token(idp: Provider, visitor: Visitor) -> None:
    visitor.client.cookies.set("probant-session", "planted")
    done = come_back(visitor, answered(idp, leave(visitor, "/console/holds")))
    assert done.status_code == 200
    assert 'content="0; url=/console/holds"' in done.text
    assert idp.grants == {} and idp.refusals == []
    id = visitor.client.cookies.get("probant-session", domain="127.0.0.1", path="/")
    assert id not in (None, "planted")
    visitor.client.cookies.clear()
    visitor.client.cookies.set("probant-session", str(id))
    assert is_in(visitor)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_it_leads_to_our_own_pages_only(idp: Provider, visitor: Visitor, elsewhere: str) -> None:
    done = come_back(visitor, answered(idp, leave(visitor, elsewhere)))
    assert 'content="0; url=/console"' in done.text


@pytest.mark.parametrize("wrong", ["state", "iss", "no-state"])
def test_an_answer_to_another_question_signs_nobody_in(
    idp: Provider, visitor: Visitor, wrong: str
) -> None:
    """Also not at the second try: a sign-in is over once somebody was led back."""
    said = answered(idp, leave(visitor))
    cookie = visitor.client.cookies["probant-flow"]
    changed = {"state": {"state": "x" * 43}, "iss": {"iss": "https://evil.example"}}
    bad = said | changed.get(wrong, {})
    if wrong == "no-state":
        del bad["state"]
    done = come_back(visitor, bad)
    assert done.status_code == 401
    assert "pas celle que nous attendions" in seen(done.text)
    assert idp.grants  # the code was never shown
    visitor.client.cookies.set("probant-flow", cookie)  # a browser that kept it all the same
    done = come_back(visitor, said)
    assert "a expiré" in seen(done.text)
    assert not is_in(visitor)


@pytest.mark.parametrize(
    "identity",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": [CLIENT, "another"]},
        {"azp": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": 1},
    ],
    ids=str,
)
def test_an_identity_that_is_not_for_us_signs_nobody_in(
    idp: Provider, visitor: Visitor, identity: dict[str, Any]
) -> None:
    give(idp, visitor.company, identity=identity)
    done = come_back(visitor, answered(idp, leave(visitor)))
    assert done.status_code == 401
    assert "pas celle que nous attendions" in seen(done.text)
    assert not is_in(visitor)


def test_a_key_that_the_provider_does_not_publish_signs_nobody_in(
    idp: Provider, visitor: Visitor
) -> None:
    idp.add("hidden", "ES256", publish=False)
    idp.kid = "hidden"
    assert come_back(visitor, answered(idp, leave(visitor))).status_code == 401
    assert not is_in(visitor)


def test_a_code_is_used_once_and_by_whoever_asked_for_it(
    idp: Provider, visitor: Visitor, open_visitor: Opened
) -> None:
    """Reused; taken by another browser; put into another sign-in."""
    said = answered(idp, leave(visitor))
    assert come_back(visitor, said).status_code == 200
    again = leave(visitor)
    done = come_back(visitor, {**said, "state": again["state"]})
    assert (done.status_code, idp.refusals) == (401, ["code"])
    stranger = open_visitor(visitor.company, **parts(idp))
    stolen = answered(idp, leave(visitor))
    done = come_back(stranger, stolen)
    assert "a expiré" in seen(done.text)
    done = come_back(stranger, {**stolen, "state": leave(stranger)["state"]})
    assert (done.status_code, idp.refusals) == (401, ["code", "verifier"])
    assert not is_in(stranger)


def test_a_sign_in_is_over_after_ten_minutes(idp: Provider, visitor: Visitor) -> None:
    said = answered(idp, leave(visitor))
    visitor.company.clock.advance(minutes=10)
    done = come_back(visitor, said)
    assert (done.status_code, "a expiré" in seen(done.text)) == (401, True)
    assert idp.grants  # not even asked


@pytest.mark.parametrize(
    "access",
    [{"roles": []}, {"roles": ["root"]}, {"sub": "somebody.else@example.org"}, {"aud": "another"}],
    ids=str,
)
def test_who_may_open_nothing_is_told_so(
    idp: Provider, visitor: Visitor, access: dict[str, Any]
) -> None:
    """Also when the token that opens something is somebody else's."""
    give(idp, visitor.company, **access)
    done = come_back(visitor, answered(idp, leave(visitor)))
    assert done.status_code == 401
    assert "n'ouvre rien ici" in seen(done.text)
    assert not is_in(visitor)


def test_the_identity_itself_serves_where_it_is_made_for_us(
    idp: Provider, open_visitor: Opened
) -> None:
    """Where the audience of tokens is the client, as with providers that give opaque ones."""
    visitor = open_visitor(**parts(idp, audience=CLIENT))
    give(idp, visitor.company, identity={"roles": ["auditor"]})
    idp.access = "opaque"
    assert come_back(visitor, answered(idp, leave(visitor))).status_code == 200
    assert is_in(visitor)


def test_a_provider_that_is_down_lets_nobody_in(idp: Provider, visitor: Visitor) -> None:
    idp.pages["/.well-known/openid-configuration"] = b"{}"
    assert visitor.get(COMPANY).status_code == 500
    assert visitor.get(COMPANY).status_code == 500  # not asked again at once
    assert idp.asked["/.well-known/openid-configuration"] == 1


def test_a_provider_that_leads_over_plain_http_is_not_followed(
    idp: Provider, visitor: Visitor
) -> None:
    import json

    said = {**idp.described(), "authorization_endpoint": "http://example.org/authorize"}
    idp.pages["/.well-known/openid-configuration"] = json.dumps(said).encode()
    assert visitor.get(COMPANY).status_code == 500


def test_without_a_client_there_is_no_such_page(open_visitor: Opened) -> None:
    visitor = open_visitor()
    assert visitor.get(COMPANY).status_code == 404
    assert visitor.get(RETURN).status_code == 404
    assert "compte de l'entreprise" not in seen(visitor.get(SIGN_IN).text)


def test_nobody_begins_over_a_line_that_others_read(idp: Provider, open_visitor: Opened) -> None:
    visitor = open_visitor(base="http://privacy.example.org", host="192.0.2.7", **parts(idp))
    assert visitor.get(COMPANY).status_code == 403
    assert visitor.get(RETURN).status_code == 403


def test_the_settings_say_what_is_missing(idp: Provider) -> None:
    base = {"PROBANT_OIDC_ISSUER": "https://id.example.org", "PROBANT_OIDC_AUDIENCE": AUDIENCE}
    full = {**base, "PROBANT_OIDC_CLIENT": CLIENT, "PROBANT_OIDC_SECRET": CLIENT_SECRET}
    good = f"https://privacy.example.org{RETURN}"
    found = settle({**full, "PROBANT_OIDC_REDIRECT": good}).oidc
    assert found is not None
    assert found.client == Client(CLIENT, CLIENT_SECRET, good)
    for wrong in ("", "https://privacy.example.org/", f"{good}?x=1", f"{good}/more"):
        with pytest.raises(Misuse, match="PROBANT_OIDC_REDIRECT"):
            settle({**full, "PROBANT_OIDC_REDIRECT": wrong})
    with pytest.raises(Misuse, match="openid"):
        settle({**full, "PROBANT_OIDC_REDIRECT": good, "PROBANT_OIDC_SCOPE": "profile"})
    with pytest.raises(Misuse, match="https"):
        SignOn(Issuer(Trusted(idp.url, AUDIENCE)), Client("x", None, f"http://example.org{RETURN}"))
