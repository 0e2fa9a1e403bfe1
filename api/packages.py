"""A package of somebody's data: recorded as a read, then gathered and written.

All faces make it here: HTTP (`routes/packages.py`), the console and `probant package`. Staff who
make one are on record first, with every class that it tells something of; she herself is not. Once
her death is proved nobody is handed all of it: her heirs are handed her estate. Nothing of a
package is kept: its SHA-256 is what an answer to her request names. Read next:
`ledger/packages/gathering.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
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
from ledger.errors import BadData, NotFound, Refusal, Refused
from ledger.fields import CODE, INTEGER
from ledger.packages import signing
from ledger.packages.archived import Opened
from ledger.packages.gathering import SCOPES, Scope, classes_held, everybody, gather
from ledger.packages.receipts import consents
from ledger.packages.rendering import Format, render
from ledger.policy import dpv
from ledger.policy.estate import HERS, Estate, estate_of
from ledger.requests import heirs
from ledger.requests.reading import one

FORMATS: tuple[Format, ...] = get_args(Format)
REASON, HEIRS = "access_request", "heir_request"
NOT_WHOLE = Refusal(
    "conflict",
    "the request is not answered: what is archived is part of the right of access",
    "SS-DSR-1",
    "RGPD art. 15",
    "package",
)
IN_MEMORY = 2000  # facts of a package that is made whole before it leaves
CONSULTATIONS_MAX, CLASSES_MAX = 32, 32


class Wanted(NamedTuple):
    """Which package, in which form; for staff, why and of which case; and the consultations of her
    archive (positions) that are to be opened for it."""

    scope: Scope = "access"
    form: Format = "zip"
    reason: str = REASON
    case: str | None = None
    consultations: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()  # of an estate, where her directive names less than all
    is_answer: bool = False  # a request on record is answered by it


class Package:
    """What is handed over, made as it is taken; of how many facts, and what of them could not be
    read (classes, by state)."""

    def __init__(
        self, chunks: Iterator[bytes], facts: int, missing: Sequence[dict[str, Any]]
    ) -> None:
        self.chunks, self.facts, self.missing = chunks, facts, missing

    @cached_property
    def content(self) -> bytes:
        """All of it, in memory: for one that is small."""
        return b"".join(self.chunks)

    @property
    def is_small(self) -> bool:
        """Whether it may be made in memory, so that its SHA-256 is told before it."""
        return self.facts <= IN_MEMORY

    @property
    def is_whole(self) -> bool:
        """Whether nothing archived is missing: only then a request is answered by it."""
        return not any(one["state"] == "archived" for one in self.missing)

    @property
    def digest(self) -> str:
        """The SHA-256 of its content, hex."""
        return sha256(self.content).hexdigest()


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
        check_keys("item", item, ("reason", "case", "consultations", "classes"))
        is_estate = scope == "estate"
        usual = HEIRS if is_estate else REASON
        reason = loaded("reason", CODE, item.get("reason", usual))
        case = None if item.get("case") is None else loaded("case", CODE, item["case"])
        wanted = item.get("consultations", [])
        if not isinstance(wanted, list) or len(wanted) > CONSULTATIONS_MAX:
            raise BadData(f"field 'consultations' holds {CONSULTATIONS_MAX} positions at most")
        positions = tuple(loaded("consultations", INTEGER, one) for one in wanted)
        classes = item.get("classes", [])
        if (
            not isinstance(classes, list)
            or len(classes) > CLASSES_MAX
            or (classes and not is_estate)
        ):
            raise BadData(f"field 'classes' names {CLASSES_MAX} at most, of the scope 'estate'")
        named = tuple(sorted({loaded("classes", CODE, one) for one in classes}))
    except Refused as refused:
        raise Problem(refused.refusal.problem, refused.refusal.detail) from None
    except BadData as error:
        raise Problem("malformed", str(error)) from None
    return Wanted(cast(Scope, scope), cast(Format, form), reason, case, positions, named)


def scope_of(ledger: Ledger, subject: UUID, right: str) -> Scope | None:
    """The package that answers a request of this right about this person: once her death is proved
    whoever asks is an heir. None for a right that no package answers."""
    scope = next((one for one in SCOPES if one == right), None)
    death = None if scope is None else heirs.of_now(ledger, subject)
    return "estate" if death is not None and death.is_proved else scope


def _is_request(ledger: Ledger, subject: UUID, case: str | None) -> bool:
    """Whether this case is a request to see this person's data: an heir's letter, received."""
    try:
        found = one(ledger, UUID(case or ""))
    except (ValueError, NotFound):
        return False
    hers = ledger.joins(ledger.epoch()).family(subject)
    return found.right == "access" and found.subject in hers


def _estate(ledger: Ledger, subject: UUID, asked: Wanted) -> Estate | None:
    """What of it heirs are handed; None while it is hers to ask. Raises Refused."""
    death = heirs.of_now(ledger, subject)
    if asked.scope != "estate":
        if death is not None and death.is_proved:
            raise Refused(HERS)
        return None
    found = estate_of(death, is_asked=asked.is_answer or _is_request(ledger, subject, asked.case))
    if isinstance(found, Estate):
        found = found.only(asked.classes)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def package_of(
    ledger: Ledger, who: Who, subject: UUID, asked: Wanted, lang: Language, opened: Opened
) -> Package:
    """Record that `who` reads all of it, then make the package.

    Raises NotFound for somebody unknown, Refused for somebody erased (410), and for who is asked
    about is dead or who asks is no heir (LIL art. 84, 85).
    """
    people, estate = everybody(ledger, subject), _estate(ledger, subject, asked)
    held = classes_held(ledger, people)
    classes = [one for one in held if estate is None or estate.covers(one)][:CLASSES_MAX]
    record_read(ledger, who, subject, classes, asked.reason, asked.case)
    verdicts, *others = (subject_answer(ledger, one, Times(), lang) for one in people)
    for other in others:
        verdicts["deadlines"] += other["deadlines"]
    document = gather(ledger, people, asked.scope, lang, verdicts, opened, estate)
    return Package(render(document, asked.form), document["facts"].n, document["missing"])


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
