"""Every attack of the evidence format's table that a verifier can see: done, and found.

The operator holds the log's key: whatever he rewrites he can also hash and sign again. What he does
not hold is what left his house before: kept checkpoints, witnesses, time stamps, receipts.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from replay.verify import NAMES, Report
from replay.verify import canonical as canonical_of
from tests.evidence.bundles import ORIGIN, Evidence, canonical, columns, key, tile, vkey, web64
from tests.evidence.conftest import WITNESSES, Auditor


def failed(report: Report) -> dict[str, list[str]]:
    """Findings by the name of the check; what is not there passed or was not made."""
    said = report.to_json()
    return {one["name"]: one["findings"] for one in said["checks"] if one["status"] == "failed"}


def status(report: Report, name: str) -> str:
    return report.status(NAMES.index(name) + 1)


def flip(file: Path, at: int = 40) -> None:
    raw = bytearray(file.read_bytes())
    raw[at] ^= 1
    file.write_bytes(raw)


# --- files altered after they were sent, nothing signed again -----------------------------------


@pytest.mark.parametrize(
    ("name", "check", "sentence"),
    [
        (tile("entries", 1), "entries", "is not the one its leaf was made of"),
        (tile(0, 1), "tree", "do not give the signed root"),
        (tile(1, 0, 2), "tree", "tile is missing, or not what the leaves give"),
        ("checkpoint", "checkpoint", "a signature of a pinned key is wrong"),
        ("checkpoints/300", "prefixes", "a signature of a pinned key is wrong"),
        ("consistency/300-574.txt", "prefixes", "checkpoint"),
        ("envelopes/2-contact", "keys", "an envelope is not the one that was recorded"),
        ("README.txt", "manifest", "not as it was sent"),
    ],
)
def test_one_bit_of_a_file(
    evidence: Evidence, auditor: Auditor, name: str, check: str, sentence: str
):
    evidence.extra["README.txt"] = b"how to verify this bundle: see docs/verifying.md\n"
    bundle = evidence.write(auditor.folder / "bundle")
    at = {"checkpoint": 30, "checkpoints/300": 30, "consistency/300-574.txt": 10}.get(name, 40)
    flip(bundle / name, at)
    found = failed(auditor.ask(bundle))
    assert check in found
    if name != "consistency/300-574.txt":
        assert sentence in " ".join(found[check])


def test_an_entry_altered_together_with_its_leaf(evidence: Evidence, auditor: Auditor):
    """What a verifier that trusts level-0 tiles lets pass (CVE-2026-56865)."""
    bundle = evidence.write(auditor.folder / "bundle")
    evidence.change(100, pol=evidence.said(100)["pol"], salt="A" * 22)
    altered = evidence.files()
    for name in (tile("entries", 0), tile(0, 0)):
        (bundle / name).write_bytes(altered[name])
    found = failed(auditor.ask(bundle))
    assert "the leaves do not give the signed root" in found["tree"]


@pytest.mark.parametrize("name", [tile(0, 1), tile(1, 0, 2), tile("entries", 2, 62)])
def test_a_missing_or_shortened_tile(evidence: Evidence, auditor: Auditor, name: str):
    bundle = evidence.write(auditor.folder / "bundle")
    (bundle / name).write_bytes((bundle / name).read_bytes()[:-1])
    assert not auditor.ask(bundle).ok
    (bundle / name).unlink()
    found = failed(auditor.ask(bundle))
    assert any(name in finding for findings in found.values() for finding in findings)


# --- history rewritten and signed again by the operator -----------------------------------------

Attack = Callable[[Evidence], None]


def alter(told: Evidence) -> None:
    told.change(100, meta={**told.said(100)["meta"], "quantity": 9})


def alter_early(told: Evidence) -> None:
    told.change(2, salt="B" * 22)


def insert(told: Evidence) -> None:
    said = {**told.said(100), "id": "5b1c3a0e-0000-4000-8000-00000000000a", "salt": "C" * 22}
    said |= {"stream": "5b1c3a0e-0000-4000-8000-00000000000b", "ver": 1}
    told.entries.insert(99, canonical(said))
    told.leaves.insert(99, told.leaves[99])
    told.columns = {}


def reorder(told: Evidence) -> None:
    one, two = told.entries[49], told.entries[50]
    told.put(50, two)
    told.put(51, one)


@pytest.mark.parametrize("attack", [alter, alter_early, insert, reorder])
def test_a_history_rewritten_and_signed_again(evidence: Evidence, auditor: Auditor, attack: Attack):
    auditor.keep(evidence.checkpoint(400))
    attack(evidence)
    assert (
        "kept-0: at size 400, the log was another one"
        in failed(auditor.judge(evidence))["prefixes"][0]
    )


def test_the_same_rewriting_before_anything_left_the_house(evidence: Evidence, auditor: Auditor):
    """The limit: nothing shows it, and the report says on what it rests."""
    alter(evidence)
    evidence.sizes = evidence.consistency = []
    report = auditor.judge(evidence)
    assert report.ok
    assert status(report, "prefixes") == "not checked"
    assert "what was before this one is unknown" in " ".join(report.lines())


def test_the_last_events_cut_off(evidence: Evidence, auditor: Auditor):
    auditor.keep(evidence.checkpoint())
    evidence.cut(570)
    evidence.sizes = evidence.consistency = []
    found = failed(auditor.judge(evidence))
    assert "kept-0: at size 574, the log had more than now" in found["prefixes"][0]
    # Erasures went with the tail: what they excused is now missing without a reason.
    assert any("(R1)" in finding for finding in found["keys"])


def test_a_fork_for_another_auditor(evidence: Evidence, auditor: Auditor):
    """Same size, right key, another root."""
    auditor.keep(evidence.checkpoint())
    alter(evidence)
    assert "the log was another one" in failed(auditor.judge(evidence))["prefixes"][0]


def test_a_fork_without_witness_is_invisible_and_said_to_be(evidence: Evidence, auditor: Auditor):
    auditor.lines |= {"witnesses": "[]", "quorum": "0"}
    alter(evidence)
    evidence.sizes = evidence.consistency = []
    report = auditor.judge(evidence)
    assert report.ok
    assert status(report, "witnesses") == "not checked"
    assert "a fork shown to somebody else is invisible" in "\n".join(report.lines())


def test_another_log_key(evidence: Evidence, auditor: Auditor):
    evidence.signer = key(2)
    found = failed(auditor.judge(evidence))
    assert found["checkpoint"] == ["checkpoint: none of the keys you pinned signed it"]


def test_another_key_beside_the_right_signature(evidence: Evidence, auditor: Auditor):
    """The copy of the key in the bundle is compared, never used."""
    evidence.extra["keys/log.vkey"] = f"{vkey(ORIGIN, key(2))}\n".encode()
    found = failed(auditor.judge(evidence))
    assert found["checkpoint"] == ["keys/log.vkey: the bundle names a key that you did not pin"]


def test_another_origin(evidence: Evidence, auditor: Auditor):
    evidence.origin = "ledger.example/other"
    evidence.signers = [(ORIGIN, key(1))]
    assert "it is of another log" in failed(auditor.judge(evidence))["checkpoint"][0]


# --- witnesses ----------------------------------------------------------------------------------


def test_too_few_witnesses(evidence: Evidence, auditor: Auditor):
    del evidence.witnesses[1]
    found = failed(auditor.judge(evidence))
    assert found == {"witnesses": ["1 witness cosigned, 2 needed"]}


def test_the_log_as_its_own_witness_counts_for_nothing(evidence: Evidence, auditor: Auditor):
    names = [(WITNESSES[0][0], key(11), 1), ("other.example", key(1), 1)]
    auditor.lines["witnesses"] = str([vkey(name, private, 4) for name, private, _ in names])
    evidence.witnesses = list(names)
    assert failed(auditor.judge(evidence)) == {"witnesses": ["1 witness cosigned, 2 needed"]}


def test_one_witness_under_two_names_counts_once(evidence: Evidence, auditor: Auditor):
    names = [("one.example", key(11), 1), ("two.example", key(11), 2)]
    auditor.lines["witnesses"] = str([vkey(name, private, 4) for name, private, _ in names])
    evidence.witnesses = list(names)
    assert "witnesses" in failed(auditor.judge(evidence))


# --- streams and time ---------------------------------------------------------------------------


def test_a_version_is_missing(evidence: Evidence, auditor: Auditor):
    evidence.change(7, ver=3)
    found = failed(auditor.judge(evidence))
    assert found["streams"] == [
        "position 7: a version of its stream is missing before it, or comes twice"
    ]


def test_a_version_comes_twice(evidence: Evidence, auditor: Auditor):
    evidence.change(7, ver=1)
    assert "streams" in failed(auditor.judge(evidence))


def test_a_stream_that_begins_late_needs_as_many_pruned_events(
    evidence: Evidence, auditor: Auditor
):
    evidence.change(100, ver=4)  # three events were pruned, at 20 to 22
    assert "streams" not in failed(auditor.judge(evidence))
    evidence.change(100, ver=5)
    assert "position 100" in failed(auditor.judge(evidence))["streams"][0]


def test_record_time_that_does_not_grow(evidence: Evidence, auditor: Auditor):
    evidence.change(50, at=evidence.said(49)["at"])
    found = failed(auditor.judge(evidence))
    assert found["streams"] == ["position 50: recorded no later than the one before"]


# --- keys, envelopes, pruning -------------------------------------------------------------------


def test_an_envelope_missing_without_a_destroyed_key(evidence: Evidence, auditor: Auditor):
    del evidence.envelopes["2-contact"]
    found = failed(auditor.judge(evidence))
    assert found == {
        "keys": ["position 3: an envelope is missing and nothing destroyed its key (R1)"]
    }


def test_keys_destroyed_on_nobodys_order(evidence: Evidence, auditor: Auditor):
    meta = evidence.said(572)["meta"]
    evidence.change(572, meta={**meta, "authority": evidence.said(100)["id"]})
    found = failed(auditor.judge(evidence))
    assert "on the order of no erasure" in found["keys"][0]


def test_a_key_destroyed_on_the_order_of_an_erasure_that_does_not_name_it(
    evidence: Evidence, auditor: Auditor
):
    """Another person's lawful erasure excuses nothing of hers."""
    meta = evidence.said(572)["meta"]
    other = {**evidence.said(3)["parts"][0]}
    keys = [{"kid": other["kid"], "kc": other["kc"]}, *meta["keys"]]
    evidence.change(572, meta={**meta, "keys": keys})
    del evidence.envelopes["2-contact"]
    found = failed(auditor.judge(evidence))
    assert found["keys"] == [
        "position 572: keys were destroyed on the order of no erasure in this log (R1)"
    ]


