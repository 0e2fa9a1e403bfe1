"""Lines that need not be in memory, and what is written of them in pieces."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Iterator
from typing import Any

from api.inspecting import answer_csv, answer_json
from api.pieces import Rows, json_pieces
from ledger.packages.rendering import CHUNK, gathered
from replay.inspect.listing import PAGE, Lines, Listed
from replay.inspect.model import Answer, Line, Positions, together


def line(n: int) -> Line:
    """The nth line."""
    return Line((str(n), n), (n + 1,), 1)


def test_lines_come_in_the_order_of_their_keys_however_many_went_aside() -> None:
    chance = random.Random(63)
    for run in (2, 3, PAGE + 1, 10_000):
        listed, plain = Listed(run), list[tuple[int, Line]]()
        for n in range(1000):
            plain.append((chance.randrange(50), line(n)))
            listed.add(plain[-1][1], plain[-1][0])
        ordered = [one for _, one in sorted(plain, key=lambda pair: pair[0])]
        assert len(listed) == 1000
        assert list(listed) == list(listed) == ordered  # as often as it is read
        assert listed == tuple(ordered)
        assert listed != tuple(ordered[:-1])
        assert listed != (*ordered[:-1], ordered[0])
        assert listed[:7] == tuple(ordered[:7])
        assert listed[998:] == tuple(ordered[998:])
        assert (listed[0], listed[999]) == (ordered[0], ordered[999])
        assert pickle.loads(pickle.dumps(listed)) == listed


def test_what_others_listed_follows() -> None:
    one, other = Listed(2), Listed(3)
    for n in range(5):
        one.add(line(n), n % 2)
        other.add(line(10 + n), n % 2)
    assert together(one, other) is one
    assert [int(str(found.cells[0])) for found in one] == [0, 2, 4, 10, 12, 14, 1, 3, 11, 13]


def test_no_more_lines_are_read_than_are_asked_for() -> None:
    asked: list[int | None] = []

    def read(limit: int | None) -> Iterator[Line]:
        asked.append(limit)
        return map(line, range(100 if limit is None else limit))

    lines = Lines(100, read)
    assert lines[:3] == tuple(map(line, range(3)))
    assert lines[4] == line(4)
    assert len(list(lines)) == len(lines) == 100
    assert asked == [3, 5, None]


def test_the_first_positions_of_many() -> None:
    chance, found, other = random.Random(63), Positions(5), Positions(5)
    all_of_them = chance.sample(range(10_000), 1000)
    for at in all_of_them[:900]:
        found.add(1, (at,))
    other.add(100, sorted(all_of_them[900:])[:5])
    found.take(other)
    assert (found.n, found.first()) == (1000, tuple(sorted(all_of_them)[:5]))


def test_an_answer_is_the_same_json_in_pieces() -> None:
    content: dict[str, Any] = {
        "none": None,
        "empty": {"list": [], "dict": {}, "rows": Rows((), str)},
        "text": 'é "quoted"\n',
        "list": [1, [2, {"three": 3.5}], True],
        "rows": Rows(range(3), lambda n: {"n": n}),
    }
    plain = {**content, "rows": [{"n": 0}, {"n": 1}, {"n": 2}]}
    plain["empty"] = {"list": [], "dict": {}, "rows": []}
    written = "".join(json_pieces(content))
    assert json.loads(written) == plain
    assert '\n  {"n": 1},\n' in written
    del plain["rows"], plain["empty"], content["rows"], content["empty"]
    indented = json.dumps(plain, ensure_ascii=False, indent=1)
    assert "".join(json_pieces(content)) == indented


def test_a_thousand_lines_are_written_one_by_one() -> None:
    made: list[int] = []

    def read(limit: int | None) -> Iterator[Line]:
        for n in range(1000 if limit is None else limit):
            made.append(n)
            yield line(n)

    answers = (Answer("Q8", ("subject", "keys"), Lines(1000, read)),)
    for pieces in (answer_csv(answers, "fr"), json_pieces(answer_json({}, answers, "fr"))):
        made.clear()
        while len(made) < 2:
            next(pieces)
        assert len(made) == 2
        assert len([*pieces]) > 900
    (told,) = answer_json({}, answers, "fr")["answers"]
    assert (len(told["lines"]), told["lines"][:2][1]["values"]) == (
        1000,
        {"subject": "1", "keys": 1},
    )


def test_pieces_are_sent_together() -> None:
    sent = list(gathered("x" * 1000 for _ in range(200)))
    assert b"".join(sent) == b"x" * 200_000
    assert len(sent) == 200_000 // CHUNK + 1
    assert list(gathered([])) == [b""]
