"""The PodClaw contract's envelope: one table from kinds of refusal to status and body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PaymentRequired,
    PodwrightError,
    QuotaExceeded,
    TooLarge,
    Unprocessable,
    UnsupportedType,
    Upstream,
    by_kind,
)

#: Kind of refusal -> HTTP status (contracts/podclaw.md section 1).
STATUS_OF_KIND: dict[type[PodwrightError], int] = {
    NotFound: status.HTTP_404_NOT_FOUND,
    Conflict: status.HTTP_409_CONFLICT,
    Invalid: status.HTTP_400_BAD_REQUEST,
    Unprocessable: status.HTTP_422_UNPROCESSABLE_ENTITY,
    TooLarge: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    UnsupportedType: status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    PaymentRequired: status.HTTP_402_PAYMENT_REQUIRED,
    Forbidden: status.HTTP_403_FORBIDDEN,
    QuotaExceeded: status.HTTP_429_TOO_MANY_REQUESTS,
    Upstream: status.HTTP_502_BAD_GATEWAY,
}

#: For limits that no waiting lifts, such as the shows of a plan: keeps clients from asking at once.
DEFAULT_RETRY_AFTER_SECONDS = 3_600


def error_body(message: str, **extra: object) -> dict[str, object]:
    """`{"success": false, "error": message}` and whatever else helps."""
    return {"success": False, "error": message, **extra}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn a domain or framework refusal into the contract's body; None leaves it a 500."""
    if isinstance(error, PodwrightError):
        return _domain_response(error)
    if isinstance(error, Http404):
        return Response(error_body("Not found"), status=status.HTTP_404_NOT_FOUND)
    if isinstance(error, exceptions.ValidationError):
        field, message = first_validation_error(error.detail)
        text = f"{field}: {message}" if field else message
        return Response(
            error_body(text, code="invalid", field=field), status=status.HTTP_400_BAD_REQUEST
        )
    if isinstance(error, exceptions.APIException):
        return _framework_response(error, context)
    return None


def first_validation_error(detail: object, path: str = "") -> tuple[str | None, str]:
    """The first field at fault and its message; list positions become part of the field's path."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if inner:
                step = "" if name == "non_field_errors" else str(name)
                joined = ".".join(part for part in (path, step) if part)
                return first_validation_error(inner, joined)
    if isinstance(detail, list):
        for inner in detail:
            if inner:
                return first_validation_error(inner, path)
    return path or None, str(detail)


def _domain_response(error: PodwrightError) -> Response:
    code = by_kind(error, STATUS_OF_KIND)
    extra: dict[str, object] = {"code": error.code, **error.details}
    if error.field:
        extra["field"] = error.field
    headers = {}
    wait = extra.pop("retry_after", None)
    if wait is None and code == status.HTTP_429_TOO_MANY_REQUESTS:
        wait = DEFAULT_RETRY_AFTER_SECONDS
    if wait is not None:
        headers["Retry-After"] = str(wait)
    return Response(error_body(error.message, **extra), status=code, headers=headers)


def _framework_response(error: exceptions.APIException, context: Mapping[str, Any]) -> Response:
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        headers["WWW-Authenticate"] = "Bearer"
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    _field, message = first_validation_error(error.detail)
    if isinstance(error, exceptions.UnsupportedMediaType):
        accepted = [parser.media_type for parser in getattr(context["view"], "parser_classes", ())]
        message += f" Send the body with the header Content-Type: {' or '.join(accepted)}"
    body = error_body(message, code=error.default_code)
    return Response(body, status=error.status_code, headers=headers)
