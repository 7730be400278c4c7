"""The PodRead contract's calls about who is calling: the device flow and the account's status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from billing.services import episode_usage
from core.client_address import client_address, packed_network
from keys.caller import account_of
from keys.devices import (
    LIFETIME,
    POLL_SECONDS,
    AuthorizationPending,
    DeviceCodeExpired,
    exchange_device,
    start_device,
)
from keys.scopes import EPISODES_READ
from narration.limits import characters_allowed, is_paid, limit_calls
from narration.podread import PodReadView

MINUTE = timedelta(minutes=1)
#: Calls a minute from one address (contracts/podread.md section 2.2).
CODES_PER_MINUTE, TOKENS_PER_MINUTE = 5, 30
_SECRET = {"Cache-Control": "no-store"}


class DeviceCodeView(PodReadView):
    """Where a program without a browser begins."""

    authentication_classes = []
    permission_classes = []

    def post(self, request: Request) -> Response:
        """200 with the two codes and the page on which a person confirms."""
        _limit(request, "device-codes", CODES_PER_MINUTE)
        started = start_device(now=timezone.now())
        return Response(
            {
                "device_code": started.device_code,
                "verification_url": f"{settings.PUBLIC_URL}/auth/device?code={started.user_code}",
                "user_code": started.user_code,
                "expires_in": int(LIFETIME.total_seconds()),
                "interval": POLL_SECONDS,
            },
            headers=_SECRET,
        )


class DeviceTokenView(PodReadView):
    """Where the program asks whether a person has confirmed."""

    authentication_classes = []
    permission_classes = []

    def post(self, request: Request) -> Response:
        """200 with the key, once; 400 with one of the contract's two words until and after then."""
        _limit(request, "device-tokens", TOKENS_PER_MINUTE)
        body = request.data
        code = body.get("device_code") if isinstance(body, Mapping) else None
        try:
            issued = exchange_device(
                device_code=code if isinstance(code, str) else "", now=timezone.now()
            )
        except (AuthorizationPending, DeviceCodeExpired) as error:
            return Response({"error": error.code}, status=status.HTTP_400_BAD_REQUEST)
        return Response(
            {"access_token": issued.secret, "user_email": issued.key.account.email or ""},
            headers=_SECRET,
        )


class AccountStatusView(PodReadView):
    """What the account may do."""

    required_scopes = {"GET": EPISODES_READ}

    def get(self, request: Request) -> Response:
        """Four keys; without a cap on episodes there are no credits to count: tier `unlimited`."""
        account = account_of(request)
        usage = episode_usage(account, now=timezone.now())
        tier = "premium" if is_paid(usage.plan) else "free"
        return Response(
            {
                "email": account.email or "",
                "tier": "unlimited" if usage.remaining is None else tier,
                "credits_remaining": usage.remaining,
                "character_limit": characters_allowed(usage.plan),
            }
        )


@csrf_exempt
def machine_payments(request: HttpRequest, rest: str) -> JsonResponse:
    """Payments by machines are not offered: every address of theirs is absent, whatever the method."""
    return JsonResponse({"error": "Machine payments are not offered here."}, status=404)


machine_payments.document = PodReadView.document  # type: ignore[attr-defined]


def _limit(request: Request, name: str, limit: int) -> None:
    address = client_address(request.META, trusted=settings.TRUSTED_PROXIES)
    limit_calls(
        name,
        key=packed_network(address) if address else b"",
        limit=limit,
        window=MINUTE,
        now=timezone.now(),
    )
