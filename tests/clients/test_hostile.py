"""Hostile connections to a running server: the API and the door answer amid them and after them."""

from __future__ import annotations

import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.clients.conftest import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]

SLOW_CONNECTIONS = 200
#: As long as nobody on this machine would take for an answer that does not come.
PATIENCE_SECONDS = 60
MOST_MEMORY = 400_000_000


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A server of two workers that only hostile tests use."""
    with serving(tmp_path_factory.mktemp("attacked"), WORKERS="2") as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def silent(attacked):
    """How long the server bears a connection that never says anything, open while others are tested.

    A future: its seconds are told when the server has closed.
    """

    def be_silent():
        since = time.monotonic()
        with socket.create_connection(_address(attacked), timeout=200) as connection:
            assert connection.recv(1_000) == b""
        return time.monotonic() - since

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(be_silent)


@pytest.fixture
def idle_connections(request):
    """How many connections say nothing; there may be more open files than the usual limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10_000 if request.config.getoption("full_drills") else 1_500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted + 3_000, hard), hard))
    yield wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Attacker:
    """Opens connections to one server and keeps them."""

    def __init__(self, address, stack):
        self._address = address
        self._stack = stack
        self._dripping = []

    def connect(self, first=b""):
        connection = self._stack.enter_context(socket.create_connection(self._address, timeout=60))
        connection.sendall(first)
        return connection

    def try_out(self, first):
        """All that is answered until the server closes, which it may do before it has taken all."""
        received = b""
        with socket.create_connection(self._address, 60) as connection, suppress(ConnectionError):
            with suppress(ConnectionError):
                connection.sendall(first)
            while piece := connection.recv(65_536):
                received += piece
        return received

    def leave(self):
        """Close every connection."""
        self._stack.close()

    def drip(self, count, first):
        """Begin `count` requests that go on with a byte a second."""
        self._dripping += [self.connect(first) for _ in range(count)]

    @contextmanager
    def dripping(self):
        """A byte a second goes out on every slow connection meanwhile."""
        over = threading.Event()

        def work():
            while not over.wait(1):
                for connection in self._dripping:
                    with suppress(OSError):  # closed by a server that had enough
                        connection.send(b"a")

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture
def attacker(attacked):
    with ExitStack() as stack:
        yield Attacker(_address(attacked), stack)


def _address(served):
    return urlsplit(served.url).hostname, urlsplit(served.url).port


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, ""]).encode()


def assert_answers(served):
    """The API reads and writes, and the door answers, each within patience."""
    bearer = {"Authorization": f"Bearer {served.key}"}
    with httpx.Client(base_url=served.url, headers=bearer, timeout=PATIENCE_SECONDS) as client:
        for _ in range(3):
            show = client.post("/api/shows", json={"title": "Amid it all"})
            assert show.status_code == 201
            assert client.get("/api/shows").status_code == 200
            feed = urlsplit(served.feed_url).path
            assert client.get(feed).status_code == 200
            assert client.get("/api/track/1.mp3").status_code == 302
            assert client.delete(f"/api/shows/{show.json()['id']}").is_success


def workers_of(served):
    return {
        process.pid: process.memory_info().rss
        for process in psutil.Process(served.pid).children(recursive=True)
    }


def test_answers_amid_hostile_connections_and_after_them(attacked, attacker, idle_connections):
    assert_answers(attacked)
    before = workers_of(attacked)
    feed, large = (urlsplit(url).path for url in (attacked.feed_url, attacked.large_url))
    attacker.drip(SLOW_CONNECTIONS, head("GET", feed, "X-Slow: "))
    attacker.drip(
        SLOW_CONNECTIONS,
        head("POST", "/api/keys", "Content-Type: application/json", "Content-Length: 100000", "")
        + b'{"name": "',
    )
    for _ in range(SLOW_CONNECTIONS):
        attacker.connect(head("GET", large, ""))  # and never takes it
    for _ in range(idle_connections):
        attacker.connect()

    with attacker.dripping():
        assert_answers(attacked)
        amid = workers_of(attacked)
    attacker.leave()
    assert_answers(attacked)

    assert before.keys() == amid.keys() == workers_of(attacked).keys()
    assert sum(amid.values()) - sum(before.values()) < MOST_MEMORY


def test_closes_connections_that_say_nothing(silent):
    assert silent.result() < 100


def test_refuses_heads_without_end_and_garbage_after_requests(attacked, attacker):
    before = workers_of(attacked)
    feed = urlsplit(attacked.feed_url).path
    for _ in range(20):
        long = attacker.try_out(
            head("GET", feed, "Connection: close", "X-Long: " + "a" * 65_536, "")
        )
        assert long.startswith((b"HTTP/1.1 431", b"HTTP/1.1 200"))
        longer = attacker.try_out(head("GET", feed, "X-Long: " + "a" * 200_000, ""))
        assert longer == b"" or longer.startswith(b"HTTP/1.1 431")
        pipelined = attacker.try_out(head("HEAD", feed, "") * 5 + bytes(range(256)) * 8)
        assert pipelined.count(b"HTTP/1.1 200 OK") == 5
        assert pipelined.count(b"HTTP/1.1 400") == 1

    assert_answers(attacked)
    assert workers_of(attacked).keys() == before.keys()
