"""Where ``http.request`` and fetched files may go: the operator's ``allow_hosts``, and no private address.

Pure; ``contract.http`` asks it before a name is looked up and again for every address that came out.
"""

import functools
import ipaddress
from dataclasses import dataclass, field

from daemon.model import reactions

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IPv6 networks whose last 32 bits are the IPv4 address that is meant: a NAT64 gateway's (RFC 6052), and the old
# compatible form (RFC 4291).
CARRIERS = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))


@dataclass(frozen=True, slots=True)
class Guard:
    """The parsed ``allow_hosts``: host globs (with an optional port) and networks."""

    hosts: tuple[tuple[str, int | None], ...] = ()
    networks: tuple[Network, ...] = field(default=())

    def allows_host(self, host: str, port: int) -> bool:
        """Whether *host* (a name or an address, without brackets) is named by the operator."""
        address = parse_address(host)
        if address is not None and any(address in network for network in self.networks):
            return True
        lower = host.lower().rstrip(".")
        return any(
            reactions.matches_glob(glob, lower) and wanted in (None, port) for glob, wanted in self.hosts
        )

    def allows_address(self, host: str, port: int, address: str) -> bool:
        """Whether *address*, to which *host* resolved, may be spoken to.

        A public address may. A private one only where the address itself, its network, or the very host name
        (no wildcard) is named.
        """
        found = parse_address(address)
        if found is None:
            return False
        if is_public(found) or any(found in network for network in self.networks):
            return True
        return any(host.lower() == name and wanted in (None, port) for name, wanted in self.hosts)


def parse_guard(entries: list[str]) -> Guard:
    """A :class:`Guard` of *entries* such as ``api.example.com``, ``*.example.com:8443``, ``10.0.0.0/8``."""
    hosts: list[tuple[str, int | None]] = []
    networks: list[Network] = []
    for entry in entries:
        network = _parse_network(entry)
        if network is not None:
            networks.append(network)
            continue
        host, port = _split_port(entry)
        bare = _parse_network(host)
        # An address with a port stays a host entry, so that the port counts.
        hosts.append((str(bare.network_address) if bare is not None else host.lower(), port))
    return Guard(tuple(hosts), tuple(networks))


def _split_port(entry: str) -> tuple[str, int | None]:
    host, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and 0 < int(port) < 65536:
        return host.strip("[]"), int(port)
    return entry.strip("[]"), None


def _parse_network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


@functools.lru_cache(maxsize=1_000)  # asked several times for every call, of a few addresses
def parse_address(text: str) -> Address | None:
    """The IP address that *text* is, or None for a name."""
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether *address* is on the open internet; IPv4 inside IPv6 is judged as the IPv4 address it is."""
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if any(address in network for network in CARRIERS):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    judged: Address = inner or address
    return judged.is_global and not judged.is_multicast
