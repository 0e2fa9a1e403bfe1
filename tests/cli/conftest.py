"""A `probant` to run in the test's own process, on each database that outlives a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api import cli


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


class Probant:
    """The command line over one ledger."""

    def __init__(self, home: Path, url: str | None, capture: Callable[[], Any]) -> None:
        self.home, self.url, self._capture = home, url, capture

    def __call__(self, *arguments: str) -> Said:
        """Run a command."""
        where = ["--home", str(self.home), *(["--url", self.url] if self.url else [])]
        self._capture()
        code = cli.run([*where, *arguments])
        return Said(code, *self._capture())

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run a command that must answer one JSON object, and nothing on stderr."""
        said = self(*arguments, "--json")
        assert said.code == code, said
        assert said.err == ""
        answer: dict[str, Any] = json.loads(said.out)
        return answer

    def filled(self, people: int = 60) -> Probant:
        """The same, with a ledger that holds a small made-up shop."""
        demo = self.home / "demo"
        assert self("init").code == 0
        assert self("demo-shop", str(demo), "--people", str(people)).code == 0
        for name in ("shop", "choices"):
            said = self("import", str(demo / f"{name}.csv"), "--map", str(demo / f"{name}.toml"))
            assert said.code == 0, said
        return self


@pytest.fixture(autouse=True)
def speaks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the tester's own settings."""
    for name in (
        *("PROBANT_HOME", "PROBANT_URL", "PROBANT_KEYRING"),
        *("PROBANT_PIN", "PROBANT_HORIZON", "PROBANT_TSA", "PROBANT_TSA_ROOTS"),
        *("PROBANT_ACKNOWLEDGE_DAYS", "PROBANT_WEBHOOKS_PRIVATE"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROBANT_LANG", "en")


@pytest.fixture
def probant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Probant:
    """On SQLite."""
    return Probant(tmp_path / "home", None, capsys.readouterr)


@pytest.fixture(params=["sqlite", "postgres"])
def anywhere(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Probant:
    """On each database in turn."""
    url = request.getfixturevalue("postgres_schema_url") if request.param == "postgres" else None
    return Probant(tmp_path / "home", url, capsys.readouterr)
