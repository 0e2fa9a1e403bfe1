"""*Mes moyens de paiement*: each card and proof of payment, why it is kept and until when, and the
button that removes it (SS-CARD-1 to SS-CARD-4). Card numbers are nowhere."""

from __future__ import annotations

from starlette.responses import Response

from api.answers import Times
from api.cards import asked_by_her, cards_answer
from api.choices import or_refused
from api.console.my import herself, page
from api.console.visiting import Visit
from ledger.handlers import record_many

HOME = "/my/cards"
ORDER = {"card": 0, "card_proof": 1}  # what she can remove comes first


def get_cards(visit: Visit) -> Response:
    """Those still kept, then those that are gone."""
    items = cards_answer(visit.ledger, herself(visit), Times(), visit.lang)["items"]
    found = sorted(items, key=lambda one: (ORDER[one["class"]], one["until"] or "9999"))
    return visit.render(
        "my/cards.html",
        kept=[one for one in found if one["removed_on"] is None],
        gone=[one for one in found if one["removed_on"] is not None],
    )


def post_removal(visit: Visit) -> Response:
    """She wants one gone."""
    card = visit.id(visit.field("card"), "this ledger knows no such card")
    (outcome,) = record_many(visit.ledger, [asked_by_her(visit.ledger, herself(visit), card)])
    or_refused(outcome)
    return visit.go(HOME, "my_cards.asked")


PAGES = (page("GET", HOME, get_cards), page("POST", HOME, post_removal))
