"""What the pages let through and what they do not: roles, frames, hostile words, other people."""

from __future__ import annotations

import html
import io
import json
import logging
import re
import zipfile
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pytest

from api.answers import find
from api.console.doors import SIGN_IN
from api.console.stories import LAST
from api.console.table import MENU, pages_of
from api.routes import AGENT, AUDITOR, DPO, PUBLIC, READER, ROLES, SUBJECT
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.events import CardKept, ContactedUs, Died, DirectiveSet, HeirRequested, Restricted
from ledger.handlers import Accepted, record
from ledger.requests.reading import queue
from ledger.sealing.signer import Signer
from replay.verify import Key, Trust, verify
from tests.console.conftest import Opened
from tests.console.room import STAFF, Visitor, seen

PAGES = pages_of(is_sandbox=True)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7*7 }}"
PERSON = Reference("shop", "D-0042")
CANARY = "zoe.canari@example.org"
INLINE = r"<script(?! type=\"module\" src=\"/)|<style|\son\w+=|\sstyle="
STATIC = "/console/static/{edition}/{name}"


def of(visitor: Visitor, reference: Reference = PERSON) -> str:
    return f"/console/people/{find(visitor.company.ledger, reference)}"


def late(visitor: Visitor) -> str:
    """The page of the one request that is late."""
    found = [one.request for one in queue(visitor.company.ledger).requests if one.request.is_open]
    return f"/console/requests/{found[0].stream}"


def filled(visitor: Visitor, path: str) -> str:
    """A path of the table with a person, a request, a step in it."""
    found = path.replace("/people/{id}", of(visitor).removeprefix("/console"))
    found = found.replace("/recipients/{id}", of(visitor).replace("/console/people", "/recipients"))
    found = found.replace("/requests/{id}", late(visitor).removeprefix("/console"))
    return re.sub(r"{\w+(:path)?}", "1", found)


# --- who is let in --------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [*STAFF, SUBJECT, None], ids=str)
def test_every_role_meets_every_page(open_visitor: Opened, role: str | None) -> None:
    """Let in by the table; else led to the sign-in, or told 403."""
    visitor = open_visitor()
    if role == SUBJECT:
        visitor.play("customer")
    elif role is not None:
        visitor.sign_in(role)
    for page in PAGES:
        if page.roles == PUBLIC or page.method != "GET":
            continue
        said = visitor.get(filled(visitor, page.path))
        if role is None:
            assert (said.status_code, said.headers["location"][:16]) == (303, SIGN_IN[:16])
        else:
            assert (said.status_code != 403) == (role in page.roles), page.path
    if role is None:
        for page in PAGES:
            if page.method == "POST" and page.roles != PUBLIC:
                assert visitor.client.post(filled(visitor, page.path)).status_code == 303


def test_the_menu_offers_what_may_be_opened(open_visitor: Opened) -> None:
    for role in ROLES:
        if role == SUBJECT:
            continue
        visitor = open_visitor()
        home = visitor.sign_in(role).headers["location"]
        page = visitor.get(home)
        offered = re.findall(r'<li><a href="([^"]+)"', page.text.partition("<main")[0])
        assert set(offered) <= {path for path, _ in MENU}
        assert all(visitor.get(path).status_code == 200 for path in offered)
        assert (page.status_code == 200) == bool(offered)


def test_a_form_of_a_page_one_may_not_open_is_refused(open_visitor: Opened) -> None:
    visitor = open_visitor()
    visitor.sign_in(AUDITOR)
    for path in ("/console/people", f"{of(visitor)}/reading", f"{late(visitor)}/refuse"):
        assert visitor.send(path, on="/console", term="D-0042").status_code == 403


def test_no_page_of_one_person_names_anybody(visitor: Visitor) -> None:
    """No page open to a customer has a variable path: there is nothing to put another id into."""
    assert [page.path for page in PAGES if SUBJECT in page.roles and "{id}" in page.path] == []


# --- what surrounds a page ------------------------------------------------------------------------


