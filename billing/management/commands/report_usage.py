"""Reports usage to Stripe now, as the sweep does every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.gateways.registry import payment_gateway
from billing.reporting import plan_reports, send_reports


class Command(BaseCommand):
    help = "Report to Stripe what the ledger knows more of than the reports so far."

    def handle(self, *_: Any, **__: Any) -> None:
        gateway = payment_gateway()
        if not gateway.takes_payments:
            raise CommandError("STRIPE_SECRET_KEY is not set: there is nobody to report to.")
        now = timezone.now()
        planned, sent = plan_reports(now=now), send_reports(gateway=gateway, now=now)
        self.stdout.write(f"{planned} reports written, {sent} attempted.")
