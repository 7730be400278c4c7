"""An article's address that leads into this machine or its network, in every notation: not called."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from contextlib import ExitStack

import pytest
from django.utils import timezone

from core import addresses, http
from core.http import AddressRefused, fetch
from core.web_addresses import UrlInvalid
from episodes.models import Episode
from narration.models import Narration
from narration.preparing import prepare_narration
from tests.fakes.web_server import WebServer, answer, redirect
from tests.narration.pages import page

# About addresses and sockets.
pytestmark = pytest.mark.once

LOOPBACK = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "127.0.0.1.",
    "0.0.0.0",  # noqa: S104 - asked for, not bound
    "0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
]
ELSEWHERE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[fc00::1]",
    "[::ffff:169.254.169.254]",
    "[ff02::1]",
    "metadata.google.internal",
]
ARTICLE = answer(page().encode())


@pytest.fixture
def server():
    """A web server of this machine, on IPv4 and IPv6, that counts every connection it gets."""
    with ExitStack() as stack:
        running, listener = listening_on_both(stack)
        running.routes.update({"/": ARTICLE, "/p": ARTICLE})
        running.connections = connections = []

        def accept():
            while True:
                try:
                    connections.append(listener.accept()[0])
                except OSError:
                    return

        if listener is not None:
            threading.Thread(target=accept, daemon=True).start()
        yield running
        for connection in connections:
            connection.close()


def listening_on_both(stack):
    """A server whose port is free on IPv6 as well, and the listener there (None without IPv6)."""
    while True:
        running = stack.enter_context(WebServer())
        if not socket.has_ipv6:
            return running, None
        try:
            listener = socket.create_server(
                ("::1", running.port), family=socket.AF_INET6, dualstack_ipv6=False
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            stack.enter_context(listener)
            return running, listener


def assert_not_called(server):
    assert server.requests == []
    assert server.connections == []


@pytest.mark.parametrize("host", LOOPBACK)
def test_this_machine_is_not_called(server, owner_client, host):
    url = f"http://{host}:{server.port}/p"

    response = owner_client.post(
        "/api/v1/episodes", {"source_type": "url", "url": url}, format="json"
    )

    if response.status_code == 201:
        prepare_narration(narration_id=Narration.objects.get().pk, now=timezone.now())
        episode = Episode.objects.get()
        assert episode.production_state == "failed" or episode.asset is None
        assert Narration.objects.get().error_code in {"address_refused", "host_unknown"}
    else:
        assert (response.status_code, response.json()) == (422, {"error": "Invalid URL"})
    assert_not_called(server)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_the_network_of_this_machine_is_not_called(host):
    def no_socket(*_arguments, **_options):
        raise AssertionError("a connection was tried")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", no_socket)
        with pytest.raises((AddressRefused, UrlInvalid, addresses.HostUnknown)):
            fetch(f"http://{host}/latest/meta-data/", max_bytes=1_000, timeout=60)


@pytest.mark.parametrize("host", [host for host in LOOPBACK if host.isascii()])
def test_a_redirect_does_not_lead_to_this_machine(server, host):
    with WebServer() as outside:
        outside.routes["/"] = redirect(f"http://{host}:{server.port}/p")
        # Only the first server counts as outside, as if it had a public address.
        allowed = ipaddress.ip_network("127.0.0.1/32")

        def resolve(name):
            return ["127.0.0.1"] if name == "outside.example" else addresses.resolve_by_system(name)

        def only_outside(name, port, **options):
            options["allow"] = (allowed,) if name == "outside.example" else ()
            return addresses.dialable_addresses(name, port, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("core.wire.dialable_addresses", only_outside)
            with pytest.raises((AddressRefused, UrlInvalid, addresses.HostUnknown)):
                http.fetch(
                    f"http://outside.example:{outside.port}/",
                    max_bytes=1_000,
                    timeout=60,
                    resolve=resolve,
                )
        assert len(outside.requests) == 1
    assert_not_called(server)


def test_a_name_that_changes_between_check_and_connect_is_looked_up_once(server):
    answers = iter([["192.0.2.1"], ["127.0.0.1"]])
    asked = []

    def rebinding(name):
        asked.append(name)
        return next(answers)

    with pytest.raises(AddressRefused):
        fetch(
            f"http://rebind.example:{server.port}/",
            max_bytes=1_000,
            timeout=60,
            resolve=rebinding,
        )

    assert asked == ["rebind.example"]
    assert_not_called(server)


def test_the_address_that_was_checked_is_the_one_that_is_dialled(server):
    """The second answer would be public: what is dialled is the first, which was allowed."""
    answers = iter([["127.0.0.1"], ["192.0.2.1"]])

    found = fetch(
        f"http://rebind.example:{server.port}/",
        max_bytes=100_000,
        timeout=60,
        resolve=lambda _name: next(answers),
        allow=(ipaddress.ip_network("127.0.0.1/32"),),
    )

    assert found.status == 200
    assert len(server.requests) == 1


def test_a_name_with_one_private_address_among_public_ones_is_refused(server):
    with pytest.raises(AddressRefused):
        fetch(
            f"http://mixed.example:{server.port}/",
            max_bytes=1_000,
            timeout=60,
            resolve=lambda _name: ["93.184.216.34", "127.0.0.1"],
        )

    assert_not_called(server)
