"""Chooses the gateway by setting: Stripe with a key, else none."""

from __future__ import annotations

from django.conf import settings

from billing.gateways.base import Gateway
from billing.gateways.open import OpenGateway
from billing.gateways.stripe import stripe_gateway


def payment_gateway() -> Gateway:
    """The gateway of this instance."""
    if settings.STRIPE_SECRET_KEY:
        return stripe_gateway(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)
    return OpenGateway()
