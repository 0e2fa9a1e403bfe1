"""Consent records and receipts in the words of others: ISO/IEC TS 27560 by the W3C's DPV 2.3, and
Kantara Consent Receipt 1.1.

One record for each purpose and channel, with every event of it: asked, given, refused, withdrawn,
renewed, invalidated, objected to, expired. Each event says how long it holds, for 27560 wants that
always. Terms are those of DPV 2.3; our purposes extend them (`skos:broader`). What we have no words
for is named by a SHA-256: the address of the controller is in a document, and so is the notice.

Not signed: Kantara's JWS would need a key that is not of the log; each event names its position,
whose proof anybody can ask for and check (`/v1/log/proof/{position}`). Read next:
`ledger/packages/receipts.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from ledger.calendar import (
    Day,
    Instant,
    add_days,
    add_months,
    day_of,
    format_day,
    format_instant,
    start_of,
)
from ledger.policy.consents import status_of
from ledger.policy.model import Edition, Purpose
from ledger.policy.packages import AUTHORITY
from ledger.policy.verdicts import ConsentStatus

RECORD = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
RECEIPT = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
KANTARA = "KI-CR-v1.1.0"
CLASS = "consent"  # the data class that says how long a proof of consent is kept
_IRI = {"@type": "@id"}
CONTEXT: dict[str, Any] = {
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "purpose": "urn:probant:purpose:",
    "dct:conformsTo": _IRI,
    "dpv:hasLegalBasis": _IRI,
    "dpv:hasProcessing": _IRI,
    "dpv:hasJurisdiction": _IRI,
    "dpv:hasLocation": _IRI,
    "dpv:hasNecessity": _IRI,
    "dpv:hasDataSource": _IRI,
    "dpv:isIndicatedBy": _IRI,
    "skos:broader": _IRI,
}
PURPOSES = {
    "order_management": "CustomerOrderManagement",
    "customer_relation": "CustomerManagement",
    "account": "CustomerManagement",
    "payment": "PaymentManagement",
    "wallet": "PaymentManagement",
    "service_message": "CommunicationForCustomerCare",
    "surveys": "CustomerCare",
    "newsletter": "DirectMarketing",
    "phone_marketing": "DirectMarketing",
    "automated_call": "DirectMarketing",
    "email_open_tracking": "ServiceUsageAnalytics",
    "audience": "ServiceUsageAnalytics",
    "studies": "ServiceUsageAnalytics",
    "customer_knowledge": "CustomerManagement",
    "personalisation": "Personalisation",
    "reco_purchase": "ProvidePersonalisedRecommendations",
    "reco_browsing": "ProvidePersonalisedRecommendations",
    "security": "FraudPreventionAndDetection",
}
BY_CHANNEL = {
    "email": "EmailAddress",
    "sms": "TelephoneNumber",
    "phone": "TelephoneNumber",
    "automated_call": "TelephoneNumber",
    "post": "PhysicalAddress",
}
BY_PURPOSE = {
    "email_open_tracking": "BrowsingBehaviour",
    "reco_browsing": "BrowsingBehaviour",
    "reco_purchase": "Purchase",
    "wallet": "PaymentCard",
}
RIGHTS = ("A7-3", "A13", "A15", "A16", "A17", "A18", "A20", "A21", "A22", "A77")
GRANTED: tuple[ConsentStatus, ...] = ("ConsentGiven", "RenewedConsentGiven")


class Event(NamedTuple):
    """One expression about a purpose over a channel, as it stands."""

    position: int
    kind: str
    at: Instant
    day: Day
    actor: str | None
    act: str | None
    form: str | None
    grade: str | None


class Consent(NamedTuple):
    """Everything expressed about one purpose over one channel ('': it has none), oldest first, and
    the state of it now."""

    purpose: Purpose
    channel: str
    events: Sequence[Event]
    state: ConsentStatus


class Recipient(NamedTuple):
    """A declared recipient."""

    code: str
    type: str
    country: str | None


class Parties(NamedTuple):
    """Who is in a record: the person, and who answers to her for what."""

    subject: UUID
    origin: str  # the ledger's name
    edition: Edition
    registration: str | None  # of the controller
    document: str | None  # SHA-256 of what states its name and address
    recipients: Sequence[Recipient]


def record_id(subject: UUID, consent: Consent) -> str:
    """The id of a record: the same for ever for one person, purpose and channel."""
    return str(uuid5(subject, f"consent {consent.purpose.id}/{consent.channel}"))


def receipt(
    consents: Sequence[Consent], parties: Parties, position: int, now: Instant
) -> dict[str, Any]:
    """The receipt of one person at a position of the log, in JSON-LD: all her records in it."""
    id = str(uuid5(parties.subject, f"receipt {position}"))
    return {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{id}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": RECEIPT,
        "dpv:hasIdentifier": id,
        "dct:created": format_instant(now),
        "dct:hasPart": [record(consent, parties, now) for consent in consents],
    }


def record(consent: Consent, parties: Parties, now: Instant) -> dict[str, Any]:
    """The record of one purpose over one channel, by the profile `record-eu-gdpr`."""
    edition, id = parties.edition, record_id(parties.subject, consent)
    controller = _controller(parties)
    return {
        "@id": f"urn:uuid:{id}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": RECORD,
        "dct:identifier": id,
        "dct:language": edition.language,
        "dpv:hasDataSubject": {
            "@id": f"urn:uuid:{parties.subject}",
            "@type": "dpv:DataSubject",
            "dct:identifier": str(parties.subject),
        },
        "dpv:hasDataController": controller,
        "dpv:hasJurisdiction": "loc:FR",
        "dpv:hasLegalBasis": _basis(consent),
        "dpv:hasProcess": {
            "@type": "dpv:Process",
            "dpv:hasPurpose": _purpose(consent.purpose, edition),
            "dpv:hasPersonalData": _personal_data(consent),
            "dpv:hasProcessing": ["dpv:Collect", "dpv:Store", "dpv:Use"],
            "dpv:hasRecipient": [_recipient(one) for one in parties.recipients],
            "dpv:hasLocation": _locations(parties),
            "dpv:hasStorageCondition": _storage(parties),
        },
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": [consent.channel or "account", "account", "email", "letter"],
        },
        "dpv:hasRight": [{"@type": ["dpv:DataSubjectRight", f"eu-gdpr:{r}"]} for r in RIGHTS],
        "dpv:hasAuthority": {
            "@type": "dpv:DataProtectionAuthority",
            "dpv:hasName": AUTHORITY["name"],
            "dpv:hasAddress": AUTHORITY["address"],
            "dpv:hasContact": AUTHORITY["url"],
        },
        "dpv:hasNotice": list(_notices(consent, edition)),
        "dpv:hasConsentStatus": list(_events(consent, controller["@id"], day_of(now))),
    }


def _basis(consent: Consent) -> str:
    """Automated calls need a consent that is about them alone (CPCE art. L34-5)."""
    explicit = "-explicit-consent" if consent.channel == "automated_call" else ""
    return f"eu-gdpr:A6-1-a{explicit}"


def _controller(parties: Parties) -> dict[str, Any]:
    edition = parties.edition
    stated = parties.document or edition.published_sha256
    where = f"as stated in the document of SHA-256 {stated}"
    id = parties.registration or edition.company
    return {
        "@id": f"urn:probant:controller:{parties.origin}",
        "@type": ["dpv:Organisation", "dpv:DataController"],
        "dct:identifier": id,
        "dpv:hasName": edition.company,
        "dpv:hasAddress": where,
        "dpv:hasContact": where,
    }


def _purpose(purpose: Purpose, edition: Edition) -> dict[str, Any]:
    return {
        "@id": f"purpose:{purpose.id}",
        "@type": "dpv:Purpose",
        "dct:title": purpose.label_fr if edition.language == "fr" else purpose.label_en,
        "skos:broader": f"dpv:{PURPOSES.get(purpose.id, 'Purpose')}",
    }


def _categories(consent: Consent) -> list[str]:
    found = [BY_CHANNEL.get(consent.channel), BY_PURPOSE.get(consent.purpose.id)]
    return [one for one in found if one is not None] or ["AccountIdentifier"]


def _personal_data(consent: Consent) -> list[dict[str, Any]]:
    """The categories, never the values: a receipt may be shown around."""
    return [
        {
            "skos:broader": f"pd:{name}",
            "dpv:hasNecessity": "dpv:Optional",
            "dpv:hasDataSource": "dpv:DataSubjectDataSource",
        }
        for name in _categories(consent)
    ]


def _recipient(one: Recipient) -> dict[str, Any]:
    place = {"dpv:hasLocation": f"loc:{one.country.upper()}"} if one.country else {}
    return {"@type": "dpv:Recipient", "dct:identifier": one.code, "dct:type": one.type, **place}


def _locations(parties: Parties) -> list[str]:
    hosts = {one.country for one in parties.recipients if one.type == "hosting" and one.country}
    return [f"loc:{country.upper()}" for country in sorted(hosts)] or ["loc:FR"]


def _storage(parties: Parties) -> list[dict[str, Any]]:
    months = parties.edition.classes[CLASS].months_in_all
    return [
        {"@type": "dpv:StorageLocation", "dpv:hasLocation": _locations(parties)},
        {
            "@type": "dpv:StorageDuration",
            "dpv:hasDuration": {"@type": "dpv:TemporalDuration", "rdf:value": f"P{months}M"},
        },
    ]


def _notices(consent: Consent, edition: Edition) -> Iterator[dict[str, Any]]:
    """The published policy, and each form on which something was expressed."""
    yield {
        "@type": "dpv:PrivacyNotice",
        "dct:identifier": edition.published_sha256,
        "dct:title": edition.title,
        "dct:language": edition.language,
        "dct:date": format_day(edition.effective_from),
    }
    for form in dict.fromkeys(event.form for event in consent.events if event.form):
        yield {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": form,
            "dct:language": edition.language,
        }


def _events(consent: Consent, controller: str, today: Day) -> Iterator[dict[str, Any]]:
    """Every event, and the one that nobody recorded: a consent that outlived its validity."""
    for event in consent.events:
        yield _event(event, consent, controller)
    last = consent.events[-1] if consent.events else None
    if consent.state == "ConsentExpired" and last is not None:
        ended = add_days(add_months(last.day, consent.purpose.validity_months or 0), 1)
        yield {
            "@type": ["dpv:ConsentExpired", "dpv:ExpressedConsent"],
            "dpv:isIndicatedAtTime": format_instant(start_of(min(ended, today))),
            "dpv:isIndicatedBy": controller,
            "dpv:hasDuration": _until("a new consent"),
        }


def _event(event: Event, consent: Consent, controller: str) -> dict[str, Any]:
    status = status_of(event.kind)
    method = {"dpv:hasIndicationMethod": event.act} if event.act else {}
    by_us = event.kind in ("consent.requested.v1", "consent.invalidated.v1")
    return {
        "@type": [f"dpv:{status}", _type(consent)],
        "dct:identifier": str(event.position),
        "dpv:isIndicatedAtTime": format_instant(event.at),
        "dpv:isIndicatedBy": controller if by_us else "dpv:DataSubject",
        "dpv:hasDuration": _duration(status, consent.purpose),
        **method,
        **({"dct:provenance": event.grade} if event.grade else {}),
    }


def _type(consent: Consent) -> str:
    explicit = consent.channel == "automated_call"
    return "dpv:ExplicitlyExpressedConsent" if explicit else "dpv:ExpressedConsent"


def _duration(status: ConsentStatus | None, purpose: Purpose) -> dict[str, str]:
    """For how long the event holds: never left out."""
    if status not in GRANTED:
        return _until("a new choice")
    if purpose.validity_months is None:
        return _until("retrait")
    return {"@type": "dpv:TemporalDuration", "rdf:value": f"P{purpose.validity_months}M"}


def _until(event: str) -> dict[str, str]:
    return {"@type": "dpv:UntilEventDuration", "rdf:value": event}


# --- Kantara Consent Receipt 1.1 -----------------------------------------------------------------


def kantara(consents: Sequence[Consent], parties: Parties, public_key: str) -> list[dict[str, Any]]:
    """One receipt for each consent that holds now; refusals and withdrawals have no place there.
    `public_key`: the JWK, as text, of the key that signs them."""
    return [
        _kantara(one, parties, public_key)
        for one in consents
        if one.state in GRANTED and one.events
    ]


def _kantara(consent: Consent, parties: Parties, public_key: str) -> dict[str, Any]:
    edition, purpose, last = parties.edition, consent.purpose, consent.events[-1]
    controller = _controller(parties)
    to = [one.code for one in parties.recipients]
    months = purpose.validity_months
    return {
        "version": KANTARA,
        "jurisdiction": "FR",
        "consentTimestamp": last.at // 1_000_000,
        "collectionMethod": last.form or last.act or "not stated",
        "consentReceiptID": record_id(parties.subject, consent),
        "publicKey": public_key,
        "language": edition.language,
        "piiPrincipalId": str(parties.subject),
        "piiControllers": [
            {
                "piiController": edition.company,
                "onBehalf": False,
                "contact": controller["dpv:hasContact"],
                "address": {"description": controller["dpv:hasAddress"]},
                "email": "",
                "phone": "",
            }
        ],
        "policyUrl": f"urn:sha256:{edition.published_sha256}",
        "services": [
            {
                "service": edition.company,
                "purposes": [
                    {
                        "purpose": purpose.label_fr
                        if edition.language == "fr"
                        else purpose.label_en,
                        "purposeCategory": [PURPOSES.get(purpose.id, purpose.id)],
                        "consentType": "EXPLICIT",
                        "piiCategory": _categories(consent),
                        "primaryPurpose": not purpose.marketing,
                        "termination": "withdrawal" if months is None else f"P{months}M",
                        "thirdPartyDisclosure": bool(to),
                        "thirdPartyName": ", ".join(to),
                    }
                ],
            }
        ],
        "sensitive": False,
        "spiCat": [],
    }
