"""Asking questions: one pass over what the company told, then people: here, one after the other, or
in shares of them, elsewhere, each by questions of its own that are put together in order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from replay.controls.life import Look
from replay.controls.model import EVERYBODY, NOBODY, Event, History, People, Told, any_of
from replay.controls.run import Progress, scene_of
from replay.controls.scene import Scene
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
    scene, questions = _heard(names, asked, history)
    nobody = any_of(question.concerns for question in questions) == NOBODY
    if history.spread is None or nobody:
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


def _heard(names: tuple[str, ...], asked: Asked, told: Told) -> tuple[Scene, list[Question]]:
    questions = [QUESTIONS[name](asked) for name in names]

    def hear(event: Event, scene: Scene) -> None:
        if event.row.position <= told.known and event.row.occurred_at <= told.as_of:
            for question in questions:
                if question.hears is None or event.row.kind in question.hears:
                    question.hear(event, scene)

    scene, _ = scene_of(told, hear)
    return scene, questions


def _see(questions: list[Question], people: People, scene: Scene, progress: Progress) -> int:
    number = 0
    concerns = any_of(question.concerns for question in questions)
    if any(question.asked.subject is not None for question in questions):
        concerns = EVERYBODY  # whom nobody knows is said so
    for number, life in enumerate(people.lives(concerns) if concerns != NOBODY else (), 1):
        look = Look(life, scene)
        for question in questions:
            question.see(look)
        progress(number)
    return number
