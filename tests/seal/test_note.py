"""Signed notes and their keys: the published examples, every substring, every bumped byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadData, Misuse, ProbantError
from ledger.seal import note
from ledger.seal.cosign import CosigningKey, WitnessKey
from ledger.seal.note import NoteError, SigningKey, VerifyKey, add_lines, open_note, sign
from tests.seal.trees import DPO, LOG, ORIGIN, STRANGER

# C2SP signed-note's worked example, and the keys and notes of the tests of Go's sumdb/note.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONnc"
    "AlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
    "RZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox3"
    "3WWd1RvMc+QQ=\n"
)
PETER, ENOCH = VerifyKey.parse(PETER_VKEY), VerifyKey.parse(ENOCH_VKEY)
BOTH = (TEXT + "\n" + PETER_LINE + ENOCH_LINE).encode()


# --- published notes --------------------------------------------------------------------------


def test_the_worked_example_of_signed_note_opens():
    opened = open_note(C2SP_NOTE, [VerifyKey.parse(C2SP_VKEY)])
    assert opened.text == "This is an example message.\n"
    assert [one.name for one in opened.verified] == ["example.com/foo"]
    assert opened.unverified == ()


def test_the_published_key_signs_the_published_note():
    key = SigningKey.from_bytes(PETER_SKEY.encode())
    assert key.vkey == PETER_VKEY
    assert key.to_bytes() == PETER_SKEY.encode()
    assert sign(TEXT, key) == (TEXT + "\n" + PETER_LINE).encode()


def test_lines_of_unknown_keys_are_set_apart():
    opened = open_note(BOTH, [PETER])
    assert [one.line for one in opened.verified] == [PETER_LINE]
    assert [one.line for one in opened.unverified] == [ENOCH_LINE]
    assert [one.line for one in open_note(BOTH, [PETER, ENOCH]).verified] == [
        PETER_LINE,
        ENOCH_LINE,
    ]


def test_a_key_is_known_by_name_and_id_together():
    """A line that shares only one of them with a known key is an unknown key's."""
    raw = add_lines(sign(TEXT, LOG), PETER_LINE.replace("PeterNeumann", "Carmen"))
    raw = add_lines(raw, PETER_LINE.replace("x08g", "xxxx"))
    assert len(open_note(raw, [LOG.public, PETER]).unverified) == 2


def test_a_note_without_a_known_line_is_not_believed():
    with pytest.raises(NoteError, match="no known key"):
        open_note(BOTH, [LOG.public])
    with pytest.raises(NoteError, match="no known key"):
        open_note(BOTH, [])


def test_one_bad_line_of_a_known_key_condemns_the_note():
    bent = PETER_LINE[:60] + "ABCD" + PETER_LINE[60:]
    for lines in (bent, ENOCH_LINE + bent, PETER_LINE + bent, bent + PETER_LINE):
        with pytest.raises(NoteError, match="does not fit"):
            open_note(f"{TEXT}\n{lines}".encode(), [PETER, ENOCH])


def test_repeated_lines_count_once():
    other = ENOCH_LINE[:60] + "ABCD" + ENOCH_LINE[60:]
    lines = PETER_LINE * 2 + ENOCH_LINE * 2 + other
    opened = open_note(f"{TEXT}\n{lines}".encode(), [PETER])
    assert [one.line for one in opened.verified] == [PETER_LINE]
    assert [one.line for one in opened.unverified] == [ENOCH_LINE, other]


def test_two_known_keys_of_one_name_and_id_are_a_mistake_where_they_matter():
    with pytest.raises(Misuse):
        open_note(BOTH, [ENOCH, PETER, ENOCH])
    open_note(f"{TEXT}\n{PETER_LINE}".encode(), [ENOCH, PETER, ENOCH])


@pytest.mark.parametrize("lines", [1, 16, 100])
def test_a_hundred_lines_are_read(lines: int):
    strangers = [SigningKey(f"k{n}", bytes([n]) * 32) for n in range(lines - 1)]
    raw = sign(TEXT, LOG, *strangers)
    assert len(open_note(raw, [LOG.public]).unverified) == lines - 1


@pytest.mark.parametrize("keys", [[LOG.public], [PETER], []])
def test_more_than_a_hundred_lines_are_refused(keys: list[VerifyKey]):
    raw = sign(TEXT, LOG) + PETER_LINE.encode() * 100
    with pytest.raises(NoteError, match="100"):
        open_note(raw, keys)


def test_a_note_may_have_a_mebibyte_and_not_one_byte_more():
    around = len(sign("\n", LOG)) - 1
    text = "x" * (note.MAX_NOTE_BYTES - around - 1) + "\n"
    raw = sign(text, LOG)
    assert len(raw) == note.MAX_NOTE_BYTES
    assert open_note(raw, [LOG.public]).text == text
    longer = raw.replace(b"xx", b"xxx", 1)
    with pytest.raises(NoteError, match="1 MiB"):
        open_note(longer, [LOG.public])


