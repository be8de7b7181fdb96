"""Addresses of clusters: which may be talked to, and which only with TLS or on somebody's word.

Who can talk to a scheduler of dask can run any program on its workers, and what comes back from it is loaded as Python
objects. On the loopback of one machine that is the user's own affair; over a network it needs certificates.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from sim.errors import LendsimError

SCHEMES = ("tcp", "tls")
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>\d+))?/?"
)
_ALLOWED = "a cluster's address is tcp://HOST:PORT or tls://HOST:PORT, such as tcp://127.0.0.1:8786"


class ClusterError(LendsimError):
    """A cluster is refused, cannot be reached, was lost, or would not do the same work."""


@dataclass(frozen=True)
class Address:
    """Where a scheduler listens."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True when nothing that is sent there leaves the machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def read_address(text: str, *, insecure: bool = False) -> Address:
    """Read the address of a scheduler.

    Parameters
    ----------
    insecure
        Allow ``tcp://`` to another machine.

    Raises
    ------
    ClusterError
        If it is no address, or one of another machine without TLS.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ClusterError(f"{text!r} is no address of a cluster; {_ALLOWED}")
    if found["scheme"] not in SCHEMES:
        raise ClusterError(f"{text}: {found['scheme']}:// is not spoken here; {_ALLOWED}")
    if found["port"] is None or not 0 < int(found["port"]) < 65536:
        raise ClusterError(f"{text}: no port between 1 and 65535 (dask's usual one is 8786); {_ALLOWED}")
    if found["host"].startswith("["):
        try:
            ipaddress.IPv6Address(found["host"][1:-1])
        except ValueError:
            raise ClusterError(f"{text}: {found['host']} is no IPv6 address; {_ALLOWED}") from None
    address = Address(found["scheme"], found["host"], int(found["port"]))
    if address.scheme == "tcp" and not address.is_loopback and not insecure:
        raise ClusterError(
            f"{text}: another machine over a line that is neither encrypted nor checked; use tls:// with certificates, "
            "or, where everyone on the network is trusted, --insecure-cluster (in Python: insecure=True)"
        )
    return address
