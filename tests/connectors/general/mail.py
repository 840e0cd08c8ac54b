"""A mail server on loopback that takes what it is given, or answers one command as a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """*replies* are answers to commands (``rcpt``, ``data``, ``.`` for the message itself) in place of the usual one;
    ``hang up`` ends the connection instead. *refused* receivers are answered 550."""

    port: int = 0
    replies: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    taken: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def messages(self) -> list[EmailMessage]:
        """What was taken."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            writer.write(b"220 mail.test\r\n")
            while line := await reader.readline():
                if not await self._obey(line.decode().strip(), reader, writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _obey(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        verb = line.partition(" ")[0].lower()
        if verb == "data" and "data" not in self.replies:
            writer.write(b"354 go on\r\n")
            raw = await reader.readuntil(b"\r\n.\r\n")
            if "." not in self.replies:
                self.taken.append(raw.removesuffix(b".\r\n"))
            verb = "."
        usual = "550 who" if any(one in line for one in self.refused) else "250 good"
        said = self.replies.get(verb, "221 bye" if verb == "quit" else usual)
        if said == "hang up":
            return False
        writer.write(f"{said}\r\n".encode())
        return verb != "quit"


@asynccontextmanager
async def serving() -> AsyncIterator[MailServer]:
    """A started server."""
    made = MailServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
