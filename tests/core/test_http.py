from __future__ import annotations

import gzip
import io
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import http
from core.addresses import resolve_by_system
from core.errors import Invalid, Upstream
from tests.fakes.web_server import WebServer, answer, redirect

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
NAMES = {"site.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}


def by_table(host):
    return NAMES.get(host) or resolve_by_system(host)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as running:
        yield running


@pytest.fixture
def fetch() -> Callable[..., http.Fetched]:
    """`http.fetch` with modest limits, allowed to call loopback."""
    return partial(http.fetch, max_bytes=100_000, timeout=60, allow=LOOPBACK, resolve=by_table)


class TestFetch:
    def test_returns_what_the_server_sent(self, server, fetch):
        server.routes["/a?b=c"] = answer(
            b"<p>hello</p>", content_type='Text/HTML; Charset="ISO-8859-1"', headers={"X-One": "1"}
        )

        fetched = fetch(server.url("/a?b=c#part"))

        assert fetched.status == 200
        assert fetched.body == b"<p>hello</p>"
        assert fetched.url == server.url("/a?b=c#part")
        assert (fetched.content_type, fetched.charset) == ("text/html", "iso-8859-1")
        assert fetched.headers["x-one"] == "1"
        assert not fetched.truncated

    def test_says_who_is_asking_and_sends_no_cookie(self, server, fetch):
        server.routes["/"] = answer(headers={"Set-Cookie": "tracked=1"})

        fetch(server.url("/"), accept="text/html")
        fetch(server.url("/"), accept="text/html")

        sent = server.request_headers()
        assert sent["user-agent"].startswith("Podwright/")
        assert sent["user-agent"].endswith("(+https://podcasts.example)")
        assert sent["accept"] == "text/html"
        assert sent["host"] == f"127.0.0.1:{server.port}"
        assert "cookie" not in sent

    def test_posts_a_body_with_its_length(self, server, fetch):
        server.routes["/hook"] = answer(b"thanks")

        fetched = fetch(
            server.url("/hook"),
            method="POST",
            content=b'{"a":1}',
            headers={"Content-Type": "application/json"},
        )

        assert fetched.body == b"thanks"
        assert server.request_line() == "POST /hook HTTP/1.1"
        assert server.requests[-1].endswith(b'\r\n\r\n{"a":1}')
        assert server.request_headers()["content-length"] == "7"
        assert server.request_headers()["content-type"] == "application/json"

    def test_asks_with_head_and_expects_no_body(self, server, fetch):
        server.routes["/"] = (
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nContent-Type: audio/mpeg\r\n\r\n"
        )

        fetched = fetch(server.url("/"), method="HEAD")

        assert fetched.headers["content-length"] == "50"
        assert fetched.body == b""

    def test_ignores_proxies_of_the_environment(self, server, fetch, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        server.routes["/"] = answer(b"direct")

        assert fetch(server.url("/")).body == b"direct"

    def test_joins_repeated_headers(self, server, fetch):
        server.routes["/"] = (
            b"HTTP/1.1 200 OK\r\nLink: <a>\r\nLink: <b>\r\nContent-Length: 0\r\n\r\n"
        )

        assert fetch(server.url("/")).headers["link"] == "<a>, <b>"

    @pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "500 Broken", "304 Same"])
    def test_raises_for_a_status_that_is_no_success(self, server, fetch, status):
        server.routes["/"] = answer(status=status)

        with pytest.raises(http.BadStatus, match=status[:3]) as refusal:
            fetch(server.url("/"))

        assert refusal.value.details["status"] == int(status[:3])

    def test_returns_any_status_when_told_so(self, server, fetch):
        server.routes["/"] = answer(b"sorry", status="503 Busy")

        fetched = fetch(server.url("/"), expect_success=False)

        assert (fetched.status, fetched.body) == (503, b"sorry")

    def test_refuses_header_values_that_would_split_the_request(self, server, fetch):
        with pytest.raises(Invalid):
            fetch(server.url("/"), headers={"X-Note": "a\r\nX-Injected: b"})

        assert server.requests == []

    def test_refuses_a_url_that_is_none(self, fetch):
        with pytest.raises(http.UrlInvalid):
            fetch("file:///etc/passwd")


