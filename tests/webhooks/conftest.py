"""Fixtures for tests of webhooks: a receiver on loopback, a clock to turn, endpoints."""

from __future__ import annotations

import ipaddress
import itertools
import json
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from tests.fakes.web_server import WebServer, answer
from webhooks.dispatcher import Dispatcher
from webhooks.services import record_event, register_endpoint


class Clock:
    """Tells the time that the test set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **units: float) -> None:
        self.now += timedelta(**units)


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.fixture
def receiver(settings):
    settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.0/8")]
    with WebServer() as server:
        server.routes["/hook"] = answer(b"thanks")
        yield server


@pytest.fixture
def endpoint(owner, receiver, now):
    return register_endpoint(account=owner, url=receiver.url("/hook"), events=["*"], now=now)


@pytest.fixture
def record(owner, clock):
    """Records an event in a transaction of its own, as a change does."""

    def make(event_type="show.created", account=owner, **data):
        with transaction.atomic():
            return record_event(
                account=account, type=event_type, data={"id": 1} | data, now=clock()
            )

    return make


@pytest.fixture
def dispatch(clock):
    """Sends what is due now and returns when nothing is under way."""
    return Dispatcher(clock=clock, linger=0).run


@pytest.fixture
def bodies(receiver):
    """The JSON bodies received so far."""
    return lambda: [json.loads(one.split(b"\r\n\r\n", 1)[1]) for one in receiver.requests]


def failing_every(number: int, good: bytes = b"", status: str = "500 Broken"):
    """A behaviour that fails each `number`th call."""
    calls = itertools.count(1)

    def behave(connection):
        failed = next(calls) % number == 0
        connection.sendall(answer(b"no", status=status) if failed else answer(good))

    return behave
