"""A load generator that costs little: raw connections, one request under way on each, every answer read whole."""

import asyncio
import hashlib
import itertools
import time
from dataclasses import dataclass, field

import uvloop

from bench import servers


@dataclass(slots=True)
class Window:
    """What was seen in one window: answers, their statuses, their latencies, the server's processor seconds."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return sum(count for status, count in self.statuses.items() if status < 300) / self.seconds

    @property
    def cost(self) -> float:
        """Processor seconds of the server for one answer."""
        return self.cpu / max(1, sum(self.statuses.values()))

    def percentile(self, share: float) -> float:
        """The latency below which *share* of the answers came, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1_000


numbers = itertools.count(int(time.time() * 1_000) % 10**9)


def request(path: str, body: bytes, headers: str = "") -> bytes:
    """An HTTP request as bytes; *headers* are whole lines."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def pop_id(number: int) -> str:
    """The id of a pop."""
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()[:24]


def body_length(head: bytes) -> int:
    """How many bytes follow the *head* of an answer."""
    lower = head.lower()
    at = lower.index(b"content-length:") + 15
    return int(lower[at : lower.index(b"\r", at)])


def tracer_body(number: int) -> bytes:
    """A tracer callback of about a thousand bytes, about a pop of its own."""
    pop = pop_id(number)
    body = (
        f'{{"group":{{"id":"4fb3ccf3d3faa82f3d000001","name":"Sales"}},"pop":{{"id":"{pop}","name":"Offer {number}",'
        f'"title":"An offer","slug":"offer-{number}","domain":"offers.example.com",'
        f'"published_pop_url":"http://offers.example.com/offer-{number}","created_at":"2014-02-03T10:00:00Z"}},'
        '"tracer":{"name":"ada@example.com","code":"tc","analytics":{"views":6,"clicks":24,"links":{'
        + ",".join(f'"http://www.example.com/some/longer/link/{n}":{{"clicks":4}}' for n in range(6))
        + '},"assets":{"unnamed_region_0":{"132213ae12bc1312":{"clicks":10}},'
        '"my_image_region":{"132213ae21f4812f":{"clicks":10},"f48121f48121f421":{"clicks":3}}}}}}'
    )
    return body.encode()


async def _connection(port: int, path: str, until: float, seen: Window, headers: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < until:
        writer.write(request(path, tracer_body(next(numbers)), headers))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(body_length(head))
        status = int(head[9:12])
        seen.statuses[status] = seen.statuses.get(status, 0) + 1
        seen.latencies.append(time.perf_counter() - began)
    writer.close()


async def _press(port: int, path: str, connections: int, seconds: float, headers: str) -> Window:
    seen = Window()
    began = time.perf_counter()
    await asyncio.gather(
        *[_connection(port, path, began + seconds, seen, headers) for _ in range(connections)]
    )
    seen.seconds = time.perf_counter() - began
    return seen


def press(port: int, pid: int, path: str, connections: int, seconds: float, headers: str = "") -> Window:
    """Press *port* of the process *pid* with so many connections for *seconds*; what was seen."""
    servers.pin(servers.CLIENT_CORE)
    before = servers.cpu_seconds(pid)
    seen = uvloop.run(_press(port, path, connections, seconds, headers))
    seen.cpu = servers.cpu_seconds(pid) - before
    return seen
