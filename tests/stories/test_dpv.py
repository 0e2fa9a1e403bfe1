"""Consent records for other systems: every field that ISO/IEC TS 27560 makes mandatory is there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from ledger.calendar import parse_instant
from ledger.policy import dpv
from ledger.policy.book import shipped
from ledger.policy.dpv import Consent, Event, Parties, Recipient
from ledger.policy.verdicts import ConsentStatus

SUBJECT = UUID("5f0c7b6e-3c1d-4a52-9b55-0d3f6f0e8a11")
EDITION = shipped()
PARTIES = Parties(
    SUBJECT,
    "example.org/shop",
    EDITION,
    "rcs-843877531",
    "A" * 43,
    [Recipient("mailer", "mailing", "fr"), Recipient("host", "hosting", "de")],
)
NOW = parse_instant("2026-02-01T09:00:00Z")

# Field of 27560 -> where the record has it (the tables of its guide).
PROCESS = "dpv:hasProcess"
MANDATORY = {
    "schema_version": ("dct:conformsTo",),
    "record_id": ("dct:identifier",),
    "pii_principal_id": ("dpv:hasDataSubject", "dct:identifier"),
    "privacy_notice": ("dpv:hasNotice", 0, "dct:identifier"),
    "language": ("dct:language",),
    "purpose": (PROCESS, "dpv:hasPurpose", "@id"),
    "pii_type": (PROCESS, "dpv:hasPersonalData", 0, "skos:broader"),
    "pii_controllers": ("dpv:hasDataController", "@id"),
    "storage_locations": (PROCESS, "dpv:hasStorageCondition", 0, "dpv:hasLocation"),
    "retention_period": (PROCESS, "dpv:hasStorageCondition", 1, "dpv:hasDuration"),
    "jurisdiction": ("dpv:hasJurisdiction",),
    "recipient_third_parties": (PROCESS, "dpv:hasRecipient"),
    "withdrawal_method": ("dpv:hasConsentControl", "@type"),
    "party_id": ("dpv:hasDataController", "dct:identifier"),
    "party_name": ("dpv:hasDataController", "dpv:hasName"),
    "party_address": ("dpv:hasDataController", "dpv:hasAddress"),
    "party_contact": ("dpv:hasDataController", "dpv:hasContact"),
    "party_type": ("dpv:hasDataController", "@type"),
    # Optional there, needed for GDPR.
    "lawful_basis": ("dpv:hasLegalBasis",),
    "collection_method": (PROCESS, "dpv:hasPersonalData", 0, "dpv:hasDataSource"),
    "processing_method": (PROCESS, "dpv:hasProcessing"),
    "processing_location": (PROCESS, "dpv:hasLocation"),
    "privacy_rights": ("dpv:hasRight", 0),
    "authority_party": ("dpv:hasAuthority", "dpv:hasName"),
    "pii_optional": (PROCESS, "dpv:hasPersonalData", 0, "dpv:hasNecessity"),
    "party_role": ("dpv:hasDataController", "@type", 1),
}
EVENT = {
    "event_time": "dpv:isIndicatedAtTime",
    "validity_duration": "dpv:hasDuration",
    "entity_id": "dpv:isIndicatedBy",
    "event_type": "@type",
    "event_state": "@type",
}
KANTARA = (
    *("version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID"),
    *("publicKey", "language", "piiPrincipalId", "piiControllers", "policyUrl", "services"),
    *("sensitive", "spiCat"),
)
KANTARA_PURPOSE = (
    *("purpose", "purposeCategory", "consentType", "piiCategory", "primaryPurpose"),
    *("termination", "thirdPartyDisclosure", "thirdPartyName"),
)


def event(position: int, kind: str, day: int, **more: Any) -> Event:
    at = parse_instant(f"{day // 10000}-{day // 100 % 100:02}-{day % 100:02}T08:00:00Z")
    given = {"actor": "self", "act": "checkbox", "form": "signup-3", "grade": "proved", **more}
    return Event(position, f"consent.{kind}.v1", at, day, **given)


def consent(
    state: ConsentStatus, *events: Event, purpose: str = "newsletter", channel: str = "email"
) -> Consent:
    return Consent(EDITION.purposes[purpose], channel, events, state)


def at(record: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        record = record[step]
    return record


HISTORY = (
    event(3, "requested", 20250101),
    event(4, "given", 20250102),
    event(9, "withdrawn", 20250301),
    event(12, "refused", 20250401),
)
WITHDRAWN = consent("ConsentRefused", *HISTORY)


@pytest.mark.parametrize("field", MANDATORY)
def test_no_mandatory_field_is_missing(field: str) -> None:
    record = dpv.record(WITHDRAWN, PARTIES, NOW)
    assert at(record, MANDATORY[field])


def test_every_event_of_the_consent_is_there_refusals_and_requests_too() -> None:
    """In order, each with when, who, what, and for how long: that is never left out."""
    told = dpv.record(WITHDRAWN, PARTIES, NOW)["dpv:hasConsentStatus"]
    assert [one["@type"][0] for one in told] == [
        *("dpv:ConsentRequested", "dpv:ConsentGiven", "dpv:ConsentWithdrawn"),
        "dpv:ConsentRefused",
    ]
    for one in told:
        assert all(one[name] for name in EVENT.values())
    assert told[0]["dpv:isIndicatedBy"] == "urn:probant:controller:example.org/shop"
    assert told[1]["dpv:isIndicatedBy"] == "dpv:DataSubject"
    assert told[1]["dpv:isIndicatedAtTime"] == "2025-01-02T08:00:00.000000Z"


def test_a_consent_without_age_lasts_until_it_is_withdrawn() -> None:
    """Open-ended is said as an event, never by leaving the field out."""
    (told,) = dpv.record(consent("ConsentGiven", HISTORY[1]), PARTIES, NOW)["dpv:hasConsentStatus"]
    months = EDITION.purposes["newsletter"].validity_months
    kind = "UntilEventDuration" if months is None else "TemporalDuration"
    value = "retrait" if months is None else f"P{months}M"
    assert told["dpv:hasDuration"] == {"@type": f"dpv:{kind}", "rdf:value": value}


def test_the_profiles_are_those_of_the_published_schema() -> None:
    """`dpv-27560#record-eu-gdpr` and `#receipt-eu-gdpr`, not the names of the guide's examples."""
    said = dpv.receipt([WITHDRAWN], PARTIES, 12, NOW)
    assert said["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
    (record,) = said["dct:hasPart"]
    assert record["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
    assert said["dpv:hasIdentifier"] != record["dct:identifier"]
    assert said["dct:created"] == "2026-02-01T09:00:00.000000Z"
    assert dpv.receipt([WITHDRAWN], PARTIES, 12, NOW) == said


def test_automated_calls_rest_on_an_explicit_consent() -> None:
    """CPCE art. L34-5: a consent that is about them alone."""
    calls = consent("ConsentGiven", HISTORY[1], purpose="automated_call", channel="automated_call")
    record = dpv.record(calls, PARTIES, NOW)
    assert record["dpv:hasLegalBasis"] == "eu-gdpr:A6-1-a-explicit-consent"
    assert record["dpv:hasConsentStatus"][0]["@type"][1] == "dpv:ExplicitlyExpressedConsent"


def test_our_purposes_extend_those_of_the_vocabulary() -> None:
    """Open tracking has no term of its own there: ours, with a broader one."""
    tracking = consent("ConsentGiven", HISTORY[1], purpose="email_open_tracking")
    process = dpv.record(tracking, PARTIES, NOW)["dpv:hasProcess"]
    assert process["dpv:hasPurpose"]["@id"] == "purpose:email_open_tracking"
    assert process["dpv:hasPurpose"]["skos:broader"] == "dpv:ServiceUsageAnalytics"
    broader = {one["skos:broader"] for one in process["dpv:hasPersonalData"]}
    assert broader == {"pd:EmailAddress", "pd:BrowsingBehaviour"}
    assert process["dpv:hasLocation"] == ["loc:DE"]
    assert EDITION.purposes.keys() - dpv.PURPOSES.keys() == {"accounting", "rights"}


def test_an_expired_consent_ends_by_an_event_that_nobody_recorded() -> None:
    """DPV has a state for it; the ledger derives it."""
    expired = consent("ConsentExpired", HISTORY[1])
    told = dpv.record(expired, PARTIES, NOW)["dpv:hasConsentStatus"]
    assert [one["@type"][0] for one in told] == ["dpv:ConsentGiven", "dpv:ConsentExpired"]
    assert told[1]["dpv:hasDuration"]["@type"] == "dpv:UntilEventDuration"


def test_kantara_holds_the_consents_that_hold_now_and_no_others() -> None:
    """Its 1.1 has no word for a refusal; it names the key that signs it."""
    given = consent("ConsentGiven", HISTORY[1], channel="sms")
    (receipt,) = dpv.kantara([WITHDRAWN, given], PARTIES, "{}")
    assert tuple(receipt) == KANTARA
    (purpose,) = receipt["services"][0]["purposes"]
    assert tuple(purpose) == KANTARA_PURPOSE
    assert receipt["version"] == "KI-CR-v1.1.0"
    assert receipt["consentTimestamp"] == 1735804800
    assert receipt["collectionMethod"] == "signup-3"
    assert receipt["publicKey"] == "{}"
    assert purpose["piiCategory"] == ["TelephoneNumber"]
    assert purpose["thirdPartyName"] == "mailer, host"
