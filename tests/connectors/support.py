"""What connector tests share: a client of the sandbox, and cursors as the daemon would keep them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from daemon.contract import declare, http
from daemon.sandbox.server import Sandbox


@asynccontextmanager
async def client_of(
    connector: declare.Connector, base_url: str, credentials: Mapping[str, Any]
) -> AsyncIterator[Any]:
    """A client of *connector* for a service at *base_url*; *credentials* may hold more than it needs."""
    assert connector.settings is not None
    known = {name: value for name, value in credentials.items() if name in connector.settings.model_fields}
    settings = connector.settings.model_validate({"base_url": base_url, **known})
    way = http.Http(settings.base_url)
    try:
        yield connector.client(settings, way)
    finally:
        await way.close()


def sandbox_client(connector: declare.Connector, sandbox: Sandbox) -> Any:
    """A context of a client with good credentials."""
    return client_of(connector, sandbox.urls[connector.kind], sandbox.credentials[connector.kind])


class Polling:
    """A watch polled again and again, its memory kept between the polls as the journal would."""

    def __init__(self, watch: declare.Watch, client: Any, **options: Any) -> None:
        self.watch = watch
        self.client = client
        self.options = watch.options.model_validate(options)
        self.memory: dict[str, Any] = {}
        self.polls = 0

    async def poll(self, *, announce: bool | None = None, **cursor: Any) -> list[Any]:
        """The facts of one poll; the first one announces nothing unless told to."""
        return [fact for seen in await self.look(announce=announce, **cursor) for fact in seen.facts]

    async def look(self, *, announce: bool | None = None, **cursor: Any) -> Sequence[declare.Seen]:
        """What one poll has seen."""
        cursor.setdefault("wanted", self.watch.wanted(self.options))
        told = self.polls > 0 if announce is None else announce
        given = declare.Cursor(memory=dict(self.memory), announce=told, now=0, **cursor)
        found = await self.watch.poll(self.client, self.options, given)
        self.polls += 1
        for seen in found:
            self.memory[seen.id] = seen.memory
            if seen.gone:
                del self.memory[seen.id]
        return found


def types_of(facts: Sequence[Any]) -> list[str]:
    """The facts' types, in order."""
    return [fact.type for fact in facts]
