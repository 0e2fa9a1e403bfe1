"""Sound evidence passes, of every kind; and the verifier says what it could not check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from base64 import urlsafe_b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.events import KINDS
from ledger.fields import BOOLEAN
from ledger.opening import create
from replay import verify
from replay.verify import COLUMNS, MAPPED, NAMES, WORDS, Report
from tests.clock import StepClock
from tests.evidence.bundles import ORIGIN, Evidence, key, leaf, path, proof, root, vkey, web64
from tests.evidence.conftest import Auditor

VERIFY = Path(verify.__file__)


def statuses(report: Report) -> dict[str, str]:
    return {name: report.status(check) for check, name in enumerate(NAMES, 1)}


def test_a_sound_bundle_passes(evidence: Evidence, auditor: Auditor):
    auditor.keep(evidence.checkpoint(100))
    text = "what she was told"
    salt = b"s" * 32
    said = evidence.said(3)
    label = b"contact"
    head = b"\2" + salt + len(label).to_bytes(2, "big") + label
    said["parts"][0]["cm"] = web64(sha256(head + text.encode()).digest())
    evidence.change(3, parts=said["parts"])
    evidence.proofs = {2: [{"n": "contact", "salt": web64(salt), "text": text}], 99: None}
    evidence.extra["receipts/6.receipt"] = evidence.receipt(6)
    body = json.dumps({"erased": ["contact"]}, indent=1) + "\n"
    evidence.extra["certificates/a.certificate"] = evidence.statement("certificate", body)
    auditor.kept.clear()
    auditor.keep(evidence.checkpoint(100))
    report = auditor.judge(evidence)
    assert report.ok, report.to_json()
    found = statuses(report)
    assert found.pop("timestamps") == "not checked"
    assert set(found.values()) == {"passed"}
    assert (report.about["entries"], report.about["pruned"]) == (571, 3)


@pytest.mark.parametrize("processes", [2, 3])
def test_more_processes_say_the_same(evidence: Evidence, auditor: Auditor, processes: int):
    evidence.change(7, ver=3)
    evidence.change(400, ver=2)
    bundle = evidence.write(auditor.folder / "bundle")
    assert auditor.ask(bundle).to_json() == auditor.ask(bundle, processes=processes).to_json()


def test_time_grows_from_one_process_to_the_next(evidence: Evidence, auditor: Auditor):
    """The border of two shares (574 leaves are 3 tiles: one, then two) is looked at too."""
    evidence.change(257, at=evidence.said(256)["at"])
    report = auditor.judge(evidence, processes=2)
    assert {(check, key) for check, key, _ in report.found.kept if check == 7} == {(7, "time")}


def test_a_zip_is_read_as_a_folder_is(evidence: Evidence, auditor: Auditor):
    folder = evidence.write(auditor.folder / "bundle")
    with zipfile.ZipFile(auditor.folder / "bundle.zip", "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    assert auditor.ask(auditor.folder / "bundle.zip").to_json() == auditor.ask(folder).to_json()


def test_a_range_answers_for_its_entries_only(evidence: Evidence, auditor: Auditor):
    evidence.kind, evidence.first, evidence.last = "range", 260, 400
    report = auditor.judge(evidence)
    assert report.ok, report.to_json()
    assert report.about["entries"] == 141
    assert (report.about["first"], report.about["last"]) == (260, 400)
    evidence.change(300, salt="D" * 22)
    bundle = evidence.write(auditor.folder / "other")
    (bundle / "checkpoint").write_bytes(report_checkpoint(auditor))
    assert not auditor.ask(bundle).ok


def report_checkpoint(auditor: Auditor) -> bytes:
    return (auditor.folder / "bundle/checkpoint").read_bytes()


def test_a_range_cannot_say_what_excuses_a_missing_part(evidence: Evidence, auditor: Auditor):
    evidence.kind, evidence.first, evidence.last = "range", 1, 256
    report = auditor.judge(evidence)
    assert report.ok
    assert statuses(report)["keys"] == "not checked"
    assert "outside of this bundle" in "\n".join(report.lines())


def test_a_redacted_bundle_proves_the_tree(evidence: Evidence, auditor: Auditor):
    evidence.kind = "redacted"
    report = auditor.judge(evidence)
    assert report.ok, report.to_json()
    found = statuses(report)
    assert found["tree"] == "passed"
    assert found["entries"] == found["streams"] == found["keys"] == "not checked"


def test_one_person_s_bundle_proves_her_entries(evidence: Evidence, auditor: Auditor):
    evidence.kind, evidence.proofs = "subject", {2: None, 5: None, 6: None}
    report = auditor.judge(evidence)
    assert report.ok, report.to_json()
    assert "3 entries proven one by one" in "\n".join(report.lines())
    bundle = auditor.folder / "bundle"
    raw = (bundle / "proofs/5.entry").read_bytes()
    (bundle / "proofs/5.entry").write_bytes(raw.replace(b"consent.given", b"consent.taken"))
    assert auditor.ask(bundle).status(5) == "failed"


def test_a_small_bundle_and_a_kept_checkpoint_need_the_consistency_file(
    evidence: Evidence, auditor: Auditor
):
    """Without tiles, only a consistency file shows that the kept checkpoint is a prefix."""
    auditor.keep(evidence.checkpoint(300))
    evidence.kind, evidence.proofs, evidence.sizes = "subject", {2: None}, []
    assert auditor.judge(evidence).ok
    evidence.consistency = []
    shutil.rmtree(auditor.folder / "bundle")
    report = auditor.judge(evidence)
    assert not report.ok
    assert statuses(report)["prefixes"] == "not checked"


def test_a_bundle_without_ciphertext_does_not_pass_as_whole(evidence: Evidence, auditor: Auditor):
    evidence.envelopes = {}
    report = auditor.judge(evidence)
    assert statuses(report)["keys"] == "not checked"
    assert not report.ok


def test_only_hashes_is_never_enough(evidence: Evidence, auditor: Auditor):
    report = auditor.judge(evidence, hashes_only=True)
    assert statuses(report)["tree"] == "passed"
    assert not report.ok


def test_disclosed_text_must_be_the_committed_one(evidence: Evidence, auditor: Auditor):
    opened = {"n": "contact", "salt": web64(b"s" * 32), "text": "never said"}
    evidence.proofs = {2: [opened]}
    report = auditor.judge(evidence)
    assert report.found.kept == [(9, "text", {"path": "proofs/2.open.json"})]


def test_a_salt_has_one_spelling(evidence: Evidence, auditor: Auditor):
    """The last digit of a salt has two bits too many: whatever they say, it is decoded alike."""
    salt, text, label, said = b"s" * 32, "what she was told", b"contact", evidence.said(3)
    head = b"\2" + salt + len(label).to_bytes(2, "big") + label
    said["parts"][0]["cm"] = web64(sha256(head + text.encode()).digest())
    evidence.change(3, parts=said["parts"])
    written = web64(salt)
    bent = written[:-1] + chr(ord(written[-1]) + 1)
    assert urlsafe_b64decode(bent + "=") == salt
    for spelled, findings in ((written, []), (bent, [(9, "malformed")])):
        evidence.proofs = {2: [{"n": "contact", "salt": spelled, "text": text}]}
        report = auditor.judge(evidence)
        assert [(check, why) for check, why, _ in report.found.kept] == findings


def test_log_keys_have_a_history(evidence: Evidence, auditor: Auditor):
    old, new = vkey(ORIGIN, key(1)), vkey(ORIGIN, key(3))
    entry = evidence.said(100)
    evidence.change(100, type="ledger.log_key_added.v1", meta={**entry["meta"], "vkey": new})
    evidence.signers = [(ORIGIN, key(1)), (ORIGIN, key(3))]
    auditor.lines["log"] = str([old, new])
    evidence.extra["keys/history.txt"] = f"{old} 1 -\n{new} 100 -\n".encode()
    assert auditor.judge(evidence).status(1) == "passed"
    for history in (f"{old} 1 -\n{new} 99 -\n", f"{old} 1 300\n{new} 100 -\n", f"{new} 300 -\n"):
        evidence.extra["keys/history.txt"] = history.encode()
        assert auditor.judge(evidence).status(1) == "failed", history


# --- trees: against the recursive definition ----------------------------------------------------


def test_proofs_of_every_size_hold_and_bent_ones_do_not():
    leaves = tuple(leaf(b"%d" % n) for n in range(40))
    for size in range(1, 41):
        top = root(leaves[:size])
        assert verify.fold(b"".join(leaves[:size])) == top
        for index in range(size):
            hashes = path(index, leaves[:size])
            assert verify.climb(leaves[index], index, size, hashes) == top
            for bent in (hashes[:-1], [*hashes, top], [*hashes[:-1], top]):
                if bent != hashes:
                    assert refused(verify.climb, leaves[index], index, size, bent) != top
        for old in range(1, size + 1):
            hashes = proof(old, leaves[:size])
            old_root = root(leaves[:old])
            assert verify.grown(old, size, old_root, hashes) == top
            assert refused(verify.grown, old, size, leaf(b"of another log"), hashes) != top
            for bent in (hashes[:-1], [*hashes, top], [top, *hashes[1:]]):
                if bent != hashes:
                    assert refused(verify.grown, old, size, old_root, bent) != top
    # Leaf 1 of 4 under an index that the tree does not have: the same steps, a good root.
    assert refused(verify.climb, leaves[1], 5, 4, path(1, leaves[:4])) is None
    for index, size in ((5, 4), (-1, 4), (0, 0)):
        assert refused(verify.climb, leaves[0], index, size, []) is None


def test_a_key_is_written_in_one_way():
    """By its own name, of its own algorithm, under its own id; a name is one word without a +."""
    written = vkey(ORIGIN, key(1))
    assert verify.Key.parse(written, 1).written == written
    name, id_, material = written.split("+", 2)
    for bent, algorithm in (
        (written, 4),
        (f"{name}+{id_[:-1]}{'0' if id_[-1] != '0' else '1'}+{material}", 1),
        (f"{name}x+{id_}+{material}", 1),
        (vkey("a log", key(1)), 1),
        (vkey("", key(1)), 1),
    ):
        with pytest.raises(verify.Bad):
            verify.Key.parse(bent, algorithm)


def refused(function: Any, *arguments: Any) -> bytes | None:
    try:
        answer: bytes = function(*arguments)
    except verify.Bad:
        return None
    return answer


@pytest.mark.parametrize("text", ["", "+1", "-1", " 1", "1_0", "01", "١", "9223372036854775808"])
def test_a_number_has_one_spelling(text: str):
    with pytest.raises(verify.Bad):
        verify.number(text)


@pytest.mark.parametrize("text", ["AA", "AB==", "AA==\n", "A-_A", "A A=", "AA=="[:3]])
def test_base64_has_one_spelling(text: str):
    with pytest.raises(verify.Bad):
        verify.base64(text)


@pytest.mark.parametrize(
    "raw", [b"a", b"\xe9t\xe9\n", b"a\r\nb\n", b"a\tb\n", b"a\0\n", b"a\x1f\n"]
)
def test_a_text_is_of_whole_lines_and_nothing_else(raw: bytes):
    assert verify.lines_of("été\n\nb\n".encode()) == ["été", "", "b"]
    with pytest.raises(verify.Bad):
        verify.lines_of(raw)


def test_notes_are_read_strictly(evidence: Evidence, auditor: Auditor):
    trust = verify.Trust.load(auditor.trust)
    good = evidence.checkpoint(cosigned=True)
    assert trust.open(good).size == 574
    unknown = "— else.example " + "AAAAAAAA" * 9 + "\n"
    assert trust.open(good + unknown.encode()).size == 574
    text = evidence.text()
    for bad in (
        good[:-1],
        good.replace(b"\n", b"\r\n"),
        good.replace(b"\n574\n", b"\n0574\n"),
        good.replace(b"\n574\n", b"\n575\n"),
        good + b"\n",
        good + b"junk\n",
        good + unknown.encode() * 100,
        good + b"x" * (1 << 20) + b"\n",
        text.encode(),
        b"",
    ):
        with pytest.raises(verify.Bad):
            trust.open(bad)


def test_entries_read_together_are_judged_one_by_one(evidence: Evidence):
    """Whatever stands beside it, an entry is read as if it were alone, and has one spelling."""
    good, other = evidence.entries[2], evidence.entries[10]
    said = evidence.said(3)
    bad = [
        good + b"\n" + other,  # two in one record, beside one that is none
        b"",
        b"\n",
        good + b"\n",
        b" " + good,
        good.replace(b',"pol":"', b'"pol":"'),
        good.replace(b',"pol":"', b',,"pol":"'),
        good.replace(b'"pol":"', b'"pol":"x","pol":"'),
        good.replace(b'"meta":{', b'"meta":{ '),
        good.replace(b'"meta":{', b'"meta":{"zz":true,'),
        good.replace(b'"meta":{', b'"meta":{"0":null,'),
        good.replace(b'"meta":{', b'"meta":{"0":1.5,'),
        good.replace(b'"meta":{', b'"meta":{"0":-0,'),
        good.replace(b'"meta":{', b'"meta":{"0":9007199254740992,'),
        good.replace(b'"meta":{', b'"meta":{"0":"\\u0041",'),
        good.replace(b'"meta":{', b'"meta":{"0":"\n",'),
        good.replace(b'"meta":{', b'"meta":{"0":"\xff",'),
        good.replace(b'"meta":{', '"meta":{"é":1,'.encode()),
        good.replace(b'"meta":{', b'"beta":1,"meta":{'),
        verify.ENCODER.encode({**said, "other": 1}).encode(),
        verify.ENCODER.encode({**said, "ver": 0}).encode(),
        verify.ENCODER.encode({**said, "meta": {"0": "x" * 16384}}).encode(),
    ]
    for record in bad:
        read = verify.pieces([other, record, good])
        assert read[1] is None, record
        assert read[0] is not None and read[2] is not None
        assert verify.pieces([record]) == [None]
    assert None not in verify.pieces([good, other])
    assert verify.pieces([]) == []


# --- what the file knows of us ------------------------------------------------------------------


def test_the_catalogue_is_that_of_the_events():
    """The verifier imports nothing of ours, so it is told here when a kind or a column changes."""
    ours = {
        kind: {spec.key: spec.column for spec in cls.specs if spec.column}
        for kind, cls in KINDS.items()
    }
    theirs = {kind: {k: COLUMNS[at] for k, at in pairs} for kind, pairs in MAPPED.items()}
    assert theirs == ours
    booleans = {
        spec.column for cls in KINDS.values() for spec in cls.specs if spec.codec is BOOLEAN
    }
    assert booleans <= {"decision", None}


def test_every_sentence_exists_once_in_both_languages():
    lines = verify.SENTENCES.replace("\\\n", "").strip().splitlines()
    keys = [line.partition("|")[0] for line in lines]
    assert len(keys) == len(set(keys)) == len(WORDS)
    assert {line.count("|") for line in lines} == {2}
    source = VERIFY.read_text("utf-8").partition("SENTENCES = ")[0]
    unused = [name for name in keys if f'"{name}"' not in source]
    assert unused == []
    for english, french in WORDS.values():
        assert english and french
        assert sorted(re_fields(english)) == sorted(re_fields(french))


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_of_one_thing_it_is_said_as_of_one(lang: str):
    """And of none: English counts it like many, French like one. No mark is left in a sentence."""
    said = [Report(lang).word("unlisted", {"n": n}) for n in (0, 1, 2)]
    assert [one.partition(" ")[2].partition(" que ")[0] for one in said] == (
        ["fichier", "fichier", "fichiers"]
        if lang == "fr"
        else [f"file{s} that the manifest does not list" for s in ("s", "", "s")]
    )
    for n, name in ((n, k) for n in (0, 1, 2) for k, words in WORDS.items() if "[" in words[0]):
        told = Report(lang).word(name, {"n": n, "there": n, "at": "", "stamps": 2, "quorum": 1})
        assert not {"[", "]"} & set(told), told


def re_fields(text: str) -> list[str]:
    import re

    return re.findall(r"\{\w+\}", text)


def test_golden_entries_and_columns_are_read_alike(auditor: Auditor):
    """Every kind of event: the columns that the ledger derives are those the verifier derives."""
    ledger = create("sqlite://", clock=StepClock())
    try:
        from tests.evidence.bundles import from_ledger

        told = from_ledger(ledger)
    finally:
        ledger.close()
    first = told.said(1)
    golden = sorted((Path(__file__).parents[1] / "golden/entries").glob("*.json"))
    assert len(golden) == len(KINDS)
    for number, file in enumerate(golden):
        said = json.loads(file.read_bytes())
        said |= {"pol": first["pol"], "ver": 1, "at": f"2026-02-01T00:00:00.{number:06}Z"}
        said |= {"stream": f"5b1c3a0e-0000-4000-8000-{number:012}"}
        told.entries.append(b"")
        told.leaves.append(b"")
        told.put(len(told.entries), verify.ENCODER.encode(said).encode())
    report = auditor.judge(told)
    assert report.status(11) == "passed", report.to_json()
    assert report.status(5) == "passed"


# --- alone --------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The file as an auditor runs it: copied somewhere else, nothing of ours in sight."""
    alone = folder / "alone"
    alone.mkdir(exist_ok=True)
    shutil.copy(VERIFY, alone / "verify.py")
    command = [sys.executable, "-I", str(alone / "verify.py"), *arguments]
    return subprocess.run(command, cwd=alone, capture_output=True, text=True, check=False)


