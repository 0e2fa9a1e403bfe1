"""What a certificate cites is there, what ordered a destruction came first, no line is unread."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.store import pruning
from tests.evidence.bundles import Evidence, canonical, leaf
from tests.evidence.conftest import Auditor
from tests.evidence.test_attacks import failed


def certificate(evidence: Evidence, **changed: Any) -> bytes:
    """The certificate of the erasure at position 571, one thing in it changed."""
    erased = evidence.said(571)
    cited = {"event": erased["id"], "position": 571, "class": "contact"}
    said = {"format": "probant-certificate/1", "subject": erased["meta"]["subject"]}
    for name in ("subject", "format"):
        said[name] = changed.pop(name, said[name])
    body = json.dumps({**said, "erased": [{**cited, **changed}]}, indent=1) + "\n"
    return evidence.statement("certificate", body)


def test_a_certificate_cites_an_erasure_that_is_there(evidence: Evidence, auditor: Auditor):
    evidence.extra["certificates/a.certificate"] = certificate(evidence)
    assert auditor.judge(evidence).status(13) == "passed"


@pytest.mark.parametrize(
    "changed",
    [
        {"event": "5b1c3a0e-0000-4000-8000-000000000000"},
        {"position": 570},  # another kind
        {"position": 572},
        {"position": 575},  # beyond the end
        {"class": "orders"},
        {"subject": "5b1c3a0e-0000-4000-8000-000000000000"},
        {"position": "571"},
        {"position": 0},
        {"position": True},
    ],
)
def test_a_certificate_that_cites_something_else_fails(
    evidence: Evidence, auditor: Auditor, changed: dict[str, Any]
):
    evidence.extra["certificates/a.certificate"] = certificate(evidence, **changed)
    assert failed(auditor.judge(evidence)).keys() == {"certificates"}


def test_certificates_that_make_no_sense(evidence: Evidence, auditor: Auditor):
    for body in ('{"format": "probant-certificate/1", "erased": [1]}\n', "[]\n", "{}{}\n"):
        evidence.extra["certificates/a.certificate"] = evidence.statement("certificate", body)
        assert failed(auditor.judge(evidence)).keys() == {"certificates"}


def test_in_a_range_citations_outside_of_it_rest_on_the_log(evidence: Evidence, auditor: Auditor):
    evidence.kind, evidence.first, evidence.last = "range", 1, 256
    evidence.extra["certificates/a.certificate"] = certificate(evidence)
    assert auditor.judge(evidence).status(13) == "passed"


def test_an_order_comes_before_what_it_orders(evidence: Evidence, auditor: Auditor):
    erased, destroyed = evidence.said(571), evidence.said(572)
    for position, said in ((571, destroyed), (572, erased)):
        evidence.change(position, **{name: said[name] for name in ("id", "type", "meta")})
    assert "on the order of no erasure" in failed(auditor.judge(evidence))["keys"][0]


@pytest.mark.parametrize("kind", ["order.placed.v1", "customer.class_archived.v1"])
def test_only_an_erasure_orders_a_destruction(evidence: Evidence, auditor: Auditor, kind: str):
    evidence.entries[570] = canonical({**evidence.said(571), "type": kind})
    evidence.leaves[570] = leaf(evidence.entries[570])
    assert "on the order of no erasure" in failed(auditor.judge(evidence))["keys"][0]


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ((571,), "on the order of no erasure"),  # the order alone
        ((572,), "nothing destroyed its key"),  # the destruction alone
        ((571, 572), "nothing destroyed its key"),  # both, and an entry still names the key
        ((5, 571, 572), None),  # the entry too: a lawful prune, and nothing left to compare
    ],
)
def test_an_order_is_pruned_with_what_it_ordered_or_not(
    evidence: Evidence, auditor: Auditor, gone: tuple[int, ...], sentence: str | None
):
    meta = evidence.said(573)["meta"]
    ranges = pruning.ranges_of({20, 21, 22, *gone})
    evidence.change(573, meta={**meta, "ranges": [list(one) for one in ranges]})
    evidence.prune(*gone)
    report = auditor.judge(evidence)
    found = failed(report).get("keys", [""])
    assert report.ok if sentence is None else sentence in found[0], list(report.lines())


def test_a_whole_bundle_of_entries_may_be_pruned(evidence: Evidence, auditor: Auditor):
    """256 bare leaves in a row, and a tile of entries that holds nothing."""
    meta = evidence.said(573)["meta"]
    evidence.change(573, meta={**meta, "ranges": [[20, 22], [257, 512]]})
    evidence.prune(*range(257, 513))
    report = auditor.judge(evidence)
    assert report.ok, list(report.lines())
    assert report.about["pruned"] == 259


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_no_line_of_columns_is_unread(evidence: Evidence, auditor: Auditor, processes: int):
    """Lines slipped in between the shares of two workers, and lines cut off where a tile ends."""
    bundle = evidence.write(auditor.folder / "bundle")
    file = bundle / "columns.ndjson"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    at = [json.loads(line)[0] for line in lines].index(257)
    for wrong in ([*lines[:at], lines[0], *lines[at:]], lines[:at], lines[1:]):
        file.write_text("".join(wrong), "utf-8")
        found = auditor.ask(bundle, processes=processes)
        assert found.status(11) == "failed"
