"""Asking questions: one pass over what the company told, then one person at a time."""

from __future__ import annotations

from collections.abc import Iterable

from replay.controls.life import Look
from replay.controls.model import EVERYBODY, NOBODY, Event, History, together
from replay.controls.run import Progress, scene_of
from replay.controls.scene import Scene
from replay.inspect.catalogue import QUESTIONS
from replay.inspect.model import Answer, Asked

OF_ALL = Asked()


def ask(
    history: History,
    wanted: Iterable[str] = tuple(QUESTIONS),
    asked: Asked = OF_ALL,
    progress: Progress = lambda _people: None,
) -> tuple[Answer, ...]:
    """The answers to these questions (ids of the catalogue), of everybody or of one person."""
    questions = [QUESTIONS[name](asked) for name in dict.fromkeys(wanted)]

    def hear(event: Event, scene: Scene) -> None:
        if event.row.position <= history.known and event.row.occurred_at <= history.as_of:
            for question in questions:
                if question.hears is None or event.row.kind in question.hears:
                    question.hear(event, scene)

    scene, _ = scene_of(history, hear)
    concerns = together(question.concerns for question in questions)
    concerns = EVERYBODY if asked.subject is not None else concerns
    for number, life in enumerate(history.lives(concerns) if concerns != NOBODY else (), 1):
        look = Look(life, scene)
        for question in questions:
            question.see(look)
        progress(number)
    return tuple(question.answer(scene) for question in questions)