def test_a_key_destroyed_before_the_envelope_was_made_excuses_nothing(
    evidence: Evidence, auditor: Auditor
):
    """Later is part of the rule: the destruction moves to an earlier place of the log."""
    meta, other = evidence.said(572)["meta"], evidence.said(4)
    evidence.change(4, type="ledger.key_destroyed.v1", meta=meta)
    evidence.change(572, type=other["type"], meta=other["meta"])
    assert "position 5: an envelope is missing" in failed(auditor.judge(evidence))["keys"][0]


def test_an_erasure_that_did_not_happen(evidence: Evidence, auditor: Auditor, story: Evidence):
    evidence.envelopes["4-contact"] = b"still here"
    found = failed(auditor.judge(evidence))["keys"]
    assert "position 5: an envelope of a destroyed key is still there" in found


def test_an_envelope_that_no_entry_names(evidence: Evidence, auditor: Auditor):
    evidence.envelopes["99-contact"] = b"whose?"
    assert failed(auditor.judge(evidence))["keys"] == ["there are envelopes that no entry names"]


def test_a_lost_part_that_no_restore_names(evidence: Evidence, auditor: Auditor):
    meta = evidence.said(574)["meta"]
    evidence.change(574, meta={**meta, "lost_parts": [[8, 8]]})
    assert "position 9: an envelope is missing" in failed(auditor.judge(evidence))["keys"][0]


