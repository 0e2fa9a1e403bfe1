"""A report in words: sections of paragraphs, tables and bars, as plain values for the template.

Pure: what was gathered goes in, nothing else is asked. Read next: `rendering.py`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from api.report.gathering import Gathered
from api.settings import Language
from ledger.calendar import format_day
from ledger.policy.explain import article, format_long
from ledger.policy.lint import described
from replay.controls.catalogue import CONTROLS
from replay.controls.words import title as control_title

ROWS = 40  # of one of the inspector's tables; the whole of it is one command away
TIERS = ("operational", "suspended", "past_operational", "archived", "past_archive")
# What the bars show, which adds up to all that is present: past_archive is told in the table.
BARS = ("operational", "suspended", "past_operational", "archived")


@lru_cache(maxsize=2)
def words(lang: Language) -> dict[str, dict[str, str]]:
    """The sentences of one language, by section."""
    text = resources.files("api.report").joinpath("words", f"{lang}.toml").read_text("utf-8")
    return tomllib.loads(text)


def document(found: Gathered, lang: Language) -> dict[str, Any]:
    """The whole report, as the template takes it."""
    say = words(lang)["cover"]
    day = format_long(found.day, lang)
    company = found.edition.company
    return {
        "lang": lang,
        "title": say["title"].format(company=company, day=day),
        "heading": say["heading"],
        "company": company,
        "day": day,
        "contents": say["contents"],
        "page": say["page"],
        "facts": [
            [say["ledger"], found.origin],
            [say["as_of"], found.as_of],
            [say["position"], _number(found.position, lang)],
            [say["edition"], found.edition.id],
            [say["root"], found.seal.root or say["unsealed"]],
        ],
        "sections": [section(found, lang) for section in SECTIONS],
    }


def _policy(found: Gathered, lang: Language) -> dict[str, Any]:
    say, edition = words(lang)["policy"], found.edition
    terms = [
        [
            one.label_fr if lang == "fr" else one.label_en,
            str(one.operational_months),
            str(one.months_in_all - one.operational_months) if one.archive else "–",
            one.clause,
            article(one.archive.article if one.archive else one.article, lang),
            say["choice"] if one.choice else "",
        ]
        for one in edition.classes.values()
    ]
    return {
        "heading": say["heading"],
        "paragraphs": [
            say["which"].format(
                id=edition.id,
                title=edition.title,
                day=format_long(edition.effective_from, lang),
                text=edition.published_sha256,
                rules=edition.pol,
            )
        ],
        "tables": [_table(say["caption"], say, "head", terms, numbers=(1, 2))],
    }


def _lints(found: Gathered, lang: Language) -> dict[str, Any]:
    say = words(lang)["lint"]
    rows = []
    for one in found.findings.findings:
        told = described(one, lang)
        law = article(one.rule.article, lang)
        rows.append([one.rule.id, say[one.rule.severity], one.clause, law, told["found"]])
    line = say["intro"].format(n=len(rows), undeclared=len(found.findings.undeclared))
    tables = [_table(say["caption"], say, "head", rows)] if rows else []
    return {"heading": say["heading"], "paragraphs": [line], "tables": tables}


def _retention(found: Gathered, lang: Language) -> dict[str, Any]:
    say = words(lang)["retention"]
    rows, bars = [], []
    for name, counted in found.population["classes"].items():
        items, one = counted["items"], found.edition.classes.get(name)
        label = name if one is None else one.label_fr if lang == "fr" else one.label_en
        cells = [items["present"], *(items[tier] for tier in TIERS), items["erased"]]
        rows.append([label, *(_number(n, lang) for n in cells)])
        bars.append({"label": label, "parts": [items[tier] for tier in BARS]})
    gone = found.population["unreadable"]
    return {
        "heading": say["heading"],
        "paragraphs": [
            say["intro"].format(people=_number(found.population["people"], lang)),
            say["gone"].format(
                erased=_number(gone["erased"], lang), pruned=_number(gone["pruned"], lang)
            ),
        ],
        "tables": [_table(say["caption"], say, "head", rows, numbers=range(1, 8))],
        "bars": {
            "caption": say["picture"],
            "alt": say["picture_alt"],
            "legend": [say[f"tier_{tier}"] for tier in BARS],
            "rows": bars,
        },
    }


def _register(found: Gathered, lang: Language) -> dict[str, Any]:
    say = words(lang)["register"]
    rows = [
        [
            one["name"],
            f"{one['basis_said']} ({one['article']})",
            ", ".join(one["people"]) or "–",
            ", ".join(kept["label"] for kept in one["classes"]) or "–",
            ", ".join(to["recipient"] for to in one["recipients"]) or "–",
        ]
        for one in found.register["activities"]
    ]
    gaps = [
        [one["said"], one["clause"], one["article"], ", ".join(map(str, one["positions"]))]
        for one in found.register["gaps"]
    ]
    tables = [_table(say["caption"], say, "head", rows)]
    if gaps:
        tables.append(_table(say["gaps"], say, "gap", gaps))
    return {"heading": say["heading"], "paragraphs": [say["intro"]], "tables": tables}


def _controls(found: Gathered, lang: Language) -> dict[str, Any]:
    say = words(lang)["controls"]
    rows = [
        [
            one.control,
            control_title(one.control, lang),
            CONTROLS[one.control].clauses.replace(" ", ", "),
            _number(one.violations, lang),
            ", ".join(
                str(finding.positions[0])
                for finding in one.findings[:3]
                if finding.weight == "violation" and finding.positions
            ),
        ]
        for one in found.controls.outcomes
    ]
    total = sum(one.violations for one in found.controls.outcomes)
    return {
        "heading": say["heading"],
        "paragraphs": [say["clean"] if not total else say["intro"].format(n=_number(total, lang))],
        "tables": [_table(say["caption"], say, "head", rows, numbers=(3,))],
    }


def _inspection(found: Gathered, lang: Language) -> dict[str, Any]:
    """The inspector's questions, each a table of at most `ROWS` lines."""
    say, colon = words(lang)["inspection"], "\u00a0: " if lang == "fr" else ": "
    tables = []
    for one in found.questions["answers"]:
        head = [column["label"] for column in one["columns"]]
        rows = [
            [*line["text"], ", ".join(map(str, line["positions"][:3]))] for line in one["lines"]
        ]
        figures = [f"{f['label']}{colon}{f['value']}" for f in one["figures"].values()]
        more = [say["more"].format(n=len(rows) - ROWS)] if len(rows) > ROWS else []
        tables.append(
            {
                "caption": f"{one['question']}. {one['title']}",
                "head": [*head, say["positions"]],
                "rows": rows[:ROWS],
                "numbers": [],
                "notes": figures + more,
            }
        )
    return {"heading": say["heading"], "paragraphs": [say["intro"]], "tables": tables}


