"""What the documents show is what happens: their sessions and exchanges are run and compared.

`console` blocks are commands with their output; `http` blocks are requests with their answers.
Random ids, hashes and times are masked; a line `…` stands for any lines, a value `"…"` for any.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from api import keys
from api.app import create_app
from ledger.importing import load_map
from ledger.opening import create
from tests.clock import StepClock

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MASKS = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"localhost/[0-9a-f]{8}", "ORIGIN"),
    (r"\b[0-9.]+ s\b", "SECONDS"),
)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.M)


def masked(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, name in MASKS:
        text = re.sub(pattern, name, text)
    return text


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a session with the output shown for it."""
    for found in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
        yield found[1], found[2]


def agrees(shown: str, said: str) -> bool:
    """Whether the output is as shown."""
    pattern = re.escape(masked(shown)).replace("…\\\n", "(?:.*\n)*")
    return re.fullmatch(pattern, masked(said)) is not None


def test_the_session_of_the_readme_is_what_happens(tmp_path: Path) -> None:
    """In an empty folder, with the command that was installed."""
    (session,) = blocks(ROOT / "README.md", "console")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    ran = 0
    for command, shown in commands(session):
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            environment[name] = value
            continue
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert agrees(shown, done.stdout), f"{command}\n{done.stdout}"
        ran += 1
    assert ran == 13


class Exchange(NamedTuple):
    """One `http` block: at which moment, what is asked, what is answered."""

    moment: str | None
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    answered: Any  # None: a line `Header: value`, or nothing, after the status
    told: dict[str, str]


def exchanges(page: Path) -> Iterator[Exchange]:
    """Every `http` block of a page."""
    for block in blocks(page, "http"):
        asked, _, answered = block.partition("\n\n")
        moment = None
        if asked.startswith("# "):
            moment, _, asked = asked.removeprefix("# ").partition("\n")
        first, _, rest = asked.partition("\n")
        method, _, path = first.partition(" ")
        headers, body = headed(rest)
        status, _, rest = answered.partition("\n")
        told, expected = headed(rest)
        yield Exchange(
            moment,
            method,
            path,
            headers,
            json.loads(body or "null"),
            int(status),
            json.loads(expected or "null"),
            told,
        )


def headed(text: str) -> tuple[dict[str, str], str]:
    """The `Name: value` lines that begin a text, and the rest."""
    headers = {}
    while found := re.match(r"([A-Z][A-Za-z-]+): (.*)\n?", text):
        headers[found[1]] = found[2]
        text = text[found.end() :]
    return headers, text


def assert_shown(shown: Any, said: Any, where: str = "answer") -> None:
    """Everything shown was said; objects may say more, lists may not."""
    if shown == "…":
        assert isinstance(said, str), where
    elif isinstance(shown, dict):
        assert shown.keys() <= said.keys(), where
        for name, value in shown.items():
            assert_shown(value, said[name], f"{where}.{name}")
    elif isinstance(shown, list):
        assert len(shown) == len(said), where
        for number, (one, other) in enumerate(zip(shown, said, strict=True)):
            assert_shown(one, other, f"{where}[{number}]")
    else:
        assert shown == said, where


@pytest.mark.parametrize(("page", "count"), [("api.md", 12), ("two-times.md", 5)])
def test_the_exchanges_of_the_documents_are_what_happens(
    page: str, count: int, tmp_path: Path
) -> None:
    """On a fresh ledger, at the times they name."""
    clock = StepClock("2026-01-06T09:00:00Z")
    ledger = create("sqlite://", clock=clock)
    key = keys.create(tmp_path / "keys.json")
    app = create_app(lambda: ledger, keys.Keys.load(tmp_path / "keys.json"))
    subject, tag, ran = "", "", 0
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        for shown in exchanges(DOCS / page):
            if shown.moment is not None:
                clock.set(shown.moment)
            path = shown.path.replace("{subject}", subject)
            headers = {n: tag if value == "…" else value for n, value in shown.headers.items()}
            answer = client.request(shown.method, path, json=shown.body, headers=headers)
            assert answer.status_code == shown.status, answer.text
            for name, value in shown.told.items():
                assert value in ("…", answer.headers[name]), name
            tag = answer.headers.get("etag", tag)
            if shown.answered is not None:
                assert_shown(shown.answered, answer.json())
                subject = answer.json().get("subject", subject)
            ran += 1
    assert ran == count


def test_the_map_in_the_documents_can_be_read(tmp_path: Path) -> None:
    """The commented one, and the one for CDNOW."""
    page = blocks(DOCS / "import.md", "toml")[0]
    (tmp_path / "map.toml").write_text(page, encoding="utf-8")
    explained = load_map(tmp_path / "map.toml")
    cdnow = load_map(DOCS / "examples" / "cdnow.toml")
    assert explained.source == cdnow.source == "cdnow"
    assert (explained.key, cdnow.key) == ("order_id", None)


def test_every_link_leads_somewhere() -> None:
    """Pages, folders and files that the documents name."""
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    broken = []
    for page in pages:
        text = page.read_text("utf-8")
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            if not (page.parent / link).exists():
                broken.append(f"{page.name}: {link}")
    everything = "".join(page.read_text("utf-8") for page in pages)
    named = re.findall(r"`((?:ledger|replay|tests|api|docs)/[\w./]*\w)`", everything)
    broken += [name for name in named if not (ROOT / name).exists()]
    assert broken == []
