"""What the company declares and does: facts about nobody, with no subject and no data class.

Declarations stand on the stream of the policy book. What happens often (a run, a disclosure, an
incident, a count) has a stream of its own, so that nobody waits for anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.calendar import Day
from ledger.facts import Fact, declare
from ledger.fields import ARTICLE, BOOLEAN, CODE, CODES, DAY, DIGEST, INTEGER, clear

BASES = ("contract", "consent", "legitimate_interest", "legal_obligation")
RECIPIENTS = (
    *("psp", "hosting", "mailing", "telephony", "carrier", "accountant", "authority"),
    *("group", "partner", "other", "social"),
)


@declare("policy.published.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyPublished(Fact):
    """An edition of the policy exists, with the document that states it (SS-POL-1). `notified`:
    whoever published it declared that people had been told (SS-POL-2)."""

    edition: Day = clear(DAY, column="until_day", required=True)
    document: str = clear(DIGEST, required=True)
    published: str | None = clear(DIGEST)
    notified: bool | None = clear(BOOLEAN)


@declare("controller.declared.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class ControllerDeclared(Fact):
    """Who answers for the processing: a registration number, and the document that states name and
    address (GDPR art. 13(1)(a), 30(1)(a); SS-CTL-1)."""

    controller: str = clear(CODE, required=True)
    registration: str = clear(CODE, required=True)
    document: str | None = clear(DIGEST)


@declare("dpo.appointed.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class DpoAppointed(Fact):
    """A data protection officer was appointed: a random staff id, and the number under which the
    authority knows it (GDPR art. 37; SS-DPO-1)."""

    dpo: str = clear(CODE, required=True)
    designation: str | None = clear(CODE)
    external: bool | None = clear(BOOLEAN)


@declare("purpose.declared.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class PurposeDeclared(Fact):
    """One more use of data, beside those of the edition: its basis, the classes it needs, who
    answers for it (SS-CTL-2; GDPR art. 5(1)(b), 30(1)(b))."""

    purpose: str = clear(CODE, column="purpose", required=True)
    basis: str = clear(CODE, column="basis", required=True, one_of=BASES)
    article: str = clear(ARTICLE, required=True)
    marketing: bool = clear(BOOLEAN, required=True)
    channels: tuple[str, ...] | None = clear(CODES)
    classes: tuple[str, ...] | None = clear(CODES)
    validity_months: int | None = clear(INTEGER)
    owner: str | None = clear(CODE)


@declare("recipient.declared.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientDeclared(Fact):
    """Somebody data may be handed to, with its contract and its attestation (GDPR art. 13(1)(e),
    28; SS-REC-1, SS-PAY-2). `classes` and `purposes` say what it is given and what for: it is told
    when one of these changes (art. 19). What is not said is not limited."""

    recipient: str = clear(CODE, required=True)
    type: str = clear(CODE, column="basis", required=True, one_of=RECIPIENTS)
    country: str | None = clear(CODE)
    contract: str | None = clear(DIGEST)
    attested_until: Day | None = clear(DAY, column="until_day")
    classes: tuple[str, ...] | None = clear(CODES)
    purposes: tuple[str, ...] | None = clear(CODES)


@declare("field.declared.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class FieldDeclared(Fact):
    """A field we collect: the classes it belongs to and where it comes from (GDPR art. 15(1)(g),
    20; SS-DATA-1, SS-DATA-3)."""

    name: str = clear(CODE, required=True)
    classes: tuple[str, ...] = clear(CODES, required=True)
    source: str = clear(CODE, required=True, one_of=("provided", "observed", "inferred"))


@declare("obligation.declared.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class ObligationDeclared(Fact):
    """A law that makes us keep data of these classes for so many months (GDPR art. 6(1)(c),
    17(3)(b); SS-LB-4): what a refusal to erase must cite."""

    obligation: str = clear(CODE, required=True)
    article: str = clear(ARTICLE, required=True)
    classes: tuple[str, ...] = clear(CODES, required=True)
    months: int | None = clear(INTEGER)


@declare("assessment.recorded.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class AssessmentRecorded(Fact):
    """A balancing test, an impact assessment or a processor's contract was examined (GDPR art.
    6(1)(f), 28, 35; SS-LB-3)."""

    type: str = clear(CODE, required=True, one_of=("balancing_test", "dpia", "processor_contract"))
    outcome: str = clear(
        CODE, column="decision", required=True, one_of=("favourable", "conditional", "unfavourable")
    )
    document: str = clear(DIGEST, required=True)
    purpose: str | None = clear(CODE, column="purpose")
    recipient: str | None = clear(CODE)


MOMENTS = ("account", "order", "visit", "contact", "comment")


@declare("notice.published.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class NoticePublished(Fact):
    """The words of a notice, as shown from now on at these moments of collection, or at all of them
    where none is named (GDPR art. 13; SS-COL-1 to SS-COL-5). What is not said to be editorial
    (`material` false) is material."""

    notice: str = clear(CODE, required=True)
    document: str = clear(DIGEST, required=True)
    screenshot: str | None = clear(DIGEST)
    language: str | None = clear(CODE)
    material: bool | None = clear(BOOLEAN)
    moments: tuple[str, ...] | None = clear(CODES, one_of=MOMENTS)


@declare("form.published.v1", "policy_book", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class FormPublished(Fact):
    """A form as shown from now on: its fields, those with an asterisk, its text and its picture
    (GDPR art. 13(2)(e); SS-DATA-2). A new text makes the consents given under the old one stale,
    unless it is said to be editorial (`material` false)."""

    form: str = clear(CODE, required=True)
    fields: tuple[str, ...] = clear(CODES, required=True)
    mandatory: tuple[str, ...] | None = clear(CODES)
    document: str = clear(DIGEST, required=True)
    screenshot: str | None = clear(DIGEST)
    material: bool | None = clear(BOOLEAN)


# --- register: what is done again and again, one stream each -----------------------------------


@declare("data.disclosed.v1", "register", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class DataDisclosed(Fact):
    """Data of these classes, of so many people, was handed to a declared recipient (GDPR art.
    15(1)(c), 19; SS-REC-1)."""

    recipient: str = clear(CODE, required=True)
    purpose: str = clear(CODE, column="purpose", required=True)
    classes: tuple[str, ...] = clear(CODES, required=True)
    people: int = clear(INTEGER, required=True)


@declare("retention.ran.v1", "register", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionRan(Fact):
    """What was due was looked for and, unless it was a rehearsal, archived or erased (SS-RET-3)."""

    rehearsal: bool = clear(BOOLEAN, required=True)
    due: int = clear(INTEGER, required=True)
    archived: int | None = clear(INTEGER)
    erased: int | None = clear(INTEGER)
    held: int | None = clear(INTEGER)


@declare("report.issued.v1", "register", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class ReportIssued(Fact):
    """An evidence report was made for the authority: as of a day, known at a position, in which
    language, and the SHA-256 of the file (GDPR art. 5(2), 31). What it counted is in the file."""

    as_of: Day = clear(DAY, required=True)
    known: int = clear(INTEGER, required=True)
    language: str = clear(CODE, required=True, one_of=("fr", "en"))
    document: str = clear(DIGEST, required=True)


@declare("control.ran.v1", "register", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class ControlRan(Fact):
    """The controls were asked of history: as of a day, known at a position, how many violations
    each found (`found`: 'c01:3', 'c02:0', …) and the SHA-256 of the result that was signed (GDPR
    art. 5(2), 24(1)). Of whom, the ledger does not say."""

    as_of: Day = clear(DAY, required=True)
    known: int = clear(INTEGER, required=True)
    violations: int = clear(INTEGER, required=True)
    found: tuple[str, ...] = clear(CODES, required=True)
    result: str = clear(DIGEST, required=True)


@declare("incident.detected.v1", "register", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentDetected(Fact):
    """Data was lost, changed or seen by others: what kind, which classes, about how many people
    (GDPR art. 33)."""

    nature: str = clear(
        CODE, required=True, one_of=("confidentiality", "integrity", "availability")
    )
    risk: str | None = clear(CODE, column="decision", one_of=("none", "risk", "high"))
    classes: tuple[str, ...] | None = clear(CODES)
    people: int | None = clear(INTEGER)


@declare("incident.notified.v1", "register", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentNotified(Fact):
    """The authority, or the people concerned, were told (GDPR art. 33, 34)."""

    to: str = clear(CODE, required=True, one_of=("authority", "people", "controller"))
    people: int | None = clear(INTEGER)


@declare("audience.measured.v1", "audience", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class AudienceMeasured(Fact):
    """Visits of a period, counted together and about nobody (LIL art. 82; SS-AUD-1)."""

    since: Day = clear(DAY, required=True)
    until: Day = clear(DAY, column="until_day", required=True)
    pages: int = clear(INTEGER, required=True)
    visits: int = clear(INTEGER, required=True)
    returning: int | None = clear(INTEGER)