def test_it_runs_alone_in_two_languages(evidence: Evidence, auditor: Auditor):
    bundle = str(evidence.write(auditor.folder / "bundle"))
    trust = ["--trust", str(auditor.trust)]
    done = run(auditor.folder, bundle, *trust, "--lang", "fr", "--processes", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Vérifié : chaque contrôle requis a réussi" in done.stdout
    assert " réussi : " in done.stdout and "réussi: " not in done.stdout
    flip = Path(bundle) / "tile/entries/000"
    flip.write_bytes(flip.read_bytes().replace(b"newsletter", b"newsletteR", 1))
    done = run(auditor.folder, bundle, *trust, "--json", "--lang", "en")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["verdict"] == "failed"
    assert [c["name"] for c in said["checks"] if c["status"] == "failed"] == ["entries", "columns"]


def test_a_reader_who_has_read_enough_sees_no_trace(evidence: Evidence, auditor: Auditor):
    """`verify.py … | head`: the pipe is closed before anything was said."""
    bundle = str(evidence.write(auditor.folder / "bundle"))
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-I", str(VERIFY), bundle, "--trust", str(auditor.trust), "--json"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode != 0, done.stderr) == (True, "")


DEAF = """
import runpy, signal, sys
signal.signal(signal.SIGTERM, lambda *_: None)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_its_processes_end_where_sigterm_means_something_else(evidence: Evidence, auditor: Auditor):
    """Called by a program that hears SIGTERM and lives on, it waits for none of them for ever. (A
    pool that is terminated waits so every second time: hence ten.)"""
    bundle = str(evidence.write(auditor.folder / "bundle"))
    command = [sys.executable, "-c", DEAF, str(VERIFY), bundle, "--trust", str(auditor.trust)]
    command += ["--processes", "3"]
    for _ in range(10):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_receipt_and_a_certificate_alone(evidence: Evidence, auditor: Auditor):
    trust = ["--trust", str(auditor.trust), "--lang", "en"]
    receipt, certificate = auditor.folder / "a.receipt", auditor.folder / "a.certificate"
    receipt.write_bytes(evidence.receipt(3))
    certificate.write_bytes(evidence.statement("certificate", '{"erased": ["contact"]}\n'))
    said = run(auditor.folder, str(receipt), *trust).stdout
    assert "signed by the log" in said
    assert (said.count("\n"), "not reached" in said) == (3, False)
    done = run(auditor.folder, str(certificate), *trust, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["bundle"]["certificate"] == {"erased": ["contact"]}
    receipt.write_bytes(evidence.receipt(3).replace(b"\n3\n", b"\n4\n"))
    assert run(auditor.folder, str(receipt), *trust).returncode == 1


@pytest.mark.parametrize(
    "trust",
    ["", "origin = 1", 'origin = "x"\nlog = []', 'origin = "x"\nlog = ["x+00000000+AA=="]', "%"],
)
def test_a_trust_file_that_makes_no_sense(evidence: Evidence, auditor: Auditor, trust: str):
    bundle = str(evidence.write(auditor.folder / "bundle"))
    file = auditor.folder / "wrong.toml"
    file.write_text(trust)
    done = run(auditor.folder, bundle, "--trust", str(file))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert run(auditor.folder, "nowhere", "--trust", str(auditor.trust)).returncode == 2


# --- time stamps, from an authority that openssl plays ------------------------------------------

CONFIG = """[tsa]
default_tsa = one
[one]
serial = {here}/serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
crypto_device = builtin
ess_cert_id_alg = sha256
ordering = yes
accuracy = secs:1
"""


class Authority:
    """A time-stamping authority of our own."""

    def __init__(self, here: Path) -> None:
        self.here = here
        here.mkdir()
        (here / "tsa.cnf").write_text(CONFIG.format(here=here))
        (here / "serial").write_text("01\n")
        self._run(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=TSA"),
            *("-addext", "extendedKeyUsage=critical,timeStamping"),
            *("-keyout", "key.pem", "-out", "root.pem"),
        )

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.here, check=True, capture_output=True)

    def stamp(self, content: bytes) -> bytes:
        (self.here / "data").write_bytes(content)
        self._run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
        signer = ("-signer", "root.pem", "-inkey", "key.pem", "-config", "tsa.cnf")
        self._run("ts", "-reply", "-queryfile", "query", *signer, "-out", "reply")
        return (self.here / "reply").read_bytes()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tsa")


def moved(told: Evidence, seconds: int) -> None:
    """Every record time as if history had ended `seconds` before now, a second apart."""
    end = int(time.time()) - seconds
    for position in range(1, len(told.entries) + 1):
        if told.entries[position - 1]:
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(end - len(told.entries) + position))
            said = {**told.said(position), "at": f"{at}.000000Z"}
            told.put(position, verify.ENCODER.encode(said).encode())


def test_time_stamps_bound_record_times(evidence: Evidence, auditor: Auditor, authority: Authority):
    moved(evidence, 0)
    auditor.lines["tsa"] = str([str(authority.here / "root.pem")])
    evidence.sizes = [570]
    token = authority.stamp(evidence.checkpoint(570))
    evidence.extra["tsa/570.tsr"] = token
    report = auditor.judge(evidence)
    assert report.ok, report.to_json()
    assert statuses(report)["timestamps"] == statuses(report)["streams"] == "passed"
    assert "fits the time stamps (1)" in "\n".join(report.lines())
    # An hour later somebody records what he says was recorded before the time stamp.
    auditor.lines["tolerance_seconds"] = "1"
    moved(evidence, 3600)
    evidence.extra["tsa/570.tsr"] = authority.stamp(evidence.checkpoint(570))
    found = auditor.judge(evidence)
    assert {(c, k) for c, k, _ in found.found.kept} == {(7, "backdated")}
    assert {v["position"] for _, _, v in found.found.kept} == {571, 572, 573, 574}


def test_a_token_of_another_checkpoint_or_authority(
    evidence: Evidence, auditor: Auditor, authority: Authority, tmp_path: Path
):
    moved(evidence, 0)
    auditor.lines["tsa"] = str([str(authority.here / "root.pem")])
    evidence.sizes = [570]
    for token in (
        authority.stamp(evidence.checkpoint(569)),
        Authority(tmp_path / "other").stamp(evidence.checkpoint(570)),
        b"not a token",
    ):
        evidence.extra["tsa/570.tsr"] = token
        assert auditor.judge(evidence).found.kept == [(3, "token", {"path": "tsa/570.tsr"})]


def test_a_pinned_authority_and_no_token_is_not_enough(
    evidence: Evidence, auditor: Auditor, authority: Authority
):
    auditor.lines["tsa"] = str([str(authority.here / "root.pem")])
    report = auditor.judge(evidence)
    assert statuses(report)["timestamps"] == "not checked"
    assert not report.ok


def test_a_token_that_the_log_names_is_not_withheld(
    evidence: Evidence, auditor: Auditor, authority: Authority
):
    moved(evidence, 0)
    auditor.lines["tsa"] = str([str(authority.here / "root.pem")])
    evidence.sizes = [300, 400]
    tokens = {size: authority.stamp(evidence.checkpoint(size)) for size in (300, 400)}
    for position, size in ((500, 300), (501, 400)):
        meta = {**evidence.said(position)["meta"], "size": size, "tsa": "local"}
        meta["token"] = web64(sha256(tokens[size]).digest())
        evidence.change(position, type="ledger.anchored.v1", meta=meta)
    evidence.sizes = [300, 400]
    evidence.extra |= {f"tsa/{size}.tsr": token for size, token in tokens.items()}
    assert auditor.judge(evidence).status(3) == "passed"
    del evidence.extra["tsa/300.tsr"]
    shutil.rmtree(auditor.folder / "bundle")
    found = auditor.judge(evidence)
    assert [k for k in found.found.kept if k[0] == 3] == [(3, "anchored", {"position": 500})]