def test_an_entry_missing_without_pruning(evidence: Evidence, auditor: Auditor):
    evidence.prune(30)
    found = failed(auditor.judge(evidence))
    assert found["keys"] == ["position 30: the entry is missing and no later event prunes it (R2)"]


def test_an_entry_pruned_before_it_was_written(evidence: Evidence, auditor: Auditor):
    meta = evidence.said(573)["meta"]
    evidence.change(573, meta={**meta, "ranges": [[20, 22], [574, 574]]})
    evidence.prune(574)
    assert any("position 574" in one for one in failed(auditor.judge(evidence))["keys"])


# --- entries: one spelling only -----------------------------------------------------------------


def respelled(change: Callable[[bytes], bytes]) -> Attack:
    def attack(told: Evidence) -> None:
        told.entries[99] = change(told.entries[99])
        told.leaves[99] = Evidence([told.entries[99]]).leaves[0]

    return attack


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b'"meta":{', b'"meta": {'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"instant","grain":"instant"'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"\\u0069nstant"'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"instant","late":null'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"instant","late":true'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"instant","late":1.0'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"instant","late":NaN'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"instant","late":9007199254740992'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"gr ain":"instant"'),
        lambda raw: raw.replace(b'"grain":"instant"', b'"grain":"\xff"'),
        lambda raw: raw.replace(b'"v":1', b'"v":2'),
        lambda raw: raw.replace(b'"ver":1', b'"ver":01'),
        lambda raw: raw.replace(b'"salt":"', b'"salt":"A'),
        lambda raw: raw.replace(b'"meta":{', b'"more":1,"meta":{'),
        lambda raw: raw.replace(b',"pol":', b',"extra":{},"pol":'),
        lambda raw: raw.replace(b'"meta":{', b'"meta":{"a":1},null,{"b":{'),
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b'"grain"', b'"filler":"' + b"x" * 16384 + b'","grain"'),
    ],
)
def test_an_entry_in_another_spelling(
    evidence: Evidence, auditor: Auditor, change: Callable[[bytes], bytes]
):
    before = evidence.entries[99]
    respelled(change)(evidence)
    assert evidence.entries[99] != before, "the case changes nothing"
    found = failed(auditor.judge(evidence))
    assert found["entries"] == ["position 100: the entry is not canonical, or not an entry"]


