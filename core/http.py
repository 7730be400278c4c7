"""The one outbound HTTP client: guarded addresses, one deadline, caps on bytes and redirects."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import httpcore
import httpx
from django.conf import settings
from django.utils.http import parse_header_parameters

from core.addresses import (
    AddressRefused,
    IPNetwork,
    LookupTimedOut,
    Resolver,
    resolve_by_system,
)
from core.errors import Invalid, Upstream
from core.inflating import ENCODINGS, BodyDamagedError, EncodingUnknownError, plain_pieces
from core.web_addresses import UrlInvalid, parse_url
from core.wire import Deadline, GuardedBackend

__all__ = [
    "AddressRefused",
    "BadStatus",
    "Fetched",
    "ResponseUnreadable",
    "TimedOut",
    "TooLarge",
    "TooManyRedirects",
    "Unreachable",
    "UrlInvalid",
    "fetch",
    "parse_url",
]

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Headers of the caller that may follow a redirect to another host; all others may be secrets.
_HARMLESS = frozenset(
    {"accept", "accept-language", "if-modified-since", "if-none-match", "range", "user-agent"}
)


class TooLarge(Upstream):
    """The answer is larger than the caller accepts."""

    code = "too_large"


class TimedOut(Upstream):
    """The whole exchange, redirects included, did not end in time."""

    code = "timed_out"


class Unreachable(Upstream):
    """No connection, no valid certificate, or the connection broke."""

    code = "unreachable"


class TooManyRedirects(Upstream):
    """The server kept redirecting."""

    code = "too_many_redirects"


class BadStatus(Upstream):
    """The server answered, but not with success; `details["status"]` is the number."""

    code = "bad_status"


class ResponseUnreadable(Upstream):
    """The answer is not HTTP, or its compression is damaged or unknown."""

    code = "response_unreadable"


class Sink(Protocol):
    """Takes a body piece by piece; what it raises ends the exchange."""

    def write(self, piece: bytes, /) -> object:
        """Take the next piece."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: `url` is the last one after redirects, header names are in lower case.

    `content_type` is the bare lower-case media type and `charset` its parameter, both "" if absent.
    `truncated` tells that the body was longer than the caller wanted.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str
    charset: str
    truncated: bool = False


def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    method: str = "GET",
    accept: str = "*/*",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    follow_redirects: bool = True,
    expect_success: bool = True,
    truncate: bool = False,
    silence: float | None = None,
    sink: Sink | None = None,
    allow: Iterable[IPNetwork] | None = None,
    resolve: Resolver = resolve_by_system,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """Send one request, read at most `max_bytes` of its decoded answer within `timeout` seconds.

    The time covers name look-up, connecting, all redirects (at most five) and the body. A longer
    body raises `TooLarge`, or is cut when `truncate` is true. A status outside 2xx raises
    `BadStatus` unless `expect_success` is false. `silence` is how many seconds the server may send
    nothing. With a `sink` the body of a success goes there as it comes, and `Fetched.body` is empty.
    `allow` replaces the setting OUTBOUND_ALLOW.
    Cookies, proxies and credentials of the environment are never used. To another host a redirect
    carries no header of the caller but the harmless ones.
    """
    target = parse_url(url)
    exchange = _Exchange(
        deadline=Deadline(timeout),
        allow=tuple(settings.OUTBOUND_ALLOW if allow is None else allow),
        resolve=resolve,
        tls=tls,
        max_bytes=max_bytes,
        truncate=truncate,
        silence=silence,
        sink=sink,
        follow_redirects=follow_redirects,
    )
    own_headers = {name.lower(): value for name, value in (headers or {}).items()}
    own_headers.setdefault("accept", accept)
    for _hop in range(MAX_REDIRECTS + 1):
        answer = exchange.send(method, target, own_headers, content)
        location = answer.headers.get("location", "")
        if not (follow_redirects and answer.status in _REDIRECTS and location):
            break
        following = _redirect_target(target, location)
        if _becomes_get(answer.status, method):
            method, content = "GET", None
            own_headers.pop("content-type", None)
        if _origin(following) != _origin(target):
            own_headers = {n: v for n, v in own_headers.items() if n in _HARMLESS}
        target = following
    else:
        raise TooManyRedirects(f"{target.host} redirected more than {MAX_REDIRECTS} times.")
    if expect_success and not httpx.codes.is_success(answer.status):
        raise BadStatus(
            f"{target.host} answered with status {answer.status}.",
            details={"status": answer.status},
        )
    return answer


def _becomes_get(status: int, method: str) -> bool:
    """What browsers do: 303 always asks anew, 301 and 302 do so after a POST."""
    if status == httpx.codes.SEE_OTHER:
        return method != "HEAD"
    return method == "POST" and status in {httpx.codes.MOVED_PERMANENTLY, httpx.codes.FOUND}


