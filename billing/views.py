"""The public page that explains the plans and how to get one."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.gateways.addresses import contact_address
from billing.gateways.registry import payment_gateway
from billing.plans import PLANS


@require_safe
def plans_page(request: HttpRequest) -> HttpResponse:
    """Plans with their prices; without a key there is no address to pay at, so it says how to get one."""
    return render(
        request,
        "billing/plans.html",
        {
            "base": settings.PUBLIC_URL,
            "contact": contact_address(),
            "gateway": payment_gateway().name,
            "plans": PLANS.values(),
        },
    )