@pytest.mark.parametrize(
    ("kind", "meta"),
    [
        ("ledger.key_destroyed.v1", {"keys": [{"kid": "zz"}], "authority": {}}),
        ("ledger.key_destroyed.v1", {"keys": [], "authority": {}}),
        ("ledger.pruned.v1", {"ranges": [["1", 2]]}),
        ("ledger.restored.v1", {"lost_parts": [[1]]}),
        ("ledger.anchored.v1", {"size": [1], "token": 1}),
        ("ledger.log_key_added.v1", {"vkey": ["x"]}),
        ("policy.published.v1", {"document": ["x"], "edition": 1}),
        ("policy.published.v1", {"document": "x", "edition": 1}),
        ("order.placed.v1", {"amount": 7}),
        ("order.placed.v1", {"occurred": "9999-12-31T23:59:59.999999Z"}),
        ("hold.placed.v1", {"review": [1]}),
        ("no.such_kind.v9", {}),
    ],
)
def test_entries_that_make_no_sense_are_findings_and_never_a_crash(
    evidence: Evidence, auditor: Auditor, kind: str, meta: dict[str, Any]
):
    said = evidence.said(100)
    said |= {"type": kind, "meta": {**said["meta"], **meta}}
    evidence.entries[99] = canonical(said)
    evidence.leaves[99] = Evidence([evidence.entries[99]]).leaves[0]
    evidence.extra["keys/history.txt"] = b"x 1 -\n"
    report = auditor.judge(evidence)
    assert not report.ok
    assert "\n".join(report.lines())


def test_parts_that_make_no_sense(evidence: Evidence, auditor: Auditor):
    other = {**evidence.said(3)["parts"][0], "kid": "0" * 36}
    nonsense: list[Any] = [["x"], [{}], [other], {"n": 1}]
    for parts in nonsense:
        evidence.entries[2] = canonical({**evidence.said(3), "parts": parts})
        evidence.leaves[2] = Evidence([evidence.entries[2]]).leaves[0]
        evidence.proofs = {2: [{"n": "contact", "salt": "", "text": ""}]}
        assert {"entries", "disclosed"} <= failed(auditor.judge(evidence)).keys()


