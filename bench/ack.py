"""What a durable 2xx costs: the daemon's acknowledgements beside the bare aiohttp handler's, in paired windows."""

import statistics
import tempfile
from pathlib import Path

from bench import load, servers
from bench.postgres import fresh_database

ROUNDS, SECONDS = 7, 1.0
BARE = "/hooks/a/tracer/b"
GOALS = {("sqlite", 16): 0.75, ("sqlite", 64): 0.85, ("postgresql", 16): 0.70, ("postgresql", 64): 0.80}
P99_GOAL = 1.5  # of the bare handler's, at 64 connections


# What is sent: Populr's tracer callback, each about a pop of its own (the event tells a rise beside what is remembered
# of the tracer, which is read and written with it), and the same body from any other sender, verified by its token.
SENDER = """
[[webhook]]
name = "sender"
verify = "token"
secret = "a-secret-for-measurements"
type = "offer.opened"
"""
KINDS = {
    "tracer": (servers.tracer_path(), ""),
    "webhook": ("/hooks/sender", "Authorization: Bearer a-secret-for-measurements\r\n"),
}


def measure(engine: str, url: str, folder: Path) -> list[str]:
    """Rows of the table for one engine."""
    rows = []
    with servers.bare() as bare, servers.daemon(folder, url, SENDER) as (port, _admin, process):
        ours = (port, process.pid)
        for kind, (path, headers) in KINDS.items():
            for connections in (16, 64):
                load.press(*bare, BARE, connections, 0.5)
                load.press(*ours, path, connections, 0.5, headers)
                pairs = [
                    (
                        load.press(*bare, BARE, connections, SECONDS, headers),
                        load.press(*ours, path, connections, SECONDS, headers),
                    )
                    for _ in range(ROUNDS)
                ]
                rows.append(_row(f"{engine} {kind}", engine, connections, pairs))
    return rows


def _row(name: str, engine: str, connections: int, pairs: list[tuple[load.Window, load.Window]]) -> str:
    ratios = sorted(ours.rate / bare.rate for bare, ours in pairs)
    bad = sum(count for _, ours in pairs for status, count in ours.statuses.items() if status != 202)
    goal = GOALS[(engine, connections)]
    median = statistics.median(ratios)
    bare = statistics.median(bare.rate for bare, _ in pairs)
    ours = statistics.median(ours.rate for _, ours in pairs)
    cost = statistics.median(ours.cost / bare.cost for bare, ours in pairs)
    p99 = statistics.median(ours.percentile(0.99) / bare.percentile(0.99) for bare, ours in pairs)
    return (
        f"{name:18} {connections:3} connections: bare {bare:6.0f}/s, daemon {ours:6.0f}/s, ratio {median:.2f} "
        f"({ratios[0]:.2f}-{ratios[-1]:.2f}), goal {goal:.2f} {'met' if median >= goal else 'MISSED'}; "
        f"processor {cost:.2f} x, p99 {p99:.2f} x bare's{_of_p99(connections, p99)}; answers other than 202: {bad}"
    )


def _of_p99(connections: int, p99: float) -> str:
    """How the slowest answers stand to their goal, which is for many connections."""
    if connections < 64:
        return ""
    return f", goal {P99_GOAL} {'met' if p99 <= P99_GOAL else 'MISSED'}"


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
