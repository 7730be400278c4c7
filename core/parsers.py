"""Reads JSON bodies from strangers: bounded in size and depth, and only what can be stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

#: 50,000 characters of text in any script, escaped, fit several times.
MAX_JSON_BYTES = 2_000_000
MAX_JSON_DEPTH = 50


class BodyTooLarge(APIException):
    """The body is over the limit of its kind."""

    status_code = 413
    default_detail = f"The request body is too large; the limit for JSON is {MAX_JSON_BYTES} bytes."
    default_code = "body_too_large"


class BoundedJSONParser(BaseParser):
    """RFC 8259 JSON, UTF-8, at most MAX_JSON_BYTES and MAX_JSON_DEPTH levels, no NaN, no name twice."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed body; raises `BodyTooLarge` (413) or `ParseError` (400)."""
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise BodyTooLarge
        try:
            # RFC 8259 section 8.1: a byte order mark may be ignored; some editors write one.
            value = json.loads(
                body.decode("utf-8-sig"),
                parse_constant=_refuse_constant,
                object_pairs_hook=_unambiguous,
            )
        except UnicodeDecodeError:
            raise ParseError("The body is not valid UTF-8.") from None
        except RecursionError:
            raise ParseError("The JSON body is nested too deeply.") from None
        except json.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from None
        except ValueError:
            # Python's limit for the digits of one number; its message is for programmers.
            raise ParseError("The JSON body holds a number with too many digits.") from None
        _check(value, depth=0)
        return value


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object; RFC 8259 leaves open what a repeated name means, so it is not guessed."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ParseError("The JSON body has an object that gives a name more than once.")
    return members


def _refuse_constant(name: str) -> None:
    raise ParseError(f"The body is not valid JSON: {name} is not JSON")


def _check(value: object, *, depth: int) -> None:
    """Refuse what parses but cannot be stored or walked safely."""
    if depth > MAX_JSON_DEPTH:
        raise ParseError("The JSON body is nested too deeply.")
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ParseError("The JSON body holds half of a surrogate pair.") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth=depth + 1)
            _check(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)
