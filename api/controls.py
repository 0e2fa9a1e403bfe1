"""Controls as plain values: the list, one of them with its history, a run. Both faces give these.

A run is asked of one state of the ledger at two times, put on record, and its result signed.
Read next: `controlling.py`, which hands the ledger to the rules; `ledger/evidence/controls.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from api.answers import Times
from api.controlling import history
from api.settings import Language
from ledger.application import Ledger
from ledger.calendar import day_of, format_day, format_instant
from ledger.erasing.certificate import Desk, issue
from ledger.errors import Misuse, NotFound
from ledger.evidence import controls as recording
from replay.controls.catalogue import CONTROLS, Control
from replay.controls.model import Finding
from replay.controls.run import Progress, Result, run
from replay.controls.words import about, article, because, explanation, title, value_of

SIGNED_POSITIONS = 100  # violations of each control whose positions are signed one by one
HISTORY = 50  # runs told of at once
WEIGHTS = ("violation", "exception", "differs")


def list_answer(lang: Language) -> dict[str, Any]:
    """Every control: what it asks, and which clauses it proves."""
    return {"controls": [control_json(control, lang) for control in CONTROLS.values()]}


def control_answer(ledger: Ledger, name: str, lang: Language) -> dict[str, Any]:
    """One control, and what it found in the runs on record. Raises NotFound."""
    control = CONTROLS.get(name.upper())
    if control is None:
        raise NotFound("there is no such control")
    runs = [one for one in recording.runs(ledger, HISTORY) if control.id in one.found]
    told = [
        {
            "position": one.position,
            "recorded_at": format_instant(one.recorded_at),
            "as_of": format_day(one.as_of),
            "known": one.known,
            "violations": one.found[control.id],
        }
        for one in runs
    ]
    return {**control_json(control, lang), "runs": told}


def control_json(control: Control, lang: Language) -> dict[str, Any]:
    """A control as plain values."""
    return {
        "id": control.id,
        "title": title(control.id, lang),
        "about": about(control.id, lang),
        "clauses": control.clauses.split(),
        "article": article(control.article, lang),
    }


def history_answer(ledger: Ledger, limit: int = HISTORY) -> dict[str, Any]:
    """The runs on record, newest first."""
    return {"runs": [recording.run_json(one) for one in recording.runs(ledger, limit)]}


def wanted(names: Iterable[str]) -> tuple[str, ...]:
    """The ids of the controls named; all when none is. Raises Misuse."""
    asked = tuple(dict.fromkeys(name.upper() for name in names))
    if not set(asked) <= set(CONTROLS):
        raise Misuse(f"a control is one of {min(CONTROLS)} to {max(CONTROLS)}")
    return asked or tuple(CONTROLS)


def asked_of(
    ledger: Ledger,
    times: Times,
    names: Iterable[str] = (),
    *,
    journal: Path | None = None,
    open_parts: bool = False,
    progress: Progress = lambda _people: None,
) -> Result:
    """One run. `open_parts`: sealed parts are opened too, to look for card data (C09)."""
    asked = wanted(names)
    check = any(CONTROLS[name].store for name in asked)
    with history(ledger, times, journal, check=check, open_parts=open_parts) as found:
        return run(found, asked, progress)


def put_on_record(ledger: Ledger, result: Result, desk: Desk | None) -> dict[str, Any]:
    """Record a run and file its result, signed if a signer answers (`probant certify` signs it
    later). What is told of it: where it stands in the log, the name of its file."""
    found = {outcome.control: outcome.violations for outcome in result.outcomes}
    said = signed_json(result)
    document = recording.record_run(ledger, said, day_of(result.as_of), found)
    (cited,) = document["erased"]
    told: dict[str, Any] = {"position": cited["position"], "result": document["digest"]}
    if desk is None:
        return {**told, "signed": False, "file": None}
    filed = issue(desk, document)
    return {**told, "signed": filed.is_signed, "file": filed.path.name}


def signed_json(result: Result) -> dict[str, Any]:
    """What is signed: counts, digests and positions; no person, no sentence."""
    return {
        "as_of": format_instant(result.as_of),
        "known": result.known,
        "people": result.people,
        "events": result.events,
        "pruned": result.pruned,
        "parts_opened": result.parts_opened,
        "controls": {
            outcome.control: {
                "checked": outcome.checked,
                "violations": outcome.violations,
                "exceptions": outcome.counts["exception"],
                "differs": outcome.counts["differs"],
                "digest": outcome.digest,
                "positions": [
                    list(f.positions) for f in outcome.findings if f.weight == "violation"
                ][:SIGNED_POSITIONS],
            }
            for outcome in result.outcomes
        },
    }


def result_json(result: Result, lang: Language, limit: int | None = None) -> dict[str, Any]:
    """A run with its findings (at most `limit` of each control), explained in `lang`."""
    return {
        "ok": result.ok,
        "as_of": format_instant(result.as_of),
        "day": format_day(day_of(result.as_of)),
        "position": result.known,
        "people": result.people,
        "events": result.events,
        "pruned": result.pruned,
        "parts_opened": result.parts_opened,
        "unchecked": result.is_unchecked,
        "violations": sum(outcome.violations for outcome in result.outcomes),
        "controls": [
            {
                "id": outcome.control,
                "title": title(outcome.control, lang),
                "checked": outcome.checked,
                "unchecked": outcome.unseen and because(outcome.unseen, lang),
                "violations": outcome.violations,
                "exceptions": outcome.counts["exception"],
                "differs": outcome.counts["differs"],
                "digest": outcome.digest,
                "findings": [
                    finding_json(finding, lang) for finding in ordered(outcome.findings)[:limit]
                ],
            }
            for outcome in result.outcomes
        ],
    }


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Violations first, then what is on record, then what became known since."""
    return sorted(findings, key=lambda f: WEIGHTS.index(f.weight))


def finding_json(finding: Finding, lang: Language) -> dict[str, Any]:
    """One finding as plain values, with its sentence."""
    return {
        "weight": finding.weight,
        "why": finding.why,
        "positions": [position for position in finding.positions if position],
        "subject": finding.subject and str(finding.subject),
        "clause": finding.clause,
        "article": article(finding.article, lang),
        "explanation": explanation(finding, lang),
        "values": {name: value_of(value) for name, value in finding.values.items()},
    }


def every(
    seconds: float, work: Callable[[], None], wait: Callable[[float], bool], runs: int | None
) -> None:
    """Do `work` again and again, `seconds` apart, until `wait` says that we were told to stop, or
    so many runs are done."""
    done = 0
    while True:
        work()
        done += 1
        if done == runs or wait(seconds):
            return
