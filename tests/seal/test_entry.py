"""Canonical JSON, strictly: what two independent writers write, and nothing else is read."""

from __future__ import annotations

import json
from enum import IntEnum
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import entry
from ledger.calendar import format_instant
from ledger.errors import BadData, Tampered

LIMIT = 2**53
texts = st.text(st.characters(exclude_categories=["Cs"]))
names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
values = st.recursive(
    texts | st.integers(-LIMIT + 1, LIMIT - 1),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
    max_leaves=30,
)
objects = st.dictionaries(names, values)


# --- the same bytes as others write -----------------------------------------------------------


@settings(deadline=None)
@given(values)
def test_it_writes_what_two_other_writers_write(value: Any):
    ours = entry.write(value)
    assert ours == rfc8785.dumps(value)
    dumped = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert ours == dumped.encode()


@settings(deadline=None)
@given(objects)
def test_what_is_written_reads_back(value: dict[str, Any]):
    assert entry.read(entry.write(value)) == value


def test_the_published_string_of_rfc_8785_section_3_2():
    """The string of its example, and the bytes that section 3.2.4 prints for it."""
    text = json.loads('"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"')
    expected = (
        "22 e2 82 ac 24 5c 75 30 30 30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22"
    ).replace(" ", "")
    assert entry.write(text).hex() == expected


def test_the_published_structure_of_the_reference_test_data():
    """`structures.json` of the reference implementation, less the keys our form refuses."""
    given_ = (
        '{ "1": {"f": {"f": "hi","F": 5}}, "10": {}, "a": {}, '
        '"111": [ {"e": "yes","E": "no"} ], "A": {} }'
    )
    expected = b'{"1":{"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}'
    assert entry.write(json.loads(given_)) == expected


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\b\t\n\f\r", b'"\\b\\t\\n\\f\\r"'),
        ("\x00\x1f", b'"\\u0000\\u001f"'),
        ("\x7f\x80/", b'"\x7f\xc2\x80/"'),
        ("\u2028\ufeff\uffff", b'"\xe2\x80\xa8\xef\xbb\xbf\xef\xbf\xbf"'),
        ("\U0001f600", b'"\xf0\x9f\x98\x80"'),
        ("e\u0301", b'"e\xcc\x81"'),  # never normalised
    ],
)
def test_only_what_must_be_escaped_is_escaped(text: str, written: bytes):
    assert entry.write(text) == written


# --- what is refused --------------------------------------------------------------------------


class Answer(IntEnum):
    YES = 1


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        True,
        None,
        LIMIT,
        -LIMIT,
        10**30,
        Answer.YES,
        b"bytes",
        (1, 2),
        {1, 2},
        "\ud800",
        ["a", "\udfff"],
        {"a": [{"b": None}]},
        {"": 1},
        {"é": 1},
        {"a b": 1},
        {"\n": 1},
        {"\x7f": 1},
        {"\ud800": 1},
        {1: 1},
    ],
)
def test_what_is_outside_the_form_is_not_written(value: Any):
    with pytest.raises(BadData):
        entry.write(value)


def test_what_is_too_deep_is_neither_written_nor_read():
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(BadData):
        entry.write(deep)
    with pytest.raises(Tampered):
        entry.read(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"b":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":1E2}',
        b'{"a":0.5}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":NaN}',
        b'{"a":true}',
        b'{"a":null}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":1000000000000000000000}',
        b'{"a": 1}',
        b' {"a":1}',
        b'{"a":1}\n',
        b'{"a":1} ',
        b'{"a":1}x',
        b'{"a":1}\x00',
        b'{"a":1}{"a":1}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u000A"}',
        b'{"a":"\\u000a"}',
        b'{"a":"\\u001F"}',
        b'{"a":"\\ud83d\\ude00"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xff"}',
        b'{"a":"\xc0\xaf"}',
        b'{"a":"\n"}',
        b'{"\xc3\xa9":1}',
        b'{"":1}',
        b'{"a b":1}',
        b'{"a":1,}',
        b'{"a":[1,]}',
        b"{'a':1}",
        b'{"a":1',
        b"",
        b"[]",
        b'"a"',
        b"1",
        b"{",
        b"\xff\xfe",
    ],
)
def test_what_is_not_canonical_is_not_read(raw: bytes):
    with pytest.raises(Tampered):
        entry.read(raw)


@settings(deadline=None)
@given(objects.filter(bool), st.data())
def test_one_byte_changed_is_either_refused_or_another_value(value: dict[str, Any], data: Any):
    raw = entry.write(value)
    at = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != raw[at]))
    altered = raw[:at] + bytes([byte]) + raw[at + 1 :]
    try:
        read = entry.read(altered)
    except Tampered:
        return
    assert read != value
    assert entry.write(read) == altered


def test_a_refusal_to_read_repeats_nothing_of_the_text():
    with pytest.raises(Tampered) as caught:
        entry.read(b'{"name": "Zanzibar"}')
    assert "Zanzibar" not in str(caught.value)


# --- draft, complete --------------------------------------------------------------------------


@settings(deadline=None)
@given(st.dictionaries(names.map(lambda n: f"b{n}"), values, min_size=1), st.integers(0, 10**16))
def test_the_record_time_is_put_in_front_of_what_was_prepared(said: dict[str, Any], at: int):
    raw = entry.complete(entry.draft(said), at)
    assert raw == entry.write(said | {"at": format_instant(at)})


def test_an_entry_may_have_16_kib_and_not_one_byte_more():
    empty = len(entry.complete(entry.draft({"x": ""}), 0))
    room = 16 * 1024 - empty
    assert len(entry.complete(entry.draft({"x": "x" * room}), 0)) == 16 * 1024
    with pytest.raises(BadData, match="16 KiB"):
        entry.complete(entry.draft({"x": "x" * (room + 1)}), 0)
    with pytest.raises(BadData):
        entry.complete(entry.draft({"x": "é" * room}), 0)  # bytes count, not characters


# --- hashes -----------------------------------------------------------------------------------


def test_the_leaf_of_nothing_is_the_one_that_rfc_6962_gives():
    expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert entry.leaf_hash(b"").hex() == expected


@settings(deadline=None)
@given(st.binary(), st.binary(min_size=32, max_size=32), st.text("abcdef_", max_size=20))
def test_each_hash_begins_with_a_byte_of_its_own(content: bytes, salt: bytes, name: str):
    label = len(name).to_bytes(2, "big") + name.encode()
    assert entry.leaf_hash(content) == sha256(b"\x00" + content).digest()
    committed = entry.commitment(salt, name, content)
    assert committed == sha256(b"\x02" + salt + label + content).digest()
    assert entry.envelope_hash(content) == sha256(b"\x03" + content).digest()
    assert entry.key_commitment(content) == sha256(b"\x04" + content).digest()
    assert len({committed, *(sha256(bytes([n]) + content).digest() for n in (0, 3, 4))}) == 4


# --- base64url --------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_base64url_reads_back_and_has_no_padding(raw: bytes):
    text = entry.to_base64(raw)
    assert entry.from_base64(text) == raw
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "text",
    ["AA==", "AAA=", "A", "AAAAA", "AB", "AAB", "+/+/", "A A A", "AAAA\n", " AAAA", "ÀAAA", "AA.A"],
)
def test_base64url_has_one_spelling_only(text: str):
    with pytest.raises(BadData):
        entry.from_base64(text)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_either_refused_or_the_spelling_of_its_bytes(text: str):
    try:
        raw = entry.from_base64(text)
    except BadData:
        return
    assert entry.to_base64(raw) == text