def test_two_entries_that_are_only_one_together():
    """Entries are parsed in batches: what opens in one and closes in the next is no entry."""
    assert canonical_of(['{"a":[{"b":1}', '{"c":2}]}']) == [None, None]
    assert canonical_of(['{"a":1},null,{"b":2}', '{"c":3}']) == [None, {"c": 3}]
    assert canonical_of(['{"a":1},null,{"b":2}', '{"a":[{"b":1}', '{"c":2}]}']) == [None] * 3
    assert canonical_of(['{"a":"null"}', '{"b":"true"}', "{}"])[1:] == [{"b": "true"}, {}]


# --- columns, policies, disclosures -------------------------------------------------------------


@pytest.mark.parametrize("place", [1, 3, 4, 8, 12, 13, 17, 19, 20])
def test_a_typed_column_says_otherwise(evidence: Evidence, auditor: Auditor, place: int):
    row: list[Any] = json.loads(evidence.columns[6])
    row[place] = row[place] + 1 if isinstance(row[place], int) else f"{row[place]}x"
    evidence.columns[6] = columns(row)
    found = failed(auditor.judge(evidence))
    assert found.keys() == {"columns"}
    assert "columns do not say what the entry says" in " ".join(found["columns"]) or place == 13


def test_every_line_of_columns_names_another_edition(evidence: Evidence, auditor: Auditor):
    """All of them alike: only what the publication states gives them away."""
    for position, line in evidence.columns.items():
        row = json.loads(line)
        row[13] = 20200101
        evidence.columns[position] = columns(row)
    sentence = "position 1: the columns name another edition than its publication"
    assert failed(auditor.judge(evidence)) == {"columns": [sentence]}


@pytest.mark.parametrize("change", ["missing", "more", "swapped"])
def test_lines_of_columns_missing_added_or_swapped(
    evidence: Evidence, auditor: Auditor, change: str
):
    if change == "missing":
        del evidence.columns[6]
    elif change == "more":
        evidence.columns[575] = evidence.columns[574]
        evidence.last = 575
    else:
        evidence.columns[6], evidence.columns[7] = evidence.columns[7], evidence.columns[6]
    bundle = evidence.write(auditor.folder / "bundle")
    if change == "more":
        with (bundle / "columns.ndjson").open("a") as file:
            file.write(evidence.columns[574] + "\n")
    assert "columns" in failed(auditor.ask(bundle))


def test_a_policy_that_is_missing_or_altered(evidence: Evidence, auditor: Auditor):
    (name,) = evidence.policies
    evidence.policies[name] += b"# one more right\n"
    sentence = "position 1: the policy in force is not in the bundle, or was altered"
    assert failed(auditor.judge(evidence))["policies"] == [sentence]
    del evidence.policies[name]
    (auditor.folder / "bundle/policies" / name).unlink()
    assert failed(auditor.judge(evidence))["policies"] == [sentence]


def test_a_policy_that_was_never_published(evidence: Evidence, auditor: Auditor):
    document = b"[edition]\neffective_from = 2018-11-20\n"
    digest = sha256(document).digest()
    evidence.policies[digest.hex()] = document
    evidence.change(300, pol=web64(digest))
    found = failed(auditor.judge(evidence))
    assert found["policies"] == ["position 300: the policy in force was not published before"]


# --- receipts and certificates ------------------------------------------------------------------


def test_a_receipt_whose_event_was_left_out(evidence: Evidence, auditor: Auditor):
    held = auditor.folder / "hers.receipt"
    held.write_bytes(evidence.receipt(574))
    evidence.cut(573)
    evidence.sizes = evidence.consistency = []
    report = auditor.judge(evidence, receipts=[held])
    assert "hers.receipt: its event is not in this log" in failed(report)["receipts"][0]
    assert "FAILED: found wrong: 1" in "\n".join(report.lines())  # and not what it would rest on


def test_a_receipt_whose_event_is_another_now(evidence: Evidence, auditor: Auditor):
    held = auditor.folder / "hers.receipt"
    held.write_bytes(evidence.receipt(100))
    assert status(auditor.judge(evidence, receipts=[held]), "receipts") == "passed"
    alter(evidence)
    found = failed(auditor.judge(evidence, receipts=[held]))
    assert found["receipts"] == ["hers.receipt: another event stands at its position"]


