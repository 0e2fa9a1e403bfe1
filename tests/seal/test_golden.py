"""What the seal writes never changes: golden files from fixed keys, entries and times."""

from __future__ import annotations

import pytest

from ledger.seal.checkpoint import open_checkpoint
from ledger.seal.cosign import WitnessKey
from ledger.seal.note import VerifyKey
from ledger.seal.proof import open_consistency, open_inclusion
from ledger.seal.witnesses import parse_policy
from tests.seal.regenerate import FOLDER, INDEX, OLD, SIZE, files
from tests.seal.trees import leaf_of, mth

HOW = "run: python -m tests.seal.regenerate (and read its docstring first)"
MADE = files()


def golden(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", MADE)
def test_a_file_is_what_it_always_was(name: str):
    assert golden(name) == MADE[name], HOW


def test_no_golden_file_has_vanished_and_none_is_left_over():
    assert {path.name for path in FOLDER.iterdir()} == set(MADE), HOW


def test_the_golden_evidence_is_believed_from_its_files_alone():
    log = [VerifyKey.parse(golden("log.vkey").decode().strip())]
    witnesses = [WitnessKey.parse(one) for one in golden("witnesses.vkey").decode().splitlines()]
    head = open_checkpoint(golden("checkpoint.cosigned"), log, witnesses)
    assert head.checkpoint[1:3] == (SIZE, mth(0, SIZE))
    parse_policy(golden("policy.txt")).demand(head.opened)
    assert open_inclusion(golden("513.tlog-proof"), leaf_of(INDEX), log)[0] == INDEX
    assert open_consistency(golden("300-700.txt"), OLD, mth(0, OLD), log) == open_checkpoint(
        golden("checkpoint"), log
    )