class TestGuard:
    def test_refuses_loopback_unless_allowed(self, server, settings):
        settings.OUTBOUND_ALLOW = ()

        with pytest.raises(http.AddressRefused):
            http.fetch(server.url("/"), max_bytes=10, timeout=60)

        assert server.requests == []

    def test_follows_the_setting(self, server, settings):
        settings.OUTBOUND_ALLOW = LOOPBACK
        server.routes["/"] = answer(b"in")

        assert http.fetch(server.url("/"), max_bytes=10, timeout=60).body == b"in"

    def test_looks_a_name_up_once_and_dials_what_it_checked(self, server, fetch):
        answers = iter([["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]])
        asked = []

        def changing(host):
            asked.append(host)
            return next(answers)

        server.routes["/"] = answer(b"checked")

        fetched = fetch(server.url("/", host="rebinding.example"), resolve=changing)

        assert fetched.body == b"checked"
        assert asked == ["rebinding.example"]
        assert server.request_headers()["host"] == f"rebinding.example:{server.port}"

    def test_checks_again_at_every_redirect(self, server, fetch):
        answers = iter([["127.0.0.1"], ["10.0.0.1"]])
        server.routes["/"] = redirect("/again")

        with pytest.raises(http.AddressRefused, match=r"rebinding\.example"):
            fetch(server.url("/", host="rebinding.example"), resolve=lambda _: next(answers))

        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "target",
        [
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "//192.168.0.1/",
            "http://[fd00::1]/",
            "http://0xa000001/",
            "http://167772161:8080/",
        ],
    )
    def test_does_not_follow_a_redirect_into_private_space(self, server, fetch, target):
        server.routes["/"] = redirect(target)

        with pytest.raises(http.AddressRefused):
            fetch(server.url("/"))

    @pytest.mark.parametrize(
        "target",
        ["file:///etc/passwd", "ftp://site.example/", "http://a:b@site.example/", "http://[", ""],
    )
    def test_does_not_follow_a_redirect_to_something_else(self, server, fetch, target):
        server.routes["/"] = redirect(target)

        with pytest.raises((http.UrlInvalid, http.BadStatus)):
            fetch(server.url("/"))

        assert len(server.requests) == 1

    def test_tries_the_next_address_when_one_does_not_answer(self, server, fetch):
        server.routes["/"] = answer(b"second")

        fetched = fetch(
            server.url("/", host="two.example"),
            resolve=lambda _: ["::1", "127.0.0.1"],  # the server listens on the second alone
            allow=(*LOOPBACK, ipaddress.ip_network("::1/128")),
        )

        assert fetched.body == b"second"


class TestRedirects:
    def test_follows_and_tells_the_last_url(self, server, fetch):
        server.routes["/old"] = redirect("new?x=1#part", "301 Moved")
        server.routes["/new?x=1"] = answer(b"here")

        fetched = fetch(server.url("/old"))

        assert fetched.body == b"here"
        assert fetched.url == server.url("/new?x=1")

    def test_stops_after_five(self, server, fetch):
        server.routes["/loop"] = redirect("/loop")

        with pytest.raises(http.TooManyRedirects):
            fetch(server.url("/loop"))

        assert len(server.requests) == 6

    def test_returns_the_redirect_itself_when_told_not_to_follow(self, server, fetch):
        server.routes["/"] = answer(b"go", status="302 Found", headers={"Location": "/x"})

        fetched = fetch(server.url("/"), follow_redirects=False, expect_success=False)

        assert (fetched.status, fetched.body) == (302, b"go")
        assert len(server.requests) == 1

    def test_keeps_the_callers_headers_on_the_same_host(self, server, fetch):
        server.routes["/"] = redirect("/next")
        server.routes["/next"] = answer()

        fetch(server.url("/"), headers={"Authorization": "Bearer secret"})

        assert server.request_headers()["authorization"] == "Bearer secret"

    def test_carries_no_secret_to_another_host(self, server, fetch):
        server.routes["/"] = redirect(server.url("/next", host="other.example"))
        server.routes["/next"] = answer()

        fetch(
            server.url("/", host="site.example"),
            accept="text/html",
            headers={"Authorization": "Bearer secret", "X-Api-Key": "secret"},
        )

        sent = server.request_headers()
        assert sent["host"] == f"other.example:{server.port}"
        assert sent["accept"] == "text/html"
        assert b"secret" not in server.requests[-1]

    @pytest.mark.parametrize(
        ("status", "method"), [("301 M", "GET"), ("302 F", "GET"), ("303 S", "GET")]
    )
    def test_turns_a_post_into_a_get(self, server, fetch, status, method):
        server.routes["/"] = redirect("/next", status)
        server.routes["/next"] = answer()

        fetch(
            server.url("/"),
            method="POST",
            content=b"x",
            headers={"Content-Type": "application/json"},
        )

        assert server.request_line() == f"{method} /next HTTP/1.1"
        assert "content-type" not in server.request_headers()
        assert "content-length" not in server.request_headers()

    @pytest.mark.parametrize("status", ["307 Temporary", "308 Permanent"])
    def test_repeats_a_post_where_the_standard_says_so(self, server, fetch, status):
        server.routes["/"] = redirect("/next", status)
        server.routes["/next"] = answer()

        fetch(server.url("/"), method="POST", content=b"body")

        assert server.request_line() == "POST /next HTTP/1.1"
        assert server.requests[-1].endswith(b"body")


class TestLimits:
    def test_refuses_an_announced_body_before_reading_it(self, server, fetch):
        server.routes["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"

        with pytest.raises(http.TooLarge):
            fetch(server.url("/"))

    def test_refuses_a_body_that_grows_beyond_the_limit(self, server, fetch):
        def endless(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

        server.routes["/"] = endless

        with pytest.raises(http.TooLarge, match="100,000 bytes"):
            fetch(server.url("/"))

    def test_accepts_a_body_of_exactly_the_limit(self, server, fetch):
        server.routes["/"] = answer(b"x" * 100_000)

        assert len(fetch(server.url("/")).body) == 100_000

    def test_cuts_a_long_body_when_told_so(self, server, fetch):
        server.routes["/"] = answer(b"abcdef" * 100_000)

        fetched = fetch(server.url("/"), max_bytes=4, truncate=True)

        assert (fetched.body, fetched.truncated) == (b"abcd", True)

    def test_counts_the_unpacked_bytes_of_a_bomb(self, server, fetch):
        bomb = gzip.compress(bytes(50_000_000))
        server.routes["/"] = answer(bomb, headers={"Content-Encoding": "gzip"})

        with pytest.raises(http.TooLarge):
            fetch(server.url("/"))

    def test_unpacks_what_fits(self, server, fetch):
        server.routes["/"] = answer(gzip.compress(b"text"), headers={"Content-Encoding": "gzip"})

        assert fetch(server.url("/")).body == b"text"

    def test_ends_a_body_that_drips(self, server, fetch):
        def drip(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not server.closing.wait(0.02):
                connection.sendall(b"x")

        server.routes["/"] = drip

        with pytest.raises(http.TimedOut):
            fetch(server.url("/"), timeout=0.3)

    def test_ends_headers_that_drip(self, server, fetch):
        def drip(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not server.closing.wait(0.02):
                connection.sendall(b"X: y\r\n")

        server.routes["/"] = drip

        with pytest.raises(http.TimedOut):
            fetch(server.url("/"), timeout=0.3)

    def test_ends_a_silent_server(self, server, fetch):
        server.routes["/"] = lambda _connection: server.closing.wait(30)

        with pytest.raises(http.TimedOut):
            fetch(server.url("/"), timeout=0.2)

    def test_ends_a_silent_name_server(self, fetch):
        release = threading.Event()
        try:
            with pytest.raises(http.TimedOut):
                fetch("http://slow.example/", timeout=0.1, resolve=lambda _: release.wait(30))
        finally:
            release.set()

    def test_gives_all_redirects_one_deadline(self, server, fetch):
        def late(connection):
            server.closing.wait(0.15)
            connection.sendall(redirect("/"))

        server.routes["/"] = late

        with pytest.raises(http.TimedOut):
            fetch(server.url("/"), timeout=0.4)

    @pytest.mark.parametrize(
        "reply",
        [
            b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 300_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X-Many: y\r\n" * 30_000 + b"\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x00\xff" * 1_000,
            b"HTTP/1.1 999999 Odd\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"",
            answer(b"not gzip", headers={"Content-Encoding": "gzip"}),
            answer(b"x", headers={"Content-Encoding": "br"}),
        ],
        ids=[
            "huge header",
            "many headers",
            "another protocol",
            "noise",
            "odd status",
            "bad length",
            "cut short",
            "bad chunks",
            "nothing",
            "damaged gzip",
            "unknown encoding",
        ],
    )
    def test_names_an_answer_that_cannot_be_read(self, server, fetch, reply):
        server.routes["/"] = reply

        with pytest.raises(http.ResponseUnreadable, match=r"127\.0\.0\.1"):
            fetch(server.url("/"))

    def test_survives_an_odd_content_type(self, server, fetch):
        server.routes["/"] = answer(b"x", content_type=";;=;charset" + ";" * 500)

        assert fetch(server.url("/")).body == b"x"


class TestConnectionFailures:
    def test_names_a_host_that_does_not_listen(self, fetch):
        # Bound, so that nobody else gets the port, and not listening.
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            with pytest.raises(http.Unreachable, match="No connection to 127"):
                fetch(f"http://127.0.0.1:{deaf.getsockname()[1]}/")

    def test_names_a_host_without_address(self, fetch):
        with pytest.raises(Upstream, match=r"nowhere\.example was not found"):
            fetch("http://nowhere.example/", resolve=lambda _: [])


@pytest.fixture(scope="module")
def certificate_files(tmp_path_factory):
    """A self-signed certificate for site.example, as (file of it, file of it with its key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("site.example")]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "site.pem").write_bytes(certificate)
    (folder / "both.pem").write_bytes(certificate + private)
    return folder / "site.pem", folder / "both.pem"


@pytest.fixture
def secure_server(certificate_files) -> Iterator[WebServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_files[1])
    with WebServer(tls=context) as running:
        running.routes["/"] = answer(b"secret place")
        yield running


class TestTLS:
    def test_checks_the_certificate_against_the_name_not_the_address(
        self, secure_server, fetch, certificate_files
    ):
        trusting = ssl.create_default_context(cafile=certificate_files[0])

        fetched = fetch(secure_server.url("/", host="site.example"), tls=trusting)

        assert fetched.body == b"secret place"
        assert secure_server.server_names == ["site.example"]

    def test_refuses_a_certificate_for_another_name(self, secure_server, fetch, certificate_files):
        trusting = ssl.create_default_context(cafile=certificate_files[0])

        with pytest.raises(http.Unreachable, match="no valid certificate"):
            fetch(secure_server.url("/", host="other.example"), tls=trusting)

    def test_refuses_a_certificate_that_nobody_vouches_for(self, secure_server, fetch):
        with pytest.raises(http.Unreachable, match="no valid certificate"):
            fetch(secure_server.url("/", host="site.example"))

    def test_ends_a_handshake_that_never_comes(self, fetch):
        with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(http.TimedOut):
            fetch(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.3)


class TestSink:
    def test_gets_the_body_in_pieces_and_the_answer_none(self, server, fetch):
        body = bytes(range(256)) * 300
        server.routes["/"] = answer(body)
        sink = io.BytesIO()

        fetched = fetch(server.url(), sink=sink)

        assert sink.getvalue() == body
        assert (fetched.status, fetched.body) == (200, b"")

    def test_gets_nothing_of_a_failure_or_a_redirect(self, server, fetch):
        server.routes["/"] = answer(b"Moved", status="302 Found", headers={"Location": "/gone"})
        server.routes["/gone"] = answer(b"Gone", status="410 Gone")
        sink = io.BytesIO()

        with pytest.raises(http.BadStatus):
            fetch(server.url(), sink=sink)

        assert sink.getvalue() == b""

    @pytest.mark.parametrize("encoding", ["", "gzip"])
    def test_never_gets_more_than_the_limit(self, server, fetch, encoding):
        def endless(connection):
            head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n"
            zeros = bytes(10_000_000)
            connection.sendall(head.encode() + (gzip.compress(zeros) if encoding else zeros))

        server.routes["/"] = endless
        sink = io.BytesIO()

        with pytest.raises(http.TooLarge):
            fetch(server.url(), sink=sink)

        assert len(sink.getvalue()) <= 100_000

    def test_waits_no_longer_than_the_silence_that_is_allowed(self, server, fetch):
        server.routes["/"] = lambda connection: connection.recv(1)

        with pytest.raises(http.TimedOut):
            fetch(server.url(), timeout=60, silence=0.1)
