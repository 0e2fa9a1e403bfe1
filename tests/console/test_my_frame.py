"""Her pages in the company's own: how she comes in, whose colours they have, who may frame them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from api import tokens
from api.answers import find
from api.console import theme
from ledger.commands import Reference
from ledger.errors import Misuse
from tests.console.conftest import Live, Opened, Windows


def token(live: Live) -> str:
    ledger = live.company.ledger
    subject = find(ledger, Reference("shop", "D-0021"))
    return tokens.issue(ledger, subject, ledger.clock.now())[0]


def test_a_token_behind_the_hash_opens_her_pages_and_is_sent_to_nobody(
    shared: Live, window: Windows
) -> None:
    opened = window(shared)
    proof = token(shared)
    opened.page.goto(f"/my/enter#token={proof}")
    expect(opened.page).to_have_url(f"{shared.url}/my")
    assert not any(proof in url.partition("#")[0] for url in opened.asked)


def test_without_scripts_she_pastes_it(shared: Live, window: Windows) -> None:
    page = window(shared, java_script_enabled=False).page
    page.goto("/my/enter")
    page.locator("#proof").fill(token(shared))
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{shared.url}/my")


def test_a_wrong_token_opens_nothing(open_visitor: Opened) -> None:
    visitor = open_visitor()
    assert visitor.send("/my/enter", on="/my/enter", proof="nonsense").status_code == 401
    assert visitor.get("/my").status_code == 303


def test_the_company_may_frame_them_and_dress_them(open_visitor: Opened, tmp_path: Path) -> None:
    file = tmp_path / "theme"
    file.write_text("--accent: #104060;\n\n--round: 0;\n", "utf-8")
    visitor = open_visitor(theme=theme.read(file), origins=("https://espace.example",))
    entered = visitor.get("/my/enter")
    assert "/my/theme.css" in entered.text
    policy = entered.headers["content-security-policy"]
    assert "frame-ancestors https://espace.example" in policy
    said = visitor.get("/my/theme.css")
    assert (said.headers["content-type"], said.text) == (
        "text/css; charset=utf-8",
        ":root { --accent: #104060; --round: 0; }\n",
    )
    assert "theme.css" not in visitor.get("/console/sign-in").text
    assert open_visitor().get("/my/theme.css").status_code == 404


@pytest.mark.parametrize(
    "line",
    [
        "--accent: url(https://elsewhere.example/x);",
        "--unknown: 1px;",
        "body { display: none }",
        "--accent: red; } body { display: none;",
        '@import "x";',
        "--accent: red",
    ],
)
def test_a_theme_sets_variables_and_nothing_else(tmp_path: Path, line: str) -> None:
    file = tmp_path / "theme"
    file.write_text(f"--ink: #000;\n{line}\n", "utf-8")
    with pytest.raises(Misuse, match="line 2"):
        theme.read(file)


def test_a_theme_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="can be read"):
        theme.read(tmp_path / "nowhere")
