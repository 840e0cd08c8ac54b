"""``pointsman sandbox``: the five services simulated, for trying a config of one's own."""

import asyncio
import signal
from typing import Annotated

import typer

from daemon import clock
from daemon.cli import context
from daemon.sandbox.server import Sandbox

SERVICES = 6  # ports in a row: five services and the control API


def sandbox(
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65_535 - SERVICES, help="The first of six ports in a row; 0 takes free ones."
        ),
    ] = 0,
) -> None:
    """Start the five services simulated.

    To try a config of one's own; nothing real is behind them. Prints the accounts as a config has them, the
    environment that they name, and an address that tells what there is and what happened, and how to make calls
    fail and people open pages. Runs until Ctrl-C.

    \b
      pointsman sandbox --port 9100
    """
    try:
        asyncio.run(_serve(port))
    except OSError as broken:
        context.fail(f"cannot listen: {broken.strerror or broken}. Name another --port.", context.NOT_GOOD)


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    served = Sandbox(clock.WallClock(), port)
    try:
        await served.start()
        print(describe(served), flush=True)
        await stop.wait()
    finally:
        await served.stop()


def describe(served: Sandbox) -> str:
    """The accounts of *served* as TOML, the environment they name, and the control API's URL."""
    tables: list[str] = []
    variables: list[str] = []
    for kind, url in served.urls.items():
        lines = [f"[services.{kind}]", f'base_url = "{url}"']
        for name, value in served.credentials[kind].items():
            variable = f"{kind}_{name}".upper()
            if name.startswith("query_key"):
                variables.append(f"# {name}: {value}")
            elif name == "username":
                lines.append(f'username = "{value}"')
            else:
                lines.append(f'{name} = {{ env = "{variable}" }}')
                variables.append(f"export {variable}='{value}'")
        tables.append("\n".join(lines))
    parts = [
        "# for the config",
        "\n\n".join(tables),
        "\n# for the shell; these credentials open the simulated services and nothing else",
        "\n".join(variables),
        f"\n# faults, time and what happened: {served.control_url}",
    ]
    return "\n".join(parts)
