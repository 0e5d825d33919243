"""Where a request really comes from. Only a declared proxy's word counts (promise E3); ``daphne --proxy-headers`` believes anybody's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(blocks: Iterable[str]) -> tuple[Network, ...]:
    """CIDR blocks as networks; raises ``ValueError`` for what is none."""
    return tuple(ipaddress.ip_network(block.strip(), strict=False) for block in blocks)


@lru_cache(maxsize=4096)
def address(text: str) -> Address | None:
    """``text`` as an address, IPv4 inside IPv6 unwrapped; ``None`` where it is none."""
    try:
        found = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def within(peer: Address | None, blocks: Sequence[Network]) -> bool:
    """Whether ``peer`` is known and lies in one of ``blocks``."""
    return peer is not None and any(peer in block for block in blocks)


def true_peer(client: str, forwarded: Sequence[bytes], trusted: Sequence[Network]) -> Address | None:
    """The right-most hop that is not a declared proxy; ``None`` where a proxy hands on something unreadable.

    ``client``: address of the TCP connection. ``forwarded``: values of X-Forwarded-For in order. ``trusted``: declared proxies.
    """
    peer = address(client)
    if not trusted or not within(peer, trusted):
        return peer
    hops = [hop for line in forwarded for hop in line.decode("latin-1").split(",") if hop.strip()]
    for hop in reversed(hops):
        peer = address(hop)
        if not within(peer, trusted):
            return peer
    return peer
