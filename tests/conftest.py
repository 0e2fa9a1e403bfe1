"""Fixtures of every room: databases, clock, no network beyond loopback, no silent skip in CI."""

from __future__ import annotations

import ipaddress
import os
import socket
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.clock import StepClock
from tests.go import building
from tests.postgres import PostgresMissing, fresh_schema, running_postgres
from tests.softhsm import tokens

# No test may fail for being slow.
settings.register_profile("probant", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("probant")

DATABASES = ("sqlite-memory", "sqlite-file", "postgres")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a PostgreSQL server: `PROBANT_TEST_POSTGRES`, else one started for this session."""
    given = os.environ.get("PROBANT_TEST_POSTGRES")
    if given:
        yield given
        return
    try:
        with running_postgres() as server:
            yield server.url
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def postgres_schema_url(postgres_url: str) -> Iterator[str]:
    """URL of an empty PostgreSQL schema of the test's own, dropped afterwards."""
    with fresh_schema(postgres_url, f"t_{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture(params=DATABASES)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database, of each kind in turn."""
    if request.param == "sqlite-memory":
        return "sqlite://"
    if request.param == "sqlite-file":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    url: str = request.getfixturevalue("postgres_schema_url")
    return url


@pytest.fixture(scope="session")
def go_verifier(tmp_path_factory: pytest.TempPathFactory) -> building.GoVerifier:
    """The verifier that is not ours, compiled once. Fails, never skips, where Go is missing."""
    return building.build(tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="session")
def new_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes an empty token of SoftHSM and answers its URI. Fails where there is no SoftHSM."""
    with tokens(tmp_path_factory.mktemp("hsm")) as make:
        yield make


@pytest.fixture
def clock() -> StepClock:
    """A clock at 2026-01-05 09:00 UTC that stands still until the test advances it."""
    return StepClock()


def is_local(family: int, address: Any) -> bool:
    """Whether a socket address stays on this machine: a path, or a loopback address."""
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if not is_local(self.family, address):
                raise RuntimeError("a test tried to reach beyond loopback")
            return real(self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI a skipped test is a failed one; an expected failure (xfail) stays what it is."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI skips nothing: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """See `refuse_skip`."""
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """See `refuse_skip`: a module may skip itself whole while it is collected."""
    report = yield
    refuse_skip(report)
    return report
