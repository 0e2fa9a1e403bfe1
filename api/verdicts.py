"""Verdicts about one person as plain JSON values, each with its explanation in one language.

Days are written YYYY-MM-DD. Read next: `answers.py`, which asks for them.
"""

from __future__ import annotations

from typing import Any

from api.settings import Language
from ledger.calendar import format_day
from ledger.policy.death import AfterDeath
from ledger.policy.death import explain as explain_death
from ledger.policy.explain import explain
from ledger.policy.verdicts import ChoiceState, Deadline


def deadline_json(d: Deadline, lang: Language, explanation: list[str]) -> dict[str, Any]:
    """A deadline as plain values, days as YYYY-MM-DD, with its explanation."""
    return {
        "class": d.klass,
        "scope": d.scope or None,
        "label": d.label_fr if lang == "fr" else d.label_en,
        "tier": d.place,
        "operational_until": day_json(d.operational_until),
        "archive_until": day_json(d.archive_until),
        "suspended_by": [s._asdict() for s in d.suspended_by],
        "rule": d.rule,
        "edition": d.edition,
        "clause": d.clause,
        "article": d.article,
        "archive_article": d.archive_article,
        "counted": {
            "kind": d.counted.kind,
            "day": format_day(d.counted.day),
            "position": d.counted.position,
            "months": d.counted.months,
            "source": d.counted.source,
        },
        "rests_on": list(d.rests_on),
        "not_counted": [
            {
                "kind": n.kind,
                "day": format_day(n.last_day),
                "position": n.last_position,
                "reason": n.reason,
            }
            for n in d.not_counted
        ],
        "flips_on": day_json(d.flips_on),
        "would_change": list(d.would_change),
        "flags": list(d.flags),
        "explanation": explanation,
    }


def death_json(d: AfterDeath, lang: Language) -> dict[str, Any]:
    """Where things stand after a death as plain values, with its explanation."""
    return {
        "died": format_day(d.died),
        "learnt": format_day(d.learnt),
        "source": d.source,
        "is_proved": d.is_proved,
        "directive": d.wish,
        "heirs": [{**one._asdict(), "classes": list(one.classes)} for one in d.may],
        "asked": [
            {
                **one._asdict(),
                "day": format_day(one.day),
                "due": format_day(one.due),
                "answered_on": day_json(one.answered_on),
            }
            for one in d.asked
        ],
        "account": d.account,
        "close_by": day_json(d.close_by),
        "clause": d.clause,
        "article": d.article,
        "rests_on": list(d.rests_on),
        "flips_on": day_json(d.flips_on),
        "would_change": list(d.would_change),
        "explanation": explain_death(d, lang),
    }


def choice_json(c: ChoiceState, lang: Language) -> dict[str, Any]:
    """A choice as plain values, with its explanation."""
    return {
        "purpose": c.purpose,
        "channel": c.channel or None,
        "label": c.label_fr if lang == "fr" else c.label_en,
        "state": c.state,
        "reason": c.reason,
        "kind": c.kind,
        "day": day_json(c.day),
        "position": c.position,
        "edition": c.edition,
        "grade": c.grade,
        "needs_review": c.needs_review,
        "clause": c.clause,
        "article": c.article,
        "rests_on": list(c.rests_on),
        "flips_on": day_json(c.flips_on),
        "would_change": list(c.would_change),
        "explanation": explain(c, lang),
    }


def day_json(day: int | None) -> str | None:
    """A day that may not be there."""
    return None if day is None else format_day(day)
