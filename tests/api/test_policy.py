"""The policy over HTTP: its editions, one of them, its lint, its clauses, what one changes."""

from __future__ import annotations

from ledger.calendar import parse_day
from ledger.policy.book import shipped_bytes
from ledger.policy.lint import lint
from tests.api.conftest import Caller


def later(day: str, *changes: tuple[str, str]) -> str:
    """The shipped edition under another day and id, changed."""
    text = shipped_bytes().decode()
    for old, new in (("effective_from = 2018-11-20", f"effective_from = {day}"), *changes):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.replace('id = "softsystem-2018-11-20"', f'id = "softsystem-{day}"', 1)


def test_editions_are_listed_and_shown(caller: Caller) -> None:
    """With their days, hashes and positions; which one is in force."""
    (one,) = caller.get("/v1/policy/editions").json()["items"]
    assert (one["effective_from"], one["position"], one["in_force"]) == ("2018-11-20", 1, True)
    whole = caller.get("/v1/policy/editions/current").json()
    assert whole == caller.get("/v1/policy/editions/2020-01-01").json()
    assert whole["sha256"] == one["sha256"]
    assert whole["classes"]["contact"]["operational_months"] == 36
    assert caller.get("/v1/policy/editions/2010-01-01").status_code == 404
    assert caller.get("/v1/policy/editions/first").status_code == 404


def test_its_lint_is_that_of_the_policy_room(caller: Caller) -> None:
    """The same findings, in either language, by the law of any day."""
    ledger = caller.ledger
    edition = ledger.book(ledger.epoch()).entries[0].edition
    path = "/v1/policy/editions/current/lint"
    for day in ("2018-11-20", "2026-09-01"):
        told = caller.get(path, law_of=day, lang="en").json()
        found = lint(edition, parse_day(day))
        assert [one["id"] for one in told["findings"]] == [one.rule.id for one in found.findings]
        assert told["to_come"] == list(found.to_come)
    french = caller.get(path, lang="fr")
    told = caller.get(path, lang="en").json()
    assert french.headers["content-language"] == "fr"
    assert french.json()["findings"][0]["found"] != told["findings"][0]["found"]
    assert caller.get(path, law_of="soon").status_code == 400


def test_the_clauses_are_retold_with_their_articles(caller: Caller) -> None:
    """Every clause of the edition, in French or English."""
    english = caller.get("/v1/policy/editions/current/clauses", lang="en").json()["items"]
    french = caller.get("/v1/policy/editions/current/clauses", lang="fr").json()["items"]
    assert [one["clause"] for one in english] == [one["clause"] for one in french]
    assert {"SS-RET-3", "SS-DSR-1", "SS-CARD-4"} <= {one["clause"] for one in english}
    assert all("GDPR" not in one["article"] for one in french)
    assert english[0]["text"] != french[0]["text"]


def test_the_next_edition_is_published_by_the_dpo_and_compared(caller: Caller) -> None:
    """A fact like any other, by the rules of publishing; then the difference is shown."""
    label = '[[label]]\npurpose = "loyalty"\nlabel_fr = "programme de fidélité"\n\n[[clause]]'
    shorter = ("operational_months = 36", "operational_months = 24")
    toml = later("2031-01-01", shorter, ("[[clause]]", label))
    made = caller.say("POST", "/v1/policy/editions", {"toml": toml})
    assert (made.status_code, made.json()["effective_from"]) == (201, "2031-01-01")
    named = {"loyalty": {"label_fr": "programme de fidélité", "label_en": None}}
    assert made.json()["labels"] == named
    items = caller.get("/v1/policy/editions").json()["items"]
    assert [one["in_force"] for one in items] == [True, False]
    told = caller.get("/v1/policy/diff", old="2026-01-01", new="2031-06-01").json()
    assert ("operational_months", "shorter", 36, 24) in {
        (one["field"], one["effect"], one["before"], one["after"]) for one in told["changes"]
    }
    assert told["lengthens"] == []
    again = caller.say("POST", "/v1/policy/editions", {"toml": toml})
    assert (again.status_code, again.json()["type"]) == (422, "/docs#problem-malformed")


def test_an_edition_that_lengthens_at_once_is_refused(caller: Caller) -> None:
    """Without notice to the people: SS-POL-2, GDPR art. 13(3); nothing was written."""
    toml = later("2026-01-05", ("operational_months = 36", "operational_months = 48"))
    before = caller.position()
    refused = caller.say("POST", "/v1/policy/editions", {"toml": toml})
    assert (refused.status_code, refused.json()["clause"]) == (409, "SS-POL-2")
    assert caller.position() == before
    assert caller.say("POST", "/v1/policy/editions", {"toml": "id ="}).status_code == 422
    assert caller.say("POST", "/v1/policy/editions", {"toml": 4}).status_code == 422
