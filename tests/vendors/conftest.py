"""A sandbox in real time, and the clients' programs as subprocesses beside it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from daemon import clock
from daemon.sandbox.server import Sandbox
from tests.vendors import environments

PATIENCE = 60.0  # seconds for one program

Drive = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """All five services on loopback, with quick work."""
    served = Sandbox(clock.WallClock())
    await served.start()
    served.tonalytica.durations.update(pending=0, running=1_000)
    served.popily.durations.update(inspecting=100_000, calculating=200_000)
    try:
        yield served
    finally:
        await served.stop()


@pytest.fixture
def drive(tmp_path: Path) -> Drive:
    """Runs a program with a client: ``await drive(client, program, **arguments)`` gives what it tells."""

    async def driven(client: str, program: str, **arguments: Any) -> Any:
        python = await asyncio.to_thread(environments.python_of, client)
        process = await asyncio.create_subprocess_exec(
            python,
            environments.HERE / "programs" / f"{program}.py",
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                told, said = await process.communicate(json.dumps(arguments).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, said.decode()[-4000:]
        return json.loads(told)

    return driven
