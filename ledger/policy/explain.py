"""Verdicts in plain French or English: short lines, one thought each.

The words live in `words/fr.toml` and `words/en.toml`, so that a translator never opens a program.
This file decides which lines are said and in which order; it adds no judgement of its own. What a
sentence says of an edition, a class, a kind and days is remembered; what it says of a fact, never.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Literal, TypeAlias

from ledger.calendar import Day, date_of
from ledger.policy.verdicts import ChoiceState, Deadline

Language: TypeAlias = Literal["fr", "en"]
Words: TypeAlias = dict[str, dict[str, str]]


def explain(found: Deadline | ChoiceState, lang: Language = "fr") -> list[str]:
    """The verdict, its rule, what it rests on, what did not count and what would change it."""
    if isinstance(found, Deadline):
        return _explain_deadline(found, lang)
    return _explain_choice(found, lang)


@lru_cache(maxsize=2)
def words(lang: Language) -> Words:
    """The vocabulary of one language, by section."""
    text = resources.files("ledger.policy").joinpath("words", f"{lang}.toml").read_bytes()
    return tomllib.loads(text.decode("utf-8"))


@lru_cache(maxsize=8192)  # a page says the same days again and again
def format_long(day: Day, lang: Language) -> str:
    """20181120 -> '20 novembre 2018' or 'November 20, 2018'."""
    from babel.dates import format_date  # imported late: it is slow to load

    text: str = format_date(date_of(day), format="long", locale=lang)
    return text.replace("1 ", "1er ", 1) if lang == "fr" and day % 100 == 1 else text


def _explain_deadline(d: Deadline, lang: Language) -> list[str]:
    vocabulary = words(lang)
    say, counted = vocabulary["sentence"], d.counted
    lines = [_verdict(d, lang), _rule(d.rule, d.edition, d.clause, d.article, lang)]
    if d.archive_until is not None and d.tier_now != "past_archive":
        lines.append(_archive(d.archive_until, d.archive_article or "", lang))
    why = d.why_fr if lang == "fr" else d.why_en
    if why is not None:
        lines.append(say["choice"].format(why=why))
    a, b, c = _counted(counted.kind, counted.months, lang)
    lines.append(f"{a}{format_long(counted.day, lang)}{b}{counted.position}{c}")
    lines += [vocabulary["flag"][flag] for flag in d.flags]
    lines.append(resting_on(d.rests_on, lang))
    for kind, day, position, reason in d.not_counted:
        a, b, c = _passed_over(kind, reason, lang)
        lines.append(f"{a}{format_long(day, lang)}{b}{position}{c}")
    if not d.not_counted:
        lines.append(say["nothing_passed_over"])
    return [*lines, *_changes(d.flips_on, d.would_change, lang)]


def ruled(d: Deadline, lang: Language) -> str:
    """The line that names its rule, its clause and its article."""
    return _rule(d.rule, d.edition, d.clause, d.article, lang)


@lru_cache(maxsize=1024)
def _rule(rule: str, edition: str, clause: str, cited: str, lang: Language) -> str:
    said = article(cited, lang)
    return words(lang)["sentence"]["rule"].format(
        rule=rule, edition=edition, clause=clause, article=said
    )


@lru_cache(maxsize=8192)
def _archive(until: Day, cited: str, lang: Language) -> str:
    said = format_long(until, lang), article(cited, lang)
    return words(lang)["sentence"]["archive"].format(archive=said[0], article=said[1])


@lru_cache(maxsize=1024)
def _counted(kind: str, months: int, lang: Language) -> tuple[str, str, str]:
    """What a term is counted from: before its day, between that and its position, and after."""
    said = words(lang)["sentence"]["counted"]
    return _around(said.format(kind=_kind(kind, lang), day=_DAY, position=_AT, months=months))


@lru_cache(maxsize=1024)
def _passed_over(kind: str, reason: str, lang: Language) -> tuple[str, str, str]:
    """The same of what did not count, and why."""
    said, why = words(lang)["sentence"]["not_counted"], words(lang)["reason"][reason]
    return _around(said.format(kind=_kind(kind, lang), day=_DAY, position=_AT, reason=why))


_DAY, _AT = "\x01", "\x02"


def _around(said: str) -> tuple[str, str, str]:
    before, rest = said.split(_DAY)
    between, after = rest.split(_AT)
    return before, between, after


def _verdict(d: Deadline, lang: Language) -> str:
    say = words(lang)["sentence"]
    label = _capital(d.label_fr if lang == "fr" else d.label_en)
    if d.ended is not None and d.tier_now in ("archived", "erased"):
        return say[d.tier_now].format(
            label=label, day=format_long(d.ended.day, lang), position=d.ended.position
        )
    if d.operational_until is None:
        contracts = "; ".join(
            say["contract"].format(item=s.item, position=s.position) for s in d.suspended_by
        )
        return say["suspended"].format(label=label, contracts=contracts)
    sentence: str = d.tier_now
    if d.tier_now == "past_operational" and d.archive_until is None:
        sentence = "past_erase"
    return _ending(sentence, label, d.operational_until, d.archive_until, lang)


@lru_cache(maxsize=8192)
def _ending(sentence: str, label: str, until: Day, archive: Day | None, lang: Language) -> str:
    return words(lang)["sentence"][sentence].format(
        label=label,
        until=format_long(until, lang),
        archive=format_long(archive or until, lang),
    )


def _explain_choice(c: ChoiceState, lang: Language) -> list[str]:
    vocabulary = words(lang)
    say = vocabulary["sentence"]
    channel = vocabulary["channel"].get(c.channel, c.channel)
    over = say["over_channel"].format(channel=channel) if channel else ""
    label = _capital(c.label_fr if lang == "fr" else c.label_en)
    lines = [
        say["choice_state"].format(label=label, channel=over, state=vocabulary["state"][c.state])
    ]
    if c.reason is not None and c.kind is not None:
        lines.append(say["choice_reason"].format(reason=vocabulary["choice_reason"][c.reason]))
    if c.clause is not None:
        lines.append(
            say["choice_rule"].format(clause=c.clause, article=article(c.article or "", lang))
        )
    lines.append(_expression(c, lang))
    if c.needs_review:
        lines.append(say["needs_review"])
    return [*lines, *_changes(c.flips_on, c.would_change, lang)]


def _expression(c: ChoiceState, lang: Language) -> str:
    say = words(lang)["sentence"]
    if c.kind is None or c.day is None:
        return say["choice_nothing"]
    grade = words(lang)["grade"].get(c.grade or "", c.grade)
    return say["choice_fact"].format(
        kind=_kind(c.kind, lang),
        day=format_long(c.day, lang),
        position=c.position,
        edition=c.edition or c.edition_number,
        grade=say["with_grade"].format(grade=grade) if grade else "",
    )


@lru_cache(maxsize=8192)
def _changes(
    flips_on: Day | None, would_change: tuple[str, ...], lang: Language
) -> tuple[str, str]:
    say = words(lang)["sentence"]
    turns = say["never_flips"]
    if flips_on is not None:
        turns = say["flips_on"].format(day=format_long(flips_on, lang))
    return turns, say["would_change"].format(kinds=either(would_change, lang))


def either(kinds: Sequence[str], lang: Language) -> str:
    """Kinds of fact, any of which will do: « a, b ou c »."""
    said = [_kind(kind, lang) for kind in kinds]
    enough = [", ".join(said[:-1]), *said[-1:]] if len(said) > 1 else said
    return words(lang)["sentence"]["or"].join(enough)


def resting_on(positions: Iterable[int], lang: Language) -> str:
    """The facts that an answer rests on, in a line."""
    say = words(lang)["sentence"]
    one = say["position"].format
    named = ", ".join([one(position=position) for position in positions])
    return say["rests_on"].format(positions=named)


def _kind(kind: str, lang: Language) -> str:
    return words(lang)["kind"].get(kind, kind)


def article(cited: str, lang: Language) -> str:
    """The citation as that language names the regulation."""
    return cited.replace("GDPR", "RGPD") if lang == "fr" else cited


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
