"""How a file at an address is fetched, before the call that sends it.

``app`` gives :func:`fetch` the guarded way out and hands it to each account's ``contract.http``, which opens the files
of a call with it. Only hosts of ``[http] allow_hosts`` are asked, addresses are checked after resolution, and redirects
are not followed.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

from daemon.contract import errors, http

LARGEST_FILE = 2 * 1024**3  # bytes of a file that is fetched
LONGEST_FETCH = 600.0  # seconds that it may take to come


async def fetch(way: http.Http, address: str, into: BinaryIO, largest: int = LARGEST_FILE) -> str:
    """Write the body of *address* to *into*, piece by piece, at most *largest* bytes; the content type it has.

    Every failure is told as another server's: nothing was sent to the account yet, so nothing is in doubt, and its
    credentials were not refused. A refusal is final, since no account could come back.
    """
    try:
        async with way.stream(address, LONGEST_FETCH) as (reply, pieces):
            http.refuse_redirect(reply)
            http.raise_for_status(reply, "")
            await _keep(pieces, into, largest)
            return reply.headers.get("content-type", "").partition(";")[0].strip()
    except errors.TemporaryError as failed:
        said = f"the file cannot be fetched: {failed.text}"
        if failed.unauthorized:
            raise errors.PermanentError(said) from None
        raise errors.TemporaryError(said, retry_after=failed.retry_after, elsewhere=True) from None
    except errors.PermanentError as refused:
        # Without its status and "missing": they would be taken for the account's service's.
        raise errors.PermanentError(f"the file cannot be fetched: {refused.text}") from None


async def _keep(pieces: AsyncIterator[bytes], into: BinaryIO, largest: int) -> None:
    left = largest
    async for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise errors.PermanentError(f"it is larger than {largest} bytes")
        await asyncio.to_thread(into.write, piece)
