"""A server that speaks Stripe's HTTP API on loopback, for the calls that we make, with buyers to play.

Requests are form-encoded and answers JSON, an Idempotency-Key is honoured, identifiers of meter
events are unique for a day, and everything that happens becomes an event as Stripe would send it.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe

SECRET_KEY = "sk_test_of_this_server"
WEBHOOK_SECRET = "whsec_of_this_server"
PERIOD = 30 * 86_400
DAY = 86_400

Json = dict[str, Any]


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        kind = "invalid_request_error" if status < 500 else "api_error"
        self.body = {"error": {"type": kind, "message": message, "code": code}}


@dataclass
class StripeServer:
    """All that this Stripe knows. Its methods play the buyer and the bank; `events` tells of it."""

    address: str = ""
    sessions: dict[str, Json] = field(default_factory=dict)
    subscriptions: dict[str, Json] = field(default_factory=dict)
    prices: dict[str, Json] = field(default_factory=dict)
    products: dict[str, Json] = field(default_factory=dict)
    meters: dict[str, Json] = field(default_factory=dict)
    meter_events: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    #: What is fetched of those events that are sent without their content.
    thin_events: dict[str, Json] = field(default_factory=dict)
    answered: dict[str, tuple[str, int, Json]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    #: Statuses for the next requests, instead of what they ask for.
    failures: list[int] = field(default_factory=list)
    #: After so many meter events the answers stop coming, though the events count.
    silent_after: int | None = None
    release: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # --- the buyer and the bank -----------------------------------------------------------------

    def pay(self, session_id: str) -> Json:
        """Pay a checkout: its subscription becomes active."""
        session = self.sessions[session_id]
        assert session["status"] == "open"
        now = int(time.time())
        made = {
            "id": self._id("sub"),
            "object": "subscription",
            "customer": self._id("cus"),
            "status": "active",
            "metadata": session["subscription_data"]["metadata"],
            "start_date": now,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "ended_at": None,
            "items": {
                "object": "list",
                "has_more": False,
                "url": "/v1/subscription_items",
                "data": [
                    {
                        "id": self._id("si"),
                        "object": "subscription_item",
                        "price": self.prices[item["price"]],
                        "current_period_start": now,
                        "current_period_end": now + PERIOD,
                    }
                    for item in session["line_items"]
                ],
            },
        }
        self.subscriptions[made["id"]] = made
        session |= {
            "status": "complete",
            "payment_status": "paid",
            "subscription": made["id"],
            "customer": made["customer"],
            "customer_details": {"email": "buyer@example.com"},
            "url": None,
        }
        self._tell("customer.subscription.created", made)
        self._tell("checkout.session.completed", session)
        self._tell_invoice("invoice.paid", made)
        return made

    def change(self, subscription_id: str, event: str, **changes: Any) -> None:
        """Change a subscription and tell of it."""
        self.subscriptions[subscription_id] |= changes
        self._tell(event, self.subscriptions[subscription_id])

    def switch_plan(self, subscription_id: str, plan: str) -> None:
        """Put the prices of another plan into the subscription; its period goes on."""
        items = self.subscriptions[subscription_id]["items"]["data"]
        for item in items:
            part = item["price"]["lookup_key"].rpartition("_")[2]
            item["price"] = self.price(f"podwright_{plan}_{part}")
        self.change(subscription_id, "customer.subscription.updated")

    def fail_payment(self, subscription_id: str) -> None:
        """The card is refused."""
        self._tell_invoice("invoice.payment_failed", self.subscriptions[subscription_id])
        self.change(subscription_id, "customer.subscription.updated", status="past_due")

    def recover(self, subscription_id: str) -> None:
        """The card works again."""
        self.change(subscription_id, "customer.subscription.updated", status="active")
        self._tell_invoice("invoice.paid", self.subscriptions[subscription_id])

    def end(self, subscription_id: str) -> None:
        """The subscription is over."""
        now = int(time.time())
        self.change(
            subscription_id,
            "customer.subscription.deleted",
            status="canceled",
            ended_at=now,
            canceled_at=now,
        )

    def price(self, key: str) -> Json:
        """The price with a lookup key."""
        return next(price for price in self.prices.values() if price["lookup_key"] == key)

    def metered(self, customer: str, event_name: str) -> int:
        """What the customer's next invoice would count."""
        return sum(
            int(event["payload"]["value"])
            for event in self.meter_events
            if event["event_name"] == event_name
            and event["payload"]["stripe_customer_id"] == customer
        )

    def find_meter_errors(self, *, message: str) -> Json:
        """Fail to count what was taken; gives the thin event that tells of it."""
        samples = [
            {"error_message": message, "request": {"identifier": event["key"]}}
            for event in self.meter_events
        ]
        reason = {
            "error_count": len(samples),
            "error_types": [
                {
                    "code": "meter_event_customer_not_found",
                    "error_count": len(samples),
                    "sample_errors": samples,
                }
            ],
        }
        thin = {
            "id": self._id("evt"),
            "object": "v2.core.event",
            "type": "v1.billing.meter.error_report_triggered",
            "created": "2026-03-15T12:00:00.000Z",
            "livemode": False,
            "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/x"},
        }
        self.thin_events[thin["id"]] = {**thin, "data": {"reason": reason}}
        self.meter_events.clear()
        return thin

    # --- requests -------------------------------------------------------------------------------

    def answer(self, method: str, path: str, form: Json, key: str | None) -> tuple[int, Json]:
        """Status and body for one request."""
        with self.lock:
            self.asked.append(f"{method} {path}")
            if self.failures:
                status = self.failures.pop(0)
                return status, {"error": {"type": "api_error", "message": "Out of order"}}
            given = json.dumps([method, path, form], sort_keys=True)
            if method == "POST" and key in self.answered:
                before, status, body = self.answered[key]
                if before != given:
                    message = (
                        "Keys for idempotent requests can only be used with the same parameters"
                    )
                    return 400, {"error": {"type": "idempotency_error", "message": message}}
                return status, body
            try:
                status, body = 200, self._route(method, path, form)
                if path == "/v1/billing/meter_events":
                    body["key"] = key
            except Refused as refused:
                status, body = refused.status, refused.body
            if method == "POST" and key:
                self.answered[key] = given, status, json.loads(json.dumps(body))
            return status, body

    def _route(self, method: str, path: str, form: Json) -> Json:
        for wanted, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, path)
            if wanted == method and found:
                return getattr(self, name)(form, *found.groups())
        raise Refused(404, f"Unrecognized request URL ({method}: {path})")

    def _open_session(self, form: Json) -> Json:
        for item in form["line_items"]:
            if item["price"] not in self.prices:
                raise Refused(400, f"No such price: '{item['price']}'", code="resource_missing")
        session_id = self._id("cs_test")
        self.sessions[session_id] = {
            **form,
            "id": session_id,
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "subscription": None,
            "customer": None,
            "customer_details": None,
            "url": f"https://checkout.stripe.example/c/pay/{session_id}",
        }
        return self.sessions[session_id]

    def _session(self, form: Json, session_id: str) -> Json:
        return _known(self.sessions, session_id, "checkout.session")

    def _subscription(self, form: Json, subscription_id: str) -> Json:
        return _known(self.subscriptions, subscription_id, "subscription")

    def _cancel(self, form: Json, subscription_id: str) -> Json:
        found = _known(self.subscriptions, subscription_id, "subscription")
        if found["status"] == "canceled":
            raise Refused(
                404, f"No such subscription: '{subscription_id}'", code="resource_missing"
            )
        assert form == {"invoice_now": "true", "prorate": "true"}
        self.end(subscription_id)
        return found

    def _portal(self, form: Json) -> Json:
        customers = {found["customer"] for found in self.subscriptions.values()}
        if form["customer"] not in customers:
            raise Refused(400, f"No such customer: '{form['customer']}'", code="resource_missing")
        return {
            "id": self._id("bps"),
            "object": "billing_portal.session",
            "url": f"https://billing.stripe.example/p/session/{form['customer']}",
        }

    def _list_prices(self, form: Json) -> Json:
        wanted = form["lookup_keys"]
        return _listed([p for p in self.prices.values() if p["lookup_key"] in wanted])

    def _make_price(self, form: Json) -> Json:
        if form["product"] not in self.products:
            raise Refused(400, "No such product", code="resource_missing")
        meter = form["recurring"].get("meter")
        if meter is not None and meter not in self.meters:
            raise Refused(400, "No such meter", code="resource_missing")
        price = {"metadata": {}, **form, "id": self._id("price"), "object": "price", "active": True}
        self.prices[price["id"]] = price
        return price

    def _make_product(self, form: Json) -> Json:
        product = {**form, "id": self._id("prod"), "object": "product"}
        self.products[product["id"]] = product
        return product

    def _list_meters(self, form: Json) -> Json:
        return _listed(list(self.meters.values()))

    def _make_meter(self, form: Json) -> Json:
        meter = {
            "event_time_window": None,
            **form,
            "id": self._id("mtr"),
            "object": "billing.meter",
            "status": "active",
        }
        self.meters[meter["id"]] = meter
        return meter

    def _make_meter_event(self, form: Json) -> Json:
        now = int(time.time())
        if not now - 35 * DAY <= int(form["timestamp"]) <= now + 300:
            raise Refused(400, "The timestamp is out of range", code="timestamp_invalid")
        if form["event_name"] not in {meter["event_name"] for meter in self.meters.values()}:
            raise Refused(400, "No active meter found", code="no_meter")
        for event in self.meter_events:
            if event["identifier"] == form["identifier"] and now - event["created"] < DAY:
                raise Refused(400, f"An event already exists with identifier {form['identifier']}.")
        made = {**form, "object": "billing.meter_event", "created": now, "livemode": False}
        self.meter_events.append(made)
        return made

    def _summaries(self, form: Json, meter_id: str) -> Json:
        start, end = int(form["start_time"]), int(form["end_time"])
        if start % 60 or end % 60:
            raise Refused(400, "Times must align with minute boundaries")
        meter = _known(self.meters, meter_id, "meter")
        total = sum(
            int(event["payload"]["value"])
            for event in self.meter_events
            if event["event_name"] == meter["event_name"]
            and event["payload"]["stripe_customer_id"] == form["customer"]
            and start <= int(event["timestamp"]) < end
        )
        summary = {
            "id": self._id("mtrusg"),
            "object": "billing.meter_event_summary",
            "aggregated_value": float(total),
            "start_time": start,
            "end_time": end,
            "meter": meter_id,
        }
        return _listed([summary])

    def _thin_event(self, form: Json, event_id: str) -> Json:
        return _known(self.thin_events, event_id, "event")

    def _tell(self, kind: str, thing: Json) -> None:
        self.events.append(
            {
                "id": self._id("evt"),
                "object": "event",
                "type": kind,
                "created": int(time.time()),
                "livemode": False,
                "data": {"object": json.loads(json.dumps(thing))},
            }
        )

    def _tell_invoice(self, kind: str, subscription: Json) -> None:
        parent = {
            "type": "subscription_details",
            "subscription_details": {
                "subscription": subscription["id"],
                "metadata": subscription["metadata"],
            },
        }
        invoice = {"id": self._id("in"), "object": "invoice", "parent": parent}
        self._tell(kind, invoice)

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):06}"


