"""What is signed, pinned or named otherwise than the format says counts for nothing.

Each of these bundles was signed by the log's own key, or is pinned by whoever asks: only the form
of what is said gives it away.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replay.verify import Bad, Misuse, Report, Trust, grown, verify
from tests.evidence.bundles import ORIGIN, Evidence, b64, key, leaf, line, path, vkey
from tests.evidence.conftest import Auditor

SHOWN = "proofs/5.tlog-proof"


def findings(report: Report) -> list[tuple[int, str]]:
    """The number of the check, and which sentence."""
    return [(check, why) for check, why, _ in report.found.kept]


# --- what the auditor pins ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        {"quorom": "2"},  # misspelt: an anchor that nobody would hold up
        {"quorum": "true"},
        {"quorum": "-1"},
        {"quorum": '"2"'},
        {"tolerance_seconds": "-1"},
        {"tolerance_seconds": "1.5"},
        {"origin": '"ledger.example/other"'},
        {"log": str([vkey(ORIGIN, key(1)), vkey("ledger.example/other", key(2))])},
        {"witnesses": str([vkey("dpo.example", key(11), 1)])},  # a key of a log
        {"checkpoints": '["nowhere"]'},
        {"tsa": '["nowhere.pem"]'},
    ],
)
def test_a_trust_file_is_understood_whole_or_not_at_all(auditor: Auditor, lines: dict[str, str]):
    assert Trust.load(auditor.trust).quorum == 2
    auditor.lines |= lines
    with pytest.raises(Misuse, match="trust"):
        Trust.load(auditor.trust)


def test_what_is_asked_about_is_there(evidence: Evidence, auditor: Auditor, tmp_path: Path):
    bundle, trust = evidence.write(auditor.folder / "bundle"), Trust.load(auditor.trust)
    no_zip = tmp_path / "bundle.zip"
    no_zip.write_bytes(b"PK")
    for place, receipts in ((tmp_path / "nowhere", []), (no_zip, []), (bundle, [tmp_path / "x"])):
        with pytest.raises(Misuse, match="no_bundle"):
            verify(place, trust, receipts=receipts)


# --- what the log signed ------------------------------------------------------------------------


def signed(text: str, name: str = ORIGIN, seed: int = 1) -> bytes:
    return (text + "\n" + line(name, key(seed), text)).encode()


@pytest.mark.parametrize(
    "other", [lambda text: text + "more\n", lambda text: text.rsplit("\n", 2)[0] + "\n"]
)
def test_a_checkpoint_has_three_lines(
    evidence: Evidence, auditor: Auditor, other: Callable[[str], str]
):
    assert Trust.load(auditor.trust).open(signed(evidence.text())).size == 574
    evidence.extra["checkpoint"] = signed(other(evidence.text()))
    assert (1, "other_origin") in findings(auditor.judge(evidence))


def test_a_statement_says_itself_what_it_is(evidence: Evidence, auditor: Auditor):
    """The log's key under the name of its receipts, below a text that begins otherwise."""
    text = evidence.receipt(3).decode().partition("\n\n")[0] + "\n"
    name = f"{ORIGIN}/receipt"
    for begins, found in ((name, []), (f"{ORIGIN}/certificate", [(12, "other_origin")])):
        said = signed(text.replace(name, begins, 1), name)
        evidence.extra["receipts/3.receipt"] = said
        assert findings(auditor.judge(evidence)) == found


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, "0"), (0, "03"), (1, "AA=="), (2, "AA=="), (3, "yesterday"), (4, "-1"), (4, "60\nmore")],
)
def test_a_receipt_has_six_lines_of_their_form(
    evidence: Evidence, auditor: Auditor, place: int, value: str
):
    body = evidence.receipt(3).decode().partition("\n\n")[0].split("\n")[1:]
    body[place] = value
    evidence.extra["receipts/3.receipt"] = evidence.statement("receipt", "\n".join(body) + "\n")
    assert findings(auditor.judge(evidence)) == [(12, "malformed")]


@pytest.mark.parametrize("kind", ["whole", "subject"])
def test_a_key_signs_the_sizes_of_its_time(evidence: Evidence, auditor: Auditor, kind: str):
    """Of one person's bundle no other entry is read: the history of keys alone says when."""
    evidence.kind, evidence.proofs = kind, {5: None}
    evidence.sizes = evidence.consistency = []
    for last in ("-", "574", "573"):
        evidence.extra["keys/history.txt"] = f"{vkey(ORIGIN, key(1))} 1 {last}\n".encode()
        said = (1, "not_its_time") in findings(auditor.judge(evidence))
        assert said is (last == "573")


