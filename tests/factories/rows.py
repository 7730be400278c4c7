"""Writes a row of any model whose constraints do not ask for more than a value in every field."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import models

FIRST_DAY = date(2026, 3, 1)
_numbers = itertools.count(1)


def write_row(model: type[models.Model], **fields: object) -> models.Model:
    """A row in which `fields` stand, and elsewhere what fits and no other row has."""
    number = next(_numbers)
    return model._base_manager.create(
        **{
            field.attname: _value(field, number)
            for field in model._meta.concrete_fields
            if _needs_value(field) and field.name not in fields
        }
        | fields
    )


def _needs_value(field: models.Field) -> bool:
    is_given = field.has_default() or field.null or isinstance(field, models.AutoField)
    return not is_given and not (field.blank and field.empty_strings_allowed)


def _value(field: models.Field, number: int) -> Any:
    if field.is_relation:
        newest = field.related_model._base_manager.order_by("-pk").first()
        return (newest or write_row(field.related_model)).pk
    if field.choices:
        return field.choices[0][0]
    return next(make(number) for kind, make in VALUES.items() if isinstance(field, kind))


#: The first kind that a field is of decides.
VALUES: dict[type[models.Field], Callable[[int], object]] = {
    models.DateTimeField: lambda number: (
        datetime.combine(FIRST_DAY, datetime.min.time(), tzinfo=UTC) + timedelta(hours=number)
    ),
    models.DateField: lambda number: FIRST_DAY + timedelta(days=number),
    models.BinaryField: lambda number: b"%d" % number,
    models.BooleanField: lambda _: False,
    models.FloatField: float,
    models.IntegerField: lambda number: number,
    models.JSONField: lambda _: [],
    models.CharField: lambda number: f"o{number}",
    models.TextField: lambda number: f"o{number}",
}