def test_the_last_empty_line_ends_the_text():
    text = "one\n\ntwo\n\n\nthree\n"
    assert open_note(sign(text, LOG), [LOG.public]).text == text


GOOD = sign(TEXT, LOG)
LINE = GOOD.decode().split("\n\n")[1]
MALFORMED = {
    "nothing": b"",
    "only a text": TEXT.encode(),
    "no signature line": f"{TEXT}\n".encode(),
    "no last newline": GOOD[:-1],
    "a blank last line": GOOD + b"\n",
    "no empty line": f"{TEXT}{LINE}".encode(),
    "CRLF throughout": GOOD.replace(b"\n", b"\r\n"),
    "one CRLF": GOOD[:-1] + b"\r\n",
    "a control character": b"\x01" + GOOD,
    "a tab": b"\t" + GOOD,
    "a zero byte": GOOD.replace(b"answer", b"an\0wer"),
    "not UTF-8": b"\xff" + GOOD,
    "a surrogate in UTF-8": b"\xed\xa0\x80" + GOOD,
    "an overlong newline": b"\xc0\x8a" + GOOD,
    "an unexpected line": GOOD + b"Unexpected line.\n",
    "a hyphen for the dash": GOOD.replace("—".encode(), b"-"),
    "no space behind the dash": GOOD.replace("— ".encode(), "—".encode()),
    "a space in the name": GOOD.replace(b"example.org", b"Bad Name"),
    "a no-break space in the name": GOOD.replace(b"example.org", "Bad\xa0Name".encode()),
    "a plus in the name": GOOD.replace(b"example.org", b"a+b"),
    "no name": f"{TEXT}\n{LINE.replace(ORIGIN, '')}".encode(),
    "no signature": f"{TEXT}\n— {ORIGIN} \n".encode(),
    "no signature, no space": f"{TEXT}\n— {ORIGIN}\n".encode(),
    "a key id and nothing more": f"{TEXT}\n— {ORIGIN} AAAAAA==\n".encode(),
    "no padding": GOOD.replace(b"=\n", b"\n"),
    "more padding": GOOD.replace(b"=\n", b"==\n"),
    "text behind the signature": GOOD.replace(b"=\n", b"= \n"),
    "two spaces": GOOD.replace(b"ledger ", b"ledger  "),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_it_is_not_a_note(case: str):
    assert open_note(GOOD, [LOG.public])
    assert MALFORMED[case] != GOOD
    with pytest.raises(NoteError):
        open_note(MALFORMED[case], [LOG.public])


@pytest.mark.parametrize("known", [True, False])
def test_base64_has_one_spelling_in_lines_of_known_and_unknown_keys(known: bool):
    """URL-safe letters, surplus bits, junk and breaks are refused even where nobody verifies."""
    raw = sign(TEXT, LOG, STRANGER)
    keys = [LOG.public, STRANGER.public] if known else [LOG.public]
    assert open_note(raw, keys)
    line = raw.decode().splitlines()[-1]
    name, encoded = line.rsplit(" ", 1)
    plus = encoded.replace("+", "-").replace("/", "_")
    assert plus != encoded
    loose = encoded[:-2] + chr(ord(encoded[-2]) + 1) + "="
    for other in (plus, loose, encoded + "!", encoded[:8] + "\n" + encoded[8:], "=" + encoded):
        with pytest.raises(NoteError):
            open_note(raw.replace(line.encode(), f"{name} {other}".encode()), keys)


def test_every_changed_byte_of_a_note_is_refused():
    """Each byte in turn, up and down by one: no other spelling of a good note is good."""
    for at in range(len(GOOD)):
        for step in (1, -1):
            bent = bytearray(GOOD)
            bent[at] = (bent[at] + step) % 256
            with pytest.raises(NoteError):
                open_note(bytes(bent), [LOG.public])


def test_every_part_of_a_note_is_refused():
    """A beginning, an end, or the whole without one of its bytes."""
    for at in range(len(GOOD)):
        for part in (GOOD[:at], GOOD[at + 1 :], GOOD[:at] + GOOD[at + 1 :]):
            with pytest.raises(NoteError):
                open_note(part, [LOG.public])


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_comes_in_the_answer_is_one_of_ours(raw: bytes):
    with pytest.raises(ProbantError):
        open_note(raw, [LOG.public])


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=0x20)), min_size=1))
def test_what_is_signed_opens_to_the_same_text(lines: list[str]):
    text = "".join(f"{line}\n" for line in lines)
    assert open_note(sign(text, LOG), [LOG.public]).text == text


