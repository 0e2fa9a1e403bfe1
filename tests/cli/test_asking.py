"""`show` and `replay`: the same answers on every path and database, with their reasons."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Probant

DATES = ("2015-12-31", "2019-03-01", "2024-12-31", "2031-06-30", "2040-01-01")


def counts(answer: dict[str, Any]) -> dict[str, Any]:
    """What must be equal whoever counted."""
    return {name: value for name, value in answer.items() if name not in ("engine", "known_at")}


def somebody(probant: Probant, past: str = "order", day: str = "2024-12-31") -> str:
    """The id of a person past a term on that day."""
    answer = probant.json("replay", "--as-of", day, "--past", past, "--limit", "1")
    subject: str = answer["past"]["items"][0]["subject"]
    return subject


def test_the_fold_and_sql_and_the_live_tables_count_the_same(anywhere: Probant) -> None:
    """At any date; the live tables where they may answer, that is after the last fact."""
    anywhere.filled()
    for day in DATES:
        asked = ("replay", "--as-of", day, "--past", "order", "--limit", "5")
        fold = anywhere.json(*asked, "--engine", "fold")
        assert counts(anywhere.json(*asked, "--engine", "sql")) == counts(fold)
        if day > "2025-12-31":
            assert counts(anywhere.json(*asked, "--engine", "live")) == counts(fold)
            assert anywhere.json(*asked)["engine"] == "live"
        else:
            assert anywhere.json(*asked)["engine"] == "sql"
    before = anywhere.json("replay", "--as-of", "2040-01-01")
    assert anywhere("rebuild").code == 0
    assert anywhere.json("replay", "--as-of", "2040-01-01") == before


def test_sqlite_and_postgresql_give_the_same_answers(
    tmp_path: Path, postgres_schema_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The random ids differ, nothing else does."""
    small = Probant(tmp_path / "a", None, capsys.readouterr).filled()
    large = Probant(tmp_path / "b", postgres_schema_url, capsys.readouterr).filled()
    for day in DATES:
        assert small.json("replay", "--as-of", day) == large.json("replay", "--as-of", day)
        asked = ("show", "--reference", "shop=C-0007", "--as-of", day)
        mine, theirs = small.json(*asked), large.json(*asked)
        assert mine.pop("subject") != theirs.pop("subject")
        assert mine == theirs


def test_the_live_tables_do_not_answer_for_the_past(probant: Probant) -> None:
    """Asked for it, they refuse rather than answer something else."""
    probant.filled()
    refused = probant("replay", "--as-of", "2019-01-01", "--engine", "live")
    assert (refused.code, refused.out) == (2, "")
    assert "--engine sql" in refused.err


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            "Orders: the term ended on|Rule RET-order, edition softsystem-2018-11-20, clause"
            " SS-RET-5, GDPR art. 5(1)(e).|Counted from: order of|for 60 months.|Rests on: position"
            "|answer changes on|What would change it:",
        ),
        (
            "fr",
            "Commandes : le terme est passé depuis le|Règle RET-order, édition"
            " softsystem-2018-11-20, clause SS-RET-5, RGPD art. 5(1)(e).|Compte à partir de :"
            "|pour 60 mois.|Repose sur : position|Sans fait nouveau"
            "|la réponse change le|Ce qui la changerait :",
        ),
    ],
)
def test_show_explains_a_deadline(anywhere: Probant, lang: str, words: str) -> None:
    """Rule, edition, clause, article, positions, what would change it."""
    subject = somebody(anywhere.filled())
    said = anywhere("show", subject, "--as-of", "2024-12-31", "--class", "order", "--lang", lang)
    assert said.code == 0
    for word in words.split("|"):
        assert word in said.out


def test_a_person_is_found_by_a_reference_read_from_stdin(
    probant: Probant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it stays out of the shell's history; it is never said again."""
    probant.filled()
    answers = []
    for typed in ("shop=-", "shop"):
        monkeypatch.setattr("sys.stdin", io.StringIO("C-0007\n"))
        answers.append(probant("show", "--reference", typed))
    direct = probant("show", "--reference", "shop=C-0007")
    assert {said.code for said in (*answers, direct)} == {0}
    assert answers[0].out == answers[1].out == direct.out
    assert "C-0007" not in direct.out


def test_now_is_answered_by_the_live_tables_and_the_past_by_the_fold(probant: Probant) -> None:
    """And both say the same of a day after the last fact."""
    subject = somebody(probant.filled())
    live = probant.json("show", subject)
    fold = probant.json("show", subject, "--known-at", "2999-01-01")
    assert (live["path"], fold["path"]) == ("live", "fold")
    for name in ("deadlines", "consents", "facts", "last_activity", "position"):
        assert live[name] == fold[name]


def test_what_was_not_yet_recorded_is_not_known(probant: Probant) -> None:
    """The shop's history was learnt today: yesterday nothing of it was known."""
    subject = somebody(probant.filled())
    answer = probant.json("show", subject, "--known-at", "2020-01-01")
    assert (answer["facts"], answer["deadlines"], answer["position"]) == ({}, [], 0)
    everybody = probant.json("replay", "--known-at", "2020-01-01")
    assert (everybody["subjects"], everybody["edition"]) == (0, None)
    assert everybody["flags"] == ["no_edition_known"]
    assert "Nothing was known" in probant("show", subject, "--known-at", "2020-01-01").out


def test_who_is_past_a_term_is_listed_by_id(probant: Probant) -> None:
    """As many as asked, each of them past it when shown."""
    probant.filled()
    answer = probant.json("replay", "--as-of", "2024-12-31", "--past", "order", "--limit", "4")
    items = answer["past"]["items"]
    assert len(items) == 4 <= answer["classes"]["order"]["past_operational"]
    for item in items:
        shown = probant.json("show", item["subject"], "--as-of", "2024-12-31", "--class", "order")
        (deadline,) = shown["deadlines"]
        assert deadline["operational_until"] == item["due"] < "2024-12-31"
        assert deadline["tier"] == "past_operational"