def test_a_page_is_framed_by_nobody_kept_by_nobody_and_runs_our_scripts_only(
    visitor: Visitor,
) -> None:
    visitor.sign_in(DPO)
    for page in PAGES:
        if page.method != "GET" or page.path in ("/", STATIC):
            continue
        said = visitor.get(filled(visitor, page.path), **{"Accept-Encoding": "gzip"})
        policy = said.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
        is_page = said.headers.get("content-type", "").startswith("text/html")
        assert "unsafe" not in policy and ("script-src 'self'" in policy) == is_page
        assert said.headers["x-frame-options"] == "DENY"
        assert said.headers["cache-control"] == "no-store"
        assert "content-encoding" not in said.headers
        assert not re.search(
            r"<script(?! type=\"module\" src=\"/)|<style|\son\w+=|\sstyle=", said.text
        )
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", said.text)


def test_style_and_scripts_are_kept_under_the_name_of_their_edition(visitor: Visitor) -> None:
    page = visitor.get(SIGN_IN)
    (style,) = re.findall(r'href="(/console/static/[^"]+\.css)"', page.text)
    said = visitor.get(style)
    assert said.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert said.headers["content-type"].startswith("text/css")
    other = visitor.get(re.sub(r"static/\w+", "static/older", style))
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-store")
    assert visitor.get("/console/static/x/..%2Ftable.py").status_code == 404
    assert visitor.get("/console/static/x/console.py").status_code == 404


def test_a_page_that_is_not_there_is_a_page(visitor: Visitor) -> None:
    said = visitor.get("/console/nowhere/at/all")
    assert said.status_code == 404 and "Impossible" in seen(said.text)


# --- one person -----------------------------------------------------------------------------------


