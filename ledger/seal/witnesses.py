"""Who must have countersigned a checkpoint: a policy file (C2SP tlog-policy), and its verdict.

    log <vkey> [<url>]
    witness X1 <vkey> [<url>]
    witness X2 <vkey> [<url>]
    group both all X1 X2            all, any, or a number of the members
    quorum both                     or a witness, or `none`

A file names what it uses before it uses it, each name once; a member counts in one group. What is
counted is key material: the same key under two names is refused, and so is a witness that is the
log itself, by name or by key. A policy comes from the verifier's own file, never from a bundle.

What this file never does: open a note; it judges the signatures that `open_note` verified with
`Policy.keys`. Read next: `docs/evidence.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.errors import BadData
from ledger.seal.cosign import WitnessKey
from ledger.seal.note import NoteError, Opened, PublicKey, VerifyKey
from ledger.seal.text import parse_number

NONE = "none"
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Group:
    """At least `needed` of the members (witnesses or groups, by name) must have witnessed."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs that are accepted, the witnesses that are known, and the quorum among them."""

    logs: tuple[VerifyKey, ...]
    witnesses: Mapping[str, WitnessKey]
    groups: Mapping[str, Group]
    quorum: str

    @property
    def keys(self) -> list[PublicKey]:
        """Every key whose signature lines must be verified."""
        return [*self.logs, *self.witnesses.values()]

    def cosigners(self, opened: Opened) -> set[str]:
        """The names (in this file) of the witnesses whose line was verified."""
        seen = {(one.name, one.key_id) for one in opened.verified}
        return {name for name, key in self.witnesses.items() if (key.name, key.key_id) in seen}

    def demand(self, opened: Opened) -> None:
        """Raises NoteError unless the quorum cosigned. `opened` was opened with `keys`."""
        if self.quorum != NONE and not self._witnessed(self.quorum, self.cosigners(opened)):
            raise NoteError("too few of the witnesses that the policy names cosigned")

    def _witnessed(self, name: str, cosigners: set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigners
        return sum(self._witnessed(one, cosigners) for one in group.members) >= group.needed


def parse_policy(raw: bytes) -> Policy:
    """A policy file. Raises BadData, with the number of the line, on anything beyond the format."""
    if _FORBIDDEN.search(raw) or not raw.endswith(b"\n"):
        raise BadData("a witness policy is lines without control characters, each of them ended")
    building = _Builder()
    # Names are opaque octets: surrogateescape keeps different ones different.
    for number, line in enumerate(raw.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = re.findall(r"[^ \t]+", line)
        if words and not words[0].startswith("#"):
            try:
                building.add(words)
            except BadData as error:
                raise BadData(f"line {number} of the witness policy: {error}") from error
    return building.policy()


def format_policy(logs: Sequence[str], witnesses: Sequence[str], quorum: int) -> bytes:
    """The file for the plain case: at least `quorum` of these witnesses (vkeys), 0 for none.

    Raises BadData for a quorum or keys that `parse_policy` would refuse.
    """
    names = [f"w{number}" for number in range(1, len(witnesses) + 1)]
    lines = [f"log {vkey}" for vkey in logs]
    lines += [f"witness {name} {vkey}" for name, vkey in zip(names, witnesses, strict=True)]
    if quorum:
        lines.append(" ".join(["group witnesses", str(quorum), *names]))
    lines.append("quorum witnesses" if quorum else f"quorum {NONE}")
    raw = "".join(f"{line}\n" for line in lines).encode("utf-8")
    parse_policy(raw)
    return raw


class _Builder:
    """A policy as far as it has been read."""

    def __init__(self) -> None:
        self.logs: list[VerifyKey] = []
        self.witnesses: dict[str, WitnessKey] = {}
        self.groups: dict[str, Group] = {}
        self.members: set[str] = set()
        self.quorum: str | None = None

    def add(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._add_log(VerifyKey.parse(vkey))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._new(name)
                self._add_witness(name, WitnessKey.parse(vkey))
            case ["group", name, needed, *members] if members:
                self._new(name)
                self._add_group(name, needed, members)
            case ["quorum", name] if self.quorum is None:
                if name != NONE:
                    self._known(name)
                self.quorum = name
            case _:
                raise BadData("it is none of log, witness, group and quorum (once)")

    def policy(self) -> Policy:
        """The whole. A log that is its own witness is refused wherever the lines stood."""
        if self.quorum is None:
            raise BadData("a witness policy has exactly one quorum line")
        for witness in self.witnesses.values():
            for log in self.logs:
                if witness.public == log.public or witness.name == log.name:
                    raise BadData("a log cannot be its own witness")
        return Policy(tuple(self.logs), self.witnesses, self.groups, self.quorum)

    def _add_log(self, key: VerifyKey) -> None:
        if any(key.public == other.public for other in self.logs):
            raise BadData("two logs have the same key")
        self.logs.append(key)

    def _add_witness(self, name: str, key: WitnessKey) -> None:
        if any(key.public == other.public for other in self.witnesses.values()):
            raise BadData("two witnesses have the same key")
        self.witnesses[name] = key

    def _add_group(self, name: str, needed: str, members: list[str]) -> None:
        for member in members:
            self._known(member)
            if member in self.members:
                raise BadData("a name is a member once, in one group")
            self.members.add(member)
        words = {"any": 1, "all": len(members)}
        count = words[needed] if needed in words else parse_number(needed)
        if not 1 <= count <= len(members):
            raise BadData("a group needs at least one and at most all of its members")
        self.groups[name] = Group(count, tuple(members))

    def _new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise BadData("a name is taken")

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise BadData("a name is used before it is defined")
