"""The nearest sanction on record: a small dated table, and which finding it answers.

Decisions of the CNIL's restricted committee, retold from public summaries (the decisions' own texts
are on Légifrance). The table is background for a first conversation, not legal advice.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from ledger.audit.report import Report
from ledger.calendar import Day, format_day

TABLE_OF: Day = 20261123  # when this table was last read over
Finding = Literal["past-10", "past-charter", "past-prospects", "past-term", "proof"]


class Sanction(NamedTuple):
    """One decision: what failed there that also fails here."""

    id: str
    day: Day
    who: str
    euros: int
    finding: Finding
    fr: str
    en: str


SANCTIONS = (
    Sanction(
        "SAN-2024-002",
        20240131,
        "PAP",
        100_000,
        "past-10",
        "des comptes de plus de 5 ans, voire de plus de 10, gardés en base active sans tri",
        "accounts of more than 5 and even 10 years kept in the active base, never sorted",
    ),
    Sanction(
        "SAN-2022-018",
        20220908,
        "Infogreffe",
        250_000,
        "past-charter",
        "la charte promettait 36 mois ; un quart des comptes les dépassait",
        "the charter promised 36 months; a quarter of the accounts were beyond",
    ),
    Sanction(
        "SAN-2020-003",
        20200728,
        "Spartoo",
        250_000,
        "past-prospects",
        "des prospects gardés 5 ans ; un courriel ouvert n'est pas un dernier contact",
        "prospects kept for 5 years; an opened e-mail is no last contact",
    ),
    Sanction(
        "SAN-2021-008",
        20210614,
        "Brico Privé",
        500_000,
        "past-term",
        "ses propres durées n'étaient pas appliquées : 16 653 clients sans commande depuis 5 ans",
        "its own terms were not applied: 16,653 customers with no order for 5 years",
    ),
    Sanction(
        "SAN-2025-001",
        20250515,
        "Solocal Marketing",
        900_000,
        "proof",
        "prospection sans consentement valable ni preuve individuelle",
        "marketing without a valid consent, and no proof for each person",
    ),
)


def nearest(report: Report) -> dict[str, Any] | None:
    """The decision nearest to the worst finding of a report, as plain values; None when nothing
    that the table knows was found (a card number alone is not in it)."""
    finding = worst(report)
    found = next((s for s in SANCTIONS if s.finding == finding), None)
    return found and {**found._asdict(), "day": format_day(found.day)}


def worst(report: Report) -> Finding | None:
    """The finding that touches most people: past a term, or without a proof; then its sharpest
    form."""
    if not report.past and not report.proof.people:
        return None
    if report.proof.people > report.past:
        return "proof"
    oldest = sum(age.past for age in report.ages if age.years_from >= 10)
    if oldest * 10 >= report.past:  # one in ten of them, ten years or more
        return "past-10"
    by_class = {one.name: one.past for one in report.classes if one.published}
    if by_class and max(by_class, key=lambda name: by_class[name]) == "contact":
        return "past-prospects"
    return "past-charter" if report.past * 4 >= report.people else "past-term"