def _redirect_target(base: httpx.URL, location: str) -> httpx.URL:
    try:
        joined = base.join(location.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlInvalid("The server redirected to a malformed URL.", field="url") from error
    return parse_url(str(joined.copy_with(fragment=None)))


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, url.port or (443 if url.scheme == "https" else 80)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """The limits that all hops of one fetch share."""

    deadline: Deadline
    allow: tuple[IPNetwork, ...]
    resolve: Resolver
    tls: ssl.SSLContext | None
    max_bytes: int
    truncate: bool
    silence: float | None
    sink: Sink | None
    follow_redirects: bool

    def send(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None
    ) -> Fetched:
        """One request on a connection of its own, every failure named."""
        request = _request(method, url, headers, content, silence=self.silence)
        connection = httpcore.HTTPConnection(
            origin=request.url.origin,
            ssl_context=(self.tls or _public_tls()) if url.scheme == "https" else None,
            network_backend=GuardedBackend(
                deadline=self.deadline, resolve=self.resolve, allow=self.allow
            ),
        )
        try:
            response = connection.handle_request(request)
            return self._read(url, response)
        except (httpcore.TimeoutException, LookupTimedOut) as error:
            raise TimedOut(f"{url.host} did not answer in time.") from error
        except httpcore.LocalProtocolError as error:
            raise Invalid(f"The request is not valid HTTP: {error}.") from error
        except (httpcore.ProtocolError, BodyDamagedError, EncodingUnknownError) as error:
            raise ResponseUnreadable(f"{url.host} sent an answer that cannot be read.") from error
        except httpcore.NetworkError as error:
            raise Unreachable(_network_failure(url.host, error)) from error
        finally:
            connection.close()

    def _read(self, url: httpx.URL, response: httpcore.Response) -> Fetched:
        headers: dict[str, str] = {}
        for raw_name, raw_value in response.headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        body, truncated = b"", False
        if self.sink is not None:
            if httpx.codes.is_success(response.status):
                self._pass_on(url, response, headers, self.sink)
        elif not (
            self.follow_redirects and response.status in _REDIRECTS and "location" in headers
        ):
            body, truncated = self._read_body(url, response, headers)
        content_type, charset = _media_type(headers.get("content-type", ""))
        return Fetched(
            url=str(url),
            status=response.status,
            headers=headers,
            body=body,
            content_type=content_type,
            charset=charset,
            truncated=truncated,
        )

    def _read_body(
        self, url: httpx.URL, response: httpcore.Response, headers: Mapping[str, str]
    ) -> tuple[bytes, bool]:
        body = bytearray()
        if not self.truncate:
            self._check_announced(url, headers)
        for piece in _decoded(response, headers):
            body += piece
            if len(body) > self.max_bytes:
                if self.truncate:
                    return bytes(body[: self.max_bytes]), True
                raise self._too_large(url)
        return bytes(body), False

    def _pass_on(
        self, url: httpx.URL, response: httpcore.Response, headers: Mapping[str, str], sink: Sink
    ) -> None:
        self._check_announced(url, headers)
        left = self.max_bytes
        for piece in _decoded(response, headers):
            left -= len(piece)
            if left < 0:
                raise self._too_large(url)
            sink.write(piece)

    def _check_announced(self, url: httpx.URL, headers: Mapping[str, str]) -> None:
        """With compression the decoded body is larger still, or the announcement is a lie."""
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self.max_bytes:
            raise self._too_large(url)

    def _too_large(self, url: httpx.URL) -> TooLarge:
        return TooLarge(f"The answer of {url.host} is larger than {self.max_bytes:,} bytes.")


def _request(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: bytes | None,
    *,
    silence: float | None,
) -> httpcore.Request:
    host = url.raw_host.decode("ascii").rstrip(".")
    literal = f"[{host}]" if ":" in host else host
    all_headers = {
        "host": literal if url.port is None else f"{literal}:{url.port}",
        "user-agent": f"Podwright/{settings.VERSION} (+{settings.PUBLIC_URL})",
        "accept-encoding": ENCODINGS,
        "connection": "close",
        **headers,
    }
    if content is not None or method in {"POST", "PUT", "PATCH"}:
        all_headers["content-length"] = str(len(content or b""))
    return httpcore.Request(
        method=method,
        url=httpcore.URL(
            scheme=url.raw_scheme, host=host.encode(), port=url.port, target=url.raw_path
        ),
        headers=[(n.encode("ascii"), v.encode("latin-1")) for n, v in all_headers.items()],
        content=content or b"",
        extensions={"timeout": {"read": silence}},
    )


def _decoded(response: httpcore.Response, headers: Mapping[str, str]) -> Iterator[bytes]:
    return plain_pieces(_raw_pieces(response), encoding=headers.get("content-encoding", ""))


def _raw_pieces(response: httpcore.Response) -> Iterator[bytes]:
    # The type also allows the asynchronous kind of stream, which a synchronous connection never has.
    return iter(cast("Iterable[bytes]", response.stream))


def _media_type(header: str) -> tuple[str, str]:
    try:
        media_type, parameters = parse_header_parameters(header)
    except ValueError:
        return "", ""
    return media_type, parameters.get("charset", "").strip().lower()


def _network_failure(host: str, error: Exception) -> str:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return f"{host} has no valid certificate: {error.__cause__.verify_message}."
    if isinstance(error, httpcore.ConnectError):
        return f"No connection to {host} could be made."
    return f"The connection to {host} broke."


@functools.cache
def _public_tls() -> ssl.SSLContext:
    """Built once: reading the certificate authorities takes longer than most requests."""
    return httpx.create_ssl_context()
