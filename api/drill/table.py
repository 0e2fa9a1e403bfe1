"""The table of attacks, and its run: each is tried on the scene, and what caught it is compared.

The order and the names of `ROWS` are those of "Threats: each tried" in `docs/evidence.md` (a test
compares). `by` names what must catch an attempt; others may see it too. An attempt without `by`
shows a limit: nothing may catch it, or the page is wrong in the other direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from api.drill import on_history, on_people
from api.drill.stage import Seen, Stage

ROWS = (
    *("rewrites", "cuts", "inserts", "backdates", "forks", "steals", "replays", "derives"),
    *("repolicies", "omits", "pretends", "shreds", "equivocates", "guesses", "signs", "breaks"),
)

# What may catch an attempt: guards of the house, then the checks of `verify.py`, then what an entry
# commits to.
CATCHERS = (
    *("database", "sealer", "signer", "witness", "export"),
    *("checkpoint", "witnesses", "timestamps", "tree", "entries", "prefixes", "streams", "keys"),
    *("disclosed", "policies", "columns", "receipts", "commitment", "salt"),
)


class Attempt(NamedTuple):
    """One way to carry out the attack `row`; `by` must catch it, or nothing when it is empty."""

    row: str
    name: str
    act: Callable[[Stage], list[Seen]]
    by: tuple[str, ...] = ()


H, P = on_history, on_people
ATTEMPTS = (
    Attempt("rewrites", "entry_in_place", H.entry_in_place, ("database", "columns")),
    Attempt("rewrites", "envelope_swapped", H.envelope_swapped, ("database", "keys")),
    Attempt("rewrites", "rewritten_and_signed", H.rewritten_and_signed, ("prefixes", "witness")),
    Attempt("rewrites", "before_anything_left", H.before_anything_left),
    Attempt("cuts", "tail_cut", H.tail_cut, ("database", "sealer")),
    Attempt(
        *("cuts", "backup_restored", H.backup_restored),
        ("sealer", "witness", "prefixes", "receipts"),
    ),
    Attempt("cuts", "backup_outgrown", H.backup_outgrown, ("signer",)),
    Attempt("cuts", "youngest_lost", H.youngest_lost),
    Attempt("inserts", "inserted", H.inserted, ("prefixes", "witness")),
    Attempt("inserts", "reordered", H.reordered, ("database", "prefixes", "streams")),
    Attempt("inserts", "left_out", H.left_out, ("database", "streams")),
    Attempt("backdates", "backdated", H.backdated, ("streams",)),
    Attempt("backdates", "backdated_a_little", H.backdated_a_little),
    Attempt("forks", "fork_asked_for", H.fork_asked_for, ("signer",)),
    Attempt("forks", "two_auditors", H.two_auditors, ("prefixes", "witness")),
    Attempt("forks", "fork_alone", H.fork_alone),
    Attempt("steals", "other_key", H.other_key, ("checkpoint",)),
    Attempt("steals", "thief_without_witness", H.thief_without_witness, ("witnesses",)),
    Attempt("replays", "replayed", H.replayed, ("prefixes", "witness")),
    Attempt("replays", "replayed_to_a_newcomer", H.replayed_to_a_newcomer),
    Attempt("derives", "live_row", P.live_row, ("database",)),
    Attempt("derives", "typed_column", P.typed_column, ("database", "columns")),
    Attempt("repolicies", "policy_altered", P.policy_altered, ("database", "policies")),
    Attempt("omits", "promised_and_dropped", P.promised_and_dropped, ("receipts",)),
    Attempt("omits", "never_recorded", P.never_recorded),
    Attempt("pretends", "erasure_claimed", P.erasure_claimed, ("database", "keys")),
    Attempt("pretends", "key_in_a_drawer", P.key_in_a_drawer, ("commitment",)),
    Attempt("pretends", "key_in_a_drawer_unseen", P.key_in_a_drawer_unseen),
    Attempt("shreds", "evidence_shredded", P.evidence_shredded, ("database", "keys")),
    Attempt(
        "shreds", "shredded_on_nobodys_order", P.shredded_on_nobodys_order, ("database", "keys")
    ),
    Attempt(
        "shreds", "shredded_on_another_order", P.shredded_on_another_order, ("database", "keys")
    ),
    Attempt("shreds", "shredded_on_a_forged_order", P.shredded_on_a_forged_order),
    Attempt("equivocates", "other_plaintext", P.other_plaintext, ("disclosed",)),
    Attempt("guesses", "neighbour_guessed", P.neighbour_guessed, ("salt",)),
    Attempt("signs", "through_the_signer", H.through_the_signer, ("signer",)),
    Attempt("breaks", "leaf_swapped_too", H.leaf_swapped_too, ("tree", "export")),
)


class Tried(NamedTuple):
    """What one attempt came to."""

    attempt: Attempt
    seen: tuple[Seen, ...]

    @property
    def by(self) -> tuple[str, ...]:
        """What caught it, each once."""
        return tuple(dict.fromkeys(one.by for one in self.seen))

    @property
    def as_told(self) -> bool:
        """Caught by what must catch it; or, where a limit is shown, by nothing."""
        wanted = self.attempt.by
        return set(wanted) <= set(self.by) if wanted else not self.seen

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "attack": self.attempt.row,
            "attempt": self.attempt.name,
            "limit": not self.attempt.by,
            "expected": list(self.attempt.by),
            "caught_by": [one._asdict() for one in self.seen],
            "as_told": self.as_told,
        }


def run(stage: Stage, attempts: Iterable[Attempt] = ATTEMPTS) -> Iterator[Tried]:
    """Try them one after the other, each on the scene as it was."""
    for attempt in attempts:
        stage.begin()
        yield Tried(attempt, tuple(attempt.act(stage)))
