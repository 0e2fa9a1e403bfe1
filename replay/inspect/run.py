"""Asking questions: one pass over what the company told, then people: here, one after the other, or
in shares of them, elsewhere, each by questions of its own that are put together in order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from replay.controls.at_once import AtOnce
from replay.controls.carding import set_apart
from replay.controls.life import Look
from replay.controls.model import (
    EVERYBODY,
    NOBODY,
    Event,
    History,
    Kinds,
    Life,
    People,
    Told,
    any_of,
    is_concerned,
)
from replay.controls.run import Progress, scene_of
from replay.controls.scene import KEYS, Scene
from replay.inspect.catalogue import QUESTIONS
from replay.inspect.model import Answer, Asked, Question

OF_ALL = Asked()


def ask(
    history: History,
    wanted: Iterable[str] = tuple(QUESTIONS),
    asked: Asked = OF_ALL,
    progress: Progress = lambda _people: None,
) -> tuple[Answer, ...]:
    """The answers to these questions (ids of the catalogue), of everybody or of one person."""
    names = tuple(dict.fromkeys(wanted))
    scene, questions = _heard(names, asked, history, at_once=history.at_once is not None)
    nobody = any_of(question.concerns for question in questions) == NOBODY
    if nobody:
        pass
    elif history.at_once is not None:
        _at_once(questions, history.at_once, scene, progress)
    elif history.spread is None:
        _see(questions, history, scene, progress)
    else:
        people = 0
        for some, seen in history.spread(partial(share, names, asked._replace(stored=None))):
            for question, other in zip(questions, seen, strict=True):
                question.take(other)
            people += some
            progress(people)
    return tuple(question.answer(scene) for question in questions)


def share(names: tuple[str, ...], asked: Asked, people: People) -> tuple[int, list[Question]]:
    """How many of the people were looked at here, and the questions that saw them."""
    scene, questions = _heard(names, asked, people)
    return _see(questions, people, scene, lambda _people: None), questions


def _heard(
    names: tuple[str, ...], asked: Asked, told: Told, *, at_once: bool = False
) -> tuple[Scene, list[Question]]:
    """What the company told is heard; where everybody is asked at once, some find theirs in it."""
    questions = [QUESTIONS[name](asked) for name in names]
    hearing = [question for question in questions if not (at_once and question.ours)]

    def hear(event: Event, scene: Scene) -> None:
        if event.row.position <= told.known and event.row.occurred_at <= told.as_of:
            for question in hearing:
                if question.hears is None or event.row.kind in question.hears:
                    question.hear(event, scene)

    keys = KEYS if not at_once and any(question.keys for question in questions) else NOBODY
    scene, _ = scene_of(told, hear, any_of((keys, *(question.hears for question in hearing))))
    return scene, questions


def _see(questions: list[Question], people: People, scene: Scene, progress: Progress) -> int:
    concerns = any_of(question.concerns for question in questions)
    if any(question.asked.subject is not None for question in questions):
        concerns = EVERYBODY  # whom nobody knows is said so
    lives = people.lives(concerns) if concerns != NOBODY else ()
    return _see_lives(questions, lives, scene, progress)


def _see_lives(
    questions: list[Question],
    lives: Iterable[Life],
    scene: Scene,
    progress: Progress,
    wholly: Kinds = EVERYBODY,
) -> int:
    """How many were looked at: wholly whom these kinds concern, of the others their cards."""
    number = 0
    for number, life in enumerate(lives, 1):
        look, is_whole = Look(life, scene), is_concerned(life, wholly)
        for question in questions:
            if is_whole:
                question.see(look)
            else:
                question.see_cards(look)
        progress(number)
    return number


def _at_once(
    questions: list[Question], everybody: AtOnce, scene: Scene, progress: Progress
) -> None:
    """Where everybody can be asked at once: those that count see only who is apart, one pass for
    those to whom the same people are; the others whom they seek."""
    counting = [question for question in questions if _counts(question, everybody, scene, progress)]
    seeing = [one for one in questions if one.apart is None and one not in counting]
    whom = [sought for question in seeing for sought in question.seek(everybody, scene)]
    if whom:
        reads = any_of(question.reads for question in seeing)
        _see_lives(seeing, everybody.lives(*whom, reads=reads), scene, progress)
    for kinds, with_cards in sorted({q.apart for q in questions if q.apart}, key=str):
        alike = [question for question in questions if question.apart == (kinds, with_cards)]
        apart = set_apart(everybody, kinds, scene, with_cards=with_cards)
        wholly = kinds if with_cards else EVERYBODY
        _see_lives(alike, everybody.lives(apart), scene, progress, wholly)
        for question in alike:
            question.count(everybody, apart, scene)


def _counts(question: Question, everybody: AtOnce, scene: Scene, progress: Progress) -> bool:
    """Whether it finds out itself who is apart; if so, it was asked."""
    apart = question.set_apart(everybody, scene)
    if apart is None:
        return False
    _see_lives([question], everybody.lives(apart, reads=question.reads), scene, progress)
    question.count(everybody, apart, scene)
    return True
