"""Which addresses webhooks may reach: those of the public internet, and no other.

``ipaddress`` alone is too generous: it calls multicast, old site-local addresses and IPv4 addresses in the clothes of
IPv6 global. Everything that carries an IPv4 address is judged by that address, or refused.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

type Address = IPv4Address | IPv6Address

_REFUSED = tuple(
    ip_network(each)
    for each in (
        "::/96",  # IPv4-compatible, long abolished
        "64:ff9b::/96",  # translated to IPv4, also to private ones
        "64:ff9b:1::/48",
        "100::/64",  # discarded
        "2001::/32",  # Teredo carries an IPv4 address
        "2002::/16",  # 6to4 does too
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local, from before fc00::/7
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # a cloud's own services, at a public address
    )
)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the public internet, as far as its number tells."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
    if any(address.version == net.version and address in net for net in _REFUSED):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def is_loopback(address: Address) -> bool:
    """Say whether an address is this machine's own, an IPv4 address in IPv6 clothes included."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def read_address(text: str) -> Address | None:
    """Return the address that a host is written as, or None for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None
