"""The public page that explains the plans, and the addresses that lead to the payment service."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from billing.checkouts import payment_page
from billing.gateways.addresses import contact_address
from billing.gateways.registry import payment_gateway
from billing.plans import PLANS
from core.errors import NotFound, PodwrightError


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


@never_cache
@require_GET
def checkout(request: HttpRequest, token: str) -> HttpResponse:
    """To the page where the plan of this address is paid for its account; opening it twice is harmless."""
    try:
        target = payment_page(token=token, gateway=payment_gateway(), now=timezone.now())
    except PodwrightError as error:
        is_missing = isinstance(error, NotFound)
        message = error.message if is_missing else "Payments are out of order; try again later."
        context = {"message": message}
        return render(
            request, "billing/no_checkout.html", context, status=404 if is_missing else 503
        )
    return HttpResponseRedirect(target)
