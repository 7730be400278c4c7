"""Describes the calls of a contract beside their views, and writes the descriptions as OpenAPI 3.1."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, Protocol, TypeVar, cast

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern
from rest_framework import serializers

from core.forms import FilePart
from core.idempotency import HEADER as IDEMPOTENCY_HEADER
from core.idempotency import KEY_PATTERN as IDEMPOTENCY_KEY_PATTERN
from core.schemas import COUNT, ID, STRING, UUID, Schema, or_null, titled

Access = Literal["key", "public", "either"]
_View = TypeVar("_View", bound=Callable[..., Any])

_CONVERTED = re.compile(r"<(?:(\w+):)?(\w+)>")
_PARAMETER_OF_CONVERTER = {"id": ID, "int": ID, "uuid": UUID}
_ERROR: Schema = {
    "type": "object",
    "properties": {
        "success": {"const": False},
        "error": {"type": "string", "description": "A sentence that names the fault and its mend."},
        "code": {"type": "string", "description": "Stable, for programs."},
        "field": {"type": ["string", "null"], "description": "The field at fault."},
    },
    "required": ["success", "error"],
}


_LIMITS: Mapping[str, tuple[str, Schema]] = {
    "RateLimit-Limit": ("Requests that the account may send in a minute.", COUNT),
    "RateLimit-Remaining": ("Requests that are left of them.", COUNT),
    "RateLimit-Reset": ("Seconds until they are all there again.", COUNT),
}
_RETRY_AFTER: Schema = {"description": "Seconds to wait.", "schema": COUNT, "required": True}


@dataclass(frozen=True, slots=True)
class Contract:
    """What the calls of one contract have in common.

    `error` is the body of every refusal. `stands_for` gives the status that the contract answers
    where others have one of their own. `scheme` is the name of the way to send a key.
    """

    error: Schema = field(default_factory=lambda: _ERROR)
    stands_for: Mapping[int, int] = field(default_factory=dict)
    scheme: str = "key"
    takes_empty_changes: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address.

    `answers` are the successes: status to schema, None for an empty body. `body` is the serializer
    of the JSON body, all of whose fields are optional for PATCH; `form` the one of a multipart body;
    `raw` are media types of a file that is the body itself. `refusals` are statuses beyond those
    that follow from the rest. `other_forms` are further media types in which a client may have the
    same answers.
    """

    summary: str
    answers: Mapping[int, Schema | None]
    body: type[serializers.Serializer[Any]] | None = None
    form: type[serializers.Serializer[Any]] | None = None
    raw: tuple[str, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    required_query: tuple[str, ...] = ()
    refusals: tuple[int, ...] = ()
    access: Access = "key"
    media_type: str = "application/json"
    other_forms: Mapping[str, Schema] = field(default_factory=dict)


class SchemaField(Protocol):
    """An input field that knows its schema, as those of core/fields.py do."""

    def schema(self) -> Schema:
        """The JSON Schema of what the field takes, apart from null."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address with what its view says of it."""

    path: str
    name: str
    view: Any
    parameters: Mapping[str, Schema]

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The described methods."""
        return cast("Mapping[str, Operation]", getattr(self.view, "operations", {}))

    @property
    def methods(self) -> set[str]:
        """The methods that the view answers, HEAD and OPTIONS aside; for functions the described ones."""
        names = getattr(self.view, "http_method_names", None)
        if names is None:
            return set(self.operations)
        defined = {name.upper() for name in names if hasattr(self.view, name)}
        return defined - {"HEAD", "OPTIONS"}


def described(
    path: str, operations: Mapping[str, Operation], *, parameters: Mapping[str, Schema]
) -> Callable[[_View], _View]:
    """Describe a view that is a function, and whose address may be a regular expression."""

    def describe(view: _View) -> _View:
        vars(view).update(path=path, operations=operations, parameters=parameters)
        return view

    return describe


def routes(patterns: Sequence[URLPattern | URLResolver], *, prefix: str = "") -> Iterator[Route]:
    """Every address below `patterns`, aliases and all."""
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix=text)
        else:
            yield _route(pattern, text)


def documented_routes(every: Sequence[Route], *, document: str) -> list[Route]:
    """The routes that belong to `document`, each once: /api/v1/x is /api/x again.

    A view says with `document` which one describes it; by default that is /api/openapi.json.
    """
    own: dict[tuple[str, str], Route] = {}
    for route in every:
        described_in = getattr(route.view, "document", "/api/openapi.json")
        if route.path.startswith(("/api/", "/v1/")) and described_in == document:
            own.setdefault((route.path, _identity(route.view)), route)
    return [
        route
        for (path, view), route in own.items()
        if not path.startswith("/api/v1/")
        or (f"/api/{path.removeprefix('/api/v1/')}", view) not in own
    ]


def openapi_document(
    found: Sequence[Route],
    *,
    title: str,
    version: str,
    description: str,
    server: str,
    contract: Contract,
) -> Schema:
    """The OpenAPI 3.1 document of `found`."""
    paths: dict[str, dict[str, Schema]] = {}
    components: dict[str, Schema] = {"Error": contract.error}
    for route in sorted(found, key=lambda one: one.path):
        for method, operation in route.operations.items():
            written = _operation(route, method, operation, contract)
            paths.setdefault(route.path, {})[method.lower()] = cast(
                "Schema", _with_references(written, components)
            )
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": {
                name: {"description": meaning, "schema": schema}
                for name, (meaning, schema) in _LIMITS.items()
            },
            "securitySchemes": {contract.scheme: {"type": "http", "scheme": "bearer"}},
        },
    }


def body_schema(
    shape: type[serializers.Serializer[Any]], *, partial: bool = False, may_be_empty: bool = False
) -> Schema:
    """What a serializer takes; a change (`partial`) has a field at least, unless it `may_be_empty`."""
    fields = shape().fields
    properties = {name: _field_schema(one) for name, one in fields.items()}
    required = [] if partial else [name for name, one in fields.items() if one.required]
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if partial and not may_be_empty:
        schema["minProperties"] = 1
    return titled(
        shape.__name__ + ("Changes" if partial and "Changes" not in shape.__name__ else ""), schema
    )


def _field_schema(one: serializers.Field[Any, Any, Any, Any]) -> Schema:
    schema = _bare_schema(one)
    return or_null(schema) if one.allow_null else schema


def _bare_schema(one: serializers.Field[Any, Any, Any, Any]) -> Schema:
    if isinstance(one, serializers.Serializer):
        return body_schema(type(one))
    if not isinstance(one, serializers.ListField):
        return cast("SchemaField", one).schema()
    bounds = {"minItems": one.min_length, "maxItems": one.max_length}
    return {
        "type": "array",
        "items": _field_schema(one.child),
        **{name: bound for name, bound in bounds.items() if bound is not None},
    }


def _route(pattern: URLPattern, text: str) -> Route:
    callback = pattern.callback
    view = getattr(callback, "cls", callback)
    parameters: dict[str, Schema] = {}
    path = getattr(view, "path", None)
    if path is None and isinstance(pattern.pattern, RoutePattern):
        for converter, name in _CONVERTED.findall(text):
            parameters[name] = _PARAMETER_OF_CONVERTER.get(converter, STRING)
        path = "/" + _CONVERTED.sub(r"{\2}", text)
    return Route(
        path=path or f"/{text.lstrip('^')}",
        name=pattern.name or "",
        view=view,
        parameters=getattr(view, "parameters", parameters),
    )


def _identity(view: Any) -> str:
    return f"{view.__module__}.{view.__qualname__}"


def _operation(route: Route, method: str, operation: Operation, contract: Contract) -> Schema:
    written: Schema = {
        "operationId": f"{method.lower()}_{route.name}".replace("-", "_"),
        "summary": operation.summary,
        "tags": [route.view.__module__.partition(".")[0]],
        "parameters": _parameters(route, method, operation),
        "responses": _responses(route, method, operation, contract),
        "security": {
            "key": [{contract.scheme: []}],
            "public": [],
            "either": [{}, {contract.scheme: []}],
        }[operation.access],
    }
    if operation.access == "key":
        scope = getattr(route.view, "required_scopes", {}).get(method)
        written["description"] = (
            f"Needs the scope `{scope}`, or full access." if scope else "Needs full access."
        )
    content = _request_content(route, method, operation, contract)
    if content:
        required = bool(operation.raw) or _needs_body(operation, method, contract)
        written["requestBody"] = {"content": content, "required": required}
    return written


def _parameters(route: Route, method: str, operation: Operation) -> list[Schema]:
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in route.parameters.items()
    ]
    parameters += [
        {
            "name": name,
            "in": "query",
            "required": name in operation.required_query,
            "schema": schema,
        }
        for name, schema in operation.query.items()
    ]
    if method == "POST" and operation.access == "key":
        parameters.append(
            {
                "name": IDEMPOTENCY_HEADER,
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY_PATTERN}$"},
            }
        )
    return parameters


def _request_content(route: Route, method: str, operation: Operation, contract: Contract) -> Schema:
    content: Schema = {media_type: {"schema": {}} for media_type in operation.raw}
    if operation.body is not None:
        schema = body_schema(
            operation.body,
            partial=method == "PATCH",
            may_be_empty=contract.takes_empty_changes,
        )
        content["application/json"] = {"schema": schema}
    if operation.form is not None:
        part = cast("FilePart", route.view.file_part)
        form = body_schema(operation.form)
        form["properties"] = {
            **cast("Schema", form["properties"]),
            part.name: {"type": "string", "contentMediaType": "application/octet-stream"},
        }
        form["required"] = [*cast("list[str]", form.get("required", [])), part.name]
        content["multipart/form-data"] = {"schema": form}
    return content


def _needs_body(operation: Operation, method: str, contract: Contract) -> bool:
    if method == "PATCH":
        return not contract.takes_empty_changes
    shapes = [shape for shape in (operation.body, operation.form) if shape is not None]
    return any(one.required for shape in shapes for one in shape().fields.values())


def _responses(
    route: Route, method: str, operation: Operation, contract: Contract
) -> dict[str, Schema]:
    responses: dict[str, Schema] = {}
    for status, schema in operation.answers.items():
        answer: Schema = {"description": HTTPStatus(status).phrase}
        if schema is not None:
            forms = {operation.media_type: schema, **operation.other_forms}
            answer["content"] = {name: {"schema": form} for name, form in forms.items()}
        responses[str(status)] = answer
    if method == "GET" and HTTPStatus.OK in operation.answers:
        responses["304"] = {"description": "If-None-Match names the answer that there is."}
    refused = _refusals(route, method, operation)
    for status in sorted({contract.stands_for.get(one, one) for one in refused}):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    if operation.access != "public":
        for code, answer in responses.items():
            answer["headers"] = _headers(int(code))
    return responses


def _headers(status: int) -> Schema:
    """Those that every answer to a valid key has, where a limit is set; each 429 says how long to wait."""
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": {"schema": STRING}}
    told: Schema = {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMITS}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        told["Retry-After"] = _RETRY_AFTER
    return told


def _refusals(route: Route, method: str, operation: Operation) -> set[int]:
    refused = {400, *operation.refusals}
    if operation.access != "public":
        refused |= {401, 403, 429}
    if route.parameters:
        refused.add(404)
    if operation.body or operation.form:
        refused |= {413, 415}
    if operation.raw:
        refused.add(413)
    if method == "POST":
        refused |= {409, 422}  # what an Idempotency-Key can lead to
    return refused


def _with_references(value: object, components: dict[str, Schema]) -> object:
    """`value` with each titled schema moved to the components."""
    if isinstance(value, list):
        return [_with_references(item, components) for item in value]
    if not isinstance(value, dict):
        return value
    inside = {name: _with_references(item, components) for name, item in value.items()}
    title = inside.get("title")
    if not isinstance(title, str):
        return inside
    if components.setdefault(title, inside) != inside:
        raise ValueError(f"two schemas are called {title}")
    return {"$ref": f"#/components/schemas/{title}"}
