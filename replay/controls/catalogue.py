"""The eighteen controls: what each asks, of whom, and the clauses it proves. Read this first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ledger.events import ClassArchived
from replay.controls import consulting, declaring, keeping, rights, sending, store
from replay.controls.at_once import AtOnce, Most, Sought
from replay.controls.life import OF_REQUESTS, Look
from replay.controls.model import EVERYBODY, Event, Finding, Kinds, Stored
from replay.controls.scene import Scene

OfPerson: TypeAlias = Callable[[Look], Iterator[Finding]]
OfEvent: TypeAlias = Callable[[Event, Scene], Iterator[Finding]]
Ours: TypeAlias = Callable[[AtOnce, Scene], Iterable[Event]]
OfCompany: TypeAlias = Callable[[Scene], Iterator[Finding]]
OfStore: TypeAlias = Callable[[Stored, Scene], Iterator[Finding]]
Seek: TypeAlias = Callable[[AtOnce, Scene], tuple[Sought, ...]]


@dataclass(frozen=True, slots=True)
class Control:
    """One control. Its title and what it proves are in words/*.toml, under its id. `concerns`:
    whoever has no fact of these kinds is no business of its; `reads`: facts of other kinds it does
    not look at; `hears`: nor does `event` say anything of other facts about nobody. Where everybody
    can be asked at once: `seek` finds whom it can find something of, `most` what it finds of all
    but those apart, `ours` of which facts about nobody; `alone`: it says nothing true of anybody
    but those that it sought."""

    id: str
    clauses: str
    article: str
    concerns: Kinds = EVERYBODY
    person: tuple[OfPerson, ...] = ()
    event: tuple[OfEvent, ...] = ()
    company: tuple[OfCompany, ...] = ()
    store: tuple[OfStore, ...] = ()
    reads: Kinds = EVERYBODY
    hears: Kinds = EVERYBODY
    ours: Ours | None = None
    seek: Seek | None = None
    alone: bool = False
    most: Most | None = None


CONTROLS = {
    control.id: control
    for control in (
        Control(
            "C01",
            "SS-COM-2 SS-COM-3 SS-COM-5 SS-LB-1 SS-LB-2 SS-CRM-1 SS-PERS-1 SS-PERS-2 SS-DSR-7",
            "GDPR art. 6(1); CPCE art. L34-5; C. conso. art. L223-1",
            sending.CONCERNED,
            person=(sending.unpermitted,),
            seek=sending.seek_unpermitted,
        ),
        Control(
            "C02",
            "SS-COM-2 SS-COM-3 SS-LB-2 SS-LB-3 SS-DSR-4 SS-CH-5",
            "GDPR art. 7(3), 21(3)",
            sending.CONCERNED,
            person=(sending.after_a_no,),
            seek=sending.seek_after_a_no,
        ),
        Control(
            "C03",
            "SS-RET-1 SS-RET-4 SS-RET-5 SS-RET-6 SS-ACT-1 SS-ACT-2 SS-ACT-3 SS-SEC-1 "
            "SS-ORD-1 SS-CRM-2",
            "GDPR art. 5(1)(e)",
            person=(keeping.past_terms,),
            most=Most(keeping.APART, False, frozenset(), keeping.past_terms_of_most),
        ),
        Control(
            "C04",
            "SS-CARD-1 SS-CARD-2 SS-CARD-3 SS-CARD-4",
            "GDPR art. 5(1)(e); CMF art. L133-24",
            keeping.WITH_CARDS,
            person=(keeping.past_cards,),
            reads=keeping.ENDING_CARDS,
            most=Most(keeping.APART, True, frozenset(), keeping.past_cards_of_most),
        ),
        Control(
            "C05",
            "SS-DSR-1 SS-DSR-2 SS-DSR-3 SS-DSR-5 SS-DSR-6 SS-DSR-9 SS-DSR-10 SS-DPO-1 SS-CH-4",
            "GDPR art. 12(3)",
            OF_REQUESTS,
            person=(rights.late_answers,),
        ),
        Control(
            "C06",
            "SS-RET-3 SS-DSR-3 SS-CH-6",
            "GDPR art. 17",
            keeping.ERASED,
            person=(keeping.unfinished_erasures,),
            seek=keeping.seek_unfinished,
            alone=True,
            store=(store.incomplete,),
        ),
        Control(
            "C07",
            "SS-RET-2 SS-PAY-3",
            "GDPR art. 5(1)(f), 29, 32",
            consulting.CONSULTED,
            person=(consulting.consultations,),
        ),
        Control(
            "C08",
            "SS-RET-2 SS-LB-4",
            "GDPR art. 17(3)",
            keeping.ERASED,
            person=(keeping.destroyed_under_hold,),
            reads=keeping.ERASED | keeping.APART,
            seek=keeping.seek_destroyed_under_hold,
        ),
        Control(
            "C09",
            "SS-PAY-1 SS-PAY-2",
            "GDPR art. 5(1)(c); CNIL délib. 2018-303",
            event=(declaring.card_data,),
            seek=declaring.seek_card_data,
            ours=declaring.our_card_data,
            store=(store.cards_in_parts,),
        ),
        Control(
            "C10",
            "SS-COM-6",
            "CPCE art. L34-5",
            sending.CONCERNED,
            person=(sending.automated,),
            seek=sending.seek_automated,
        ),
        Control(
            "C11",
            "SS-DATA-2 SS-CH-1 SS-CH-7 SS-COM-4 SS-AUD-1",
            "GDPR art. 7(1); LIL art. 82",
            declaring.AGREEING,
            person=(declaring.unproved,),
            most=Most(
                declaring.OPENED, False, frozenset(declaring.PROVING), declaring.unproved_of_most
            ),
            event=(declaring.unproved_tracker,),
            hears=declaring.AGREEING_ON_DEVICES,
        ),
        Control(
            "C12",
            "SS-CTL-2 SS-REC-1 SS-SOC-1 SS-GEO-1 SS-MIN-1 SS-DATA-1 SS-DATA-3 SS-CRM-3 SS-AUD-2 "
            "SS-COM-1 SS-COL-1 SS-COL-2 SS-COL-3 SS-COL-4 SS-COL-5",
            "GDPR art. 5(1)(b), 5(1)(c), 13(1)(e); LIL art. 45",
            person=(declaring.undeclared_of_her, declaring.minors, declaring.unnoticed),
            event=(declaring.undeclared_by_us,),
            company=(declaring.unnoticed_visits,),
            seek=declaring.seek_undeclared,
            ours=declaring.our_undeclared,
        ),
        Control("C13", "SS-RET-3", "GDPR art. 5(1)(f), 5(2)", store=(store.altered,)),
        Control("C14", "SS-RET-3", "GDPR art. 5(1)(d)", store=(store.diverging,)),
        Control(
            "C15",
            "SS-POL-1 SS-POL-2",
            "GDPR art. 13(3)",
            sending.CONCERNED | {ClassArchived.kind},
            person=(declaring.kept_longer, declaring.untold),
            company=(declaring.retroactive,),
            seek=declaring.seek_changed,
        ),
        Control(
            "C16",
            "SS-RET-3 SS-RET-7",
            "GDPR art. 5(1)(e)",
            person=(keeping.endless,),
            seek=keeping.seek_endless,
        ),
        Control("C17", "SS-RET-3", "GDPR art. 17, 32(1)(c)", store=(store.revived,)),
        Control(
            "C18",
            "SS-CH-1 SS-CH-2 SS-CH-3 SS-LB-2",
            "GDPR art. 7(3)",
            rights.AGREEING_OR_WRITING,
            person=(rights.hard_withdrawals,),
            reads=rights.LOOKED_AT,
            seek=rights.seek_hard_withdrawals,
        ),
    )
}
