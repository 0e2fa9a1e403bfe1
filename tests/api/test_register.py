"""`/v1/register`: for the DPO and the auditor, in each format."""

from __future__ import annotations

import csv
import io

from tests.api.conftest import Caller, order


def test_the_register_is_answered_as_of_any_date(anywhere: Caller) -> None:
    anywhere.post(order())
    found = anywhere.get("/v1/register", lang="en").json()
    seen = {one["id"]: one["observed"]["people"] for one in found["activities"]}
    assert seen["order_management"] == 1
    before = anywhere.get("/v1/register", as_of="2019-01-01").json()
    assert {one["observed"]["people"] for one in before["activities"]} == {0}
    assert before["day"] == "2019-01-01"


def test_each_format_has_its_name_and_type(caller: Caller) -> None:
    answer = caller.get("/v1/register", format="csv", lang="fr", as_of="2026-01-05")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "registre-2026-01-05.csv" in answer.headers["content-disposition"]
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) == 21
    assert caller.get("/v1/register", format="ods").content[:2] == b"PK"
    assert caller.get("/v1/register", format="md").text.startswith("# Registre")
    assert caller.get("/v1/register", format="pdf").status_code == 400
