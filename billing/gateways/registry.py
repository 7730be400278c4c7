"""Chooses the gateway by setting."""

from __future__ import annotations

from billing.gateways.base import Gateway
from billing.gateways.open import OpenGateway


def payment_gateway() -> Gateway:
    """The gateway of this instance."""
    return OpenGateway()
