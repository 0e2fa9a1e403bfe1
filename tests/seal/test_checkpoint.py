"""Checkpoints: one spelling, three lines, signed by the log itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadData
from ledger.seal.checkpoint import Checkpoint, format_checkpoint, open_checkpoint, parse_checkpoint
from ledger.seal.merkle import SIZE_LIMIT
from ledger.seal.note import NoteError, SigningKey, add_lines, sign
from ledger.seal.text import parse_number
from tests.seal.trees import AUDITOR, DPO, LOG, ORIGIN, OTHER_LOG, STRANGER, TIME, mth, signed_head

ROOT = mth(0, 7)
TEXT = format_checkpoint(Checkpoint(ORIGIN, 7, ROOT))
ROOT64 = TEXT.splitlines()[2]

# The example of C2SP tlog-checkpoint, and the one in the tests of Go's sumdb/tlog.
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
GO = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"


@pytest.mark.parametrize("text", [SOFA, GO, TEXT])
def test_a_published_checkpoint_is_read_and_written_back(text: str):
    assert format_checkpoint(parse_checkpoint(text)) == text


def test_its_lines_mean_what_they_should():
    assert parse_checkpoint(SOFA)[:2] == ("example.com/behind-the-sofa", 20852163)
    assert parse_checkpoint(TEXT) == Checkpoint(ORIGIN, 7, ROOT)


def test_extension_lines_are_read_as_the_format_says_and_refused_for_our_log():
    text = TEXT + "anything\n"
    assert parse_checkpoint(text).extensions == ("anything",)
    with pytest.raises(NoteError, match="three lines"):
        open_checkpoint(sign(text, LOG), [LOG.public])


SIZES = [
    "-7",
    "+7",
    " 7",
    "7 ",
    "7_0",
    "07",
    "00",
    "",
    "7.0",
    "7e0",
    "0x7",
    "٧",
    "７",
    "²",
    "seven",
]
SIZES += [str(SIZE_LIMIT), "1" * 20, "9" * 5000, "1\n1"]


@pytest.mark.parametrize("size", SIZES)
def test_a_number_has_one_spelling(size: str):
    with pytest.raises(BadData):
        parse_number(size)
    with pytest.raises(BadData):
        parse_checkpoint(f"{ORIGIN}\n{size}\n{ROOT64}\n")


@pytest.mark.parametrize("size", [0, 1, 10, SIZE_LIMIT - 1])
def test_a_plain_number_is_read(size: int):
    assert parse_number(str(size)) == size


ROOTS = {
    "none": "",
    "not base64": "root",
    "31 bytes": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
    "33 bytes": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "no padding": ROOT64.rstrip("="),
    "more padding": ROOT64 + "=",
    "surplus bits": ROOT64[:-2] + chr(ord(ROOT64[-2]) + 1) + "=",
    "URL-safe letters": "-" + ROOT64[1:],
    "URL-safe letters too": "_" + ROOT64[1:],
    "a space": " " + ROOT64,
    "a space behind": ROOT64 + " ",
    "junk inside": ROOT64[:8] + "!" + ROOT64[8:],
    "a letter beyond ASCII": "é" + ROOT64[1:],
    "hexadecimal": ROOT.hex(),
}


@pytest.mark.parametrize("case", ROOTS)
def test_a_root_has_one_spelling(case: str):
    with pytest.raises(BadData):
        parse_checkpoint(f"{ORIGIN}\n7\n{ROOTS[case]}\n")


TEXTS = {
    "nothing": "",
    "one line": f"{ORIGIN}\n",
    "two lines": f"{ORIGIN}\n7\n",
    "no last newline": TEXT[:-1],
    "an empty origin": f"\n7\n{ROOT64}\n",
    "an empty line behind": TEXT + "\n",
    "an empty extension": TEXT + "a\n\nb\n",
    "an extension without newline": TEXT + "a",
    "CRLF": TEXT.replace("\n", "\r\n"),
    "one carriage return": TEXT[:-1] + "\r\n",
    "a control character": "\x01" + TEXT,
    "a tab": TEXT.replace("7", "\t7"),
    "a lone surrogate": "\ud800" + TEXT,
    "lines changed": f"{ORIGIN}\n{ROOT64}\n7\n",
}


@pytest.mark.parametrize("case", TEXTS)
def test_it_is_no_checkpoint(case: str):
    with pytest.raises(BadData):
        parse_checkpoint(TEXTS[case])


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 7, ROOT),
        Checkpoint("a\nb", 7, ROOT),
        Checkpoint(ORIGIN, -1, ROOT),
        Checkpoint(ORIGIN, SIZE_LIMIT, ROOT),
        Checkpoint(ORIGIN, 7, ROOT[1:]),
        Checkpoint(ORIGIN, 7, ROOT, ("",)),
    ],
)
def test_what_could_not_be_read_is_not_written(checkpoint: Checkpoint):
    with pytest.raises(BadData):
        format_checkpoint(checkpoint)


@settings(deadline=None)
@given(st.text())
def test_whatever_is_read_prints_back_to_itself(text: str):
    try:
        found = parse_checkpoint(text)
    except BadData:
        return
    assert format_checkpoint(found) == text


# --- opened -----------------------------------------------------------------------------------


def test_a_head_is_believed_when_its_log_signed_it():
    head = open_checkpoint(signed_head(7, ROOT), [LOG.public])
    assert head.checkpoint == Checkpoint(ORIGIN, 7, ROOT)


def test_a_witness_alone_is_not_the_log():
    raw = add_lines(signed_head(7, ROOT, STRANGER), DPO.cosign(TEXT, TIME))
    with pytest.raises(NoteError, match="log itself"):
        open_checkpoint(raw, [LOG.public], [DPO.public])


def test_a_strangers_key_under_the_logs_name_is_unknown():
    with pytest.raises(NoteError, match="no known key"):
        open_checkpoint(signed_head(7, ROOT, STRANGER), [LOG.public])


@pytest.mark.parametrize("origin", ["example.org/other", f"{ORIGIN}/receipt", f"{ORIGIN} "])
def test_a_head_of_another_origin_is_refused_though_our_key_signed_it(origin: str):
    with pytest.raises(NoteError, match="origin"):
        open_checkpoint(signed_head(7, ROOT, LOG, origin), [LOG.public])


def test_another_log_may_not_speak_for_ours():
    """Two pinned logs: each is believed under its own origin only."""
    raw = signed_head(7, ROOT, OTHER_LOG)
    with pytest.raises(NoteError, match="origin"):
        open_checkpoint(raw, [LOG.public, OTHER_LOG.public])


def test_a_signed_statement_is_not_a_head():
    """A receipt is signed by the same key under its own name, and has more lines."""
    text = f"{ORIGIN}/receipt\n7\n{ROOT64}\n{ROOT64}\n2026-01-05T09:00:00.000000Z\n60\n"
    receipts = LOG.named(f"{ORIGIN}/receipt")
    raw = sign(text, receipts)
    with pytest.raises(NoteError):
        open_checkpoint(raw, [LOG.public])
    with pytest.raises(NoteError, match="three lines"):
        open_checkpoint(raw, [receipts.public])


def test_while_a_key_is_replaced_either_line_will_do():
    new = SigningKey(ORIGIN, b"n" * 32)
    raw = sign(TEXT, LOG, new)
    for known in ([LOG.public], [new.public], [LOG.public, new.public]):
        assert open_checkpoint(raw, known, [AUDITOR.public]).checkpoint.size == 7
