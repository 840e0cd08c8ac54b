"""Whether memory stays flat: after 20,000 events and after 200,000 more, a tenth of which a reaction takes up."""

import tempfile
from pathlib import Path

from bench import idle, load, servers

WARM, EVENTS = 20_000, 200_000
STEP = 5.0  # seconds to one window
GOAL = 5.0  # % more

REACTION = """
[[reaction]]
name = "note"
on = "populr.tracer.opened"
when = "event.subject[0] == 'a'"
do = [{ id = "say", action = "state.set", with = { key = "{{ event.subject[:2] }}", value = "{{ event.time }}" } }]
"""


def send(port: int, pid: int, count: int) -> int:
    """Let *count* callbacks at least be acknowledged; how many were."""
    done = 0
    while done < count:
        done += sum(load.press(port, pid, servers.tracer_path(), 16, STEP).statuses.values())
    return done


def main() -> None:
    """Print the row."""
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/flat.db"
        with servers.daemon(Path(name), url, REACTION) as (port, _, process):
            send(port, process.pid, WARM)
            before = idle.memory(process.pid, "Rss")
            sent = send(port, process.pid, EVENTS)
            after = idle.memory(process.pid, "Rss")
    more = (after / before - 1) * 100
    print(
        f"memory after {sent:,} more events: {before:.1f} -> {after:.1f} MiB, {more:+.1f} % "
        f"(goal {GOAL:+g}, {'met' if more <= GOAL else 'MISSED'})"
    )


if __name__ == "__main__":
    main()
