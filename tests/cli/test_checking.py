"""`probant check`: one person, one question, every reason."""

from __future__ import annotations

from tests.cli.conftest import Probant


def test_a_verdict_is_told_in_sentences_and_as_json(probant: Probant) -> None:
    """Somebody unknown has one too; what was typed wrongly is not repeated."""
    probant("init")
    asked = ("check", "--reference", "shop=nobody", "--purpose", "newsletter", "--channel", "email")
    found = probant.json(*asked)
    assert (found["allowed"], found["reasons"]) == (False, ["unknown_person"])
    told = probant(*asked, "--lang", "fr").out
    assert told.startswith("Refusé.\n")
    assert "SS-CTL-2" in told
    for wrong in (
        ("check", "--purpose", "newsletter"),
        ("check", "--reference", "shop=canary"),
        (*asked, "--at", "canary"),
        (*asked, "--offer", "canary"),
    ):
        refused = probant(*wrong)
        assert refused.code in (2, 3)
        assert "canary" not in refused.out + refused.err
