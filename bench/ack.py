"""What a durable 2xx costs: the daemon's acknowledgements beside the bare aiohttp handler's, in paired windows."""

import statistics
import tempfile
from pathlib import Path

from bench import load, servers
from bench.postgres import fresh_database

ROUNDS, SECONDS = 7, 1.0
GOALS = {("sqlite", 16): 0.60, ("sqlite", 64): 0.70, ("postgresql", 16): 0.55, ("postgresql", 64): 0.65}


def measure(engine: str, url: str, folder: Path) -> list[str]:
    """Rows of the table for one engine."""
    rows = []
    path = servers.tracer_path()
    with servers.bare() as bare, servers.daemon(folder, url) as (port, _admin, process):
        ours = (port, process.pid)
        for connections in (16, 64):
            for server in (bare, ours):
                load.press(*server, path, connections, 0.5)
            pairs = [
                (load.press(*bare, path, connections, SECONDS), load.press(*ours, path, connections, SECONDS))
                for _ in range(ROUNDS)
            ]
            rows.append(_row(engine, connections, pairs))
    return rows


def _row(engine: str, connections: int, pairs: list[tuple[load.Window, load.Window]]) -> str:
    ratios = sorted(ours.rate / bare.rate for bare, ours in pairs)
    bad = sum(count for _, ours in pairs for status, count in ours.statuses.items() if status != 202)
    goal = GOALS[(engine, connections)]
    median = statistics.median(ratios)
    bare = statistics.median(bare.rate for bare, _ in pairs)
    ours = statistics.median(ours.rate for _, ours in pairs)
    cost = statistics.median(ours.cost / bare.cost for bare, ours in pairs)
    p99 = statistics.median(ours.percentile(0.99) / bare.percentile(0.99) for bare, ours in pairs)
    return (
        f"{engine:10} {connections:3} connections: bare {bare:6.0f}/s, daemon {ours:6.0f}/s, ratio {median:.2f} "
        f"({ratios[0]:.2f}-{ratios[-1]:.2f}), goal {goal:.2f} {'met' if median >= goal else 'MISSED'}; "
        f"processor {cost:.2f} x, p99 {p99:.2f} x bare's; answers other than 202: {bad}"
    )


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        for row in measure("sqlite", f"sqlite:///{folder}/ack.db", Path(folder)):
            print(row)
        with fresh_database() as url:
            for row in measure("postgresql", url, Path(folder)):
                print(row)


if __name__ == "__main__":
    main()
