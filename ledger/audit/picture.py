"""The audit as one picture: an SVG written by hand, with every number beside its bar.

Two sets of bars: people by age of their last activity, and people by data class; what is past the
published term is red. No script, no font, no file is fetched; colours hold on white and in print.
"""

from __future__ import annotations

from typing import Literal, NamedTuple
from xml.sax.saxutils import escape

from ledger.audit.report import Report

WIDTH, LEFT, RIGHT, ROW, BAR = 880, 230, 220, 34, 20
FINE, PAST, INK, PALE = "#2f6f8f", "#b3261e", "#1c1c1c", "#5f6368"

Language = Literal["fr", "en"]
_WORDS = {
    "fr": {
        "title": "Avant l'import : {file}, au {day}",
        "people": "{n} personnes, dont {past} au-delà de la durée publiée",
        "ages": "Âge de la dernière activité",
        "classes": "Par classe de données (durée en mois)",
        "age": "de {a} à {b} ans",
        "young": "moins d'un an",
        "old": "plus de {a} ans",
        "inactive": "aucune activité connue",
        "counts": "{people}, dont {past} au-delà",
        "others": "Prospection sans preuve : {proof} personnes · lignes sans date : {undated}"
        " · numéros de carte : {cards} lignes",
        "sanction": "Décision voisine : {id}, {who}, {euros} €",
        "fine": "dans la durée",
        "past": "au-delà de la durée publiée",
    },
    "en": {
        "title": "Before the import: {file}, on {day}",
        "people": "{n} people, {past} of them past the published term",
        "ages": "Age of the last activity",
        "classes": "By data class (term in months)",
        "age": "{a} to {b} years",
        "young": "less than a year",
        "old": "more than {a} years",
        "inactive": "no activity known",
        "counts": "{people}, {past} of them past",
        "others": "Marketing without proof: {proof} people · lines without a date: {undated}"
        " · card numbers: {cards} lines",
        "sanction": "Nearest decision: {id}, {who}, €{euros}",
        "fine": "within the term",
        "past": "past the published term",
    },
}


class _Bar(NamedTuple):
    label: str
    people: int
    past: int


def picture(report: Report, lang: Language = "fr") -> str:
    """The SVG of a report, as text."""
    say = _WORDS[lang]
    ages = [_Bar(age_label(a, b, lang), n, past) for a, b, n, past in report.ages]
    if report.inactive:
        ages.append(_Bar(say["inactive"], report.inactive, report.inactive_past))
    classes = [
        _Bar(f"{c.label_fr if lang == 'fr' else c.label_en} ({c.months})", c.people, c.past)
        for c in report.classes
    ]
    people = say["people"].format(n=spaced(report.people), past=spaced(report.past))
    parts = [
        _text(24, 38, say["title"].format(file=report.file, day=report.as_of), 20, INK, "bold"),
        _text(24, 64, people, 15, INK),
        *_legend(say),
    ]
    y = 130
    for title, bars in ((say["ages"], ages), (say["classes"], classes)):
        parts.append(_text(24, y, title, 15, INK, "bold"))
        parts += _bars(y + 14, bars, say)
        y += 14 + ROW * len(bars) + 40
    cards = spaced(report.cards["pan-detected"].count)
    asked = report.proof.reachable is not None or report.proof.people > 0
    proof = spaced(report.proof.people) if asked else "?"  # the map reads nothing that would tell
    others = {"proof": proof, "undated": spaced(report.undated)}
    parts.append(_text(24, y, say["others"].format(**others, cards=cards), 13, INK))
    if report.sanction is not None:
        words = {**report.sanction, "euros": spaced(report.sanction["euros"])}
        y += 24
        parts.append(_text(24, y, say["sanction"].format(**words), 13, INK))
    height = y + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" role="img" font-family="sans-serif"><title>{escape(people)}</title>'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def age_label(start: int, end: int | None, lang: Language) -> str:
    """An age in words."""
    if end is None:
        return _WORDS[lang]["old"].format(a=start)
    return _WORDS[lang]["age"].format(a=start, b=end) if start else _WORDS[lang]["young"]


def spaced(number: int) -> str:
    """1234567 as '1 234 567', with narrow no-break spaces."""
    return f"{number:,}".replace(",", "\u202f")


def _legend(say: dict[str, str]) -> list[str]:
    return [
        f'<rect x="24" y="80" width="14" height="14" fill="{FINE}"/>',
        _text(44, 92, say["fine"], 13, PALE),
        f'<rect x="224" y="80" width="14" height="14" fill="{PAST}"/>',
        _text(244, 92, say["past"], 13, PALE),
    ]


def _bars(y: int, bars: list[_Bar], say: dict[str, str]) -> list[str]:
    longest = max((bar.people for bar in bars), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / longest
    parts = []
    for n, (label, people, past) in enumerate(bars):
        top = y + n * ROW
        red = round(past * scale, 1)
        parts += [
            _text(LEFT - 12, top + 15, label, 13, INK, anchor="end"),
            f'<rect x="{LEFT}" y="{top}" width="{red}" height="{BAR}" fill="{PAST}"/>',
            f'<rect x="{LEFT + red:.1f}" y="{top}" width="{round((people - past) * scale, 1)}"'
            f' height="{BAR}" fill="{FINE}"/>',
        ]
        said = spaced(people)
        if past:
            said = say["counts"].format(people=said, past=spaced(past))
        parts.append(_text(LEFT + round(people * scale) + 8, top + 15, said, 13, INK))
    return parts


def _text(
    x: int, y: int, said: str, size: int, colour: str, weight: str = "normal", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" font-weight="{weight}"'
        f' text-anchor="{anchor}">{escape(said)}</text>'
    )
