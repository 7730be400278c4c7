"""The PodRead contract's envelope: every refusal as `{"error": "<sentence>"}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from billing.services import EpisodeQuotaExceeded, ShowQuotaExceeded
from core.api import ContractView
from core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PodwrightError,
    QuotaExceeded,
    TooLarge,
    Upstream,
    by_kind,
)
from core.podclaw import first_validation_error
from core.rate_limits import TooManyRequests
from core.web_addresses import UrlInvalid

#: Kind of refusal -> HTTP status (contracts/podread.md section 3.1).
STATUS_OF_KIND: dict[type[PodwrightError], int] = {
    EpisodeQuotaExceeded: status.HTTP_402_PAYMENT_REQUIRED,
    ShowQuotaExceeded: status.HTTP_402_PAYMENT_REQUIRED,
    NotFound: status.HTTP_404_NOT_FOUND,
    Conflict: status.HTTP_409_CONFLICT,
    TooLarge: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    Invalid: status.HTTP_422_UNPROCESSABLE_ENTITY,
    Forbidden: status.HTTP_403_FORBIDDEN,
    QuotaExceeded: status.HTTP_429_TOO_MANY_REQUESTS,
    Upstream: status.HTTP_502_BAD_GATEWAY,
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn a refusal into the contract's body; None leaves it a 500."""
    if isinstance(error, PodwrightError):
        wait = error.details.get("retry_after")
        headers = (
            {}
            if wait is None or isinstance(error, EpisodeQuotaExceeded)
            else {"Retry-After": str(wait)}
        )
        return Response(_domain_body(error), status=by_kind(error, STATUS_OF_KIND), headers=headers)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        # Without WWW-Authenticate, as the contract has it.
        return Response({"error": "Unauthorized"}, status=status.HTTP_401_UNAUTHORIZED)
    if isinstance(error, Http404):
        return Response({"error": "Episode not found"}, status=status.HTTP_404_NOT_FOUND)
    if isinstance(error, exceptions.APIException):
        field, message = first_validation_error(error.detail)
        sentence = f"{field}: {message}" if field else message
        return Response({"error": sentence}, status=error.status_code)
    return None


def _domain_body(error: PodwrightError) -> dict[str, object]:
    if isinstance(error, EpisodeQuotaExceeded):
        is_paid = error.usage.plan.is_for_sale
        return {
            "error": "Payment required",
            "credits_remaining": error.usage.remaining,
            # Two generations of the contract name the same fact.
            "subscription_active": is_paid,
            "paid_user": is_paid,
            "upgrade_url": f"{settings.PUBLIC_URL}/billing",
        }
    if isinstance(error, TooManyRequests):
        return {"error": "Rate limit exceeded. Please try again later."}
    # The contract has one sentence for whatever is wrong with an address.
    return {"error": "Invalid URL" if isinstance(error, UrlInvalid) else error.message}


class PodReadView(ContractView):
    """A view whose refusals have the contract's envelope."""

    document = "/api/v1/openapi.json"

    def get_exception_handler(
        self,
    ) -> Callable[[Exception, Mapping[str, Any]], Response | None]:
        """The contract's table instead of the default one."""
        return exception_handler
