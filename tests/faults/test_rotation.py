"""Each step of a rotation fails in both ways, or the process is killed: running again completes.

*Not done*: the step raises before it does anything. *Done but reported failed*: it raises after.
In between, everything recorded stays readable and new things are recorded.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from ledger import rotating
from ledger.application import Ledger
from ledger.errors import Broken
from ledger.opening import create, open_ledger
from ledger.rotating import destroy_due, rotate
from ledger.store import epochs, keyring
from ledger.store.hsm import HsmKeyring
from ledger.store.keyring import FileKeyring
from ledger.store.keyrings import Where
from tests.clock import StepClock
from tests.rotation import HORIZON, deaths, epochs_in_use, people, readable

ROOT = Path(__file__).resolve().parents[2]
RETIRED = ("ledger.kek_retired.v1", 1, "2026-02-09")
DESTROYED = ("ledger.kek_destroyed.v1", 1, None)
SCRIPT = """
import sys
from threading import Event
from ledger.opening import open_ledger
from ledger.rotating import rotate
from ledger.store import epochs, keyrings
url, place, seen, enough = sys.argv[1:]
epochs.BATCH = 5
ledger = open_ledger(url, keyrings.where(place))
with open(seen, "a") as said:
    def progress(done, total, lines=[]):
        lines.append(done)
        said.write(f"{done}\\n")
        said.flush()
        if len(lines) > int(enough):
            Event().wait()  # whoever is slow to kill us does so here
    progress(0, 0)
    rotate(ledger, 35, progress)
"""


class Failed(Exception):
    """The step that was to fail."""


class Place(NamedTuple):
    """A ledger on disk, which is opened again after each crash."""

    url: str
    keyring: Where
    clock: StepClock

    def open(self) -> Ledger:
        return open_ledger(self.url, self.keyring, clock=self.clock)


@pytest.fixture(params=["sqlite", "sqlite-hsm", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: StepClock) -> Place:
    """On each database that outlives a process, and once with the KEKs in an HSM."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_schema_url")
    where: Where = tmp_path / "keys" / "keyring.json"
    if request.param == "sqlite-hsm":
        where = request.getfixturevalue("new_token")()
    create(url, where, clock=clock).close()
    return Place(url, where, clock)


class Step(NamedTuple):
    """Where a step is, and at which of its calls it fails."""

    owner: Any
    name: str
    call: int = 1


ROTATING = {
    "a KEK is made": Step((FileKeyring, HsmKeyring), "begin_epoch"),
    "the file aside is written": Step((keyring,), "_write"),
    "the file takes its name": Step((Path,), "replace"),
    "the folder is flushed": Step((keyring,), "_sync_folder"),
    "the epoch moves": Step((epochs,), "begin"),
    "the first keys are rewrapped": Step((epochs,), "rewrap_some", 1),
    "more keys are rewrapped": Step((epochs,), "rewrap_some", 2),
    "the retirement is written": Step((rotating,), "act"),
    "the retirement is committed": Step((rotating,), "_retire"),
}
DYING = {
    "a KEK is destroyed": Step((FileKeyring, HsmKeyring), "destroy_epoch_forever"),
    "the file aside is written": Step((keyring,), "_write"),
    "the file takes its name": Step((Path,), "replace"),
    "the folder is flushed": Step((keyring,), "_sync_folder"),
    "the death is written": Step((rotating,), "act"),
    "the death is committed": Step((rotating,), "_record_destroyed"),
}


def step_of(place: Place, steps: dict[str, Step], name: str, whole: str) -> Step:
    """The step of this name; what a file does in several steps, a token does in one."""
    in_token = isinstance(place.keyring, str) and name.startswith(("the file", "the folder"))
    return steps[whole if in_token else name]


def breaking(patch: pytest.MonkeyPatch, step: Step, *, done: bool) -> None:
    """Make this step fail, once, before or after it does its work."""
    count = iter(range(1, 1000))
    for owner in step.owner:
        real = getattr(owner, step.name)

        def failing(*args: Any, _real: Any = real, **kwargs: Any) -> Any:
            if next(count) != step.call:
                return _real(*args, **kwargs)
            if done:
                _real(*args, **kwargs)
            raise Failed

        patch.setattr(owner, step.name, failing)