@pytest.mark.parametrize("wrong", ["{} 1", "{} 1 - -", "{} 01 -", "{}A 1 -", "x 1 -"])
def test_a_history_of_keys_is_read_strictly(evidence: Evidence, auditor: Auditor, wrong: str):
    written = wrong.format(vkey(ORIGIN, key(1)))
    evidence.kind, evidence.proofs = "subject", {5: None}
    evidence.extra["keys/history.txt"] = f"{written}\n".encode()
    assert findings(auditor.judge(evidence)) == [(1, "history")]


@pytest.mark.parametrize(
    ("seeds", "index", "said", "found"),
    [
        ((1, 3), 99, 3, []),
        ((1,), 99, 3, [(1, "history")]),  # whose key is it? nobody showed that he holds it
        ((3,), 99, 3, [(1, "history")]),  # anybody may sign himself in
        ((1, 3), 99, 4, [(1, "history")]),  # the log added another one
        ((1, 3), 98, 3, [(1, "history")]),  # and not there
        ((), 99, 3, [(1, "history")]),
        ((1, 3), 99, 0, [(6, "fork")]),  # it did, in another tree of the same size
    ],
)
def test_a_new_key_is_followed_where_the_old_one_and_itself_signed_that_it_was_added(
    evidence: Evidence,
    auditor: Auditor,
    seeds: tuple[int, ...],
    index: int,
    said: int,
    found: list[tuple[int, str]],
):
    """One person's bundle: the proofs of the keys are all that it holds of the log's own acts."""
    evidence.kind, evidence.proofs, evidence.sizes = "subject", {5: None}, []
    meta = evidence.said(index + 1)["meta"]
    added = {**meta, "vkey": vkey(ORIGIN, key(said or 3))}
    evidence.change(index + 1, type="ledger.log_key_added.v1", meta=added)
    new = vkey(ORIGIN, key(3))
    evidence.extra["keys/history.txt"] = f"{vkey(ORIGIN, key(1))} 1 -\n{new} 100 -\n".encode()
    tree = evidence.copy()
    if not said:
        tree.change(300, salt="B" * 22)
    tree.signers = [(ORIGIN, key(seed)) for seed in seeds]
    hashes = "".join(f"{b64(one)}\n" for one in path(index, tuple(tree.leaves)))
    note = tree.checkpoint() if seeds else b"nothing\n"
    shown = f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n".encode() + note
    evidence.extra["keys/99.tlog-proof"] = shown
    evidence.extra["keys/99.entry"] = evidence.entries[index]
    assert findings(auditor.judge(evidence)) == found


# --- names, and proofs of something else --------------------------------------------------------


