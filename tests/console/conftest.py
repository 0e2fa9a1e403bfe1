"""Visitors of a small company, and a live server of it with a browser before it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.console.room import HERE, Company, Visitor

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 120_000  # for whatever a page is to do: waited for only where it never does it
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
    "--disable-dev-shm-usage",  # a container may have little of it
)

Opened = Callable[..., Visitor]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a company whose story was told once, to be copied."""
    folder = tmp_path_factory.mktemp("told")
    company = Company(folder)
    company.ledger.close()
    company.known_at.unlink()
    return folder


@pytest.fixture
def open_visitor(told: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Makes visitors, each with a company of her own unless one is named."""
    clients = []

    def opened(
        company: Company | None = None, base: str = HERE, host: str = "127.0.0.1", **more: Any
    ) -> Visitor:
        owned = company or Company(tmp_path_factory.mktemp("company"), told)
        client = TestClient(
            owned.app(**more), base_url=base, client=(host, 50000), follow_redirects=False
        )
        client.__enter__()
        clients.append(client)
        return Visitor(client, owned)

    yield opened
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def visitor(open_visitor: Opened) -> Visitor:
    """Somebody who is not signed in yet."""
    return open_visitor()


# --- a real browser -------------------------------------------------------------------------------


class Live:
    """A server of a company, on loopback. `signed_in`: the cookies of each part that somebody
    played."""

    def __init__(
        self, company: Company, more: Callable[[str], dict[str, Any]] = lambda _url: {}
    ) -> None:
        """`more`: what else the application is made of, by its address."""
        self.company = company
        self.signed_in: dict[str, Any] = {}
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            company.app(**more(self.url)), log_config=None, access_log=False, ws="none"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [listener]}, daemon=True
        )
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def close(self) -> None:
        """Stop serving."""
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's own chromium. It has this thread's event loop while it runs: for one file at a time,
    so that the tests of other rooms have theirs."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(QUIET), timeout=PATIENCE_MS
        )
        yield found
        found.close()


@pytest.fixture(scope="session")
def shared(told: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A live company for whoever only looks."""
    live = Live(Company(tmp_path_factory.mktemp("shared"), told))
    yield live
    live.close()


@pytest.fixture
def own(told: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A live company of the test's own, to change."""
    live = Live(Company(tmp_path_factory.mktemp("own"), told))
    yield live
    live.close()


class Window:
    """A browser's window with nothing in it: its page, and what it complained of."""

    may_fail = False  # whether its console may complain: of an answer that is a refusal
    known: tuple[str, ...] = ()  # other servers that it may ask

    def __init__(self, browser: Browser, live: Live, **how: Any) -> None:
        how = {"locale": "fr-FR", "base_url": live.url, **how}
        self.live, self.context = live, browser.new_context(**how)
        self.context.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))

    def _heard(self, said: Any) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def play(self, part: str) -> Page:
        """Come in with one click."""
        self.page.goto("/")
        with self.page.expect_navigation():
            self.page.locator(f"button[name=part][value={part}]").click()
        return self.page

    def resume(self, part: str) -> None:
        """Be signed in as one was in another window of the same server; the first time, come in."""
        cookies = self.live.signed_in.get(part)
        if cookies is None:
            self.play(part)
            self.live.signed_in[part] = self.context.cookies()
        else:
            self.context.add_cookies(cookies)


Windows = Callable[..., Window]


@pytest.fixture
def window(browser: Browser) -> Iterator[Windows]:
    """Opens windows, and closes them; fails when one complained or asked another server."""
    opened: list[Window] = []

    def new(live: Live, *, may_fail: bool = False, **how: Any) -> Window:
        made = Window(browser, live, **how)
        opened.append(made)
        made.may_fail = may_fail
        return made

    yield new
    for one in opened:
        one.context.close()
        elsewhere = [
            url for url in one.asked if not url.startswith((one.live.url, "data:", *one.known))
        ]
        assert one.may_fail or one.complaints == []
        assert elsewhere == []
