"""Which addresses deliveries may go to: https and public, or inside the operator's OUTBOUND_ALLOW."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from core.addresses import (
    AddressRefused,
    HostUnknown,
    IPNetwork,
    LookupTimedOut,
    Resolver,
    dialable_addresses,
    resolve_by_system,
)
from core.errors import Forbidden, Invalid
from core.web_addresses import parse_url

LOOKUP_SECONDS = 5.0


class TargetRefused(Invalid):
    """The URL may not be an endpoint: private, plain http, or a port that is not for the web."""

    code = "url_refused"


class PlainHttpRefused(Forbidden):
    """http serves only hosts inside OUTBOUND_ALLOW."""

    code = "https_required"


def pinned_resolver(
    url: str,
    *,
    allow: Iterable[IPNetwork],
    resolve: Resolver = resolve_by_system,
    timeout: float = LOOKUP_SECONDS,
) -> Resolver:
    """A resolver that knows the checked addresses of `url` only: what was checked is what is dialled.

    Raises `UrlInvalid`, `AddressRefused`, `PlainHttpRefused`, `HostUnknown`, `LookupTimedOut`.
    """
    target = parse_url(url)
    allowed = tuple(allow)
    host = target.raw_host.decode("ascii").rstrip(".")
    port = target.port or (443 if target.scheme == "https" else 80)
    if target.scheme == "http" and not allowed:
        raise PlainHttpRefused("must start with https://")
    addresses = dialable_addresses(host, port, resolve=resolve, allow=allowed, timeout=timeout)
    if target.scheme == "http" and not all(_inside(text, allowed) for text in addresses):
        raise PlainHttpRefused("must start with https://")
    return lambda _host: addresses


def check_target(
    url: str, *, allow: Iterable[IPNetwork], resolve: Resolver = resolve_by_system
) -> None:
    """Refuse what can never be delivered to; touches the name server, so never in a transaction.

    A name that has no address (yet) passes: each delivery checks again. Raises `TargetRefused`.
    """
    try:
        pinned_resolver(url, allow=allow, resolve=resolve)
    except (AddressRefused, PlainHttpRefused) as error:
        raise TargetRefused(f"url: {error.message}", field="url") from None
    except (HostUnknown, LookupTimedOut):
        if parse_url(url).scheme != "https":
            raise TargetRefused("url: must start with https://", field="url") from None


def _inside(text: str, networks: tuple[IPNetwork, ...]) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    return any(address in network for network in networks)
