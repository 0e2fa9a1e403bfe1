"""The contract of every keyring, run on a file and on an HSM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import Broken, Misuse
from ledger.opening import create, open_ledger
from ledger.store import keyrings
from ledger.store.keyrings import Where
from tests.softhsm import PIN

KEY, CONTEXT = b"k" * 32, b"one context"


@pytest.fixture(params=["file", "softhsm"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Where]:
    """Names places where a keyring may be made, of each kind in turn."""
    if request.param == "softhsm":
        make: Callable[[], Where] = request.getfixturevalue("new_token")
        return make
    count = iter(range(9))
    return lambda: tmp_path / f"secrets-{next(count)}" / "keyring.json"


@pytest.fixture
def place(new_place: Callable[[], Where]) -> Where:
    return new_place()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def test_what_was_wrapped_unwraps_after_loading_and_only_in_its_context(place: Where):
    made = keyrings.create(place, "example.org/one")
    epoch, wrapped = made.wrap(KEY, CONTEXT)
    assert KEY not in wrapped
    assert made.wrap(KEY, CONTEXT)[1] != wrapped
    loaded = keyrings.load(place)
    assert (loaded.origin, loaded.epoch, loaded.epochs, loaded.pepper) == (
        *("example.org/one", 1),
        *((1,), 1),
    )
    assert loaded.unwrap(epoch, wrapped, CONTEXT) == KEY
    assert loaded.blind("person/shop", "42") == made.blind("person/shop", "42")
    assert loaded.secret("imports") == made.secret("imports")
    altered = wrapped[:20] + bytes([wrapped[20] ^ 1]) + wrapped[21:]
    for again, sealed, context in (
        (1, wrapped, b"another"),
        (2, wrapped, CONTEXT),
        (1, altered, CONTEXT),
        (1, wrapped[:-1], CONTEXT),
        (1, wrapped[:5], CONTEXT),
        (1, b"", CONTEXT),
    ):
        with pytest.raises(Broken):
            loaded.unwrap(again, sealed, context)


def test_two_keyrings_blind_differently_and_a_kind_is_part_of_what_is_blinded(
    new_place: Callable[[], Where],
):
    one, two = (keyrings.create(new_place(), "example.org/one") for _ in range(2))
    assert one.blind("person/shop", "42") != two.blind("person/shop", "42")
    assert one.blind("person/shop", "42") != one.blind("order/shop", "42")
    assert one.blind("person/shop", "x42") != one.blind("person/shopx", "42")
    assert len(one.blind("person/shop", "42")) == 16
    assert len(one.secret("a")) == 32
    assert one.secret("a") != one.secret("b")
    with pytest.raises(Broken):
        two.unwrap(*one.wrap(KEY, CONTEXT), CONTEXT)


def test_a_keyring_is_never_replaced(place: Where):
    made = keyrings.create(place, "example.org/one")
    wrapped = made.wrap(KEY, CONTEXT)
    with pytest.raises(Misuse, match="will not be replaced"):
        keyrings.create(place, "example.org/two")
    assert keyrings.load(place).unwrap(*wrapped, CONTEXT) == KEY


def test_a_new_epoch_wraps_and_the_old_one_still_unwraps(place: Where):
    ring = keyrings.create(place, "example.org/one")
    old, blind = ring.wrap(KEY, CONTEXT), ring.blind("person/shop", "42")
    assert ring.begin_epoch() == 2
    new = ring.wrap(KEY, CONTEXT)
    assert (old[0], new[0], ring.epoch, ring.epochs) == (1, 2, 2, (1, 2))
    for again in (ring, keyrings.load(place)):
        assert again.unwrap(*old, CONTEXT) == again.unwrap(*new, CONTEXT) == KEY
        assert again.blind("person/shop", "42") == blind
    with pytest.raises(Broken):
        ring.unwrap(1, new[1], CONTEXT)


def test_another_process_learns_of_an_epoch_when_it_looks_or_meets_it(place: Where):
    keyrings.create(place, "example.org/one")
    ours, theirs, third = (keyrings.load(place) for _ in range(3))
    theirs.begin_epoch()
    assert ours.unwrap(*theirs.wrap(KEY, CONTEXT), CONTEXT) == KEY
    assert third.epoch == 1
    third.refresh()
    assert third.epoch == 2


def test_a_destroyed_epoch_opens_nothing_and_the_others_open_as_before(place: Where):
    ring = keyrings.create(place, "example.org/one")
    old = ring.wrap(KEY, CONTEXT)
    ring.begin_epoch()
    new = ring.wrap(KEY, CONTEXT)
    with pytest.raises(Misuse, match="rotate"):
        ring.destroy_epoch_forever(2)
    for _ in range(2):
        ring.destroy_epoch_forever(1)
    for again in (ring, keyrings.load(place)):
        assert again.epochs == (2,)
        assert again.unwrap(*new, CONTEXT) == KEY
        with pytest.raises(Broken, match="epoch 1"):
            again.unwrap(*old, CONTEXT)
    assert ring.begin_epoch() == 3


def test_a_ledger_refuses_the_keyring_of_another(
    new_place: Callable[[], Where], url: str, tmp_path: Path
):
    place, other = new_place(), new_place()
    create(url, place).close()
    create(f"sqlite:///{tmp_path / 'other.sqlite'}", other).close()
    for attempt in (lambda: create(url, other), lambda: open_ledger(url, other)):
        with pytest.raises(Misuse, match="another ledger"):
            attempt()
    open_ledger(url, place).close()


def test_a_ledger_without_its_keyring_is_not_opened_and_no_new_one_is_made(
    new_place: Callable[[], Where], url: str
):
    create(url, new_place()).close()
    elsewhere = new_place()
    with pytest.raises(Misuse, match="keyring"):
        create(url, elsewhere)
    with pytest.raises(Misuse, match="no keyring"):
        open_ledger(url, elsewhere)
    assert not keyrings.exists(elsewhere)


def test_a_crash_between_the_keyring_and_the_ledger_is_mended_by_running_again(
    place: Where, url: str
):
    keyrings.create(place, "example.org/one")
    ledger = create(url, place)
    assert ledger.recorder.head().position == 1
    ledger.close()


def test_opening_what_is_no_ledger_says_so(place: Where, url: str):
    keyrings.create(place, "example.org/one")
    with pytest.raises(Misuse, match="probant init"):
        open_ledger(url, place)


def test_no_refusal_says_a_secret(place: Where):
    ring = keyrings.create(place, "example.org/one")
    with pytest.raises(Broken) as caught:
        ring.unwrap(*ring.wrap(KEY, CONTEXT), b"the wrong one")
    assert PIN not in str(caught.value)
    assert "wrong one" not in str(caught.value)
