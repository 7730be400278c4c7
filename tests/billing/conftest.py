"""Fixtures for tests against a Stripe on loopback."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from billing.gateways.registry import payment_gateway
from billing.gateways.stripe import StripeGateway
from billing.gateways.stripe_catalog import set_up_catalog
from billing.inbox import handle_due
from tests.fakes.stripe_server import (
    SECRET_KEY,
    WEBHOOK_SECRET,
    StripeServer,
    run_stripe_server,
    signed,
)

EVENTS = "/api/billing/stripe/events"


@pytest.fixture
def empty_stripe(settings) -> Iterator[StripeServer]:
    """A Stripe account in which nothing was set up, and an instance that knows its keys."""
    with run_stripe_server() as server:
        settings.STRIPE_SECRET_KEY = SECRET_KEY
        settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
        settings.STRIPE_API_BASE = server.address
        settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
        yield server


@pytest.fixture
def stripe(empty_stripe: StripeServer, gateway: StripeGateway) -> StripeServer:
    list(set_up_catalog(gateway))
    return empty_stripe


@pytest.fixture
def gateway(empty_stripe: StripeServer) -> StripeGateway:
    chosen = payment_gateway()
    assert isinstance(chosen, StripeGateway)
    return chosen


@pytest.fixture
def deliver(anonymous_client: APIClient, gateway: StripeGateway) -> Callable[..., list[int]]:
    """Posts events as Stripe does, has them handled, and gives the statuses of the answers."""

    def post(*events: dict[str, Any]) -> list[int]:
        statuses = []
        for event in events:
            body, signature = signed(event)
            answer = anonymous_client.post(
                EVENTS, body, content_type="application/json", HTTP_STRIPE_SIGNATURE=signature
            )
            statuses.append(answer.status_code)
            handle_due(gateway=gateway, now=timezone.now())
        return statuses

    return post


@pytest.fixture
def checkout_url() -> Callable[[APIClient, str], str]:
    """The path of the address at which the client's account can pay a plan."""

    def find(client: APIClient, plan: str) -> str:
        plans = client.get("/api/billing/plans").json()["plans"]
        return urlsplit(next(p["checkout_url"] for p in plans if p["id"] == plan)).path

    return find


@pytest.fixture
def buy(
    stripe: StripeServer, checkout_url: Callable[[APIClient, str], str]
) -> Callable[[APIClient, str], dict[str, Any]]:
    """Opens a checkout and pays it; no event is delivered yet."""

    def pay(client: APIClient, plan: str) -> dict[str, Any]:
        answer = client.get(checkout_url(client, plan))
        assert answer.status_code == 302, answer.content
        return stripe.pay(answer["Location"].rpartition("/")[2])

    return pay
