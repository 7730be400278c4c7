"""What is named in one place exists in the other: tasks, sweeps, admin pages, pools of work."""

from __future__ import annotations

import ast
import inspect

import pytest
from celery import current_app
from django.apps import apps
from django.contrib import admin
from django.db import models

from config.celery import SWEEPS
from tests.architecture.test_sources import SOURCES, named

OURS = sorted(
    (
        model
        for model in apps.get_models()
        if not model.__module__.startswith("django.") and "." in model.__module__
    ),
    key=lambda model: model._meta.label,
)


def enqueued_names() -> list[tuple[str, str]]:
    """Each `enqueue("name", ...)` in the sources, with the file it stands in."""
    return [
        (named(path), node.args[0].value)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "enqueue"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]


def test_every_name_that_is_enqueued_is_a_task() -> None:
    names = enqueued_names()

    assert names
    assert [pair for pair in names if pair[1] not in current_app.tasks] == []


def test_every_sweep_is_a_task() -> None:
    assert [name for name in SWEEPS if name not in current_app.tasks] == []


def test_the_clock_rings_for_every_sweep() -> None:
    assert {entry["task"] for entry in current_app.conf.beat_schedule.values()} == set(SWEEPS)


def test_every_task_is_named_after_its_app_and_takes_keywords_only() -> None:
    ours = {
        name: task
        for name, task in current_app.tasks.items()
        if not name.startswith(("celery.", "tests."))
    }

    assert ours
    for name, task in ours.items():
        parameters = list(inspect.signature(task.run).parameters.values())
        assert name.split(".")[0] == task.run.__module__.split(".")[0]
        assert parameters[-1].kind is inspect.Parameter.VAR_KEYWORD, f"{name} takes no more ids"
        assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters[:-1]), (
            f"{name} takes positions"
        )


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_model_has_an_admin_page(model: type[models.Model]) -> None:
    assert admin.site.is_registered(model)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_choice_is_a_constraint_too(model: type[models.Model]) -> None:
    conditions = " ".join(
        str(constraint.condition)
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    )
    chosen = [field.name for field in model._meta.local_fields if field.choices]

    assert [name for name in chosen if f"{name}__in" not in conditions] == []
