"""The witness policy: what the published format allows, nothing else, and its verdicts."""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadData
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.cosign import CosigningKey
from ledger.seal.note import NoteError, Opened, add_lines, open_note
from ledger.seal.witnesses import Policy, format_policy, parse_policy
from tests.seal.trees import DPO, LOG, ORIGIN, OTHER_LOG, TIME, mth, signed_head

NAMES = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
KEYS = {n: CosigningKey(f"{n}.example", sha256(n.encode()).digest()) for n in NAMES}
TEXT = format_checkpoint(Checkpoint(ORIGIN, 7, mth(0, 7)))

# The example of C2SP tlog-policy, with keys.
EXAMPLE = "".join(
    [
        f"log {LOG.vkey}\n\n",
        *(f"witness {name} {KEYS[name].vkey}\n" for name in NAMES[:3]),
        "group X-witnesses 2 X1 X2 X3\n",
        *(f"witness {name} {KEYS[name].vkey}\n" for name in NAMES[3:]),
        "group Y-witnesses any Y1 Y2 Y3\n",
        "group X-and-Y all X-witnesses Y-witnesses\n",
        "quorum X-and-Y\n",
    ]
)


def cosigned(policy: Policy, *names: str) -> Opened:
    """The head of seven leaves with the lines of these witnesses."""
    lines = [KEYS[name].cosign(TEXT, TIME) for name in names]
    return open_note(add_lines(signed_head(7, mth(0, 7)), *lines), policy.keys)


def accepted(policy: Policy, *names: str) -> bool:
    try:
        policy.demand(cosigned(policy, *names))
    except NoteError:
        return False
    return True


def test_the_published_example_judges_every_set_of_witnesses():
    policy = parse_policy(EXAMPLE.encode())
    for count in range(len(NAMES) + 1):
        for names in combinations(NAMES, count):
            kinds = [name[0] for name in names]
            assert accepted(policy, *names) == (kinds.count("X") >= 2 and "Y" in kinds)


def test_a_quorum_may_be_one_witness_or_nobody():
    head = f"log {LOG.vkey}\nwitness X1 {KEYS['X1'].vkey}\nwitness X2 {KEYS['X2'].vkey}\n"
    one = parse_policy(f"{head}quorum X2\n".encode())
    assert accepted(one, "X2")
    assert accepted(one, "X1", "X2")
    assert not accepted(one, "X1")
    nobody = parse_policy(f"{head}quorum none\n".encode())
    assert accepted(nobody)
    assert parse_policy(b"quorum none\n").logs == ()


def test_a_witness_that_signs_twice_counts_once():
    policy = parse_policy(format_policy([LOG.vkey], [KEYS["X1"].vkey, KEYS["X2"].vkey], 2))
    note = signed_head(7, mth(0, 7))
    lines = [KEYS["X1"].cosign(TEXT, TIME + n) for n in range(3)]
    opened = open_note(add_lines(note, *lines), policy.keys)
    assert policy.cosigners(opened) == {"w1"}
    with pytest.raises(NoteError):
        policy.demand(opened)


def test_an_unknown_witness_counts_for_nothing():
    policy = parse_policy(format_policy([LOG.vkey], [KEYS["X1"].vkey], 1))
    assert not accepted(policy, "X2", "X3")


def test_spaces_comments_and_urls_are_as_the_format_says():
    raw = (
        f"# whom we trust\n\n \t \n\t# é\n  log\t{LOG.vkey}   https://log.example/ \n"
        f"witness é {KEYS['X1'].vkey} https://w.example/\n\tquorum  é\t\n"
    ).encode()
    policy = parse_policy(raw)
    assert policy.logs == (LOG.public,)
    assert list(policy.witnesses) == ["é"]


def test_names_are_octets():
    """Two byte strings that are not UTF-8 are two names."""
    raw = b"witness \xff %b\nwitness \xfe %b\ngroup g 2 \xff \xfe\nquorum g\n"
    policy = parse_policy(raw % (KEYS["X1"].vkey.encode(), KEYS["X2"].vkey.encode()))
    assert len(policy.witnesses) == 2


@pytest.mark.parametrize("quorum", range(4))
def test_the_plain_policy_counts(quorum: int):
    vkeys = [KEYS[name].vkey for name in NAMES[:3]]
    policy = parse_policy(format_policy([LOG.vkey], vkeys, quorum))
    for count in range(4):
        assert accepted(policy, *NAMES[:count]) == (count >= quorum)


