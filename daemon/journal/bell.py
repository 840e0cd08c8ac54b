"""The bell: wakes the loops of this process when the journal has something for them. It carries no state.

A ring that nobody heard is no loss: every loop looks at the journal again within a second by itself, which is also
how it notices what another process wrote.
"""

import asyncio


class Bell:
    """One wake-up, for one loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, or the next one who does."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Until the bell rings, *seconds* at most."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