def renamed(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files[new] = files.pop(old)

    return change


def written(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return change


def proof_of_another(files: dict[str, bytes]) -> None:
    for end in ("tlog-proof", "entry"):
        files[f"proofs/4.{end}"] = files.pop(f"proofs/5.{end}")


def joined_to_another(files: dict[str, bytes]) -> None:
    hashes, _, _ = files.pop("consistency/300-574.txt").partition(b"\n\n")
    files["consistency/300-570.txt"] = hashes + b"\n\n" + files["checkpoints/570"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (joined_to_another, (6, "proof")),
        (renamed("checkpoints/300", "checkpoints/301"), (6, "malformed")),
        (renamed("consistency/300-574.txt", "consistency/299-574.txt"), (6, "malformed")),
        (written("consistency/300-574.txt", b"old 300", b"300"), (6, "malformed")),
        (written("consistency/300-574.txt", b"old 300", b"old 301"), (6, "malformed")),
        (proof_of_another, (5, "proof")),
        (written(SHOWN, b"index 5", b"index 4"), (5, "proof")),
        (written(SHOWN, b"tlog-proof@v1", b"tlog-proof@v2"), (5, "malformed")),
        (written(SHOWN, b"index 5\n", b""), (5, "malformed")),
        (written("proofs/5.entry", b'"v":1', b'"v": 1'), (5, "proof")),
    ],
)
def test_a_proof_is_of_what_its_name_says(
    evidence: Evidence,
    auditor: Auditor,
    change: Callable[[dict[str, bytes]], None],
    found: tuple[int, str],
):
    evidence.proofs = {5: None}
    assert auditor.judge(evidence).ok
    files = evidence.files()
    change(files)
    assert findings(sent(evidence, auditor, files)) == [found]


@pytest.mark.parametrize(
    ("size", "is_altered", "joined", "ok", "found"),
    [
        (574, False, [], True, []),
        (574, True, [], False, [(6, "fork")]),
        (400, False, [400], True, []),
        (400, False, [], False, []),  # in what tree?
        (400, True, [], False, []),  # not in the one that was witnessed
        (400, True, [400], False, [(6, "proof")]),
    ],
)
def test_an_entry_is_proven_in_the_log_whose_checkpoint_was_witnessed(
    evidence: Evidence,
    auditor: Auditor,
    size: int,
    is_altered: bool,
    joined: list[int],
    ok: bool,
    found: list[tuple[int, str]],
):
    """One person's bundle, with the checkpoint that two witnesses saw; her entry is proven under
    another one, which the log's key signed for her alone."""
    evidence.kind, evidence.proofs = "subject", {5: None}
    evidence.sizes, evidence.consistency = [], joined
    other = evidence.copy()
    if is_altered:
        other.change(6, meta={**other.said(6)["meta"], "purpose": "surveys"})
    other.cut(size)
    other.consistency = []
    shown = {name: raw for name, raw in other.files().items() if name.startswith("proofs/")}
    report = sent(evidence, auditor, evidence.files() | shown)
    assert (report.ok, findings(report)) == (ok, found), list(report.lines())
    assert (report.status(2), report.status(5)) == ("passed", "passed")


def sent(evidence: Evidence, auditor: Auditor, files: dict[str, bytes]) -> Report:
    """The verdict on just these files, listed as they are."""
    bundle = auditor.folder / "sent"
    for name, content in {**files, "manifest.json": evidence.manifest(files)}.items():
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_bytes(content)
    return auditor.ask(bundle)


def test_a_leaf_that_is_no_entry_is_not_proven(evidence: Evidence, auditor: Auditor):
    """It is in the tree, at its place, under a good checkpoint: and is nothing that can be read."""
    evidence.kind, evidence.proofs, evidence.sizes = "subject", {5: None}, []
    evidence.entries[5] = evidence.entries[5].replace(b'"v":1', b'"v": 1')
    evidence.leaves[5] = leaf(evidence.entries[5])
    assert findings(auditor.judge(evidence)) == [(5, "form")]


@pytest.mark.parametrize("shown", ["{}", "[", '[{"n": "contact"}]', "[1]"])
def test_a_disclosed_text_has_its_form(evidence: Evidence, auditor: Auditor, shown: str):
    evidence.kind, evidence.proofs, evidence.sizes = "subject", {2: None}, []
    evidence.extra["proofs/2.open.json"] = shown.encode()
    expected = [] if shown == "{}" else [(9, "malformed")]  # nothing shown
    assert findings(auditor.judge(evidence)) == expected


def test_of_one_person_the_policies_are_judged_too(evidence: Evidence, auditor: Auditor):
    """Each entry was decided under one: whoever shows the entry shows what was in force."""
    evidence.kind, evidence.proofs, evidence.sizes = "subject", {2: None, 5: None}, []
    assert auditor.judge(evidence).status(10) == "passed"
    (name,) = evidence.policies
    evidence.policies[name] += b"# one more right\n"
    assert findings(auditor.judge(evidence)) == [(10, "policy")]


@pytest.mark.parametrize("old", [0, -1, 5])
def test_no_tree_grows_out_of_nothing_or_backwards(old: int):
    with pytest.raises(Bad):
        grown(old, 4, leaf(b"x"), [leaf(b"x")])


# --- the manifest -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"first": 0},
        {"last": 575},
        {"first": 401},
        {"first": True},
        {"last": "400"},
        {"last": None},
        {"format": "probant-evidence/2"},
    ],
)
def test_a_manifest_says_what_the_bundle_holds(
    evidence: Evidence, auditor: Auditor, said: dict[str, Any]
):
    evidence.kind, evidence.first, evidence.last = "range", 260, 400
    bundle = evidence.write(auditor.folder / "bundle")
    assert auditor.ask(bundle).ok
    file = bundle / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | said, indent=1) + "\n")
    report = auditor.ask(bundle)
    assert (14, "manifest_form") in findings(report)
