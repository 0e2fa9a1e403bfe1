"""Whether the log was only added to, as an auditor's own browser finds out: from a checkpoint that
it remembers or is given, and against a server that cuts, forks or lies."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from api.console import rendering
from ledger.application import Ledger
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.merkle import root_at
from ledger.seal.note import SigningKey, sign
from ledger.seal.tiles import folder, tile_reader
from ledger.sealing.signer import Signer
from tests.console.conftest import Live, Windows
from tests.seal import trees
from tests.sealing.room import orders

CHECKS = "/audit/checks"
GROWN = """async ([address, cases]) => {
  const { rootsOf, bytesOf, hexOf } = await import(address);
  const found = [];
  for (const [older, newer, root, path] of cases) {
    const roots = await rootsOf(BigInt(older), BigInt(newer), bytesOf(root), path.map(bytesOf));
    found.push(roots && roots.map(hexOf));
  }
  return found;
}"""


def found(page: Page) -> str:
    """What the browser says of the log."""
    place = page.locator("[data-growth] .verdict")
    page.evaluate("document.querySelector('[data-growth] .verdict').textContent = ''")
    page.locator("[data-growth] button").last.click()
    expect(place).not_to_be_empty()
    return place.get_attribute("data-found") or ""


def add(live: Live, count: int = 3) -> int:
    """So many events more, sealed. How many there are."""
    ledger: Ledger = live.company.ledger
    orders(ledger, count, who=f"later-{ledger.recorder.head().position}")
    live.company.seal_all()
    return ledger.recorder.head().position


def newest(live: Live) -> str:
    """The checkpoint as the log's folder has it."""
    return (live.company.folder / "log" / "checkpoint").read_text("utf-8")


def signed(live: Live, size: int, root: bytes) -> str:
    """Any checkpoint, signed by the log's own key."""
    origin = live.company.ledger.keyring.origin
    key = Signer(live.company.folder / "signer").key
    return sign(format_checkpoint(Checkpoint(origin, size, root)), key).decode()


