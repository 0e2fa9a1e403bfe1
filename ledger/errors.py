"""Three families of failure, and nothing else leaves this house.

`Misuse`: the caller asked for something that makes no sense (a bug in the calling program or a
wrong setting). `BadData`: what was handed over cannot be accepted; trying again unchanged will not
help. `Broken`: we failed; nothing was acknowledged, trying again later may help. Every message is a
sentence for a person and never repeats a personal value: it names fields, codes and places.
"""

from __future__ import annotations

from dataclasses import dataclass
from errno import EACCES, ENOSPC, EPERM, EROFS


class ProbantError(Exception):
    """Root of the three families. `code` is a stable machine-readable slug."""

    code = "error"
    exit_code = 1

    def speak(self) -> str:
        """One sentence for a person: what happened, and what to try."""
        return str(self)


class Misuse(ProbantError):
    """You misused us: an unknown setting, a ledger that does not exist, an impossible question."""

    code = "misuse"
    exit_code = 2


class BadData(ProbantError):
    """The data is bad: malformed, impossible, or refused by a rule."""

    code = "bad-data"
    exit_code = 3


def unwritten(name: str, error: OSError) -> Misuse:
    """Why the file that `name` names could not be written: an option, or a word of `--help`."""
    if error.errno == ENOSPC:
        return Misuse(f"{name} cannot be written: no space is left there")
    if error.errno in (EACCES, EPERM, EROFS):
        return Misuse(f"{name} cannot be written: nobody may write there as who you are")
    return Misuse(f"{name} cannot be written ({type(error).__name__})")


class Broken(ProbantError):
    """We are broken: the database is unreachable, a row does not match its entry, a key is lost."""

    code = "broken"
    exit_code = 4


class NotFound(Misuse):
    """What was asked for by identifier does not exist in this ledger."""

    code = "not-found"


class Stale(Broken):
    """Somebody else wrote to the same stream first. Nothing was written; decide again."""

    code = "stale"


class Away(Broken):
    """The database does not answer now. Nothing was acknowledged; ask again when it is back."""

    code = "away"


class Unsure(Broken):
    """The answer to a commit was lost, and so was the question whether it was done. Do not repeat
    it blindly: look first, or send it under a key that makes it once."""

    code = "unsure"


class Tampered(Broken):
    """A stored row contradicts its own entry, or the entry is not in canonical form."""

    code = "tampered"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a wish was not granted: a value, not a crash.

    `problem` is the slug of the problem type (RFC 9457), `clause` an SS-… id of the policy,
    `article` the legal text. `detail` never contains what was submitted, only field names.
    """

    problem: str
    detail: str
    clause: str | None = None
    article: str | None = None
    field: str | None = None


ERASED_CLASS = Refusal(
    "erased",
    "this person's data of this class was erased: what happened before that is not recorded again",
    "SS-DSR-3",
    "RGPD art. 17",
)
"""Said at the door of an import, and by the vault of what no key may seal (decision 0059)."""


class Refused(BadData):
    """A refusal on its way to whoever asked."""

    code = "refused"

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal

    def speak(self) -> str:
        """The refusal with its clause and article."""
        return self.refusal.detail + self.grounds(self.refusal.article)

    def grounds(self, article: str | None) -> str:
        """Its problem, its clause, and its article as the reader's language names it."""
        grounds = ", ".join(x for x in (self.refusal.clause, article) if x)
        return f" [{self.refusal.problem}{': ' + grounds if grounds else ''}]"
