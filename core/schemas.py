"""Pieces of JSON Schema, to describe what calls take and answer."""

from __future__ import annotations

from collections.abc import Sequence

from core.routes import MAX_ID

Schema = dict[str, object]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
URL: Schema = {"type": "string", "format": "uri"}
UUID: Schema = {"type": "string", "format": "uuid"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
#: `limit` and `offset` of a list; larger limits are clamped to what the description says.
PAGE: dict[str, Schema] = {"limit": COUNT, "offset": COUNT}


def an_object(**properties: Schema) -> Schema:
    """An object that always has these members; more may come."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def an_answer(**properties: Schema) -> Schema:
    """The envelope of a success with its payload."""
    return an_object(success={"const": True}, **properties)


def a_list(items: Schema) -> Schema:
    """An array of `items`."""
    return {"type": "array", "items": items}


def one_of(values: Sequence[str]) -> Schema:
    """One of a few words."""
    return {"type": "string", "enum": list(values)}


def or_null(schema: Schema) -> Schema:
    """`schema`, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def titled(title: str, schema: Schema) -> Schema:
    """`schema` under a name, by which the document refers to it."""
    return {"title": title, **schema}
