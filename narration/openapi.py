"""GET /api/v1/openapi.json: the PodRead contract and our additions to it, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from narration.models import Narration
from narration.podread import PodReadView
from production.reading_rules import PARTS, RULES

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_INTEGER: Schema = {"type": "integer"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_NUMBER_OR_NULL: Schema = {"type": ["integer", "null"]}
_RULES: Schema = {
    "type": "object",
    "properties": {part: {"enum": list(RULES)} for part in PARTS},
    "additionalProperties": False,
}
_DESCRIBED: Schema = {
    "title": {"type": "string", "maxLength": 255},
    "author": {"type": "string", "maxLength": 255},
    "description": {"type": "string", "maxLength": 1_000},
    "voice": _STRING,
    "rules": _RULES,
    "show_id": {"type": "integer", "description": "A show of yours instead of the private feed."},
}


def _an_object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _source(name: str, **own: Schema) -> Schema:
    optional = {"html"}
    properties = {"source_type": {"const": name}, **own, **_DESCRIBED}
    required = ["source_type", *(field for field in own if field not in optional)]
    return {"type": "object", "properties": properties, "required": required}


_SCHEMAS: Schema = {
    "Error": _an_object(error=_STRING),
    "PaymentRequired": _an_object(
        error={"const": "Payment required"},
        credits_remaining={"type": "integer"},
        subscription_active={"type": "boolean"},
        paid_user={"type": "boolean"},
        upgrade_url={"type": "string", "format": "uri"},
    ),
    "Episode": _an_object(
        id=_STRING,
        title=_STRING,
        author=_STRING,
        description=_STRING,
        status={"enum": ["pending", "preparing", "processing", "complete", "failed"]},
        source_type={"enum": list(Narration.SourceType.values)},
        source_url=_TEXT_OR_NULL,
        audio_url=_TEXT_OR_NULL,
        duration_seconds=_NUMBER_OR_NULL,
        error_message=_TEXT_OR_NULL,
        created_at={"type": "string", "format": "date-time"},
    ),
    "Voice": _an_object(id=_STRING, name=_STRING, accent=_STRING, gender=_STRING),
    "FeedListener": _an_object(id=_INTEGER, name=_STRING, feed_url=_STRING, created_at=_STRING),
    "LexiconEntry": _an_object(
        id={"type": "integer"},
        word=_STRING,
        respelling=_TEXT_OR_NULL,
        phonemes=_TEXT_OR_NULL,
        show_id=_NUMBER_OR_NULL,
    ),
    "ReadingSettings": _an_object(rules=_RULES, voice=_STRING),
}
_EPISODE, _ENTRY, _READING = (
    {"$ref": f"#/components/schemas/{name}"}
    for name in ("Episode", "LexiconEntry", "ReadingSettings")
)
_DELETED = _an_object(deleted={"const": True})
_NEW_JSON: Schema = {
    "oneOf": [
        _source("url", url=_STRING, html=_STRING),
        _source("text", text=_STRING),
        _source("extension", url=_STRING, content=_STRING),
    ]
}
_NEW_FORM = _source("file", file={"type": "string", "format": "binary"})
_NEW_WORD: Schema = {
    "type": "object",
    "properties": {
        "word": _STRING,
        "respelling": _TEXT_OR_NULL,
        "phonemes": _TEXT_OR_NULL,
        "show_id": _NUMBER_OR_NULL,
    },
    "required": ["word"],
}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _call(
    summary: str,
    answer: Schema,
    *,
    status: int = 200,
    body: Schema | None = None,
    refusals: tuple[int, ...] = (),
    is_public: bool = False,
) -> Schema:
    """One operation; `body` maps media types to schemas."""
    statuses = [*([] if is_public else [401, 403]), *refusals]
    call: Schema = {
        "summary": summary,
        "responses": {
            str(status): {"description": summary, "content": _json(answer)},
            **{str(number): _refusal(number) for number in statuses},
        },
    }
    if body is not None:
        call["requestBody"] = {"content": body, "required": True}
    if is_public:
        call["security"] = []
    return call


def _with_sound(call: Schema) -> Schema:
    call["responses"]["200"]["content"] = {"audio/wav": {}}
    return call


def _refusal(status: int) -> Schema:
    name = "PaymentRequired" if status == 402 else "Error"  # noqa: PLR2004 - an HTTP status
    content = _json({"$ref": f"#/components/schemas/{name}"})
    return {"description": "Refused; `error` says why.", "content": content}


def _in(place: str, name: str, schema: Schema) -> Schema:
    return {"in": place, "name": name, "required": place == "path", "schema": schema}


_ID = [_in("path", "id", _STRING)]
_PAGES = [_in("query", "page", {"type": "integer"}), _in("query", "limit", {"type": "integer"})]
_SHOW = _in("path", "show_id", _INTEGER)
_LISTENER = _in("path", "id", _INTEGER)
_FEED_LISTENER = {"$ref": "#/components/schemas/FeedListener"}
_LISTENERS: Schema = {
    "get": _call(
        "List the listeners of a private feed",
        _an_object(listeners={"type": "array", "items": _FEED_LISTENER}),
        refusals=(404,),
    ),
    "post": _call(
        "Give a listener an address of the feed that can be taken back",
        _FEED_LISTENER,
        status=201,
        body=_json(_an_object(name=_STRING)),
        refusals=(400, 404, 409),
    ),
}
_PRIVATE_FEED = _an_object(id=_INTEGER, title=_STRING, feed_url=_STRING, created_at=_STRING)
_FEEDS: Schema = {
    "get": _call(
        "List your private feeds", _an_object(feeds={"type": "array", "items": _PRIVATE_FEED})
    ),
    "post": _call(
        "Make one more private feed; show_id names it in POST /api/v1/episodes",
        _PRIVATE_FEED,
        status=201,
        body=_json(_an_object(title=_STRING)),
        refusals=(400, 402),
    ),
}
_REMOVE_LISTENER: Schema = {
    "delete": _call("Take the address back", _DELETED, refusals=(404,)),
}
_PATHS: Schema = {
    "/api/v1/episodes": {
        "get": {
            **_call(
                "List your narrations, newest first",
                _an_object(
                    episodes={"type": "array", "items": _EPISODE},
                    meta=_an_object(page=_INTEGER, limit=_INTEGER, total=_INTEGER),
                ),
            ),
            "parameters": _PAGES,
        },
        "post": _call(
            "Narrate an article, a text, or a file (txt, md, html, docx, pdf, epub; 10 MB)",
            _an_object(id=_STRING),
            status=201,
            body={**_json(_NEW_JSON), "multipart/form-data": {"schema": _NEW_FORM}},
            refusals=(400, 402, 404, 409, 413, 415, 422, 429),
        ),
    },
    "/api/v1/episodes/{id}": {
        "parameters": _ID,
        "get": _call("Read one", _an_object(episode=_EPISODE), refusals=(404,)),
        "delete": _call("Delete one", _DELETED, refusals=(404,)),
    },
    "/api/v1/episodes/{id}/left-out": {
        "parameters": _ID,
        "get": _call(
            "Tell what of the source is not read aloud",
            _an_object(left_out={"type": "array", "items": _an_object(kind=_STRING, text=_STRING)}),
            refusals=(404,),
        ),
    },
    "/api/v1/voices": {
        "get": _call(
            "List the voices",
            _an_object(voices={"type": "array", "items": {"$ref": "#/components/schemas/Voice"}}),
        )
    },
    "/api/v1/feed": {"get": _call("Tell your private feed", _an_object(feed_url=_STRING))},
    "/api/v1/feeds": _FEEDS,
    "/api/v1/feed/listeners": _LISTENERS,
    "/api/v1/feed/{show_id}/listeners": {"parameters": [_SHOW], **_LISTENERS},
    "/api/v1/feed/listeners/{id}": {"parameters": [_LISTENER], **_REMOVE_LISTENER},
    "/api/v1/feed/{show_id}/listeners/{id}": {
        "parameters": [_SHOW, _LISTENER],
        **_REMOVE_LISTENER,
    },
    "/api/v1/auth/status": {
        "get": _call(
            "Tell plan and limits",
            _an_object(
                email=_STRING,
                tier={"enum": ["free", "premium", "unlimited"]},
                credits_remaining=_NUMBER_OR_NULL,
                character_limit=_NUMBER_OR_NULL,
            ),
        )
    },
    "/api/v1/auth/device_codes": {
        "post": _call(
            "Begin to let a program in",
            _an_object(
                device_code=_STRING,
                verification_url=_STRING,
                user_code=_STRING,
                expires_in={"type": "integer"},
                interval={"type": "integer"},
            ),
            refusals=(429,),
            is_public=True,
        )
    },
    "/api/v1/auth/device_tokens": {
        "post": _call(
            "Ask whether a person has let the program in",
            _an_object(access_token=_STRING, user_email=_STRING),
            body=_json(_an_object(device_code=_STRING)),
            refusals=(400, 429),
            is_public=True,
        )
    },
    "/api/v1/reading": {
        "get": _call("Tell how your texts are read", _READING),
        "patch": _call(
            "Change how your texts are read",
            _READING,
            body=_json({"type": "object", "properties": {"rules": _RULES, "voice": _TEXT_OR_NULL}}),
            refusals=(400, 422),
        ),
    },
    "/api/v1/lexicon": {
        "get": _call(
            "List the words spoken in a way of their own",
            _an_object(lexicon={"type": "array", "items": _ENTRY}),
        ),
        "post": _call(
            "Say how a word is spoken",
            _ENTRY,
            status=201,
            body=_json(_NEW_WORD),
            refusals=(400, 404, 422),
        ),
    },
    "/api/v1/lexicon/{id}": {
        "parameters": [_in("path", "id", {"type": "integer"})],
        "delete": _call("Forget how a word is spoken", _DELETED, refusals=(404,)),
    },
    "/api/v1/lexicon/preview": {
        "post": _with_sound(
            _call(
                "Hear a short text (WAV)",
                {},
                body=_json(
                    {
                        "type": "object",
                        "properties": {
                            **_NEW_WORD["properties"],
                            "text": {"type": "string", "maxLength": 200},
                            "voice": _TEXT_OR_NULL,
                        },
                        "required": ["text"],
                    }
                ),
                refusals=(400, 422, 429, 502),
            )
        )
    },
}


class OpenApiView(PodReadView):
    """The document; anybody may read it, from any page."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """The document for this server's public address."""
        return Response(
            {
                "openapi": "3.1.0",
                "info": {"title": "Podwright: narration", "version": settings.VERSION},
                "servers": [{"url": settings.PUBLIC_URL}],
                "security": [{"bearer": []}],
                "paths": _PATHS,
                "components": {
                    "schemas": _SCHEMAS,
                    "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
                },
            },
            headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"},
        )
