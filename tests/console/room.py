"""A small company with pages, and somebody who visits them."""

from __future__ import annotations

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api import keys
from api.app import create_app
from api.console.demo import Demo
from api.demo import cast, telling
from api.demo.sandbox import Sandbox
from api.routes import ROLES, SUBJECT
from api.sealed import Seal
from ledger.application import Ledger
from ledger.archiving.asking import NoOpener
from ledger.opening import create, open_ledger
from ledger.sealing.sealer import Sealer
from ledger.sealing.signer import Signer
from tests.clock import StepClock
from tests.sealing.room import Here

STAFF = tuple(role for role in ROLES if role != SUBJECT)
HERE = "http://127.0.0.1"
PATIENCE = 60  # seconds for a count over few people, on a machine that does other things too


class Company:
    """A ledger with people in it, on a file, and a key for each role."""

    def __init__(self, folder: Path, told: Path | None = None) -> None:
        """`told`: the folder of a company to be copied, instead of telling its story again."""
        self.clock, self.folder = StepClock("2026-01-05T09:00:00"), folder
        self.sandbox = Sandbox(self.clock)
        url, ring = f"sqlite:///{folder / 'ledger.sqlite'}", folder / "keyring.json"
        self.known_at = folder / "api-keys.json"
        if told is not None:
            shutil.copytree(told, folder, dirs_exist_ok=True)
            self.ledger: Ledger = open_ledger(url, ring, clock=self.sandbox)
        else:
            self.ledger = create(url, ring, clock=self.sandbox)
            telling.fill(self.ledger, cast.FEWEST, 2018, lambda _done, _total, _what: None)
            Signer.create(folder / "signer", self.ledger.keyring.origin)
            self.seal_all()
        self.keys: dict[str, str] = {}
        for role in STAFF:
            _, self.keys[role] = keys.add(self.known_at, role, frozenset({role}), self.clock.now())
        self.known = keys.Keys.load(self.known_at)

    def app(self, *, demo: bool = True, has_clock: bool = True, **more: Any) -> Any:
        """The application over it."""
        more.setdefault("journal", self.folder / "journal")
        more.setdefault("seal", Seal(self.folder / "log", None))
        more.setdefault("opener", nobody)
        playing = Demo(self.known, self.sandbox if has_clock else None) if demo else None
        made = create_app(lambda: self.ledger, self.known, demo=playing, **more)
        made.state.board.counting.patience = PATIENCE
        return made

    def seal_all(self) -> None:
        """Have everything sealed that was recorded."""
        signer = Here(Signer(self.folder / "signer"))
        origin = self.ledger.keyring.origin
        Sealer(self.ledger.database, origin, signer, self.folder / "log").round()


def nobody(_request: Any) -> dict[str, Any]:
    """No opener answers."""
    raise NoOpener("no opener of the archive answers")


class Visitor:
    """Somebody with a browser without scripts, that follows nothing by itself."""

    def __init__(self, client: TestClient, company: Company) -> None:
        self.client, self.company = client, company

    def get(self, path: str, **headers: str) -> Any:
        """Open a page."""
        return self.client.get(path, headers=headers)

    def send(self, path: str, on: str | None = None, **fields: Any) -> Any:
        """Send a form as the page `on` (or the first page there is) would: with its token."""
        page = self.client.get(on or "/console/sign-in")
        return self.client.post(path, data={"token": token_of(page.text), **fields})

    def sign_in(self, role: str) -> Any:
        """With the key of a role."""
        return self.send("/console/sign-in", proof=self.company.keys[role])

    def play(self, part: str) -> Any:
        """One click, in demo mode."""
        return self.send("/console/sign-in", part=part)


def token_of(text: str) -> str:
    """The token that the forms of a page bring back."""
    found = re.search(r'name="token" value="([^"]+)"', text)
    assert found is not None, "no form on this page"
    return found[1]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def seen(text: str) -> str:
    """What a page says, without its markup."""
    reader = _Words()
    reader.feed(text)
    return unescape(" ".join(" ".join(reader.said).split()))
