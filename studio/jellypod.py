"""The Jellypod contract's envelope: one table from kinds of refusal to status, code and body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from billing.services import EpisodeQuotaExceeded, ShowQuotaExceeded
from core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PodwrightError,
    QuotaExceeded,
    Unprocessable,
    Upstream,
    by_kind,
)
from core.idempotency import AnswerNotKept, IdempotencyKeyReused, RequestStillRunning
from studio.limits import ConcurrentLimitReached, CreditsShort

BAD_REQUEST = (status.HTTP_400_BAD_REQUEST, "bad_request")
VALIDATION = (status.HTTP_400_BAD_REQUEST, "validation_error")
UNAUTHORIZED = (status.HTTP_401_UNAUTHORIZED, "unauthorized")
CREDITS = (status.HTTP_402_PAYMENT_REQUIRED, "insufficient_credits")
#: The contract has no scopes, and no code for a key that may not.
FORBIDDEN = (status.HTTP_403_FORBIDDEN, "unauthorized")
NOT_FOUND = (status.HTTP_404_NOT_FOUND, "not_found")
#: Only for repetitions under an Idempotency-Key, which are ours.
REPEATED = (status.HTTP_409_CONFLICT, "unprocessable_entity")
UNPROCESSABLE = (status.HTTP_422_UNPROCESSABLE_ENTITY, "unprocessable_entity")
RATE_LIMITED = (status.HTTP_429_TOO_MANY_REQUESTS, "rate_limited")
CONCURRENT = (status.HTTP_429_TOO_MANY_REQUESTS, "concurrent_limit_exceeded")
INTERNAL = (status.HTTP_500_INTERNAL_SERVER_ERROR, "internal_error")

#: Kind of refusal -> status and code (contracts/jellypod.md sections 1 and 13).
ANSWER_OF_KIND: dict[type[PodwrightError], tuple[int, str]] = {
    NotFound: NOT_FOUND,
    RequestStillRunning: REPEATED,
    AnswerNotKept: REPEATED,
    IdempotencyKeyReused: UNPROCESSABLE,
    Conflict: UNPROCESSABLE,
    Unprocessable: UNPROCESSABLE,
    Invalid: VALIDATION,
    Forbidden: FORBIDDEN,
    EpisodeQuotaExceeded: CREDITS,
    ShowQuotaExceeded: CREDITS,
    CreditsShort: CREDITS,
    ConcurrentLimitReached: CONCURRENT,
    QuotaExceeded: RATE_LIMITED,
    Upstream: INTERNAL,
}
#: DRF's refusals by status; all others are a bad request.
_ANSWER_OF_STATUS = {
    status.HTTP_403_FORBIDDEN: FORBIDDEN,
    status.HTTP_404_NOT_FOUND: NOT_FOUND,
    status.HTTP_405_METHOD_NOT_ALLOWED: (status.HTTP_405_METHOD_NOT_ALLOWED, "bad_request"),
    status.HTTP_429_TOO_MANY_REQUESTS: RATE_LIMITED,
}


def error_body(
    code: str, message: str, details: list[dict[str, str]] | None = None
) -> dict[str, object]:
    """The object under `error`; its request id is the one of the answer's X-Request-Id and the log."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "unknown")
    return {
        "error": {
            "code": code,
            "message": message,
            "request_id": f"req_{request_id}",
            "details": details or [],
        }
    }


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn a domain or framework refusal into the contract's body; None leaves it a 500."""
    if isinstance(error, PodwrightError):
        return _domain_response(error)
    if isinstance(error, Http404):
        return _response(NOT_FOUND, "Not found")
    if isinstance(error, exceptions.ValidationError):
        details = list(_details(error.detail))
        first = details[0]
        message = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
        return _response(VALIDATION, message, details=details)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return _response(UNAUTHORIZED, str(error.detail), headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, exceptions.APIException):
        return _response(_ANSWER_OF_STATUS.get(error.status_code, BAD_REQUEST), str(error.detail))
    return None


def _domain_response(error: PodwrightError) -> Response:
    answer = by_kind(error, ANSWER_OF_KIND)
    details = []
    if answer == VALIDATION:
        details = [{"field": error.field or "", "message": error.message}]
    headers = {}
    if "retry_after" in error.details:
        headers["Retry-After"] = str(error.details["retry_after"])
    return _response(answer, error.message, details=details, headers=headers)


def _response(
    answer: tuple[int, str],
    message: str,
    *,
    details: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    number, code = answer
    return Response(error_body(code, message, details), status=number, headers=headers)


def _details(detail: object, path: str = "") -> Iterator[dict[str, str]]:
    """Every field at fault with its message; list positions become part of the field's path."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from _details(inner, ".".join(part for part in (path, step) if part))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _details(inner, path)
    else:
        yield {"field": path, "message": str(detail)}
