"""``make bench``: the measurements one after another, a process each; ``ARGS="ack idle"`` makes it some of them."""

import os
import subprocess
import sys

from bench import BENCHES


def main() -> None:
    """Run what is named, or all; end with 1 if one of them could not be run."""
    wished = sys.argv[1:] or BENCHES
    failed = []
    for name in wished:
        print(f"-- {name} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)", flush=True)
        if (
            name not in BENCHES
            or subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
        ):
            failed.append(name)
    if failed:
        print(f"not measured: {', '.join(failed)}. There are: {', '.join(BENCHES)}", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
