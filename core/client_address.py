"""Finds the client's address behind the configured proxies, and nothing that a client can forge."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]

#: Of IPv6 only the network counts: a client changes the rest at will (contracts/analytics.md R22).
_IPV6_NETWORK_BITS = 64
#: More proxies in a row than any set-up has; the rest of a longer list is forged.
_MOST_HOPS = 32


def client_address(
    environ: Mapping[str, object], *, trusted: Networks, forwarded_header: str = "X-Forwarded-For"
) -> Address | None:
    """The client's address (contracts/analytics.md R25), or None when the peer's is unknown.

    `environ` is a WSGI environment or Django's `request.META`. The peer is the client unless it is
    one of the `trusted` networks, or on a Unix socket while there are such; then it is the
    right-most forwarded address that is not itself trusted. An entry that is no address ends the
    walk: what stands left of it proves nothing.
    """
    address = _parsed(str(environ.get("REMOTE_ADDR") or ""))
    # A peer without an address is on a Unix socket, so it is the operator's own proxy.
    peer_is_proxy = _is_in(address, trusted) if address else bool(trusted)
    if not peer_is_proxy:
        return address
    name = "HTTP_" + forwarded_header.upper().replace("-", "_")
    hops = str(environ.get(name) or "").split(",")
    for hop in reversed(hops[-_MOST_HOPS:]):
        forwarded = _parsed(hop.strip())
        if forwarded is None:
            return address
        address = forwarded
        if not _is_in(address, trusted):
            return address
    return address


def packed_network(address: Address) -> bytes:
    """What identifies the client: IPv4 whole (4 bytes), of IPv6 the first 64 bits (8 bytes)."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.packed[: _IPV6_NETWORK_BITS // 8]
    return address.packed


def _parsed(text: str) -> Address | None:
    """An address with or without port, brackets and zone; an IPv4-mapped one is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
