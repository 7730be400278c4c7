"""Every call that the OpenAPI document describes, with a body that it takes: for walks over all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import get_resolver

from core import fields
from core.openapi import Operation, Route, documented_routes, routes
from keys.serializers import ScopesField
from shows.serializers import LanguageField
from webhooks.serializers import EventsField

EVERY_ROUTE = list(routes(get_resolver().url_patterns))
DOCUMENTED = documented_routes(EVERY_ROUTE, document="/api/openapi.json")
OF_STUDIO = documented_routes(EVERY_ROUTE, document="/v1/openapi.json")
#: A good value for each kind of field; those of fields.py that are missing here need one.
GOOD_VALUES: dict[type, object] = {
    fields.PublicAddressField: "https://cdn.example.com/a.mp3",
    fields.WebAddressField: "https://example.com/",
    fields.EmailField: "somebody@example.com",
    fields.MimeTypeField: "audio/mpeg",
    fields.BooleanField: True,
    fields.NumberField: 1,
    fields.MomentField: "2030-01-01T00:00:00Z",
    LanguageField: "en",
    ScopesField: ["shows:read"],
    EventsField: ["*"],
    fields.TextField: "text",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one address, as it stands in the document."""

    route: Route
    method: str
    operation: Operation

    def __str__(self) -> str:
        return f"{self.method} {self.route.path}"

    @property
    def scope(self) -> str | None:
        """The scope that a key needs, None for full access."""
        return getattr(self.route.view, "required_scopes", {}).get(self.method)

    @property
    def is_owned(self) -> bool:
        """Whether it is about one object of an account."""
        named = {*self.route.parameters, *self.operation.query, *self.fields()}
        return any(name.endswith("_id") for name in named) and self.operation.access == "key"

    def fields(self) -> Mapping[str, Any]:
        """The fields of the JSON body."""
        return self.operation.body().fields if self.operation.body else {}

    def path(self, known: Mapping[str, object]) -> str:
        """The address with the ids of `known`, which has to have one for each parameter."""
        path = self.route.path.format_map(known)
        query = [f"{name}={known[name]}" for name in self.operation.required_query]
        return f"{path}?{'&'.join(query)}" if query else path

    def body(self, known: Mapping[str, object]) -> dict[str, object] | None:
        """A body that it takes: what is required, and for a change some field."""
        if self.operation.body is None:
            return None
        required = {
            name: known.get(name, good_value(field))
            for name, field in self.fields().items()
            if field.required
        }
        if self.method == "PATCH":
            required = dict(list(required.items())[:1]) or {
                name: good_value(field) for name, field in list(self.fields().items())[:1]
            }
        return required

    def send(self, client: Any, known: Mapping[str, object], body: object = ...) -> Any:
        """The answer to the call; `body` in place of the usual one."""
        sent = self.body(known) if body is ... else body
        content = json.dumps(sent) if sent is not None else ""
        return client.generic(self.method, self.path(known), content, "application/json")


def every_call() -> Iterator[Call]:
    """All of them, in the order of the addresses."""
    for route in DOCUMENTED:
        for method, operation in route.operations.items():
            yield Call(route, method, operation)


def good_value(field: Any) -> object:
    """A value that the field takes."""
    if isinstance(field, fields.ChoiceField):
        return field.choices[0]
    return next(value for kind, value in GOOD_VALUES.items() if isinstance(field, kind))


def stored_rows() -> dict[str, list[object]]:
    """Everything that the database holds, but for when keys were last used."""
    return {
        model._meta.label: list(
            model._default_manager.order_by("pk").values_list(
                *(one.attname for one in model._meta.local_fields if one.name != "last_used_at")
            )
        )
        for model in apps.get_models()
        if not model.__module__.startswith("django.")
    }
