"""Plans, the account's bill and activation over HTTP (contracts/podclaw.md E19 to E21)."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from billing.activation import activate_plan
from billing.descriptions import (
    ACTIVATION_OPERATIONS,
    BILLING_OPERATIONS,
    PLAN_LIST_OPERATIONS,
    STRIPE_EVENT_OPERATIONS,
)
from billing.gateways.addresses import management_address
from billing.gateways.registry import payment_gateway
from billing.inbox import receive_event
from billing.plans import PLANS, Plan
from billing.serializers import (
    Activation,
    CheckoutAddress,
    activation_object,
    billing_object,
    plan_objects,
    upgraded_message,
)
from billing.signed_body import SignedBody
from billing.statements import statement_of
from core.api import ContractView
from keys.caller import account_of, key_of


class PlanListView(ContractView):
    """E19. Public; a key with full access gets checkout addresses that are bound to its account."""

    operations = PLAN_LIST_OPERATIONS

    def get_permissions(self) -> list[Any]:
        """Anybody may look."""
        return [AllowAny()]

    def get(self, request: Request) -> Response:
        """All plans, smallest first."""
        key = key_of(request)
        account = account_of(request) if key is not None and key.has_full_access else None
        return Response({"success": True, "plans": plan_objects(checkout=_checkout_for(account))})


class BillingView(ContractView):
    """E20; full access only (A3)."""

    operations = BILLING_OPERATIONS

    def get(self, request: Request) -> Response:
        """Plan, cycle, usage, estimated costs and larger plans."""
        account = account_of(request)
        now = timezone.now()
        statement = statement_of(account, now=now)
        billing = billing_object(statement, now=now, checkout=_checkout_for(account))
        if statement.is_paid:
            billing["manage_url"] = management_address(account)
        return Response({"success": True, "billing": billing})


class ActivationView(ContractView):
    """E21; full access only (A3)."""

    operations = ACTIVATION_OPERATIONS

    def post(self, request: Request) -> Response:
        """200 when the plan is paid for or granted, else 402 with the address to pay at."""
        wanted = self.parsed_body(Activation)
        plan = PLANS[wanted["plan"]]
        subscription = activate_plan(
            account=account_of(request),
            plan=plan,
            email=wanted.get("email"),
            gateway=payment_gateway(),
            now=timezone.now(),
        )
        return Response(
            {
                "success": True,
                "message": upgraded_message(plan),
                "billing": activation_object(subscription),
            }
        )


class StripeEventView(ContractView):
    """Where Stripe tells what happened; whoever knows the webhook's secret may call."""

    operations = STRIPE_EVENT_OPERATIONS
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (SignedBody,)

    def post(self, request: Request) -> Response:
        """200 once the event is stored, also when it was stored before."""
        if not settings.STRIPE_WEBHOOK_SECRET:
            raise Http404
        is_new = receive_event(
            body=cast("bytes", request.data),
            signature=request.headers.get("Stripe-Signature"),
            secret=settings.STRIPE_WEBHOOK_SECRET,
            now=timezone.now(),
        )
        return Response({"success": True, "received": is_new})


def _checkout_for(account: Account | None) -> CheckoutAddress:
    gateway = payment_gateway()

    def address(plan: Plan) -> str:
        return gateway.checkout_address(plan, account=account)

    return address