# --- signing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "abc", "a\r\n", "a\tb\n", "\x00\n", "\ud800\n"])
def test_an_unfit_text_is_not_signed(text: str):
    with pytest.raises(Misuse):
        sign(text, LOG)


def test_a_note_is_signed_by_each_key_once():
    with pytest.raises(Misuse):
        sign(TEXT)
    with pytest.raises(Misuse):
        sign(TEXT, LOG, LOG)


def test_signing_again_gives_the_same_bytes():
    assert sign(TEXT, LOG) == sign(TEXT, SigningKey.from_bytes(LOG.to_bytes()))


def test_a_line_that_is_none_is_not_added():
    with pytest.raises(NoteError):
        add_lines(GOOD, "hello\n")


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize("vkey", [PETER_VKEY, C2SP_VKEY])
def test_every_other_spelling_of_a_public_key_is_refused(vkey: str):
    for low in range(len(vkey) + 1):
        for high in range(low, len(vkey) + 1):
            if high - low < len(vkey):
                with pytest.raises(BadData):
                    VerifyKey.parse(vkey[low:high])
    for at, char in enumerate(vkey):
        for step in (1, -1):
            with pytest.raises(BadData):
                VerifyKey.parse(vkey[:at] + chr(ord(char) + step) + vkey[at + 1 :])


def test_every_other_spelling_of_a_private_key_is_refused():
    key = PETER_SKEY.encode()
    for low in range(len(key) + 1):
        for high in range(low, len(key) + 1):
            if high - low < len(key):
                with pytest.raises(BadData):
                    SigningKey.from_bytes(key[low:high])
    for at in range(len(key)):
        bent = bytearray(key)
        bent[at] += 1
        with pytest.raises(BadData):
            SigningKey.from_bytes(bytes(bent))


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER_VKEY.replace("c74f20a3", "C74F20A3"),
        PETER_VKEY.replace("c74f20a3", " c74f20a3"),
        PETER_VKEY.replace("c74f20a3", "c7 4f20a3"),
        PETER_VKEY + "\n",
        " " + PETER_VKEY,
        PETER_VKEY.replace("P", "\udc80", 1),
    ],
)
def test_a_key_of_another_length_algorithm_or_spelling_is_refused(vkey: str):
    """The first two are of Go's tests, with their ids set right."""
    with pytest.raises(BadData):
        VerifyKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\u2028b", "a\nb", "a\x01b"])
def test_a_name_that_no_line_could_carry_names_no_key(name: str):
    with pytest.raises(BadData):
        SigningKey.generate(name)


def test_bytes_that_are_not_unicode_are_not_read_as_the_sign_for_them():
    """A decoder that replaces what it cannot read would find this key's name in other bytes."""
    raw = SigningKey.generate("\ufffd").to_bytes()
    assert SigningKey.from_bytes(raw).name == "\ufffd"
    with pytest.raises(BadData):
        SigningKey.from_bytes(raw.replace("\ufffd".encode(), b"\xff"))


def test_a_witness_key_is_not_a_log_key():
    with pytest.raises(BadData):
        VerifyKey.parse(DPO.vkey)
    with pytest.raises(BadData):
        WitnessKey.parse(LOG.vkey)
    with pytest.raises(BadData):
        SigningKey.from_bytes(DPO.to_bytes())
    with pytest.raises(BadData):
        CosigningKey.from_bytes(LOG.to_bytes())


def test_a_generated_key_is_written_and_read():
    key = SigningKey.generate(ORIGIN)
    again = SigningKey.from_bytes(key.to_bytes())
    assert again.vkey == key.vkey != LOG.vkey
    assert VerifyKey.parse(key.vkey) == key.public
    assert open_note(sign(TEXT, again), [key.public])


def test_a_statement_under_another_name_is_another_key():
    """The same key bytes sign receipts; neither name's line is ever taken for the other's."""
    receipts = LOG.named(f"{ORIGIN}/receipt")
    assert receipts.public == LOG.public.named(f"{ORIGIN}/receipt")
    assert receipts.public.key_id != LOG.public.key_id
    with pytest.raises(NoteError):
        open_note(sign(TEXT, receipts), [LOG.public])
    assert open_note(sign(TEXT, receipts), [receipts.public])


def test_a_private_key_does_not_show_its_secret():
    secret = LOG.to_bytes().decode().rsplit("+", 1)[1]
    assert secret not in repr(LOG)
    assert secret not in str(LOG)
    for raw in (LOG.to_bytes() + b"\n", LOG.to_bytes()[:-1], LOG.to_bytes() + b"\xff"):
        with pytest.raises(BadData) as caught:
            SigningKey.from_bytes(raw)
        assert secret[:20] not in repr(caught.value) + repr(caught.value.__context__)
