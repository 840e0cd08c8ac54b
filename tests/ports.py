"""Ports that nobody listens on.

Taken from below the range that the kernel gives to outgoing connections, so that none of those takes the
port between the asking and the listening.
"""

import random
import socket

RANGE = range(20_000, 32_000)
_given: set[int] = set()
_random = random.SystemRandom()  # not the seeded one: parallel test processes share the seed


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of *host* that could be bound a moment ago, and that this process was not given before."""
    for _ in range(1_000):
        port = _random.choice(RANGE)
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError(f"no free port on {host} in {RANGE}")
