"""A public side that listens on loopback, and a client that speaks to it byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from daemon import connectors
from daemon.app import listening
from daemon.contract import configured
from daemon.contract.secret_forms import Secret
from daemon.contract.secrets import Blanker
from daemon.intake import verifying
from daemon.intake.admission import Admission
from daemon.intake.rejecting import Rejections
from daemon.intake.webhooks import Doors, Hook, PublicSide, Sender
from daemon.journal import events, state
from daemon.journal.bell import Bell
from daemon.journal.database import Journal
from daemon.model.events import Event
from tests import clocks

SECRET = "the one that all tokens derive from"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
POP = "51536c6add02dc42d9000005"
MAX_BODY = 64 * 1024
CATALOG = connectors.discover()

SENDERS = {
    "orders": ("hmac-sha256", None, "orders-secret", None),
    "custom": ("hmac-sha256", "X-Signed", "custom-secret", None),
    "parcels": ("token", None, "parcels-token", None),
    "keyed": ("token", "X-Token", "keyed-token", "{{ body.id }}-{{ body.kind }}"),
    "lone": ("token", "X-Token", "lone-token", "{{ body.id }}"),
    "standard": ("standard-webhooks", None, STANDARD, None),
}


def path_of(account: str = "trusted", hook: str = "tracer") -> str:
    """Where an account's hook is called."""
    return verifying.callback_path(SECRET, account, hook)


def opening(views: int = 1, pop: str = POP, code: str | None = "tc", **more: Any) -> dict[str, Any]:
    """A documented tracer callback."""
    tracer = {"name": "Twitter", "code": code, "analytics": {"views": views, "clicks": 0, **more}}
    return {"group": {"id": "g1", "name": "Acme"}, "pop": {"id": pop, "name": "Offer"}, "tracer": tracer}


def built() -> Doors:
    """The hooks of two Populr accounts (``careful`` reads back), and the senders."""
    hooks = {
        (account, hook): Hook(
            account, verifying.derive_token(SECRET, account, hook), CATALOG.webhooks["populr", hook], readback
        )
        for account, readback in (("trusted", False), ("careful", True))
        for hook in ("tracer", "collaboration")
    }
    senders = {
        name: Sender(
            configured.Webhook(name, how, header, Secret("text", secret), f"{name}.received", key),  # type: ignore[arg-type]  # the literal's text
            secret,
        )
        for name, (how, header, secret, key) in SENDERS.items()
    }
    tokens = [hook.token for hook in hooks.values()]
    known = [*tokens, *(one.secret for one in senders.values())]
    return Doors(hooks, senders, Blanker(CATALOG.secret_names(), known), MAX_BODY)


@dataclass
class Answer:
    """One answer as it came; *lines* are the status line and the headers but the date's."""

    status: int
    lines: tuple[bytes, ...]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Door:
    """The public side, its journal, and where it listens."""

    side: PublicSide
    admission: Admission
    journal: Journal
    clock: clocks.VirtualClock
    router: Bell
    watches: Bell
    port: int
    listener: listening.Listener

    def servers(self) -> list[Any]:
        """aiohttp's servers behind the listener."""
        return [site._runner.server for site in self.listener._runner.sites]

    def connections(self) -> list[Any]:
        """The connections that are open."""
        return [one for server in self.servers() for one in server.connections]

    async def post(self, path: str, body: Any = b"", **headers: str) -> Answer:
        """Post *body* (anything but bytes goes as JSON); ``content_type`` names the header ``content-type``."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json", "content-length": str(len(raw))}
        given |= {name.replace("_", "-").lower(): value for name, value in headers.items()}
        lines = [f"{name}: {value}" for name, value in given.items() if value != "-"]
        head = f"POST {path} HTTP/1.1\r\nhost: here\r\n" + "".join(f"{line}\r\n" for line in lines)
        return (await self.speak(head.encode("utf-8", "surrogateescape") + b"\r\n" + raw))[0]

    async def speak(self, raw: bytes, answers: int = 1) -> list[Answer]:
        """Send *raw* on a connection of its own; so many answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(raw)
            async with asyncio.timeout(20):
                return [await read_answer(reader) for _ in range(answers)]
        finally:
            writer.close()

    async def events(self, **filters: Any) -> list[Event]:
        """What the journal has, oldest first."""
        found = await self.journal.read(lambda c: events.listed(c, events.Filters(limit=10_000, **filters)))
        return found[::-1]

    async def event(self, id: str) -> Event:
        """The event with *id*, which must be there."""
        found = await self.journal.read(lambda connection: events.get(connection, id))
        assert found is not None
        return found

    async def rejections(self) -> list[state.Rejection]:
        """What was refused, newest first."""
        return await self.journal.read(lambda connection: state.rejected(connection, 1_000))


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One answer off *reader*."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.rstrip(b"\r\n").split(b"\r\n")
    pairs = (line.decode().split(": ", 1) for line in lines[1:])
    headers = {name.lower(): value for name, value in pairs}
    status = int(lines[0].split()[1])
    length = int(headers.get("content-length", "0"))
    body = await reader.readexactly(length)
    told = tuple(line for line in lines if not line.lower().startswith(b"date:"))
    return Answer(status, told, headers, body)


@asynccontextmanager
async def opened(journal: Journal) -> AsyncIterator[Door]:
    """A public side over *journal*, listening until the end."""
    clock, router, watches = clocks.VirtualClock(), Bell(), Bell()
    admission = Admission(journal, clock, lambda _: router.ring(), watches.ring)
    side = PublicSide(admission, Rejections(journal, clock), built())
    listener = listening.Listener(side, [listening.bind("127.0.0.1", 0)])
    await listener.start()
    port = int(listener.addresses[0].rpartition(":")[2])
    try:
        yield Door(side, admission, journal, clock, router, watches, port, listener)
    finally:
        await listener.stop()
