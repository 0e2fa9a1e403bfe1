"""What a package for heirs says beside the facts: what is kept back of each class and why, until
when the rest is kept, and what they may still ask (LIL art. 85 II).

What this file never does: say what is kept back (`ledger/policy/estate.py` does).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.policy.death import CLAUSE
from ledger.policy.estate import Estate
from ledger.policy.explain import Language, words
from ledger.policy.model import Edition
from ledger.policy.packages import AUTHORITY


def for_heirs(
    kept_back: Mapping[str, int],
    verdicts: Mapping[str, Any],
    estate: Estate,
    edition: Edition,
    lang: Language,
) -> dict[str, Any]:
    """These members of the document. `kept_back`: how many facts of each class are not told."""
    death, say = verdicts["death"], words(lang)["death"]
    return {
        "death": {name: death[name] for name in ("died", "learnt", "directive", "asked")},
        "kept_back": [
            {
                "class": klass,
                "label": _label(edition, klass, lang),
                "facts": n,
                "why": estate.why,
                "clause": CLAUSE,
                "article": estate.article,
            }
            for klass, n in sorted(kept_back.items())
        ],
        "deadlines": [one for one in verdicts["deadlines"] if estate.covers(one["class"])],
        "heirs": [
            {**one, "text": say[f"may_{one['wish']}_{one['why']}"]} for one in death["heirs"]
        ],
        "complaint": dict(AUTHORITY),
    }


def _label(edition: Edition, klass: str, lang: Language) -> str:
    found = edition.classes.get(klass)
    if found is None:
        return klass
    return found.label_fr if lang == "fr" else found.label_en
