"""Who the people of the demo company are, and the acts that make up their lives."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from api.demo.diary import TAKEN_OVER, Diary, after, at, day_number, new_stream, on
from ledger.calendar import Day, add_days, add_months
from ledger.events import (
    AccountOpened,
    CardKept,
    CardSettled,
    ConsentGiven,
    ConsentWithdrawn,
    ContactedUs,
    ContractStarted,
    CustomerRegistered,
    LoggedIn,
    MessageDecided,
    MessageOpened,
    MessageSent,
    OptOutOffered,
    OrderCancelled,
    OrderInvoiced,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from ledger.fields import Money

FIRST = """
    Adèle Bastien Chloé David Élise Farid Gaëlle Hugo Inès Jules Karim Léa Mathis Nora Oscar
    Paula Quentin Rose Salomé Théo Ugo Victoire Wassim Yasmine Zoé
""".split()  # noqa: SIM905
LAST = """
    Aubert Barre Carpentier Delmas Estève Fabre Guérin Hamon Imbert Jacquet Klein Lacroix Mercier
    Nguyen Ollivier Picard Quéré Renaud Sauvage Tessier Urbain Vasseur Weiss
""".split()  # noqa: SIM905
STREETS = ("rue des Lilas", "avenue de la Gare", "place du Marché", "chemin du Moulin")
QUESTIONS = (
    "Bonjour, votre logiciel tourne-t-il aussi sous Linux ?",
    "Pouvez-vous m'envoyer un devis pour trois postes ?",
    "Je n'arrive plus à ouvrir mes factures de l'an dernier.",
    "Quand sort la prochaine version ?",
)
BROWSERS = ("Firefox sur Linux", "Safari sur macOS", "Edge sur Windows")
NEWSLETTER = {"purpose": "newsletter", "channel": "email"}


class Person:
    """One person of the story: her reference, her details, and what she can do."""

    def __init__(self, diary: Diary, number: int) -> None:
        chance = diary.chance
        self.diary, self.code = diary, f"D-{number:04d}"
        self.first_name, self.name = chance.choice(FIRST), chance.choice(LAST)
        self.email = f"{self.first_name}.{self.name}.{number}@example.org".lower()
        self.phone = f"01 99 00 {diary.between(10, 99)} {diary.between(10, 99)}"
        self.address = f"{diary.between(1, 120)} {chance.choice(STREETS)}"
        self.professional = diary.often(0.15)
        self.last4 = f"{diary.between(0, 9999):04d}"
        self.basket = 1500 + int(chance.random() * 9000)

    def registers(self, day: date, klass: str) -> None:
        """We hear of her for the first time."""
        old = day < TAKEN_OVER
        self.diary.tell(
            CustomerRegistered,
            on(day),
            self.code,
            klass=klass,
            origin="import" if old else klass,
            person="professional" if self.professional else "consumer",
            name=self.name,
            first_name=self.first_name,
            company=f"Atelier {self.name}" if self.professional else None,
            email=self.email,
            phone=self.phone,
        )

    def opens_account(self, day: date) -> None:
        """She opens an Espace client, and is shown how to refuse the newsletter."""
        self.diary.tell(
            AccountOpened,
            at(day, 9),
            self.code,
            form=None if day < TAKEN_OVER else "account-1",
            name=self.name,
            first_name=self.first_name,
            email=self.email,
            address=self.address,
        )
        self.diary.tell(OptOutOffered, at(day, 9, 1), self.code, form="account-1", **NEWSLETTER)

    def orders(self, day: date, hour: int = 10) -> UUID:
        """She buys and pays; the invoice follows, now and then a cancellation or a refund."""
        diary, stream = self.diary, new_stream()
        amount = Money(int(self.basket * (0.4 + 1.2 * diary.chance.random())), "EUR")
        diary.tell(OrderPlaced, at(day, hour), self.code, stream, amount=amount, quantity=1)
        if diary.often(0.04):
            diary.tell(OrderCancelled, at(day, hour + 1), self.code, stream, reason="mind_changed")
            return stream
        deferred = diary.often(0.2)
        diary.tell(
            OrderPaid,
            at(day, hour, 5),
            self.code,
            stream,
            amount=amount,
            deferred=deferred,
            debit=add_days(day_number(day), 30 if deferred else 1),
            psp_id=f"pay_{diary.chance.getrandbits(40):010x}",
            bin6="497010",
            last4=self.last4,
        )
        diary.tell(OrderInvoiced, at(day, hour, 10), self.code, stream, amount=amount)
        if diary.often(0.05):
            diary.tell(OrderRefunded, at(after(day, 9)), self.code, stream, amount=amount)
        return stream

    def logs_in(self, day: date, hour: int = 18) -> None:
        """She connects to her Espace client."""
        self.diary.tell(
            LoggedIn,
            at(day, hour),
            self.code,
            ip=f"192.0.2.{self.diary.between(1, 254)}",
            user_agent=self.diary.chance.choice(BROWSERS),
        )

    def contacts(self, day: date, channel: str = "form") -> None:
        """She writes to us."""
        self.diary.tell(
            ContactedUs,
            at(day, 11),
            self.code,
            channel=channel,
            name=self.name,
            email=self.email,
            text=self.diary.chance.choice(QUESTIONS),
        )

    def accepts(self, day: date, purpose: str, channel: str | None = None) -> None:
        """She agrees; before the ledger's time, all we can show for it is a line of a file."""
        old = day < TAKEN_OVER
        self.diary.tell(
            ConsentGiven,
            at(day, 12),
            self.code,
            purpose=purpose,
            channel=channel,
            act="box_ticked",
            form=None if old else "account-1",
            grade="asserted" if old else "proved",
        )

    def withdraws(self, day: date, purpose: str, channel: str | None = None) -> None:
        """She takes it back."""
        self.diary.tell(
            ConsentWithdrawn, at(day, 13), self.code, purpose=purpose, channel=channel, act="link"
        )

    def is_written_to(self, day: date, *, asked_first: bool = True, opened: bool = False) -> UUID:
        """We send her the newsletter."""
        stream = new_stream()
        if asked_first:
            verdict = {"decision": "allowed", "basis": "consent", "rule": "perm-consent"}
            self.diary.tell(MessageDecided, at(day, 7), self.code, stream, **NEWSLETTER, **verdict)
        self.diary.tell(
            MessageSent,
            at(day, 8),
            self.code,
            stream,
            template=f"news-{day.year}",
            content="promotional",
            **NEWSLETTER,
        )
        if opened:
            self.diary.tell(MessageOpened, at(day, 20), self.code, stream, channel="email")
        return stream

    def signs(
        self, day: date, type_: str, months: int, *, tacit: bool = False, euros: int = 240
    ) -> UUID:
        """A contract begins, planned to end after so many months."""
        stream = new_stream()
        self.diary.tell(
            ContractStarted,
            at(day, 14),
            self.code,
            stream,
            type=type_,
            until=in_months(day, months),
            tacit=tacit,
            amount=Money(euros * 100, "EUR"),
        )
        return stream

    def leaves_card(
        self, day: date, ground: str, expiry: Day | None = None, contract: UUID | None = None
    ) -> UUID:
        """Her card is kept for more than one payment."""
        stream = new_stream()
        self.diary.tell(
            CardKept,
            at(day, 15),
            self.code,
            stream,
            ground=ground,
            expiry=expiry,
            contract=contract,
            psp_id=f"card_{self.diary.chance.getrandbits(40):010x}",
            bin6="497010",
            last4=self.last4,
        )
        return stream

    def pays_by_card(self, day: date, card: UUID, euros: int) -> None:
        """The card we keep is debited."""
        self.diary.tell(
            CardSettled,
            at(day, 16),
            self.code,
            card,
            amount=Money(euros * 100, "EUR"),
            debit=day_number(day),
        )


def in_months(day: date, months: int) -> Day:
    """The day so many calendar months later."""
    return add_months(day_number(day), months)


def month_end(year: int, month: int) -> Day:
    """The last day of a month: when a card of that month expires."""
    return add_days(add_months(year * 10000 + month * 100 + 1, 1), -1)