def test_a_receipt_whose_event_the_bundle_does_not_hold(evidence: Evidence, auditor: Auditor):
    """One person's bundle has no tiles: of others' events it can say nothing, and says that."""
    evidence.kind, evidence.proofs = "subject", {5: None}
    held = auditor.folder / "hers.receipt"
    held.write_bytes(evidence.receipt(6))
    assert auditor.judge(evidence, receipts=[held]).ok
    held.write_bytes(evidence.receipt(7))
    report = auditor.ask(auditor.folder / "bundle", receipts=[held])
    assert status(report, "receipts") == "not checked"
    assert not report.ok
    assert any("does not hold the event of a receipt" in line for line in report.lines())


def test_a_checkpoint_is_no_receipt(evidence: Evidence, auditor: Auditor):
    evidence.extra["receipts/1.receipt"] = evidence.checkpoint()
    evidence.extra["certificates/1.certificate"] = evidence.receipt(3)
    assert failed(auditor.judge(evidence)).keys() == {"receipts", "certificates"}


def test_a_statement_of_one_purpose_serves_no_other(evidence: Evidence, auditor: Auditor):
    """Well formed and signed by the log's key, but as a certificate, and the other way round."""
    body = evidence.receipt(3).decode().split("\n\n")[0].partition("\n")[2] + "\n"
    evidence.extra["receipts/3.receipt"] = evidence.statement("certificate", body)
    evidence.extra["certificates/1.certificate"] = evidence.statement("receipt", "{}\n")
    found = failed(auditor.judge(evidence))
    assert found["receipts"] == ["receipts/3.receipt: none of the keys you pinned signed it"]
    assert found["certificates"] == [
        "certificates/1.certificate: none of the keys you pinned signed it"
    ]


def test_a_certificate_with_a_key_twice(evidence: Evidence, auditor: Auditor):
    body = '{"kept":[],\n "kept":["all"]}\n'
    evidence.extra["certificates/1.certificate"] = evidence.statement("certificate", body)
    assert failed(auditor.judge(evidence)).keys() == {"certificates"}


# --- the manifest -------------------------------------------------------------------------------


def test_a_file_too_many_and_one_too_few(evidence: Evidence, auditor: Auditor):
    bundle = evidence.write(auditor.folder / "bundle")
    (bundle / "extra.txt").write_text("hello")
    assert failed(auditor.ask(bundle)) == {"manifest": ["1 file that the manifest does not list"]}
    (bundle / "extra.txt").unlink()
    (bundle / "keys/log.vkey").unlink()
    assert failed(auditor.ask(bundle)) == {"manifest": ["keys/log.vkey: listed, but not there"]}
    (bundle / "keys/other.vkey").write_text("hello")
    both = ["keys/log.vkey: listed, but not there", "1 file that the manifest does not list"]
    assert failed(auditor.ask(bundle)) == {"manifest": both}


def test_a_file_listed_twice_hides_no_other(evidence: Evidence, auditor: Auditor):
    bundle = evidence.write(auditor.folder / "bundle")
    (bundle / "extra.txt").write_text("hello")
    listed = (bundle / "manifest.json").read_text().splitlines(keepends=True)
    twice = next(line for line in listed if "keys/log.vkey" in line)
    listed.insert(listed.index(twice), twice)
    (bundle / "manifest.json").write_text("".join(listed))
    assert failed(auditor.ask(bundle)).keys() == {"manifest"}


def test_a_file_that_a_zip_cannot_give_back(evidence: Evidence, auditor: Auditor):
    folder, zipped = evidence.write(auditor.folder / "bundle"), auditor.folder / "bundle.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
        at = archive.getinfo("keys/log.vkey")
    flip(zipped, at.header_offset + 30 + len(at.filename))
    found = failed(auditor.ask(zipped))
    assert found == {"manifest": ["keys/log.vkey: not as it was sent"]}


@pytest.mark.parametrize("size", [573, 575])
def test_size_is_taken_from_the_checkpoint_alone(evidence: Evidence, auditor: Auditor, size: int):
    bundle = evidence.write(auditor.folder / "bundle")
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(text.replace('"size": 574', f'"size": {size}'))
    report = auditor.ask(bundle)
    assert failed(report).keys() == {"manifest"}
    assert report.about["size"] == 574
