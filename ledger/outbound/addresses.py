"""Where messages may go: https, and no address inside somebody's walls.

A URL that somebody typed must not become a way into the network this program runs in (server-side
request forgery). Names are resolved here, every address is judged, and the connection is made to an
address that was judged, never to the name again. Plain http is for loopback only, named as such.
Private networks are refused unless a setting allows them. Read next: `posting.py`.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from ledger.errors import Misuse

LONGEST_URL = 2000
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Target(NamedTuple):
    """A URL that was judged, in parts."""

    is_tls: bool
    host: str
    port: int
    path: str  # with the query


class Forbidden(Exception):
    """No address of this host may be called."""


def target_of(url: str) -> Target:
    """The parts of a URL that messages may go to. Raises Misuse, never repeating it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Misuse("the URL cannot be read") from None
    if not url.isascii() or len(url) > LONGEST_URL or any(c <= " " or c == "\x7f" for c in url):
        raise Misuse(f"the URL must be printable ASCII, at most {LONGEST_URL} characters")
    if parts.scheme not in ("https", "http") or not host or parts.fragment:
        raise Misuse("the URL must begin with https:// and name a host, without a fragment")
    if parts.username is not None or parts.password is not None:
        raise Misuse("the URL must hold no user and no password: messages are signed instead")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise Misuse("the URL must begin with https:// (plain http is for loopback only)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    is_tls = parts.scheme == "https"
    return Target(is_tls, host, port or (443 if is_tls else 80), path)


def allowed(target: Target, *, private: bool) -> list[tuple[int, str]]:
    """The (family, address) pairs at which this target may be called. Raises Forbidden when there
    is none, OSError when the name means nothing."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [(int(family), str(where[0])) for family, _, _, _, where in found]
    usable = [one for one in addresses if may_call(target.host, one[1], private=private)]
    if not usable:
        raise Forbidden
    return usable


def may_call(host: str, address: str, *, private: bool) -> bool:
    """Whether a message for this host may go to this address. Loopback must be asked for by name:
    a public name that means loopback is a trick."""
    judged = _meant(ipaddress.ip_address(address.partition("%")[0]))
    if judged.is_loopback:
        return host in LOOPBACK
    if judged.is_multicast or judged.is_unspecified or judged.is_link_local or judged.is_reserved:
        return False
    return judged.is_global or private


def _meant(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 one leads to, through whatever translates it: a public prefix
    (RFC 3056, RFC 6052) may lead back inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
