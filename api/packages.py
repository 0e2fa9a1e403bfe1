"""A package of somebody's data: recorded as a read, then gathered and written.

Both faces make it here: HTTP (`routes/packages.py`) and `probant package`. Staff who make one are
on record first, with every class that it tells something of; she herself is not. Nothing of a
package is kept: its SHA-256 is what an answer to her request names. Read next:
`ledger/packages/gathering.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple, cast, get_args
from uuid import UUID

from api.access import Who
from api.answers import Times, subject_answer
from api.facts import an_object, check_keys, check_strict
from api.problems import Problem
from api.reading import loaded, record_read
from api.settings import Language
from ledger.application import Ledger
from ledger.errors import BadData, Refused
from ledger.fields import CODE, INTEGER
from ledger.packages import signing
from ledger.packages.archived import Opened
from ledger.packages.gathering import SCOPES, Scope, classes_held, everybody, gather
from ledger.packages.receipts import consents
from ledger.packages.rendering import Format, render
from ledger.policy import dpv

FORMATS: tuple[Format, ...] = get_args(Format)
REASON = "access_request"
CONSULTATIONS_MAX, CLASSES_MAX = 32, 32


class Wanted(NamedTuple):
    """Which package, in which form; for staff, why and of which case; and the consultations of her
    archive (positions) that are to be opened for it."""

    scope: Scope = "access"
    form: Format = "zip"
    reason: str = REASON
    case: str | None = None
    consultations: tuple[int, ...] = ()


class Package(NamedTuple):
    """What is handed over, and what of it could not be read (classes, by state)."""

    content: bytes
    digest: str  # SHA-256, hex
    missing: Sequence[dict[str, Any]]


def wanted_of(scope: str, form: str, value: Any) -> Wanted:
    """What two parameters and a body ask for. Raises Problem, naming a field and never what was in
    it."""
    for name, said, allowed in (("scope", scope, SCOPES), ("format", form, FORMATS)):
        if said not in allowed:
            detail = f"'{name}' must be one of: {', '.join(allowed)}"
            raise Problem("malformed-question", detail, field=name)
    try:
        check_strict(value)
        item = an_object("item", value)
        check_keys("item", item, ("reason", "case", "consultations"))
        reason = loaded("reason", CODE, item.get("reason", REASON))
        case = None if item.get("case") is None else loaded("case", CODE, item["case"])
        wanted = item.get("consultations", [])
        if not isinstance(wanted, list) or len(wanted) > CONSULTATIONS_MAX:
            raise BadData(f"field 'consultations' holds {CONSULTATIONS_MAX} positions at most")
        positions = tuple(loaded("consultations", INTEGER, one) for one in wanted)
    except Refused as refused:
        raise Problem(refused.refusal.problem, refused.refusal.detail) from None
    except BadData as error:
        raise Problem("malformed", str(error)) from None
    return Wanted(cast(Scope, scope), cast(Format, form), reason, case, positions)


def package_of(
    ledger: Ledger, who: Who, subject: UUID, asked: Wanted, lang: Language, opened: Opened
) -> Package:
    """Record that `who` reads all of it, then make the package.

    Raises NotFound for somebody unknown, Refused (410) for somebody erased.
    """
    people = everybody(ledger, subject)
    classes = classes_held(ledger, people)[:CLASSES_MAX]
    record_read(ledger, who, subject, classes, asked.reason, asked.case)
    verdicts, *others = (subject_answer(ledger, one, Times(), lang) for one in people)
    for other in others:
        verdicts["deadlines"] += other["deadlines"]
    document = gather(ledger, people, asked.scope, lang, verdicts, opened)
    content = render(document, asked.form)
    return Package(content, sha256(content).hexdigest(), document["missing"])


def receipts_of(ledger: Ledger, subject: UUID, is_kantara: bool) -> Any:
    """Her consent receipt (JSON-LD), or those of Kantara 1.1 for the consents that hold now, which
    name the key that signs them."""
    people = everybody(ledger, subject)
    verdicts = subject_answer(ledger, subject, Times(), "fr")
    found, parties = consents(ledger, people, verdicts["consents"])
    if is_kantara:
        public = json.dumps(signing.key_of(ledger.keyring, signing.RECEIPTS).jwk, sort_keys=True)
        return dpv.kantara(found, parties, public)
    return dpv.receipt(found, parties, verdicts["position"], ledger.clock.now())


def signed_receipts(ledger: Ledger, said: Any) -> bytes:
    """The same, signed: one compact JWS a line (RFC 7515), a line for each receipt."""
    key = signing.key_of(ledger.keyring, signing.RECEIPTS)
    each = said if isinstance(said, list) else [said]
    texts = (json.dumps(one, ensure_ascii=False, sort_keys=True) for one in each)
    return "".join(f"{key.jws(text.encode())}\n" for text in texts).encode()