def test_a_search_leads_to_a_person_and_leaves_no_trace(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """By whichever reference; what was typed is in no address, no log line and no page."""
    visitor.sign_in(AGENT)
    with caplog.at_level(logging.DEBUG):
        found = visitor.send("/console/people", on="/console/people", term="  D-0042 ")
        assert (found.status_code, found.headers["location"]) == (303, of(visitor))
        unknown = visitor.send(
            "/console/people", on="/console/people", term="zoe.canari@example.org"
        )
    assert unknown.status_code == 404
    assert "Personne n'est connu" in seen(unknown.text)
    assert "canari" not in unknown.text + caplog.text
    assert "POST /console/people 303" in caplog.text
    assert "D-0042" not in caplog.text and of(visitor).rpartition("/")[2] not in caplog.text
    for term in (HOSTILE, "\x00", "x" * 500, "\ud800".encode("utf-8", "surrogatepass")):
        assert visitor.send("/console/people", on="/console/people", term=term).status_code in (
            404,
            422,
        )


def test_the_page_of_a_person_says_what_the_interface_says(visitor: Visitor) -> None:
    """The same deadlines, at the same two times, by the same functions: each by which clause, and
    behind one click each line of why."""
    visitor.sign_in(DPO)
    id = of(visitor).rpartition("/")[2]
    key = {"Authorization": f"Bearer {visitor.company.keys[DPO]}"}
    for times in ("", "?as_of=2022-02-28", "?as_of=2022-03-01&known_at=2026-01-05"):
        page = visitor.get(of(visitor) + times).text
        links = re.findall(r'href="([^"]+#why-[^"]+)" data-why', page)
        told = visitor.client.get(f"/v1/subjects/{id}{times}", headers=key).json()
        assert len(links) == len(told["deadlines"] + told["consents"])
        whole = visitor.get(html.unescape(links[0]).partition("#")[0]).text
        assert "data-why" not in whole
        for link in links:
            assert f'id="{link.partition("#")[2]}" open>' in whole
        for deadline in told["deadlines"]:
            assert deadline["clause"] in seen(page)
            for line in deadline["explanation"]:
                assert " ".join(line.split()) in seen(whole)
    assert visitor.get(of(visitor) + "?as_of=yesterday").status_code == 400
    assert visitor.get(f"/console/people/{uuid4()}").status_code == 404
    assert visitor.get("/console/people/D-0042").status_code == 404


def test_the_page_of_a_person_tells_her_last_facts_and_leads_to_all_of_her_story(
    visitor: Visitor,
) -> None:
    """In the order of the log, the last of each sort, five at most; each leads to where it is told
    in full, among every one."""
    visitor.sign_in(DPO)
    id = of(visitor).rpartition("/")[2]
    key = {"Authorization": f"Bearer {visitor.company.keys[DPO]}"}
    told = visitor.client.get(f"/v1/subjects/{id}/timeline", headers=key).json()["items"]
    every = [str(one["position"]) for one in told]
    page = visitor.get(of(visitor)).text
    last = re.findall(r'href="([^"]+)#p(\d+)"', page)
    assert len(last) == LAST < len(every)
    assert [position for _, position in last] == sorted((p for _, p in last), key=int)
    assert last[-1][1] == every[-1]
    ((whole, _),) = {(path, "") for path, _ in last}
    assert f'href="{whole}#story"' in page
    assert re.findall(r'<li class="\w+" id="p(\d+)"', visitor.get(whole).text) == every
    past = f"known_at={told[-1]['recorded_at'][:10]}"
    assert f"?whole=1&amp;{past}#story" in visitor.get(f"{of(visitor)}?{past}").text


def test_hostile_words_are_words(visitor: Visitor) -> None:
    """What somebody wrote is shown as she wrote it, and is no markup."""
    ledger = visitor.company.ledger
    subject = find(ledger, PERSON)
    now = moment_of_instant(ledger.clock.now())
    fact = ContactedUs(subject=subject, occurred=now, channel="email", text=HOSTILE)
    assert isinstance(record(ledger, Record(fact)), Accepted)
    visitor.sign_in(DPO)
    fields = {"class": "contact", "reason": "complaint"}
    page = visitor.send(f"{of(visitor)}/reading", on=of(visitor), **fields)
    assert page.status_code == 200
    assert HOSTILE in seen(page.text)
    assert "<script>alert" not in page.text and "<img src=x" not in page.text


def test_the_forms_of_a_person_are_hers(visitor: Visitor) -> None:
    """Those that one page after another is given name her, and the classes of hers; whoever may
    not read has none to read by."""
    visitor.sign_in(DPO)
    key = {"Authorization": f"Bearer {visitor.company.keys[DPO]}"}
    offered = set()
    for number in (42, 7, 1):
        path = of(visitor, Reference("shop", f"D-{number:04d}"))
        page, id = visitor.get(path).text, path.rpartition("/")[2]
        told = visitor.client.get(f"/v1/subjects/{id}", headers=key).json()["deadlines"]
        boxes = re.findall(r'name="class" value="(\w+)"', page)
        assert len(boxes) == len(set(boxes))
        assert set(boxes) == {one["class"] for one in told}
        assert re.findall(r'action="(/console/people/[^"]+)"', page) == [
            path,
            f"{path}/evidence",
            f"{path}/reading",
        ]
        offered.add(tuple(boxes))
    assert len(offered) > 1
    visitor.sign_in(AUDITOR)
    assert 'name="class"' not in visitor.get(of(visitor)).text


def test_a_reading_is_on_record_before_anything_is_shown(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    ledger, path = visitor.company.ledger, of(visitor)
    before = ledger.recorder.head().position
    whole = {"class": "account", "reason": "complaint"}
    for fields in ({}, {"class": "account"}, {"reason": "complaint"}, whole | {"reason": "x"}):
        assert visitor.send(f"{path}/reading", on=path, **fields).status_code == 422
    assert ledger.recorder.head().position == before
    page = visitor.send(f"{path}/reading", on=path, **whole)
    assert f"position {before + 1}" in seen(page.text)
    assert (
        "data.read.v1"
        in visitor.client.get(
            f"/v1/subjects/{path.rpartition('/')[2]}/timeline",
            headers={"Authorization": f"Bearer {visitor.company.keys[DPO]}"},
        ).text
    )


def test_a_restriction_is_seen_on_the_page_of_a_person_and_stops_a_reading(
    visitor: Visitor,
) -> None:
    """GDPR art. 18(2): for a request of hers it is read, for an incident it is not."""
    visitor.sign_in(DPO)
    ledger, path = visitor.company.ledger, of(visitor)
    now = moment_of_instant(ledger.clock.now())
    assert "Usage limité" not in seen(visitor.get(path).text)
    record(ledger, Record(Restricted(occurred=now, actor="agent", ground="claims"), PERSON))
    before = ledger.recorder.head().position
    told = seen(visitor.get(path).text)
    assert "Usage limité" in told and f"position {before}" in told
    asked = {"class": "account", "reason": "security"}
    refused = visitor.send(f"{path}/reading", on=path, **asked)
    assert (refused.status_code, ledger.recorder.head().position) == (422, before)
    assert "art. 18(2)" in seen(refused.text)
    assert visitor.send(f"{path}/reading", on=path, **asked | {"reason": "complaint"}).is_success


def test_the_evidence_file_convinces_somebody_who_does_not_trust_us(
    visitor: Visitor, tmp_path: Path
) -> None:
    visitor.sign_in(AUDITOR)
    made = visitor.send(f"{of(visitor)}/evidence", on=of(visitor), recipient="cnil")
    assert made.headers["content-type"] == "application/zip"
    assert "attachment" in made.headers["content-disposition"]
    bundle = tmp_path / "evidence.zip"
    bundle.write_bytes(made.content)
    vkey = Signer(visitor.company.folder / "signer").key.vkey
    anchors = Trust(visitor.company.ledger.keyring.origin, (Key.parse(vkey, 1),))
    report = verify(bundle, anchors)
    assert report.ok, list(report.lines())
    assert visitor.send(f"{of(visitor)}/evidence", on=of(visitor), recipient="x").status_code == 422


# --- one request ----------------------------------------------------------------------------------


def test_a_request_goes_from_a_letter_to_its_answer(visitor: Visitor) -> None:
    """Received, acknowledged, answered, closed; what the law forbids is said on the page."""
    visitor.sign_in(AGENT)
    letter = {"kind": "shop", "reference": "D-0042", "right": "access", "channel": "letter"}
    letter |= {"occurred": "2026-01-02", "text": "Bonjour"}
    new = visitor.send("/console/requests/new", on="/console/requests/new", **letter)
    path = new.headers["location"]
    assert "C'est enregistré" in seen(visitor.get(path).text)
    assert "C'est enregistré" not in seen(visitor.get(path).text)
    early = visitor.send(f"{path}/close", on=path)
    assert early.status_code == 422 and 'role="alert"' in early.text
    step = visitor.send(f"{path}/acknowledge", on=path, channel="letter", occurred="2026-01-03")
    assert step.headers["location"] == path
    package = visitor.send(f"{path}/package", on=path)
    assert package.headers["content-type"] == "application/zip"
    digest = package.headers["package-sha256"]
    assert f'value="{digest}"' in visitor.get(path).text
    assert (
        visitor.send(f"{path}/fulfil", on=path, channel="letter", package=digest).status_code == 303
    )
    assert visitor.send(f"{path}/close", on=path).status_code == 303
    assert "Ce qui peut être fait" not in seen(visitor.get(path).text)
    assert visitor.send(f"{path}/dance", on=path).status_code == 404


@pytest.mark.clause("SS-DSR-11")
@pytest.mark.parametrize("right", ["access", "complaint"])
def test_a_complaint_has_no_form_that_refuses_it(visitor: Visitor, right: str) -> None:
    visitor.sign_in(AGENT)
    letter = {"kind": "shop", "reference": "D-0042", "right": right, "channel": "letter"}
    sent = visitor.send("/console/requests/new", on="/console/requests/new", **letter)
    path = sent.headers["location"]
    may = re.findall(rf'action="{path}/([a-z-]+)"', visitor.get(path).text)
    assert "fulfil" in may and "withdraw" in may
    assert ("refuse" in may, "fulfil-partly" in may) == (right == "access",) * 2


@pytest.mark.clause("SS-CARD-4", "SS-CH-4")
def test_a_letter_that_asks_for_a_card_to_go_is_received_and_says_which_when_it_is_done(
    visitor: Visitor,
) -> None:
    """She has two cards and named none: nothing is dropped, and nothing goes that she may need."""
    visitor.sign_in(AGENT)
    letter = {"kind": "shop", "right": "card_removal", "channel": "letter"}
    letter |= {"occurred": "2026-01-02", "reference": "D-0042"}
    ledger = visitor.company.ledger
    for name in ("one", "two"):
        now = moment_of_instant(ledger.clock.now())
        kept = CardKept(occurred=now, ground="wallet", expiry=20270531)
        record(ledger, Record(kept, person=PERSON, thing=Reference("psp", name)))
    sent = visitor.send("/console/requests/new", on="/console/requests/new", **letter)
    path = sent.headers["location"]
    cards = re.findall(r'name="cards" value="([0-9a-f-]{36})"', visitor.get(path).text)
    assert len(cards) >= 2
    assert visitor.send(f"{path}/fulfil", on=path, channel="letter").status_code == 422
    done = visitor.send(f"{path}/fulfil", on=path, channel="letter", cards=cards[0])
    assert done.status_code == 303
    assert ledger.state(UUID(cards[0])).removal_requested
    assert not ledger.state(UUID(cards[1])).removal_requested


@pytest.mark.clause("SS-DSR-7")
def test_an_heirs_letter_is_answered_with_the_estate(visitor: Visitor) -> None:
    """Whoever asks to see the data of the dead is an heir: the page says so, and what she is handed
    is cut down; unless the directive hands it to nobody, and then the page says that."""
    visitor.sign_in(AGENT)
    ledger = visitor.company.ledger
    letter = {"kind": "shop", "right": "access", "channel": "letter", "occurred": "2026-01-02"}
    died = Died(occurred=moment_of_instant(ledger.clock.now()), source="notary")
    for reference, wish in (("D-0042", None), ("D-0041", "erase")):
        who = Reference("shop", reference)
        now = moment_of_instant(ledger.clock.now())
        if wish is not None:
            record(ledger, Record(DirectiveSet(occurred=now, wish=wish), person=who))
        record(ledger, Record(died, person=who))
        sent = visitor.send(
            "/console/requests/new", on="/console/requests/new", **letter, reference=reference
        )
        path = sent.headers["location"]
        text = seen(visitor.get(path).text)
        assert "Préparer le fichier pour les héritiers" in text
        package = visitor.send(f"{path}/package", on=path)
        if wish is not None:
            assert package.status_code == 422
            assert "LIL art. 85 I" in seen(package.text)
            continue
        assert 'filename="estate.zip"' in package.headers["content-disposition"]
        held = zipfile.ZipFile(io.BytesIO(package.content))
        said = json.loads(held.read("package.json"))
        assert said["scope"] == "estate"
        assert {one["class"] for one in said["kept_back"]} >= {"consent", "access_log"}
        digest = package.headers["package-sha256"]
        done = visitor.send(f"{path}/fulfil", on=path, channel="letter", package=digest)
        assert done.status_code == 303
        assert "LIL art. 85 II 1°" in seen(visitor.get(of(visitor, who)).text)


@pytest.mark.clause("SS-DSR-7")
def test_what_an_heir_asked_without_a_letter_is_received_and_answered(visitor: Visitor) -> None:
    """The page says that no request is on record, and opens the form for it; from then on it is
    answered by the same door as everybody."""
    visitor.sign_in(AGENT)
    ledger, path = visitor.company.ledger, of(visitor)
    now = moment_of_instant(ledger.clock.now())
    record(ledger, Record(Died(occurred=now, source="notary"), PERSON))
    record(ledger, Record(HeirRequested(occurred=now, wish="access", name="Fille"), PERSON))
    page = visitor.get(path)
    assert "aucune demande n'est enregistrée" in seen(page.text)
    (form,) = re.findall(r'href="(/console/requests/new\?[^"]*right=access[^"]*)"', page.text)
    text = visitor.get(html.unescape(form)).text
    assert '<option value="access" selected>' in text
    given = dict(parse_qsl(urlsplit(html.unescape(form)).query))
    assert f'value="{given["occurred"]}"' in text
    received = visitor.send("/console/requests/new", on=form, **given, channel="agent")
    request = received.headers["location"]
    assert "sa réponse sera celle de l'héritier" in seen(visitor.get(path).text)
    digest = visitor.send(f"{request}/package", on=request).headers["package-sha256"]
    done = visitor.send(f"{request}/fulfil", on=request, channel="letter", package=digest)
    assert done.status_code == 303
    told = seen(visitor.get(path).text)
    assert "répondu le" in told and "sa réponse sera" not in told and "aucune demande" not in told


def test_a_refusal_must_say_why_and_before_whom_to_complain(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    path, more = late(visitor), {"channel": "email"}
    said = visitor.send(f"{path}/refuse", on=path, **more, grounds="excessive")
    told = seen(said.text)
    assert said.status_code == 422 and "SS-DSR-11" in told and "RGPD art. 12(4)" in told
    why = re.search(r'class="detail" lang="(\w+)">([^<]+)<', said.text)
    french = "le champ &#39;remedies&#39; doit contenir\u00a0: cnil, court"
    assert why is not None and why.groups() == ("fr", french)
    visitor.client.headers["Accept-Language"] = "en"
    said = visitor.send(f"{path}/refuse", on=path, **more, grounds="excessive")
    why = re.search(r'class="detail" lang="(\w+)">([^<]+)<', said.text)
    english = "field &#39;remedies&#39; must hold: cnil, court"
    assert why is not None and why.groups() == ("en", english)
    said = visitor.send(f"{path}/refuse", on=path, **more, grounds="excessive", remedies="yes")
    assert said.status_code == 303
    assert visitor.get("/console/requests").text.count("/console/requests/") == 1  # its own button


def test_a_form_sent_twice_is_carried_out_once(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    path, form = late(visitor), {"channel": "email", "once": "the-same"}
    first = visitor.send(f"{path}/acknowledge", on=path, **form)
    after = visitor.company.ledger.recorder.head().position
    again = visitor.send(f"{path}/acknowledge", on=path, **form)
    assert first.headers["location"] == again.headers["location"] == path
    assert visitor.company.ledger.recorder.head().position == after


def test_the_first_screen_counts_what_the_interface_counts(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    key = {"Authorization": f"Bearer {visitor.company.keys[DPO]}"}
    for status in ("overdue", "due_soon", "on_track"):
        told = visitor.client.get(f"/v1/requests?status={status}", headers=key).json()
        page = visitor.get("/console").text
        tile = re.search(rf'tile {status}.*?figure">(\d+)<', page, re.S)
        assert tile is not None and int(tile[1]) == len(told["items"])


def test_an_archive_of_words_is_no_zip(visitor: Visitor) -> None:
    """Without a seal there is nothing to prove, and the page says so."""
    unsealed = visitor.company.folder / "log" / "checkpoint"
    unsealed.rename(unsealed.with_name("away"))
    visitor.sign_in(DPO)
    said = visitor.send(f"{of(visitor)}/evidence", on=of(visitor), recipient="cnil")
    assert said.status_code == 409 and "sceau" in seen(said.text)
    assert io.BytesIO(said.content).read(2) != b"PK"


def test_a_reader_has_no_page_and_is_told_so(visitor: Visitor) -> None:
    visitor.sign_in(READER)
    assert visitor.get("/console").status_code == 403


def test_the_language_of_an_answer_to_a_form_is_changed_on_the_page_above_it(
    visitor: Visitor,
) -> None:
    """Whatever answers a form, the switch leads to a page that can be opened."""
    visitor.play("dpo")
    page = visitor.send("/console/policy/publish/examine", on="/console/policy/publish", edition="")
    assert page.status_code == 422
    assert 'name="back" value="/console/policy/publish"' in page.text


def test_the_page_of_a_person_of_whom_something_was_corrected_says_so(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    page = visitor.get(of(visitor, Reference("shop", "D-0049")))
    assert page.status_code == 200 and "corrigé" in seen(page.text)


def test_what_an_edition_changes_is_told_in_the_words_of_people(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    page = visitor.get("/console/policy/change?old=2019-01-01&new=2022-03-01")
    table = seen(page.text)
    assert "Espace client mois d'usage courant plus court 60 36" in table
    assert "Espace client faits qui y vivent disparaît réunion de deux références –" in table
    assert ".v1" not in table and "operational_months" not in table


def test_a_refusal_that_nobody_translated_says_that_it_is_english(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.wording._french", lambda _sentence, _depth: None)
    visitor.sign_in(READER)
    assert '<p class="detail" lang="en">your roles do not open' in visitor.get("/console").text
    monkeypatch.undo()
    assert '<p class="detail" lang="fr">vos rôles n' in visitor.get("/console").text