@pytest.mark.parametrize("quorum", [-1, 2])
def test_a_quorum_beyond_the_witnesses_is_refused(quorum: int):
    with pytest.raises(BadData):
        format_policy([LOG.vkey], [KEYS["X1"].vkey], quorum)


X1, X2 = (f"witness {name} {KEYS[name].vkey}\n" for name in ("X1", "X2"))
SAME = CosigningKey("another.example", sha256(b"X1").digest())
BY_KEY = CosigningKey("w.example", LOG._private.private_bytes_raw())
BY_NAME = CosigningKey(ORIGIN, b"n" * 32)
REFUSED = {
    "nothing": "",
    "no quorum": X1,
    "two quorums": f"{X1}quorum X1\nquorum X1\n",
    "a quorum before its witness": f"quorum X1\n{X1}",
    "an unknown quorum": f"{X1}quorum X2\n",
    "no last newline": f"{X1}quorum X1",
    "CRLF": f"{X1}quorum X1\r\n",
    "a control character": f"{X1}quorum X1\n\x01\n",
    "a delete character": f"{X1}quorum X1\n# \x7f\n",
    "an unknown word": f"{X1}quorum X1\nhello\n",
    "QUORUM": f"{X1}QUORUM X1\n",
    "a quorum of two names": f"{X1}{X2}quorum X1 X2\n",
    "a quorum of no name": f"{X1}quorum\n",
    "a name twice": f"{X1}witness X1 {KEYS['X2'].vkey}\nquorum X1\n",
    "a group named as a witness": f"{X1}{X2}group X1 any X2\nquorum X1\n",
    "a witness named none": f"witness none {KEYS['X1'].vkey}\nquorum none\n",
    "none in a group": f"{X1}group g any X1 none\nquorum g\n",
    "an unknown member": f"{X1}group g any X2\nquorum g\n",
    "a group in itself": f"{X1}group g any g X1\nquorum g\n",
    "a member twice": f"{X1}group g 2 X1 X1\nquorum g\n",
    "a member of two groups": f"{X1}{X2}group g any X1\ngroup h any X1 X2\nquorum h\n",
    "a group without members": f"{X1}group g any\nquorum X1\n",
    "a group that needs nobody": f"{X1}group g 0 X1\nquorum g\n",
    "a group that needs more than it has": f"{X1}group g 2 X1\nquorum g\n",
    "a number with a leading zero": f"{X1}group g 01 X1\nquorum g\n",
    "a number with a sign": f"{X1}group g +1 X1\nquorum g\n",
    "another word for all": f"{X1}group g ALL X1\nquorum g\n",
    "a witness without key": "witness X1\nquorum none\n",
    "a witness with two URLs": f"{X1[:-1]} https://a https://b\nquorum X1\n",
    "a witness with a log's kind of key": f"witness X1 {LOG.vkey}\nquorum X1\n",
    "a log with a witness's kind of key": f"log {DPO.vkey}\nquorum none\n",
    "a bent key": f"witness X1 {KEYS['X1'].vkey[:-1]}A\nquorum none\n",
    "two witnesses of one key": f"{X1}witness X2 {SAME.vkey}\nquorum X1\n",
    "a log twice": f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n",
    "a log twice by key": f"log {LOG.vkey}\nlog {LOG.named('b.example').vkey}\nquorum none\n",
    "the log as witness, by key": f"witness X {BY_KEY.vkey}\nlog {LOG.vkey}\nquorum X\n",
    "the log as witness, by name": f"log {LOG.vkey}\nwitness X {BY_NAME.vkey}\nquorum X\n",
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_no_policy(case: str):
    assert parse_policy(f"{X1}quorum X1\n".encode()).quorum == "X1"
    with pytest.raises(BadData):
        parse_policy(REFUSED[case].encode())


def test_a_refusal_names_the_line():
    with pytest.raises(BadData, match="line 3 "):
        parse_policy(f"# one\n{X1}hello\nquorum X1\n".encode())


def test_a_policy_may_name_many():
    many = [CosigningKey(f"w{n}.example", bytes([n]) * 32).vkey for n in range(1, 33)]
    policy = parse_policy(format_policy([LOG.vkey, OTHER_LOG.vkey], many, 17))
    assert len(policy.keys) == 34


@settings(deadline=None)
@given(st.binary())
def test_whatever_comes_in_it_is_refused_in_our_words(raw: bytes):
    try:
        parse_policy(raw)
    except BadData:
        return
    assert b"quorum" in raw