_ROUTES = (
    ("POST", r"/v1/checkout/sessions", "_open_session"),
    ("GET", r"/v1/checkout/sessions/([^/]+)", "_session"),
    ("GET", r"/v1/subscriptions/([^/]+)", "_subscription"),
    ("DELETE", r"/v1/subscriptions/([^/]+)", "_cancel"),
    ("POST", r"/v1/billing_portal/sessions", "_portal"),
    ("GET", r"/v1/prices", "_list_prices"),
    ("POST", r"/v1/prices", "_make_price"),
    ("POST", r"/v1/products", "_make_product"),
    ("GET", r"/v1/billing/meters", "_list_meters"),
    ("POST", r"/v1/billing/meters", "_make_meter"),
    ("POST", r"/v1/billing/meter_events", "_make_meter_event"),
    ("GET", r"/v1/billing/meters/([^/]+)/event_summaries", "_summaries"),
    ("GET", r"/v2/core/events/([^/]+)", "_thin_event"),
)


def signed(
    event: Json, *, secret: str = WEBHOOK_SECRET, at: int | None = None
) -> tuple[bytes, str]:
    """The body of an event as it is sent, and its Stripe-Signature."""
    body = json.dumps(event)
    return body.encode(), stripe.WebhookSignature.generate_signature_header(body, secret, at)