def fails(place: Place, step: Step, done: bool, call: Callable[[Ledger], Any]) -> None:
    """Open the ledger and do something during which this step fails."""
    with place.open() as ledger, pytest.MonkeyPatch.context() as patch:
        breaking(patch, step, done=done)
        with pytest.raises(Failed):
            call(ledger)


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done but reported failed"])
@pytest.mark.parametrize("name", ROTATING)
def test_a_rotation_that_failed_is_completed(
    place: Place, name: str, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = step_of(place, ROTATING, name, "a KEK is made")
    monkeypatch.setattr(epochs, "BATCH", 3)
    with place.open() as ledger:
        texts = people(ledger, 8)
    fails(place, step, done, lambda ledger: rotate(ledger, HORIZON))
    with place.open() as ledger:
        assert readable(ledger, texts)
        texts |= people(ledger, 2, start=8)
        rotate(ledger, HORIZON)
    with place.open() as ledger:
        # A retirement that was recorded but reported failed leaves nothing to complete: then the
        # second run was a rotation of its own.
        newest = 3 if (name, done) == ("the retirement is committed", True) else 2
        assert ledger.keyring.epochs == tuple(range(1, newest + 1))
        assert epochs_in_use(ledger) == {newest: 10}
        assert readable(ledger, texts)
        assert deaths(ledger)[0] == RETIRED
        assert len(deaths(ledger)) == newest - 1


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done but reported failed"])
@pytest.mark.parametrize("name", DYING)
def test_a_death_that_failed_is_completed(place: Place, name: str, done: bool) -> None:
    step = step_of(place, DYING, name, "a KEK is destroyed")
    with place.open() as ledger:
        texts = people(ledger, 4)
        rotate(ledger, HORIZON)
    place.clock.advance(days=HORIZON)
    fails(place, step, done, destroy_due)
    with place.open() as ledger:
        assert readable(ledger, texts)
        claimed = DESTROYED in deaths(ledger)
        assert not claimed or ledger.keyring.epochs == (2,)  # never claimed before it is true
        destroy_due(ledger)
    with place.open() as ledger:
        assert ledger.keyring.epochs == (2,)
        assert deaths(ledger) == [RETIRED, DESTROYED]
        assert readable(ledger, texts)


def test_services_go_on_writing_while_keys_are_rotated(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that opened the keyring before the rotation wraps nothing more under the old KEK
    once the rotation has begun, and reads everything afterwards."""
    monkeypatch.setattr(epochs, "BATCH", 2)
    with place.open() as ours, place.open() as service:
        texts = people(service, 6)
        written = dict(texts)

        def meanwhile(_done: int, _total: int) -> None:
            written.update(people(service, 2, start=len(written)))

        rotate(ours, HORIZON, meanwhile)
        assert set(epochs_in_use(ours)) == {2}
        for ledger in (ours, service):
            assert readable(ledger, written)
        place.clock.advance(days=HORIZON)
        assert destroy_due(ours) == (1,)
        written.update(people(service, 1, start=len(written)))
        assert service.keyring.epochs == (2,)  # what was destroyed left its memory too
        for ledger in (ours, service):
            assert readable(ledger, written)


def test_a_kek_that_came_back_with_an_old_copy_of_the_keyring_is_destroyed_again(
    tmp_path: Path, clock: StepClock
) -> None:
    url, path = f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path / "keyring.json"
    place = Place(url, path, clock)
    create(url, path, clock=clock).close()
    with place.open() as ledger:
        texts = people(ledger, 2)
        rotate(ledger, HORIZON)
        copy = path.read_bytes()
        clock.advance(days=HORIZON)
        destroy_due(ledger)
    path.write_bytes(copy)
    with place.open() as ledger:
        assert [row["state"] for row in rotating.status(ledger, HORIZON)["epochs"]] == [
            *("returned", "current")
        ]
        assert destroy_due(ledger) == (1,)
        assert ledger.keyring.epochs == (2,)
        assert deaths(ledger) == [RETIRED, DESTROYED]
        assert readable(ledger, texts)


def test_a_killed_rotation_is_completed_by_running_it_again(place: Place, tmp_path: Path) -> None:
    with place.open() as ledger:
        texts = people(ledger, 120)
    seen = tmp_path / "seen"
    seen.touch()
    arguments = [sys.executable, "-c", SCRIPT, place.url, str(place.keyring), str(seen)]
    chance = Random(7)
    for _ in range(3):
        before, enough = seen.read_text().count("\n"), chance.randrange(1, 5)
        process = subprocess.Popen([*arguments, str(enough)], cwd=ROOT)
        while seen.read_text().count("\n") < before + enough:
            assert process.poll() is None
            time.sleep(0.001)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        with place.open() as ledger:
            assert readable(ledger, texts)
    with place.open() as ledger:
        done = rotate(ledger, HORIZON)
        assert done.resumed
        assert 0 < done.rewrapped < 120
        assert epochs_in_use(ledger) == {2: 120}
        assert readable(ledger, texts)
        assert len(deaths(ledger)) == 1


def test_a_service_with_an_outdated_keyring_is_found_before_anything_is_lost(
    tmp_path: Path, clock: StepClock
) -> None:
    """Two copies of one keyring file. While the old epoch is not retired the rotation says so;
    once it is, the service refuses to wrap under it."""
    url, path, copy = f"sqlite:///{tmp_path / 'l.sqlite'}", tmp_path / "k.json", tmp_path / "c.json"
    create(url, path, clock=clock).close()
    copy.touch(0o600)
    copy.write_bytes(path.read_bytes())
    ours, stale = Place(url, path, clock).open(), Place(url, copy, clock).open()
    with ours, stale:
        texts = people(ours, 2)

        def meanwhile(_done: int, _total: int) -> None:
            texts.update(people(stale, 1, start=len(texts)))

        with pytest.raises(Broken, match="outdated"):
            rotate(ours, HORIZON, meanwhile)
        assert (readable(ours, texts), deaths(ours)) == (True, [])
        assert rotate(ours, HORIZON).resumed
        assert deaths(ours) == [RETIRED]
        for _ in range(2):
            with pytest.raises(Broken, match="outdated"):
                people(stale, 1, start=99)
        assert epochs_in_use(ours) == {2: len(texts)}
        copy.write_bytes(path.read_bytes())
        texts |= people(stale, 1, start=len(texts))
        assert readable(ours, texts)
