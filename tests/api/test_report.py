"""`/v1/reports`: for the DPO and the auditor."""

from __future__ import annotations

import io

from pypdf import PdfReader

from tests.api.conftest import Caller, order


def test_the_report_is_a_pdf_and_a_fact(anywhere: Caller) -> None:
    anywhere.post(order())
    before = anywhere.position()
    answer = anywhere.say("POST", "/v1/reports", {"as_of": "2026-01-05", "lang": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert "report-cnil-2026-01-05.pdf" in answer.headers["content-disposition"]
    assert answer.headers["report-position"] == str(before + 1)
    assert len(PdfReader(io.BytesIO(answer.content)).pages) > 2
    assert anywhere.say("POST", "/v1/reports", {"as_of": "soon"}).status_code == 400
    assert anywhere.say("POST", "/v1/reports", {"lang": 3}).status_code == 422
    assert anywhere.position() == before + 1
