"""Addresses: which are of the public Internet, and which a name stands for."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

#: Addresses for documentation (RFC 5737). Nothing on the Internet has them, so a stranger's URL gains nothing there;
#: gateways of closed networks answer with them for every outside name, and a builder behind one would reach nothing.
_GATEWAYS = tuple(ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
#: Global by number, yet only ever local: protocol assignments (RFC 6890; a metadata service of one cloud is in them, and
#: Python took them for global until 3.11.10), and the address at which another cloud's machines find their host.
_LOCAL = tuple(ip_network(text) for text in ("192.0.0.0/24", "168.63.129.16/32"))
_NAT64 = ip_network("64:ff9b::/96")
#: All that IANA has given to the public Internet; outside are the IPv4-compatible and site-local addresses of old.
_UNICAST = ip_network("2000::/3")


def is_public(address: Address) -> bool:
    """Say whether an address is one of the public Internet, whatever form of IPv6 it hides in."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        return address in _UNICAST and address.is_global
    if any(address in network for network in _GATEWAYS):
        return True
    return address.is_global and not address.is_multicast and not any(address in network for network in _LOCAL)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks as `10.0.0.0/8`; raises ValueError."""
    return tuple(ip_network(text.strip()) for text in texts if text.strip())


def networks_of(url: str) -> tuple[Network, ...]:
    """Return the addresses of a URL's host that are not of the public Internet: whoever names an index means it, wherever it is."""
    host = urlsplit(url).hostname
    try:
        found = [ip_address(text.partition("%")[0]) for text in resolve(host, 0)] if host else []
    except (OSError, UnicodeError):
        return ()
    return tuple(ip_network(address) for address in found if not is_public(address))


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host; raises OSError, UnicodeError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
