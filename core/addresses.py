"""Decides which addresses the server may dial: public ones and those the operator allowed."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable, Sequence

from core.errors import Forbidden, Upstream

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Turns a host name into the text forms of all its addresses; raises OSError when it has none.
Resolver = Callable[[str], Sequence[str]]


class AddressRefused(Forbidden):
    """The URL leads into a private or reserved network, or to a port that is not for the web."""

    code = "address_refused"


class HostUnknown(Upstream):
    """The host name has no address."""

    code = "host_unknown"


class LookupTimedOut(Upstream):
    """The name server did not answer within the time that was left."""

    code = "timed_out"


# Written out rather than left to `is_global`, whose lists differ between Python's patch releases.
# Source: the IANA special-purpose address registries (RFC 6890 and its successors).
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only 2000::/3 is global unicast; everything outside it (loopback, mapped, compatible, NAT64,
# unique local, link local, multicast) is refused at once, and these are the exceptions inside it.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # IETF assignments, Teredo (2001::/32) and benchmarking among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_ISATAP_MARK = 0x00005EFE  # interface identifier ::0:5efe:a.b.c.d also carries an IPv4 address
_ISATAP_MASK = 0xFCFFFFFF

_LAST_SYSTEM_PORT = 1023
#: Ports above it on which other protocols than HTTP listen: the "bad ports" of the Fetch standard
#: and the usual data stores, which must not be reached with a request line of a stranger's choice.
_REFUSED_HIGH_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566}
    | {6665, 6666, 6667, 6668, 6669, 6679, 6697, 9200, 9300, 10080, 11211, 27017}
)


def is_public(address: IPAddress) -> bool:
    """Whether the address is an ordinary one of the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address not in _GLOBAL_V6 or any(address in network for network in _REFUSED_V6):
        return False
    return (int(address) >> 32) & _ISATAP_MASK != _ISATAP_MARK


def literal_address(host: str) -> IPAddress | None:
    """The address that `host` spells, None for a name; touches no network.

    It reads what the system's resolver reads: decimal, octal, hexadecimal and shortened IPv4 too.
    """
    spelled = host.strip("[]").rstrip(".").lower()
    if spelled == "localhost" or spelled.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")  # RFC 6761 section 6.3
    try:
        return ipaddress.ip_address(spelled.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(spelled))
    except OSError:
        return None


def is_web_port(port: int) -> bool:
    """80, 443 and the ports above 1023 that no other well-known protocol owns."""
    return port in {80, 443} or (port > _LAST_SYSTEM_PORT and port not in _REFUSED_HIGH_PORTS)


def dialable_addresses(
    host: str, port: int, *, resolve: Resolver, allow: Iterable[IPNetwork], timeout: float
) -> list[str]:
    """All addresses of `host`, looked up once and each one checked, in the order to try them.

    One refused address refuses the host: a name that mixes public and private addresses is an
    attack or a mistake, never a web site. Addresses inside `allow` may be private and use any port.
    Raises `AddressRefused`, `HostUnknown` or `LookupTimedOut` (after `timeout` seconds).
    """
    allowed = tuple(allow)
    addresses = list(dict.fromkeys(_look_up(host, resolve=resolve, timeout=timeout)))
    if not addresses:
        raise HostUnknown(f"The host {host} was not found.")
    for text in addresses:
        # A scope ("fe80::1%eth0") names a link of this machine, so the rest decides nothing.
        address = ipaddress.ip_address(text.partition("%")[0])
        if any(address in network for network in allowed):
            continue
        if not is_public(address):
            raise AddressRefused(
                f"{host} is in a private or reserved network, which this server does not call."
            )
        if not is_web_port(port):
            raise AddressRefused(f"Port {port} is not a web port, so this server does not call it.")
    return addresses


def resolve_by_system(host: str) -> list[str]:
    """The system's answer for `host`; it also reads odd notations such as 0x7f.1 or 2130706433."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _family, _type, _protocol, _name, sockaddr in answers]


def _look_up(host: str, *, resolve: Resolver, timeout: float) -> Sequence[str]:
    """Run the resolver in a thread of its own, since getaddrinfo knows no time limit."""
    answers: list[Sequence[str]] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            answers.append(resolve(host))
        except (OSError, UnicodeError) as error:
            failures.append(error)

    thread = threading.Thread(target=work, name="outbound-lookup", daemon=True)
    thread.start()
    thread.join(max(timeout, 0))
    if failures:
        raise HostUnknown(f"The host {host} was not found.") from failures[0]
    if not answers:
        raise LookupTimedOut(f"The name server did not answer for {host} in time.")
    return answers[0]