@contextmanager
def run_stripe_server() -> Iterator[StripeServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    state = StripeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            form = decoded(body if self.command == "POST" else target.query or body)
            if self.headers.get("authorization") != f"Bearer {SECRET_KEY}":
                message = {"type": "invalid_request_error", "message": "Invalid API Key provided"}
                self._answer(401, {"error": message})
                return
            key = self.headers.get("idempotency-key")
            status, answer = state.answer(self.command, target.path, form, key)
            silent = state.silent_after
            if silent is not None and len(state.meter_events) >= silent:
                state.release.wait(200)
                self.close_connection = True
                return
            self._answer(status, answer)

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def do_DELETE(self) -> None:
            self._handle()

        def _answer(self, status: int, answer: Json) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("request-id", "req_1")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests print enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def decoded(form: str) -> Json:
    """`a[b][0][c]=d` as nested dictionaries, those with numbers as lists."""
    result: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *path, last = re.findall(r"[^\[\]]+", name)
        inner = result
        for step in path:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return _with_lists(result)


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_with_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _with_lists(inner) for name, inner in value.items()}


def _known(things: dict[str, Json], thing_id: str, kind: str) -> Json:
    if thing_id not in things:
        raise Refused(404, f"No such {kind}: '{thing_id}'", code="resource_missing")
    return things[thing_id]


def _listed(things: list[Json]) -> Json:
    return {"object": "list", "data": things, "has_more": False, "url": "/v1/list"}