def _integrity(found: Gathered, lang: Language) -> dict[str, Any]:
    say, seal = words(lang)["integrity"], found.seal
    rows = [
        [say["origin"], found.origin],
        [say["size"], _number(seal.size, lang)],
        [say["root"], seal.root or say["none"]],
        *([say["key"], key] for key in seal.keys),
        [say["tokens"], _number(found.tokens, lang)],
        [say["bundle"], found.bundle or say["none"]],
    ]
    return {
        "heading": say["heading"],
        "paragraphs": [say["intro"], say["how"]],
        "tables": [_table(say["caption"], say, "head", rows)],
    }


def _limits(found: Gathered, lang: Language) -> dict[str, Any]:
    say = words(lang)["limits"]
    told = [text for name, text in say.items() if name != "heading"]
    return {"heading": say["heading"], "list": [*told, *found.register["limits"]]}


SECTIONS = (
    _policy,
    _retention,
    _register,
    _inspection,
    _controls,
    _lints,
    _integrity,
    _limits,
)


def _table(
    caption: str,
    say: dict[str, str],
    head: str,
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int] = (),
) -> dict[str, Any]:
    """A table; its column heads are the words `<head>_1`, `<head>_2`…"""
    return {
        "caption": caption,
        "head": list(_heads(say, head)),
        "rows": [list(row) for row in rows],
        "numbers": list(numbers),
        "notes": [],
    }


def _heads(say: dict[str, str], head: str) -> Iterator[str]:
    n = 1
    while (found := say.get(f"{head}_{n}")) is not None:
        yield found
        n += 1


def _number(n: int, lang: Language) -> str:
    return f"{n:,}".replace(",", " ") if lang == "fr" else f"{n:,}"


def file_name(found: Gathered, lang: Language) -> str:
    """'rapport-cnil-2026-01-05.pdf'."""
    return f"{'rapport' if lang == 'fr' else 'report'}-cnil-{format_day(found.day)}.pdf"
