"""The register in words, French or English, as plain values: what JSON and pages show. Pure.

Read next: `formats.py`.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any

from ledger.calendar import format_day, format_instant, parse_day
from ledger.policy.explain import Language, Words, article, format_long
from ledger.policy.model import DataClass, Label, Purpose
from ledger.register.gaps import Gap, gaps
from ledger.register.model import Activity, Kept, Recipient, Register, is_outside
from ledger.register.reading import Answer

OF_CLASSES = ("past_term", "class_unnamed", "disclosed_other_classes")  # gaps that name classes


@lru_cache(maxsize=2)
def words(lang: Language) -> Words:
    """The vocabulary of the register in one language, by section."""
    text = resources.files("ledger.register").joinpath("words", f"{lang}.toml").read_bytes()
    return tomllib.loads(text.decode("utf-8"))


def content(answer: Answer, lang: Language = "fr") -> dict[str, Any]:
    """The register whole, as JSON: codes beside their words, counts, days as YYYY-MM-DD."""
    found = answer.register
    controller, dpo = found.declared.controller, found.declared.dpo
    return {
        "as_of": format_instant(answer.as_of),
        "day": format_day(found.day),
        "position": answer.position,
        "edition": found.editions[-1].id,
        "company": found.editions[-1].company,
        "controller": controller
        and {
            "controller": controller[1].controller,
            "registration": controller[1].registration,
            "position": controller[0],
        },
        "dpo": dpo and {"dpo": dpo[1].dpo, "designation": dpo[1].designation, "position": dpo[0]},
        "activities": [activity_json(one, lang) for one in found.activities],
        "security": list(words(lang)["security"].values()),
        "gaps": [gap_json(gap, found, lang) for gap in gaps(found)],
        "limits": list(words(lang)["limits"].values()),
    }


def activity_json(one: Activity, lang: Language) -> dict[str, Any]:
    """One activity: the fields of the CNIL's model register, then what events show."""
    say, purpose = words(lang), one.purpose
    return {
        "id": purpose.id,
        "name": purpose.label_fr if lang == "fr" else purpose.label_en,
        "basis": purpose.basis,
        "basis_said": say["basis"][purpose.basis],
        "clause": purpose.clause,
        "article": article(purpose.article, lang),
        "created": format_day(one.created),
        "updated": format_day(one.updated),
        "owner": one.owner,
        "people": [say["people"].get(code, code) for code in purpose.people],
        "data": [
            {"category": name, "said": say["category"][name], "fields": list(fields)}
            for name, fields in one.data.items()
        ],
        "classes": [_kept(kept, lang) for kept in one.kept],
        "recipients": [_recipient(to, lang) for to in one.recipients],
        "transfers": [to.code for to in one.recipients if is_outside(to.country)],
        "assessments": [
            {"type": type_, "outcome": outcome, "position": position}
            for type_, outcome, position in one.assessments
        ],
        "observed": {
            "facts": one.use.facts,
            "last": format_day(one.use.last_day) if one.use.last_day else None,
            "people": max((kept.people for kept in one.kept), default=0),
            "past_term": sum(kept.past for kept in one.kept),
        },
    }


def gap_json(gap: Gap, found: Register, lang: Language) -> dict[str, Any]:
    """A gap in a sentence, with its clause, its article and the facts it rests on."""
    about, seen = (_called(gap.code, text, found, lang) for text in (gap.about, gap.seen))
    if gap.code == "lapsed":
        seen = format_long(parse_day(gap.seen), lang)
    sentence = words(lang)["gap"][gap.code].format(about=about, seen=seen)
    return {
        "code": gap.code,
        "severity": gap.severity,
        "about": gap.about,
        "seen": gap.seen,
        "said": sentence,
        "clause": gap.clause,
        "article": article(gap.article, lang),
        "positions": list(gap.positions),
    }


def _called(code: str, text: str, found: Register, lang: Language) -> str:
    """What a gap speaks of, by its names: classes where it is about classes, else purposes and what
    recipients are. A text that is none of their codes stays as it is."""
    names = dict(words(lang)["recipient"])
    for edition in found.editions:
        purposes: dict[str, Purpose | Label] = {**edition.labels, **edition.purposes}
        named = edition.classes if code in OF_CLASSES else purposes
        for name, one in named.items():
            names[name] = (one.label_fr if lang == "fr" else one.label_en) or name
    return ", ".join(names.get(one, one) for one in text.split(", "))


def _kept(kept: Kept, lang: Language) -> dict[str, Any]:
    found = kept.data_class
    archive = found.archive
    return {
        "class": found.name,
        "label": found.label_fr if lang == "fr" else found.label_en,
        "operational_months": found.operational_months,
        "archive_months": archive.months if archive else None,
        "archive_from": archive.counted_from if archive else None,
        "archive_article": archive.article if archive else None,
        "months_in_all": found.months_in_all,
        "said": _term(found, lang),
        "clause": found.clause,
        "article": article(found.article, lang),
        "choice": found.choice,
        "obligations": list(kept.articles),
        "people": kept.people,
        "past_term": kept.past,
    }


def _term(found: DataClass, lang: Language) -> str:
    say, archive = words(lang)["term"], found.archive
    if archive is None:
        return say["erased"].format(months=found.operational_months)
    archived = found.months_in_all - found.operational_months
    return say["archived"].format(
        months=found.operational_months, more=archived, article=archive.article
    )


def _recipient(to: Recipient, lang: Language) -> dict[str, Any]:
    return {
        "recipient": to.code,
        "type": to.type,
        "type_said": words(lang)["recipient"][to.type],
        "country": to.country,
        "outside": is_outside(to.country),
        "contract": to.contract,
        "attested_until": format_day(to.attested_until) if to.attested_until else None,
        "disclosures": to.disclosures,
        "people": to.people,
        "position": to.position,
    }
