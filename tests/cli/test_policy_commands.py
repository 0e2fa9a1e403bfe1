"""`policy publish`, `show --document`, `diff`, and what `rebuild` says on each database."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from ledger.calendar import SystemClock, parse_instant
from ledger.policy.book import SHIPPED, shipped
from tests.cli.conftest import Probant
from tests.stories.policy_room import toml

TEXT = "Ce que nous promettons : le délai le plus court.\n".encode()
AT_ONCE, LATER = "2025-01-01", "2999-01-01"


def written(tmp_path: Path, content: bytes, name: str = "next.toml") -> str:
    file = tmp_path / name
    file.write_bytes(content)
    return str(file)


def test_a_longer_term_needs_a_later_day_or_notice(anywhere: Probant, tmp_path: Path) -> None:
    """Refused with its clause; with --notified it says how many people have no proof of it."""
    anywhere.filled(20)
    file = written(tmp_path, toml(AT_ONCE, {"order": 72}))
    refused = anywhere("policy", "publish", file)
    assert refused.code == 3
    assert "order" in refused.err
    assert "SS-POL-2, RGPD art. 13(3)" in refused.err
    told = anywhere.json("policy", "publish", file, "--notified")
    assert (told["lengthens"], told["untold"]) == (["order"], 20)


def test_an_edition_under_the_id_of_another_is_refused(anywhere: Probant, tmp_path: Path) -> None:
    """By what would publish it and by what only weighs it; the ledger goes on with what it had."""
    anywhere("init")
    twin = toml(AT_ONCE).replace(f"softsystem-{AT_ONCE}".encode(), SHIPPED.encode())
    file = written(tmp_path, twin)
    for asked in (("publish", file), ("what-if", file)):
        refused = anywhere("--lang", "fr", "policy", *asked)
        assert refused.code == 3
        assert f"{SHIPPED} : cet identifiant est celui d'une autre édition" in refused.err
    assert anywhere.json("policy", "show")["editions"] == ["2018-11-20"]


def test_a_longer_term_is_announced_in_words(probant: Probant, tmp_path: Path) -> None:
    probant.filled(20)
    file = written(tmp_path, toml(LATER, {"order": 72, "contact": 12}))
    said = probant("policy", "publish", file)
    assert said.code == 0
    assert "It keeps longer: order. 20 people were not told of it" in said.out


def test_the_published_text_comes_back_as_it_was_given(anywhere: Probant, tmp_path: Path) -> None:
    """Byte for byte; another text is refused; where none was given, that is said."""
    anywhere("init")
    assert anywhere("policy", "show", "--document").code == 2
    digest = hashlib.sha256(TEXT).hexdigest()
    changed = {shipped().published_sha256: digest}
    file = written(tmp_path, toml(AT_ONCE, replace=changed))
    wrong = written(tmp_path, b"something else", "wrong.txt")
    assert anywhere("policy", "publish", file, "--document", wrong).code == 3
    text = written(tmp_path, TEXT, "policy.txt")
    assert anywhere("policy", "publish", file, "--document", text).code == 0
    shown = anywhere("policy", "show", "--document")
    assert (shown.code, shown.out.encode()) == (0, TEXT)
    answer = anywhere.json("policy", "show", "--document")
    assert base64.b64decode(answer.pop("base64")) == TEXT
    assert answer == {"id": f"softsystem-{AT_ONCE}", "sha256": digest, "media": "text/plain"}
    assert anywhere("policy", "show", "--document", "--edition", "2020-01-01").code == 2
    assert anywhere("verify").code == 0


def test_two_files_are_compared_without_a_ledger(probant: Probant, tmp_path: Path) -> None:
    old = written(tmp_path, toml("2024-01-01"), "old.toml")
    new = written(tmp_path, toml("2025-01-01", {"order": 72, "contact": 24}), "new.toml")
    answer = probant.json("policy", "diff", old, new)
    assert (answer["old"], answer["new"]) == ("softsystem-2024-01-01", "softsystem-2025-01-01")
    assert answer["lengthens"] == ["order"]
    changes = [tuple(change.values()) for change in answer["changes"]]
    assert ("class", "order", "operational_months", "longer", 60, 72) in changes
    assert ("class", "contact", "operational_months", "shorter", 36, 24) in changes
    assert not probant.home.exists()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "contact operational_months: 36 → 24 (shorter)|→ 72 (longer)|only after notice"),
        (
            "fr",
            "contact operational_months: 36 → 24 (plus court)|→ 72 (plus long)|après information",
        ),
    ],
)
def test_the_comparison_speaks_both_languages(
    probant: Probant, tmp_path: Path, lang: str, words: str
) -> None:
    old = written(tmp_path, toml("2024-01-01"), "old.toml")
    replace = {'id = "newsletter"': 'id = "letters"'}
    new = written(tmp_path, toml("2025-01-01", {"order": 72, "contact": 24}, replace), "new.toml")
    said = probant("policy", "diff", old, new, "--lang", lang)
    assert said.code == 0
    assert all(word in said.out for word in words.split("|")), said.out
    assert "purpose letters: " in said.out
    same = probant("policy", "diff", old, old, "--lang", lang)
    assert same.out.count("\n") == 1


def test_what_a_change_means_is_counted_in_people(
    anywhere: Probant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shorter term puts more people past it; a longer one helps nobody who was not told."""
    today = parse_instant("2026-01-05T09:00:00Z")  # the editions below are still to come
    monkeypatch.setattr(SystemClock, "now", lambda _clock: today)
    anywhere.filled(60)
    shorter = written(tmp_path, toml("2027-01-01", {"order": 12}), "shorter.toml")
    counted = anywhere.json("policy", "diff", "2026-01-01", shorter, "--people")["people"]
    assert counted["day"] == "2027-01-01"
    orders = counted["past"]["order"]
    assert orders["before"] < orders["after"]
    longer = written(tmp_path, toml("2027-01-01", {"order": 120}), "longer.toml")
    counted = anywhere.json("policy", "diff", "2026-01-01", longer, "--people")["people"]
    assert counted["past"]["order"] == {"before": orders["before"], "after": orders["before"]}
    assert anywhere("policy", "publish", shorter).code == 0
    by_day = anywhere.json("policy", "diff", "2026-01-01", "2027-01-01", "--people")
    assert by_day["people"]["past"]["order"] == orders
    assert by_day["old"] == SHIPPED
    said = anywhere("policy", "diff", "2026-01-01", shorter, "--people")
    assert f"order: {orders['before']} → {orders['after']}" in said.out
    assert anywhere("policy", "diff", shorter, shorter, "--people").code in (2, 3)


@pytest.mark.parametrize("named", ["2001-01-01", "no-such-file.toml"])
def test_what_names_no_edition_is_misuse(probant: Probant, named: str) -> None:
    probant("init")
    said = probant("policy", "diff", named, "2026-01-01")
    assert said.code == 2
    assert named not in said.err


def test_a_rebuild_says_what_it_found_and_how_long_writers_waited(anywhere: Probant) -> None:
    """On PostgreSQL; with SQLite, writers wait all the time and nothing is compared."""
    anywhere.filled(20)
    answer = anywhere.json("rebuild")
    assert answer["rows"]["activity"] > 20
    said = anywhere("rebuild").out
    if anywhere.url is None:
        assert (answer["differing"], answer["stall_ms"], answer["during"]) == (None, None, None)
        assert "waited" not in said
    else:
        assert (answer["differing"], answer["during"]) == (0, 0)
        assert answer["stall_ms"] > 0
        assert "0 rows were not what history says" in said
        assert "waited" in said
