"""`probant evidence verify`: the one-file verifier, from the command line of the house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.opening import create
from tests.cli.conftest import Probant
from tests.clock import StepClock
from tests.evidence.bundles import ORIGIN, from_ledger, key, vkey


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A ledger of one event, and the anchors of somebody who verifies it."""
    ledger = create("sqlite://", clock=StepClock())
    try:
        told = from_ledger(ledger)
    finally:
        ledger.close()
    anchors = f'origin = "{ORIGIN}"\nlog = ["{vkey(ORIGIN, key(1))}"]\n'
    (tmp_path / "anchors.toml").write_text(anchors)
    return told.write(tmp_path / "bundle")


def test_a_bundle_is_verified_without_a_ledger(probant: Probant, bundle: Path) -> None:
    trust = str(bundle.parent / "anchors.toml")
    said = probant("evidence", "verify", str(bundle), "--trust", trust, "--lang", "fr")
    assert said.code == 0, said
    assert "Vérifié" in said.out
    answer = probant.json("evidence", "verify", str(bundle), "--trust", trust)
    assert answer["verdict"] == "passed"


def test_a_finding_is_exit_code_one(probant: Probant, bundle: Path) -> None:
    (bundle / "checkpoint").write_bytes(b"nothing\n")
    trust = str(bundle.parent / "anchors.toml")
    answer = probant.json("evidence", "verify", str(bundle), "--trust", trust, code=1)
    assert answer["checks"][0]["status"] == "failed"
    assert {check["status"] for check in answer["checks"][1:13]} == {"not checked"}


def test_a_question_that_makes_no_sense(probant: Probant, bundle: Path) -> None:
    trust = str(bundle.parent / "anchors.toml")
    said = probant("evidence", "verify", "nowhere", "--trust", trust, "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["code"] == "misuse"
    assert probant("evidence", "verify", str(bundle), "--trust", "nowhere").code == 2
