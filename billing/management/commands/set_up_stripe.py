"""Makes the meters, products and prices at Stripe that plans are sold with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.gateways.stripe import stripe_gateway
from billing.gateways.stripe_catalog import set_up_catalog
from core.errors import PodwrightError


class Command(BaseCommand):
    help = "Make what is missing at Stripe; what is there stays as it is."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.STRIPE_SECRET_KEY:
            raise CommandError("STRIPE_SECRET_KEY is not set.")
        gateway = stripe_gateway(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)
        try:
            for line in set_up_catalog(gateway):
                self.stdout.write(line)
        except PodwrightError as error:
            raise CommandError(error.message) from None
        self.stdout.write(
            f"Send Stripe's events to {settings.PUBLIC_URL}/api/billing/stripe/events"
        )
