"""`/v1/policy/what-if`: for the DPO and the auditor; nothing is written."""

from __future__ import annotations

from pathlib import Path

from tests.api.conftest import Caller, order
from tests.cli.test_supposing import draft


def test_a_draft_is_tried_without_being_written(anywhere: Caller, tmp_path: Path) -> None:
    anywhere.post(order(occurred="2023-06-01"))
    text = Path(draft(tmp_path / "d", 24)).read_text("utf-8")
    before = anywhere.position()
    found = anywhere.say("POST", "/v1/policy/what-if", {"edition": text}).json()
    assert (found["draft"], found["day"]) == ("draft-2026", "2026-12-01")
    assert found["classes"]["order"]["before"] == {"archive": 0, "erase": 0}
    assert found["classes"]["order"]["after"] == {"archive": 1, "erase": 0}
    (change,) = (one for one in found["changes"] if one["class"] == "order")
    assert (change["before"], change["after"]) == ("kept", "archive")
    assert (change["due_before"], change["due_after"]) == (None, "2025-06-01")
    assert anywhere.position() == before


def test_what_is_no_draft_is_refused(caller: Caller, tmp_path: Path) -> None:
    text = Path(draft(tmp_path / "d", 24)).read_text("utf-8")
    for body in (
        {},
        {"edition": 3},
        {"edition": "not TOML ["},
        {"edition": text, "limit": -1},
        {"edition": text, "class": "horoscope"},
        {"edition": text, "as_of": "soon"},
        {"edition": text, "as_of": "2020-01-01"},
        {"edition": text, "as_of": 3},
    ):
        answer = caller.say("POST", "/v1/policy/what-if", body)
        assert 400 <= answer.status_code < 500, body