def changed(page: Page, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """A server that answers something else."""

    def lie(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=json.dumps(change(answer.json())))

    page.unroute_all()
    page.route("**/audit/growth*", lie)


def flipped(text: str) -> str:
    raw = bytearray(b64decode(text))
    raw[-1] ^= 1
    return b64encode(bytes(raw)).decode()


# --- the rule itself ------------------------------------------------------------------------------


def asked(page: Page, *cases: tuple[int, int, bytes, list[bytes]]) -> list[list[str] | None]:
    """The roots that the script finds for each case."""
    sent = [
        [older, newer, b64encode(root).decode(), [b64encode(one).decode() for one in path]]
        for older, newer, root, path in cases
    ]
    answer: list[list[str] | None] = page.evaluate(GROWN, [rendering.asset("proofs.js"), sent])
    return answer


def test_every_small_tree_grows_out_of_every_smaller_one(shared: Live, window: Windows) -> None:
    """As the words of RFC 6962 build the proofs (`tests/seal/trees.py`); and with any hash changed,
    one left out or one too many, the roots are others or none."""
    page = window(shared).play("auditor")
    sizes = [(old, new) for new in range(1, 18) for old in range(1, new + 1)]
    true = [(o, n, trees.mth(0, o), trees.consistency(o, n)) for o, n in sizes]
    for (old, new), roots in zip(sizes, asked(page, *true), strict=True):
        assert roots == [trees.mth(0, old).hex(), trees.mth(0, new).hex()]
    false = []
    for old, new, root, path in true:
        for at in range(len(path)):
            other = bytes([path[at][0] ^ 1, *path[at][1:]])
            false.append((old, new, root, [*path[:at], other, *path[at + 1 :]]))
        false.append((old, new, root, [*path, root]))
        if path:
            false.append((old, new, root, path[:-1]))
    for case, roots in zip(false, asked(page, *false), strict=True):
        assert roots is None or roots[1] != trees.mth(0, case[1]).hex()


# --- a checkpoint that is held --------------------------------------------------------------------


def test_a_browser_remembers_and_sees_what_was_cut_or_rewritten(own: Live, window: Windows) -> None:
    page = window(own).play("auditor")
    page.goto(CHECKS)
    assert found(page) == "first"
    first = newest(own)
    size = add(own)
    page.reload()
    expect(page.locator("#held")).to_have_value(first)
    assert found(page) == "grown"
    expect(page.locator("[data-growth] .verdict")).to_contain_text(str(size))
    assert page.locator("#held").input_value() == newest(own) != first
    assert found(page) == "grown"  # nothing was added since
    changed(page, lambda said: {**said, "newest": first, "proof": None, "root": None})
    assert found(page) == "shorter"
    page.unroute_all()
    # Another history of the size that was held, signed by the very key of the log.
    page.locator("#held").fill(signed(own, size - 3, b"\x01" * 32))
    assert found(page) == "rewritten"
    page.locator("#held").fill(signed(own, size, b"\x01" * 32))
    assert found(page) == "rewritten"
    page.locator("#held").fill(first.rstrip().replace("\n", "\r\n"))  # as it may be pasted
    assert found(page) == "grown"


def test_a_changed_byte_is_no_proof(own: Live, window: Windows) -> None:
    """Of each hash of the proof, of the checkpoint shown and of the one held."""
    page = window(own).play("auditor")
    first = newest(own)
    add(own, 5)
    page.goto(CHECKS)
    page.locator("#held").fill(first)
    assert found(page) == "grown"
    add(own, 4)
    page.locator("#held").fill(first)
    said = page.request.get(f"/audit/growth?size={first.splitlines()[1]}").json()
    hashes = said["proof"].partition("\n\n")[0].splitlines()[1:]
    assert len(hashes) > 2
    for one in hashes:
        lie = said["proof"].replace(one, flipped(one))
        changed(page, lambda told, lie=lie: {**told, "proof": lie})  # type: ignore[misc]
        assert found(page) == "rewritten"
    root, line = said["newest"].splitlines()[2], said["newest"].split()[-1]
    for wrong in (said["newest"].replace(root, flipped(root)), said["newest"][:-9]):
        changed(page, lambda told, wrong=wrong: {**told, "newest": wrong})  # type: ignore[misc]
        assert found(page) in ("forged", "unable")
    changed(page, lambda told: {**told, "newest": told["newest"].replace(line, flipped(line))})
    assert found(page) == "forged"
    page.unroute_all()
    held = first.splitlines()[2]
    page.locator("#held").fill(first.replace(held, flipped(held)))
    assert found(page) == "unknown"
    page.locator("#held").fill("not a checkpoint")
    assert found(page) == "unable"


def test_another_key_is_another_log(own: Live, window: Windows) -> None:
    page = window(own).play("auditor")
    page.goto(CHECKS)
    page.locator("#key").fill(SigningKey.generate(own.company.ledger.keyring.origin).vkey)
    page.locator("#key").blur()
    assert found(page) == "forged"


# --- an event -------------------------------------------------------------------------------------


def test_what_was_added_since_an_event(shared: Live, window: Windows) -> None:
    """The root that the log had then is proven and shown; a lie about it is seen."""
    page = window(shared).play("auditor")
    log = shared.company.folder / "log"
    size = int(newest(shared).splitlines()[1])
    for position in (1, 2, 3, 64, 100, 512, size - 1):
        page.goto(f"/audit/events/{position}")
        assert found(page) == "grown"
        root = root_at(position, tile_reader(size, folder(log)))
        expect(page.locator("[data-growth] .verdict")).to_contain_text(root.hex())
        changed(page, lambda said: {**said, "root": flipped(said["root"])})
        assert found(page) == "rewritten"
        page.unroute_all()
    page.goto(f"/audit/events/{size}")
    expect(page.locator("[data-growth]")).to_have_count(0)  # the newest one: nothing was added


def test_who_checks_nothing_asks_for_no_proof(shared: Live, window: Windows) -> None:
    page = window(shared, may_fail=True).play("customer")
    assert page.request.get("/audit/growth?size=1").status == 403
    page = window(shared, may_fail=True).play("auditor")
    for wrong in ("-1", "x", "9" * 20, "1.5"):
        assert page.request.get(f"/audit/growth?size={wrong}").status == 404
