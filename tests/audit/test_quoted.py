"""What people wrote over several lines is one value, whatever its lines look like."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ledger.audit import blocks
from ledger.importing import import_file, load_map
from ledger.importing.reading import QUOTED_LIMIT
from ledger.opening import create
from tests.audit.room import File, audited, contacts, imported, write

MAP = contacts("texts")
HEADER = "customer,date,channel,text"
OTHER = "C9,2015-01-05,form,x"  # a line of somebody else, as it stands in what C1 wrote


def texts(folder: Path, *lines: str) -> File:
    return write(folder, list(lines), MAP, HEADER)


def both(file: File, folder: Path) -> tuple[int, set[int]]:
    """How many lines are usable and which are rejected, for the audit and for an import alike."""
    found = audited(file)
    refused = {n for lines in found.rejected.values() for n in lines.numbers}
    assert imported(file, folder).rejected == sorted(refused)
    assert found.read == found.accepted + len(refused)
    return found.accepted, refused


def test_a_line_inside_a_text_is_nobodys_fact(tmp_path: Path) -> None:
    """She wrote it in a form; the export is right, and quotes it."""
    file = texts(tmp_path, 'C1,2015-01-05,form,"Hello', "", OTHER, 'bye ""now"""', OTHER)
    ledger = create("sqlite://")
    report = import_file(ledger, file.file, load_map(file.mapping))
    assert (report.read, report.rejected) == (2, 0)
    assert report.recorded["customer.contacted_us.v1"] == 2
    ledger.close()
    assert both(file, tmp_path) == (2, set())


@pytest.mark.parametrize(
    "inside",
    [
        ["x" * (QUOTED_LIMIT // 2), "y" * (QUOTED_LIMIT // 2), OTHER, OTHER],
        [OTHER, "J\udce9r\udcf4me", OTHER],  # not UTF-8
        [OTHER, "z" * (2 << 20), OTHER],
    ],
)
def test_what_is_too_long_to_be_read_hides_nothing_either(
    tmp_path: Path, inside: list[str]
) -> None:
    lines = ['C1,2015-01-05,form,"Hello', *inside, 'bye"', OTHER]
    file = texts(tmp_path)
    file.file.write_bytes("\n".join([HEADER, *lines, ""]).encode("utf-8", "surrogateescape"))
    assert both(file, tmp_path) == (1, set(range(2, len(lines) + 1)))


def test_a_quote_that_nobody_closes_spoils_its_own_line(tmp_path: Path) -> None:
    assert both(texts(tmp_path, OTHER, 'C1,2015-01-05,form,"Hello', OTHER, OTHER), tmp_path) == (
        3,
        {3},
    )
    stray = ['C1,2015-01-05,form,"Hello', OTHER, 'C3,2015-01-05,"form","fine"', OTHER]
    assert both(texts(tmp_path, *stray), tmp_path) == (3, {2})


def test_audit_and_import_read_alike_whatever_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a text goes over the end of a block."""
    chance = Random(11)
    parts = [
        OTHER,
        "",
        'C1,2015-01-05,form,"a',
        '"',
        'b"',
        '""',
        ',"',
        'x",2015-01-05,form,"y',
        'i"',
    ]
    parts += ['C3,2015-01-05,form,"q ""r"""', 'C4,2015-01-05,"form",z\r', "C5,2015", "\x1f"]
    for number in range(60):
        monkeypatch.setattr(blocks, "BLOCK", chance.choice((16, 64, 4 << 20)))
        lines = [chance.choice(parts) for _ in range(chance.randrange(30))]
        folder = tmp_path / str(number)
        folder.mkdir()
        both(texts(folder, *lines), folder)
